/**
 * The public client: one identity's streams to all replicas and the calls over them. Turns the protocol's
 * outcomes into results and errors. Made by `connect`.
 */
import { InvalidInputError, type ClientId } from '../base/index.js';
import { decodeResult, encodeOperation, type Operation, type Result } from '../codec/index.js';
import { sharingKeysOf } from '../crypto/index.js';
import { Administration } from './administration.js';
import { processClock, type LeaseClock } from './clock.js';
import type { CallDriver, PendingCall } from './driver.js';
import {
  clientClosed,
  closedWhileWaiting,
  refusedByService,
  refusedBySession,
  refusedMeanwhile,
  unavailable,
  unexpectedResult,
  unknownOutcome,
} from './failures.js';
import type { Identity } from './identity.js';
import type { Links, ReplicaStatus } from './links.js';
import { checkOperationSize, checkOptions, checkSignal, checkSpaceName, checkTimeout } from './options.js';
import type { CallOptions } from './options.js';
import { defaultClientSettings, operationBytesMax } from './settings.js';
import {
  sharesPart,
  type CallOperation,
  type CallOutcome,
  type RequestName,
  type Shares,
} from './protocol.js';
import type { Answer } from './answers.js';
import type { RawCaller, SubscribeOperation } from './raw-caller.js';
import { sealPortsOf, Seals, type ReplicaFault, type SealPorts } from './seals.js';
import { Space, type Caller } from './space.js';
import type { SpaceOptions } from './space-options.js';
import { SpaceCaller } from './space-caller.js';
import { SpaceKeys } from './space-keys.js';
import { Subscription, type Subscribing } from './subscription.js';
import { OpenWaits, type WaitEvents, type WaitFailure, type WaitOperation } from './waits.js';

export interface ClientParts {
  readonly identity: Pick<Identity, 'name' | 'publicKey' | 'cluster'>;
  readonly driver: CallDriver;
  readonly links: Pick<Links, 'problems' | 'status' | 'close'>;
  /** Default time-out of calls, ms. */
  readonly timeoutMs: number;
  /** That of `driver`; default: the process's. */
  readonly clock?: LeaseClock | undefined;
  /** Default: the process's randomness and threads. */
  readonly sealPorts?: SealPorts | undefined;
}

export interface ExecuteOptions extends CallOptions {
  /** A read that changes nothing and need not be ordered. */
  readonly fastRead?: boolean | undefined;
}

const statusTimeoutMs = 2_000;
/** How long closing waits for the ends of waits. */
const closePatienceMs = 1_000;

interface Known {
  readonly request: RequestName | null;
  readonly shares?: Shares;
}
type KnownAnswer = Known & { readonly result: Result };
type KnownBytes = Known & { readonly bytes: Uint8Array };

export class Client implements AsyncDisposable {
  /** The name of this identity, unique in its cluster: `invoker` in policies, `entry.owner` of what it inserts. */
  readonly id: string;
  /** Its public key, 64 hexadecimal digits. */
  readonly publicKey: ClientId;
  readonly #parts: ClientParts;
  readonly #clock: LeaseClock;
  readonly #raw: RawCaller;
  readonly #caller: Caller;
  /** Null: no space is confidential. */
  readonly #seals: Seals | null;
  readonly #keys: SpaceKeys;
  readonly #waits = new OpenWaits();
  readonly #subscriptions = new Set<{ close(): Promise<void> }>();
  /** From then on nothing new is begun. */
  #isClosed = false;
  #closing: Promise<void> | null = null;

