/**
 * A replica's or a client's clock: true (virtual) time plus a constant skew and a drift. In the safety
 * configuration every correct replica stays within half of clockSkewMax of true time, so that two of them
 * never differ by more than clockSkewMax.
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

/** A clock error that keeps within `boundUs` of true time for `horizonUs` of virtual time. */
export function boundedClockError(random: Prng, boundUs: number, horizonUs: number): ClockError {
  const half = Math.floor(boundUs / 2);
  const driftMax = Math.min(200, Math.floor((half * 1_000_000) / Math.max(1, horizonUs)));
  return { skewUs: random.between(-half, half), driftPpm: random.between(-driftMax, driftMax) };
}

export class Clock {
  readonly #simulator: Simulator;
  readonly #error: ClockError;
  #steppedUs = 0;

  constructor(simulator: Simulator, error: ClockError) {
    this.#simulator = simulator;
    this.#error = error;
  }

  /** Milliseconds since the epoch; never runs backwards unless `stepBy` makes it. */
  nowMs(): number {
    const trueUs = this.#simulator.nowUs;
    const driftUs = Math.floor((trueUs * this.#error.driftPpm) / 1_000_000);
    return epochMs + Math.floor((trueUs + driftUs + this.#error.skewUs + this.#steppedUs) / 1000);
  }

  /** A fault: the clock jumps. */
  stepBy(us: number): void {
    this.#steppedUs += us;
  }
}
