/** The longest time between two completed operations: what an outage looks like from outside. */
export class LongestGap {
  #lastMs: number;
  #longestMs = 0;

  constructor(startMs: number) {
    this.#lastMs = startMs;
  }

  /** Something completed, or the observation ended, at `nowMs`. */
  mark(nowMs: number): void {
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  get longestMs(): number {
    return this.#longestMs;
  }
}
