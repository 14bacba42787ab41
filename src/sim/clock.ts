/**
 * A replica's or a client's clock: true (virtual) time plus a constant skew and a drift. In the safety
 * configuration every correct replica stays within the run's clock error of true time; clients' clocks only
 * measure durations, so they may show anything as long as their drift is bounded.
 */
import type { Prng } from '../base/index.js';
import type { Simulator } from './simulator.js';

/** Where virtual time 0 lies on the replicas' clocks, ms since the epoch. */
export const epochMs = 1_790_000_000_000;

export interface ClockError {
  readonly skewUs: number;
  /** Microseconds gained per second. */
  readonly driftPpm: number;
}

export const perfectClock: ClockError = { skewUs: 0, driftPpm: 0 };

/** A clock that always shows the same. */
export const frozenClock: ClockError = { skewUs: 0, driftPpm: -1_000_000 };

/** A clock error that keeps within `boundUs` of true time for `horizonUs` of virtual time. */
export function boundedClockError(random: Prng, boundUs: number, horizonUs: number): ClockError {
  const half = Math.floor(boundUs / 2);
  const driftMax = Math.min(200, Math.floor((half * 1_000_000) / Math.max(1, horizonUs)));
  return { skewUs: random.between(-half, half), driftPpm: random.between(-driftMax, driftMax) };
}

/** Just under 1 %: the rate of a client's clock lies within a factor of 1.01 of true time. */
const driftPpmMax = 9_900;

/** A clock that shows anything but measures durations to 1 %: what a lease holder needs (DESIGN section 3). */
export function driftingClockError(random: Prng): ClockError {
  return {
    skewUs: random.between(-1_000_000_000, 1_000_000_000),
    driftPpm: random.between(-driftPpmMax, driftPpmMax),
  };
}

export class Clock {
  readonly #simulator: Simulator;
  readonly #error: ClockError;
  #steppedUs = 0;
  /** True time at which it stopped. */
  #frozenAtUs: number | null = null;

  constructor(simulator: Simulator, error: ClockError) {
    this.#simulator = simulator;
    this.#error = error;
  }

  /** Milliseconds since the epoch; never runs backwards unless `stepBy` makes it. */
  nowMs(): number {
    return this.readingMs(this.#simulator.nowUs);
  }

  /** What it shows, or showed, at this true time, if it was not stepped or stopped in between. */
  readingMs(atUs: number): number {
    const trueUs = Math.min(atUs, this.#frozenAtUs ?? Infinity);
    const driftUs = Math.floor((trueUs * this.#error.driftPpm) / 1_000_000);
    return epochMs + Math.floor((trueUs + driftUs + this.#error.skewUs + this.#steppedUs) / 1000);
  }

  /** A fault: the clock jumps. */
  stepBy(us: number): void {
    this.#steppedUs += us;
  }

  /** A fault: the clock stands still from now on. */
  freeze(): void {
    this.#frozenAtUs ??= this.#simulator.nowUs;
  }
}
