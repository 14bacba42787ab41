/**
 * The public client: one identity's streams to all replicas and the calls over them. Turns the protocol's
 * outcomes into results and errors. Made by `connect`.
 */
import { InvalidInputError, type ClientId } from '../base/index.js';
import {
  decodeResult,
  encodeOperation,
  type Operation,
  type Result,
  type EntryEvent as WireEvent,
} from '../codec/index.js';
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
import type { RequestName } from './protocol.js';
import { Space, type Caller } from './space.js';
import { Subscription, type SpaceEvent, type Subscribing } from './subscription.js';
import { OpenWaits, type WaitEvents, type WaitFailure, type WaitOperation } from './waits.js';

export interface ClientParts {
  readonly identity: Pick<Identity, 'name' | 'publicKey' | 'cluster'>;
  readonly driver: CallDriver;
  readonly links: Pick<Links, 'problems' | 'status' | 'close'>;
  /** Default time-out of calls, ms. */
  readonly timeoutMs: number;
  /** That of `driver`; default: the process's. */
  readonly clock?: LeaseClock | undefined;
}

export interface ExecuteOptions extends CallOptions {
  /** A read that changes nothing and need not be ordered. */
  readonly fastRead?: boolean | undefined;
}

const statusTimeoutMs = 2_000;
/** How long closing waits for the ends of waits. */
const closePatienceMs = 1_000;

type SubscribeOperation = Extract<Operation, { readonly kind: 'subscribe' }>;

export class Client implements AsyncDisposable {
  /** The name of this identity, unique in its cluster: `invoker` in policies, `entry.owner` of what it inserts. */
  readonly id: string;
  /** Its public key, 64 hexadecimal digits. */
  readonly publicKey: ClientId;
  readonly #parts: ClientParts;
  readonly #clock: LeaseClock;
  readonly #caller: Caller;
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
    this.#caller = {
      call: (operation, isFastRead, options) => this.#call(operation, isFastRead, options),
      wait: (operation, events) => this.#wait(operation, events),
      subscribe: (operation, signal, toEvent) => this.#subscribe(operation, signal, toEvent),
      timeoutMs: parts.timeoutMs,
      clock: this.#clock,
      clockSkewMaxMs: identity.cluster.settings.clockSkewMaxMs ?? defaultClientSettings.clockSkewMaxMs,
    };
  }

  /** Clients and spaces, for the admin; what there is of spaces, for everybody. */
  get admin(): Administration {
    return new Administration(this.#caller.call);
  }

  /** The space of that name; whether it exists shows with the first operation. */
  space(name: string): Space {
    return new Space(checkSpaceName(name), this.#caller);
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
    if (!(operation instanceof Uint8Array) || operation.length > operationBytesMax) {
      const message = `an operation is a Uint8Array of at most ${operationBytesMax} bytes`;
      throw new InvalidInputError('INVALID_OPERATION', message, { sizeBytesMax: operationBytesMax });
    }
    return this.#run('execute', operation, options?.fastRead === true, options);
  }

  async #call(operation: Operation, isFastRead: boolean, options: CallOptions | undefined): Promise<Result> {
    const { kind } = operation;
    const result = decodeResult(await this.#run(kind, encodeOperation(operation), isFastRead, options));
    if (result === null) throw unexpectedResult(kind);
    if (result.kind === 'refused') throw refusedByService(result, kind);
    return result;
  }

  async #run(
    name: string,
    operation: Uint8Array,
    isFastRead: boolean,
    options: CallOptions | undefined,
  ): Promise<Uint8Array> {
    return (await this.#runKnown(name, operation, isFastRead, options)).bytes;
  }

  /** With the request that the replicas know it as. */
  async #runKnown(
    name: string,
    operation: Uint8Array,
    isFastRead: boolean,
    options: CallOptions | undefined,
  ): Promise<{ readonly bytes: Uint8Array; readonly request: RequestName | null }> {
    const timeoutMs = checkTimeout(options?.timeout ?? this.#parts.timeoutMs, 'timeout');
    const signal = checkSignal(options?.signal);
    checkOperationSize(operation.length);
    signal?.throwIfAborted();
    if (this.#isClosed) throw clientClosed();
    const call = this.#parts.driver.call(operation, { isFastRead }, timeoutMs);
    const onAbort = (): void => call.cancel();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return { bytes: await this.#finish(name, call, timeoutMs, signal), request: call.request() };
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async #wait(operation: WaitOperation, events: WaitEvents): Promise<Result> {
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
    const result = await this.#waits.run(waiting, operation, events);
    if (result.kind !== 'cancelled') return result;
    signal?.throwIfAborted();
    throw this.#isClosed ? closedWhileWaiting(operation.kind) : unexpectedResult(operation.kind);
  }

  #subscribe<Entry>(
    operation: SubscribeOperation,
    signal: AbortSignal | undefined,
    toEvent: (sequence: number, event: WireEvent) => SpaceEvent<Entry>,
  ): Subscription<Entry> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw clientClosed();
    const { driver, timeoutMs } = this.#parts;
    const { kind, space } = operation;
    const subscribing: Subscribing<Entry> = {
      toEvent,
      subscribe: async (from) => {
        const bytes = encodeOperation({ ...operation, from });
        const answer = await this.#runKnown(kind, bytes, false, undefined);
        const result = decodeResult(answer.bytes);
        if (result === null || answer.request === null) throw unexpectedResult(kind);
        if (result.kind === 'refused') throw refusedByService(result, kind);
        return { result, request: answer.request };
      },
      follow: (request, after, listener) => driver.follow(request, after, listener),
      unsubscribe: async ({ session, number }) => {
        // Without an answer it ends with the session.
        await driver.call(encodeOperation({ kind: 'cancel', space, session, number }), {}, timeoutMs).outcome;
      },
      onEnd: () => this.#subscriptions.delete(subscription),
    };
    const subscription = new Subscription<Entry>(subscribing, operation.from, signal);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async #finish(
    name: string,
    call: PendingCall,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const outcome = await call.outcome;
    switch (outcome.kind) {
      case 'result':
        return outcome.result;
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
