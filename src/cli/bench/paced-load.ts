/**
 * Load at a fixed rate, in this process: workers that insert an entry and take it again, so that the state keeps its size
 * and its pages change. What cannot be begun in time is left out and not made up for: a stall shows as throughput that
 * is missing.
 */
import type { Space } from '../../client/index.js';
import { TheodoraError } from '../../base/index.js';
import { LongestGap } from './gaps.js';

const tickMs = 5;
/** Permits that nobody used are good for so long, ms. */
const unusedMs = 50;
const payload = new Uint8Array(48).fill(7);

/** Of one stretch of time. */
export interface Stretch {
  readonly perSecond: number;
  readonly longestGapMs: number;
}

export class PacedLoad {
  readonly #space: Space;
  readonly #timer: NodeJS.Timeout;
  readonly #workers: readonly Promise<void>[];
  readonly #waiting: (() => void)[] = [];
  /** Operations a second; null: as many as there can be. */
  #rate: number | null;
  #permits = 0;
  #tickedMs = performance.now();
  #isOver = false;
  #completed = 0;
  #gap = new LongestGap(performance.now());
  readonly errors = new Map<string, number>();

  constructor(space: Space, concurrency: number, rate: number | null) {
    this.#space = space;
    this.#rate = rate;
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#workers = Array.from({ length: concurrency }, (_, worker) => this.#work(worker));
  }

  /** The throughput while `during` runs. */
  async measure(during: Promise<unknown>): Promise<Stretch> {
    const [beganMs, completed] = [performance.now(), this.#completed];
    this.#gap = new LongestGap(beganMs);
    await during;
    const endedMs = performance.now();
    this.#gap.mark(endedMs);
    return {
      perSecond: ((this.#completed - completed) * 1_000) / (endedMs - beganMs),
      longestGapMs: this.#gap.longestMs,
    };
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#timer);
    for (const go of this.#waiting.splice(0)) go();
    await Promise.all(this.#workers);
  }

  #tick(): void {
    if (this.#rate === null) return;
    const nowMs = performance.now();
    const most = (this.#rate * unusedMs) / 1_000;
    this.#permits = Math.min(most, this.#permits + (this.#rate * (nowMs - this.#tickedMs)) / 1_000);
    this.#tickedMs = nowMs;
    while (this.#permits >= 1 && this.#waiting.length > 0) {
      this.#permits -= 1;
      this.#waiting.shift()!();
    }
  }

  #permit(): Promise<void> {
    if (this.#rate === null || this.#isOver) return Promise.resolve();
    return new Promise((go) => this.#waiting.push(go));
  }

  async #work(worker: number): Promise<void> {
    for (let iteration = 0; !this.#isOver; iteration++) {
      const key = ['load', worker, iteration] as const;
      await this.#operate(() => this.#space.out([...key, payload]));
      await this.#operate(() => this.#space.inp([...key, payload]));
    }
  }

  async #operate(operation: () => Promise<unknown>): Promise<void> {
    await this.#permit();
    if (this.#isOver) return;
    try {
      await operation();
      this.#completed += 1;
      this.#gap.mark(performance.now());
    } catch (error) {
      if (!(error instanceof TheodoraError)) throw error;
      this.errors.set(error.code, (this.errors.get(error.code) ?? 0) + 1);
    }
  }
}
