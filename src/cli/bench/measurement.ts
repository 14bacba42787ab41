/** What the load generator notes while it runs. */
import { TheodoraError } from '../../base/index.js';
import { LongestGap } from './gaps.js';
import { Histogram } from './histogram.js';
import type { OperationName } from './loads.js';
import type { Interval, LoadPlan, LoadResult } from './messages.js';

/** More failures than this say that the service is down, not that it is loaded. */
const errorsMax = 10_000;

/** Failed operations by error code; an error that no service is known for ends the run, and so do too many. */
export class Failures {
  readonly #byCode = new Map<string, number>();
  #count = 0;

  add(error: unknown): void {
    if (!(error instanceof TheodoraError)) throw error;
    this.#count += 1;
    if (this.#count > errorsMax) throw error;
    this.#byCode.set(error.code, (this.#byCode.get(error.code) ?? 0) + 1);
  }

  get byCode(): Record<string, number> {
    return Object.fromEntries(this.#byCode);
  }
}

interface IntervalCount {
  completed: number;
  readonly latencies: Histogram;
}

export class Measurement {
  readonly startMs: number;
  readonly endMs: number;
  readonly failures = new Failures();
  readonly #isOpenLoop: boolean;
  readonly #intervalMs: number | null;
  readonly #latencies = new Map<OperationName, Histogram>();
  readonly #acknowledged = new Map<OperationName, number>();
  readonly #intervals: IntervalCount[] = [];
  readonly #gap: LongestGap;
  #completed = 0;

  constructor({ warmUpMs, measureMs, ratePerSecond, intervalMs }: LoadPlan, nowMs: number) {
    this.startMs = nowMs + warmUpMs;
    this.endMs = this.startMs + measureMs;
    this.#isOpenLoop = ratePerSecond !== null;
    this.#intervalMs = intervalMs;
    this.#gap = new LongestGap(this.startMs);
  }

  /** `beganMs` is when it was called; in an open loop, when it should have been. */
  completed(operation: OperationName, beganMs: number, nowMs: number): void {
    this.#acknowledged.set(operation, (this.#acknowledged.get(operation) ?? 0) + 1);
    if (this.#isMeasured(nowMs)) {
      this.#completed += 1;
      this.#gap.mark(nowMs);
      const interval = this.#intervalAt(nowMs);
      if (interval !== null) interval.completed += 1;
    }
    const countedAtMs = this.#isOpenLoop ? beganMs : nowMs;
    if (!this.#isMeasured(countedAtMs)) return;
    let latencies = this.#latencies.get(operation);
    if (latencies === undefined) this.#latencies.set(operation, (latencies = new Histogram()));
    latencies.add(nowMs - beganMs);
    this.#intervalAt(countedAtMs)?.latencies.add(nowMs - beganMs);
  }

  result(lateGapMs: number | null): LoadResult {
    this.#gap.mark(this.endMs);
    const intervals: Interval[] = this.#intervals.map(({ completed, latencies }) => ({
      completed,
      latencies: latencies.toRecord(),
    }));
    return {
      elapsedMs: this.endMs - this.startMs,
      latencies: Object.fromEntries([...this.#latencies].map(([name, value]) => [name, value.toRecord()])),
      completed: this.#completed,
      acknowledged: Object.fromEntries(this.#acknowledged),
      intervals,
      longestGapMs: this.#gap.longestMs,
      lateGapMs,
      errors: this.failures.byCode,
    };
  }

  #isMeasured(atMs: number): boolean {
    return atMs >= this.startMs && atMs <= this.endMs;
  }

  #intervalAt(atMs: number): IntervalCount | null {
    if (this.#intervalMs === null) return null;
    const last = Math.ceil((this.endMs - this.startMs) / this.#intervalMs) - 1;
    const index = Math.min(last, Math.floor((atMs - this.startMs) / this.#intervalMs));
    while (this.#intervals.length <= index)
      this.#intervals.push({ completed: 0, latencies: new Histogram() });
    return this.#intervals[index]!;
  }
}
