/**
 * Operations that wait at the replicas (`rd`, `in`), as promises. A cancel is ordered like everything else, so it
 * comes either before the match or after it: an entry that was taken is never dropped. When the session is lost, `rd`
 * begins again, since it changes nothing; of `in` nobody knows whether it took something.
 */
import type { Operation, Result } from '../codec/index.js';
import { decodeResult, encodeOperation } from '../codec/index.js';
import { refusedByService, refusedBySession, unexpectedResult } from './failures.js';
import type { CallDriver, PendingCall } from './driver.js';
import { sharesPart, type CallOutcome, type RequestName } from './protocol.js';
import type { Answer } from './answers.js';

export type WaitOperation = Extract<Operation, { readonly kind: 'rd' | 'in' }>;

/** Not known because nobody answered in time, or because the session was lost; or certainly never begun. */
export type WaitFailure = 'unknown' | 'lost' | 'unavailable';

/** What waiting needs of the client. */
export interface Waiting {
  readonly driver: Pick<CallDriver, 'call'>;
  /** For registering, and for a cancel, ms. */
  readonly timeoutMs: number;
  nowMs(): number;
  failed(operation: WaitOperation['kind'], failure: WaitFailure): Error;
}

/** What ends a wait from outside, and who hears that it has begun. */
export interface WaitEvents {
  readonly signal: AbortSignal | undefined;
  readonly onWaiting: (() => void) | undefined;
}

/** Ends waits that are open, as when the client closes. */
export class OpenWaits {
  readonly #waits = new Set<Wait>();

  get size(): number {
    return this.#waits.size;
  }

  /** Resolves with the result: an entry, none, or `cancelled`. A refusal is an error. */
  async run(waiting: Waiting, operation: WaitOperation, events: WaitEvents): Promise<Answer> {
    const { signal, onWaiting } = events;
    const wait = new Wait(waiting, operation, onWaiting);
    const onAbort = (): void => void wait.cancel();
    this.#waits.add(wait);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await wait.end();
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#waits.delete(wait);
    }
  }

  /** Resolves when all are over. */
  async cancelAll(): Promise<void> {
    await Promise.all([...this.#waits].map((wait) => wait.cancel()));
  }
}

/** One registration at the replicas. */
interface Round {
  readonly call: PendingCall;
  /** Once it is known to wait. */
  request: RequestName | null;
  isOver: boolean;
}

class Wait {
  readonly #waiting: Waiting;
  readonly #operation: WaitOperation;
  readonly #onWaiting: (() => void) | undefined;
  readonly #startedAtMs: number;
  #round: Round;
  #isCancelled = false;

  constructor(waiting: Waiting, operation: WaitOperation, onWaiting: (() => void) | undefined) {
    this.#waiting = waiting;
    this.#onWaiting = onWaiting;
    this.#operation = operation;
    this.#startedAtMs = waiting.nowMs();
    this.#round = this.#register(operation.timeout);
  }

  async end(): Promise<Answer> {
    const { kind } = this.#operation;
    for (;;) {
      const round = this.#round;
      const outcome = await round.call.outcome;
      round.isOver = true;
      if (outcome.kind === 'result') {
        const { result, shares } = outcome;
        return { result: this.#resultOf(result), ...sharesPart(shares) };
      }
      if (outcome.kind === 'refused') throw refusedBySession(outcome.code, kind);
      if (this.#isCancelled && (kind === 'rd' || outcome.kind === 'unavailable'))
        return { result: { kind: 'cancelled' } };
      const wasWaiting = round.request !== null;
      if (kind === 'in' || !wasWaiting) throw this.#waiting.failed(kind, failureOf(outcome.kind, wasWaiting));
      this.#round = this.#register(this.#remaining());
    }
  }

  #resultOf(bytes: Uint8Array): Result {
    const { kind } = this.#operation;
    const result = decodeResult(bytes);
    if (result === null) throw unexpectedResult(kind);
    if (result.kind === 'refused') throw refusedByService(result, kind);
    return result;
  }

  /** Looks at least once more: whether there is a match now, only the replicas know. */
  #remaining(): number | null {
    const { timeout } = this.#operation;
    if (timeout === null) return null;
    return Math.max(1, Math.floor(timeout - (this.#waiting.nowMs() - this.#startedAtMs)));
  }

  #register(timeout: number | null): Round {
    const { driver, timeoutMs } = this.#waiting;
    const onWaiting = (request: RequestName): void => {
      round.request = request;
      // Given up before it was known to wait: nobody would take what it finds.
      if (this.#isCancelled || round.isOver) void this.#orderCancel(round.call, request);
      else this.#onWaiting?.();
    };
    const call = driver.call(encodeOperation({ ...this.#operation, timeout }), { onWaiting }, timeoutMs);
    const round: Round = { call, request: null, isOver: false };
    return round;
  }

  /** Has a cancel ordered, once it is known what to cancel; resolves when the wait is over. */
  async cancel(): Promise<void> {
    const { call, request } = this.#round;
    if (!this.#isCancelled) {
      this.#isCancelled = true;
      call.cancel(true);
      if (request !== null) void this.#orderCancel(call, request);
    }
    await call.outcome;
  }

  /** The outcome of the wait itself tells which came first; without an answer the wait is given up. */
  async #orderCancel(wait: PendingCall, { session, number }: RequestName): Promise<void> {
    const { driver, timeoutMs } = this.#waiting;
    const operation = encodeOperation({ kind: 'cancel', space: this.#operation.space, session, number });
    const outcome = await driver.call(operation, {}, timeoutMs).outcome;
    if (outcome.kind !== 'result') wait.cancel();
  }
}

const failureOf = (outcome: Exclude<CallOutcome['kind'], 'result' | 'refused'>, wasWaiting: boolean) =>
  outcome === 'unknown' && wasWaiting ? 'lost' : outcome;
