/** A monotonic clock that moves when the test says so, alone or with its timers. */
import type { TurnClock } from '../../../src/client/index.js';

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Lets everything run that waits for nothing but promises. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class VirtualClock implements TurnClock {
  #nowMs: number;
  #timers: Timer[] = [];

  constructor(nowMs = 0) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  atTurnEnd(callback: () => void): () => void {
    const turn = setImmediate(callback);
    return () => clearImmediate(turn);
  }

  get timerCount(): number {
    return this.#timers.length;
  }

  /** Time passes and nothing runs, as in a stopped process. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  /** Time passes and timers fire. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = this.#timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
      await settle();
    }
    this.#nowMs = endMs;
    await settle();
  }
}
