/**
 * Runs the client's state machine on a clock and on streams: gives it ticks, messages and calls, carries
 * its outputs out, and ends each turn of the event loop with one flush, so that calls made in the same turn
 * share an envelope and messages to the same replica a frame.
 */
import type { ClientCore } from './core.js';
import type { Links } from './links.js';
import type { CallOutcome, ClientInput } from './protocol.js';

/** A call under way. */
export interface PendingCall {
  readonly outcome: Promise<CallOutcome>;
  /** Ends the call now; its outcome says whether it had been sent. */
  cancel(): void;
}

/** Longest delay that a Node timer keeps. */
const timerMsMax = 2 ** 31 - 1;

export class Driver {
  readonly #core: ClientCore;
  readonly #links: Pick<Links, 'send' | 'flush'>;
  readonly #open = new Map<number, (outcome: CallOutcome) => void>();
  #lastCall = 0;
  #turn: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires; never later than the core has something to do. */
  #timerAtMs = Infinity;
  #isClosed = false;

  constructor(core: ClientCore, links: Pick<Links, 'send' | 'flush'>) {
    this.#core = core;
    this.#links = links;
  }

  call(operation: Uint8Array, isFastRead: boolean, timeoutMs: number): PendingCall {
    const callId = ++this.#lastCall;
    const outcome = new Promise<CallOutcome>((resolve) => this.#open.set(callId, resolve));
    this.feed({ kind: 'call', callId, operation, isFastRead, deadlineMs: performance.now() + timeoutMs });
    return { outcome, cancel: () => this.feed({ kind: 'cancel', callId }) };
  }

  feed(input: ClientInput): void {
    if (this.#isClosed) return;
    this.#tick();
    this.#step(input);
    this.#turn ??= setImmediate(() => this.#endTurn());
  }

  #tick(): void {
    this.#step({ kind: 'tick', nowMs: performance.now() });
  }

  #step(input: ClientInput): void {
    for (const output of this.#core.step(input)) {
      if (output.kind === 'send') {
        this.#links.send(output.to, output.message);
        continue;
      }
      const resolve = this.#open.get(output.callId);
      this.#open.delete(output.callId);
      resolve?.(output.outcome);
    }
  }

  #endTurn(): void {
    this.#turn = undefined;
    this.#tick();
    this.#step({ kind: 'flush' });
    this.#links.flush();
    this.#setTimer();
  }

  /** A timer that fires too early costs a tick; setting one for every turn would cost more. */
  #setTimer(): void {
    const dueMs = this.#core.nextDueMs;
    if (dueMs === null || this.#timerAtMs <= dueMs || this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = dueMs;
    const delayMs = Math.min(timerMsMax, Math.max(0, Math.ceil(dueMs - performance.now())));
    this.#timer = setTimeout(() => {
      this.#timerAtMs = Infinity;
      this.#tick();
      this.#endTurn();
    }, delayMs);
  }

  /** Ends every open call and takes no more input. */
  close(): void {
    if (this.#isClosed) return;
    for (const callId of [...this.#open.keys()]) this.#step({ kind: 'cancel', callId });
    this.#isClosed = true;
    clearImmediate(this.#turn);
    clearTimeout(this.#timer);
  }
}
