/**
 * The replica's clock (DESIGN section 3): its wall clock at start, advanced by its monotonic clock. It never
 * runs backwards; a later step of the wall clock is reported for the log and not followed.
 */
export interface Clock {
  /** Whole ms since the epoch. */
  now(): number;
}

export interface ClockSources {
  wallMs(): number;
  monotonicMs(): number;
}

export const systemClockSources: ClockSources = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** A difference from the wall clock is worth a report when it changed by this since the last one, ms. */
const stepReportedMs = 100;

export class SteadyClock implements Clock {
  readonly #sources: ClockSources;
  /** What to add to the monotonic clock. */
  readonly #offsetMs: number;
  #reportedDifferenceMs = 0;

  constructor(sources: ClockSources = systemClockSources) {
    this.#sources = sources;
    this.#offsetMs = sources.wallMs() - sources.monotonicMs();
  }

  now(): number {
    return Math.floor(this.#offsetMs + this.#sources.monotonicMs());
  }

  /** Wall clock minus this clock in ms if that has changed markedly since the last report, else null. */
  wallStep(): number | null {
    const difference = Math.round(this.#sources.wallMs() - this.now());
    if (Math.abs(difference - this.#reportedDifferenceMs) < stepReportedMs) return null;
    this.#reportedDifferenceMs = difference;
    return difference;
  }
}
