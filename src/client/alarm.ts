/** Time-outs of the client's state machine: when the next one is due, and when to send something again. */

/** The earliest moment at which anything may be due. May be early (something ended meanwhile), never late. */
export class Alarm {
  #dueMs = Infinity;

  get dueMs(): number {
    return this.#dueMs;
  }

  at(ms: number): void {
    if (ms < this.#dueMs) this.#dueMs = ms;
  }

  /** True once when the moment has come; whatever is still waiting has to set the alarm again. */
  ring(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false;
    this.#dueMs = Infinity;
    return true;
  }
}

/** Intervals that double from `firstMs` up to `maxMs`. */
export class Retransmission {
  readonly startedAtMs: number;
  readonly #maxMs: number;
  #intervalMs: number;
  #dueMs: number;

  constructor(nowMs: number, firstMs: number, maxMs: number) {
    this.startedAtMs = nowMs;
    this.#maxMs = maxMs;
    this.#intervalMs = firstMs;
    this.#dueMs = nowMs + firstMs;
  }

  get dueMs(): number {
    return this.#dueMs;
  }

  /** Whether to send again now; if so, the next time is set. */
  isDue(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false;
    this.#intervalMs = Math.min(2 * this.#intervalMs, this.#maxMs);
    this.#dueMs = nowMs + this.#intervalMs;
    return true;
  }

  /** The way it was sent is known to be gone: send again at once. */
  hurry(nowMs: number): void {
    if (nowMs < this.#dueMs) this.#dueMs = nowMs;
  }
}
