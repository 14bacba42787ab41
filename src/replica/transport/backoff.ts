/**
 * Exponential backoff with jitter for reconnecting: replicas that lost the same peer at the same moment must
 * not all dial it in step. Knows no timers.
 */
export interface BackoffLimits {
  readonly minMs: number;
  readonly maxMs: number;
}

export const reconnectLimits: BackoffLimits = { minMs: 50, maxMs: 2_000 };

export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: () => number;
  #baseMs: number;

  /** `random` draws from [0, 1). */
  constructor(limits: BackoffLimits = reconnectLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
    this.#baseMs = limits.minMs;
  }

  /** The next delay in ms, drawn from the upper half of a range that doubles. */
  next(): number {
    const base = this.#baseMs;
    this.#baseMs = Math.min(2 * base, this.#limits.maxMs);
    return Math.max(this.#limits.minMs, Math.round((base / 2) * (1 + this.#random())));
  }

  reset(): void {
    this.#baseMs = this.#limits.minMs;
  }
}
