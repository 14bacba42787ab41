/**
 * When operations begin in an open loop: one every so often, whether or not the earlier ones have been answered. Latencies
 * are counted from these instants, so that a stall shows in all the operations that it kept from beginning (what load
 * generators miss is called coordinated omission).
 */
export class Schedule {
  readonly #ratePerSecond: number;
  readonly #startMs: number;

  constructor(ratePerSecond: number, startMs: number) {
    this.#ratePerSecond = ratePerSecond;
    this.#startMs = startMs;
  }

  /** When operation `index` begins; the first is number 0. */
  instantMs(index: number): number {
    return this.#startMs + (index * 1_000) / this.#ratePerSecond;
  }

  /** How many operations have to have begun by `nowMs`. */
  dueBy(nowMs: number): number {
    if (nowMs < this.#startMs) return 0;
    return Math.floor(((nowMs - this.#startMs) * this.#ratePerSecond) / 1_000) + 1;
  }
}