  constructor(parts: ClientParts) {
    const { identity } = parts;
    this.#parts = parts;
    this.#clock = parts.clock ?? processClock;
    this.id = identity.name;
    this.publicKey = identity.publicKey;
    this.#raw = {
      call: (operation, isFastRead, options) => this.#call(operation, isFastRead, options),
      callBound: (name, operation, options) => this.#answer(name, operation, false, options),
      wait: (operation, events) => this.#wait(operation, events),
      subscribe: (begin, from, signal, toEvent) => this.#subscribe(begin, from, signal, toEvent),
    };
    const sharingKeys = sharingKeysOf(identity.cluster);
    this.#seals =
      sharingKeys === null
        ? null
        : new Seals(parts.sealPorts ?? sealPortsOf(sharingKeys), identity.publicKey, (replica) =>
            parts.driver.distrust(replica),
          );
    this.#keys = new SpaceKeys(this.#raw, this.#seals);
    this.#caller = new SpaceCaller({
      raw: this.#raw,
      keys: this.#keys,
      seals: this.#seals,
      timeoutMs: parts.timeoutMs,
      clock: this.#clock,
      clockSkewMaxMs: identity.cluster.settings.clockSkewMaxMs ?? defaultClientSettings.clockSkewMaxMs,
    });
  }

  /** Clients and spaces, for the admin; what there is of spaces, for everybody. */
  get admin(): Administration {
    return new Administration({
      raw: this.#raw,
      seals: this.#seals,
      spaceChanged: (name) => this.#keys.forget(name),
    });
  }

  /** The space of that name; whether it exists shows with the first operation. */
  space(name: string, options?: SpaceOptions): Space {
    return new Space(checkSpaceName(name), this.#caller, options);
  }

  /** Replicas that this client has caught lying about what is sealed; the last 256 times. */
  get replicaFaults(): readonly ReplicaFault[] {
    return this.#seals?.faults ?? [];
  }

  /** What each replica says about itself, unreachable ones included; in the order of their ids. */
  async status(options?: { readonly timeout?: number | undefined }): Promise<ReplicaStatus[]> {
    checkOptions(options, ['timeout'], 'status');
    const timeoutMs = checkTimeout(options?.timeout ?? statusTimeoutMs, 'timeout');
    if (this.#isClosed) throw clientClosed();
    return this.#parts.links.status(timeoutMs);
  }

  /**
   * For a state machine of one's own (theodora/ordering): has one operation ordered, or with `fastRead` asks for
   * it without ordering. Returns the bytes that the replicas agree on.
   */
  async execute(operation: Uint8Array, options?: ExecuteOptions): Promise<Uint8Array> {
    checkOptions(options, ['timeout', 'signal', 'fastRead'], 'execute');
    // An empty one would only renew the session, and never reach the state machine.
    const isOne = operation instanceof Uint8Array && operation.length > 0;
    if (!isOne || operation.length > operationBytesMax) {
      const message = `an operation is a Uint8Array of 1 to ${operationBytesMax} bytes`;
      throw new InvalidInputError('INVALID_OPERATION', message, { sizeBytesMax: operationBytesMax });
    }
    return (await this.#run('execute', operation, options?.fastRead === true, options)).bytes;
  }

  async #call(
    operation: Operation,
    isFastRead: boolean,
    options: CallOptions | undefined,
  ): Promise<KnownAnswer> {
    return this.#answer(operation.kind, encodeOperation(operation), isFastRead, options);
  }

  /** A refusal is an error. */
  async #answer(
    name: string,
    operation: CallOperation,
    isFastRead: boolean,
    options: CallOptions | undefined,
  ): Promise<KnownAnswer> {
    const { bytes, ...known } = await this.#run(name, operation, isFastRead, options);
    const result = decodeResult(bytes);
    if (result === null) throw unexpectedResult(name);
    if (result.kind === 'refused') throw refusedByService(result, name);
    return { result, ...known };
  }

  /** With the request that the replicas know it as. */
  async #run(
    name: string,
    operation: CallOperation,
    isFastRead: boolean,
    options: CallOptions | undefined,
  ): Promise<KnownBytes> {
    const timeoutMs = checkTimeout(options?.timeout ?? this.#parts.timeoutMs, 'timeout');
    const signal = checkSignal(options?.signal);
    checkOperationSize(operation.length);
    signal?.throwIfAborted();
    if (this.#isClosed) throw clientClosed();
    const call = this.#parts.driver.call(operation, { isFastRead }, timeoutMs);
    const onAbort = (): void => call.cancel();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const { result, shares } = await this.#finish(name, call, timeoutMs, signal);
      return { bytes: result, request: call.request(), ...sharesPart(shares) };
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async #wait(operation: WaitOperation, events: WaitEvents): Promise<Answer> {
    const { signal } = events;
    signal?.throwIfAborted();
    if (this.#isClosed) throw clientClosed();
    const { driver, links, timeoutMs } = this.#parts;
    const failed = (name: string, failure: WaitFailure): Error => {
      if (failure === 'unavailable') return this.#unavailable(name, timeoutMs);
      if (failure === 'unknown' || signal?.aborted === true || this.#isClosed)
        return this.#unknown(name, timeoutMs, signal);
      return unknownOutcome(name, 'its session was lost', links.problems());
    };
    const waiting = { driver, timeoutMs, nowMs: () => this.#clock.nowMs(), failed };
    const answer = await this.#waits.run(waiting, operation, events);
    if (answer.result.kind !== 'cancelled') return answer;
    signal?.throwIfAborted();
    throw this.#isClosed ? closedWhileWaiting(operation.kind) : unexpectedResult(operation.kind);
  }

  #subscribe<Entry>(
    begin: () => SubscribeOperation | Promise<SubscribeOperation>,
    firstWanted: number | null,
    signal: AbortSignal | undefined,
    toEvent: Subscribing<Entry>['toEvent'],
  ): Subscription<Entry> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw clientClosed();
    const { driver, timeoutMs } = this.#parts;
    let space = '';
    const subscribing: Subscribing<Entry> = {
      toEvent,
      subscribe: async (from) => {
        const begun = begin();
        const operation = begun instanceof Promise ? await begun : begun;
        space = operation.space;
        const { result, request } = await this.#call({ ...operation, from }, false, undefined);
        if (request === null) throw unexpectedResult(operation.kind);
        return { result, request };
      },
      follow: (request, after, listener) => driver.follow(request, after, listener),
      unsubscribe: async ({ session, number }) => {
        // Without an answer it ends with the session.
        await driver.call(encodeOperation({ kind: 'cancel', space, session, number }), {}, timeoutMs).outcome;
      },
      onEnd: () => this.#subscriptions.delete(subscription),
    };
    const subscription = new Subscription<Entry>(subscribing, firstWanted, signal);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async #finish(
    name: string,
    call: PendingCall,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Extract<CallOutcome, { readonly kind: 'result' }>> {
    const outcome = await call.outcome;
    switch (outcome.kind) {
      case 'result':
        return outcome;
      case 'refused':
        throw refusedBySession(outcome.code, name);
      case 'unknown':
        throw outcome.isRefused === true
          ? refusedMeanwhile(name, this.#parts.links.problems())
          : this.#unknown(name, timeoutMs, signal);
      case 'unavailable':
        signal?.throwIfAborted();
        throw this.#unavailable(name, timeoutMs);
    }
  }

  #unavailable(name: string, timeoutMs: number): Error {
    if (this.#isClosed) return clientClosed();
    return unavailable(name, `${timeoutMs} ms passed`, this.#parts.links.problems());
  }

  #unknown(name: string, timeoutMs: number, signal: AbortSignal | undefined): Error {
    if (signal?.aborted === true) return unknownOutcome(name, 'the call was aborted', [], signal.reason);
    if (this.#isClosed) return unknownOutcome(name, 'the client was closed', []);
    return unknownOutcome(name, `no answer came within ${timeoutMs} ms`, this.#parts.links.problems());
  }

  /**
   * Has waits cancelled, which ends those that have found nothing, ends subscriptions and open calls (with an unknown
   * outcome if they were sent), and closes every stream. Waits at most a second for the service.
   */
  close(): Promise<void> {
    this.#isClosed = true;
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#endWaits();
    const isClosed = this.#parts.driver.close();
    this.#seals?.close();
    this.#parts.links.close();
    // Those who wait for a call learn its end before those who wait for this.
    await isClosed;
  }

  async #endWaits(): Promise<void> {
    if (this.#waits.size + this.#subscriptions.size === 0) return;
    const ended = [this.#waits.cancelAll(), ...[...this.#subscriptions].map((open) => open.close())];
    let forget = (): void => undefined;
    const patience = new Promise<void>((resolve) => {
      forget = this.#clock.after(Math.min(closePatienceMs, this.#parts.timeoutMs), resolve);
    });
    await Promise.race([Promise.all(ended), patience]);
    forget();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
