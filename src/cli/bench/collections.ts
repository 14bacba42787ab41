/** The pauses in which this process collects garbage: to tell what something takes from what falls due by chance. */
import { PerformanceObserver } from 'node:perf_hooks';

interface Pause {
  readonly fromMs: number;
  readonly toMs: number;
}

/** So many of the latest are remembered. */
const pausesMax = 1_000;

export class Collections {
  readonly #observer: PerformanceObserver;
  #pauses: Pause[] = [];

  constructor() {
    this.#observer = new PerformanceObserver((list) => this.#note(list.getEntries()));
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  /** How much of this time, as `performance.now` counts it, was collecting, ms. */
  within(fromMs: number, toMs: number): number {
    this.#note(this.#observer.takeRecords());
    let sum = 0;
    for (const pause of this.#pauses)
      sum += Math.max(0, Math.min(pause.toMs, toMs) - Math.max(pause.fromMs, fromMs));
    return sum;
  }

  close(): void {
    this.#observer.disconnect();
  }

  #note(entries: readonly { readonly startTime: number; readonly duration: number }[]): void {
    for (const { startTime, duration } of entries)
      this.#pauses.push({ fromMs: startTime, toMs: startTime + duration });
    if (this.#pauses.length > pausesMax) this.#pauses = this.#pauses.slice(-pausesMax);
  }
}
