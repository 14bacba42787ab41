/**
 * The public client: one identity's streams to all replicas and the calls over them. Turns the protocol's
 * outcomes into results and errors. Made by `connect`.
 */
import { InvalidInputError, type ClientId } from '../base/index.js';
import { decodeResult, encodeOperation, type Operation, type Result } from '../codec/index.js';
import type { Driver, PendingCall } from './driver.js';
import {
  clientClosed,
  refusedByService,
  refusedBySession,
  unavailable,
  unexpectedResult,
  unknownOutcome,
} from './failures.js';
import type { Identity } from './identity.js';
import type { Links, ReplicaStatus } from './links.js';
import { checkOperationSize, checkOptions, checkSignal, checkSpaceName, checkTimeout } from './options.js';
import type { CallOptions } from './options.js';
import { defaultClientSettings, operationBytesMax } from './settings.js';
import { Space, type Caller } from './space.js';

export interface ClientParts {
  readonly identity: Pick<Identity, 'name' | 'id' | 'cluster'>;
  readonly driver: Pick<Driver, 'call' | 'close'>;
  readonly links: Pick<Links, 'problems' | 'status' | 'close'>;
  /** Default time-out of calls, ms. */
  readonly timeoutMs: number;
}

export interface ExecuteOptions extends CallOptions {
  /** A read that changes nothing and need not be ordered. */
  readonly fastRead?: boolean | undefined;
}

const statusTimeoutMs = 2_000;

export class Client implements AsyncDisposable {
  /** This identity's public key, 64 hexadecimal digits. */
  readonly id: ClientId;
  /** Its name in the cluster file, as in `entry.owner`. */
  readonly name: string;
  readonly #parts: ClientParts;
  readonly #names: ReadonlyMap<ClientId, string>;
  readonly #caller: Caller;
  #isClosed = false;

  constructor(parts: ClientParts) {
    const { identity } = parts;
    this.#parts = parts;
    this.id = identity.id;
    this.name = identity.name;
    this.#names = new Map(identity.cluster.clients.map(({ name, publicKey }) => [publicKey, name]));
    this.#caller = {
      call: (operation, isFastRead, options) => this.#call(operation, isFastRead, options),
      nameOf: (client) => this.#names.get(client) ?? client,
      timeoutMs: parts.timeoutMs,
      clockSkewMaxMs: identity.cluster.settings.clockSkewMaxMs ?? defaultClientSettings.clockSkewMaxMs,
    };
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
    const timeoutMs = checkTimeout(options?.timeout ?? this.#parts.timeoutMs, 'timeout');
    const signal = checkSignal(options?.signal);
    checkOperationSize(operation.length);
    signal?.throwIfAborted();
    if (this.#isClosed) throw clientClosed();
    const call = this.#parts.driver.call(operation, isFastRead, timeoutMs);
    const onAbort = (): void => call.cancel();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await this.#finish(name, call, timeoutMs, signal);
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
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
        throw this.#unknown(name, timeoutMs, signal);
      case 'unavailable':
        signal?.throwIfAborted();
        if (this.#isClosed) throw clientClosed();
        throw unavailable(name, `${timeoutMs} ms passed`, this.#parts.links.problems());
    }
  }

  #unknown(name: string, timeoutMs: number, signal: AbortSignal | undefined): Error {
    if (signal?.aborted === true) return unknownOutcome(name, 'the call was aborted', [], signal.reason);
    if (this.#isClosed) return unknownOutcome(name, 'the client was closed', []);
    return unknownOutcome(name, `no answer came within ${timeoutMs} ms`, this.#parts.links.problems());
  }

  /** Ends open calls (with an unknown outcome if they were sent) and closes every stream. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#parts.driver.close();
    this.#parts.links.close();
    // Those who wait for a call learn its end before those who wait for this.
    await new Promise((resolve) => setImmediate(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
