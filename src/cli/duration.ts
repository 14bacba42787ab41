/** Durations as users type them: 500ms, 5s, 2m, 1h. Units are required, fractions allowed (1.5s). */
import { InvalidInputError } from '../base/index.js';

const unitMs: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

// setTimeout's limit: a longer one would fire at once.
const durationMsMax = 2 ** 31 - 1;

/** Whole milliseconds, at least 1. Throws InvalidInputError INVALID_DURATION {value}. */
export function parseDuration(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)$/.exec(text);
  const unit = unitMs.get(match?.[2] ?? '');
  if (match === null || unit === undefined) {
    throw new InvalidInputError(
      'INVALID_DURATION',
      `"${text}" is not a duration: write a number and a unit, such as 500ms, 5s, 2m or 1h`,
      { value: text },
    );
  }
  const durationMs = Math.round(Number(match[1]) * unit);
  if (durationMs < 1 || durationMs > durationMsMax) {
    throw new InvalidInputError('INVALID_DURATION', `"${text}" is out of range: from 1ms to 596h`, {
      value: text,
    });
  }
  return durationMs;
}

/** The shortest form that parseDuration reads back to the same value. */
export function formatDuration(durationMs: number): string {
  for (const unit of ['h', 'm', 's']) {
    const size = unitMs.get(unit)!;
    if (durationMs >= size && durationMs % size === 0) return `${durationMs / size}${unit}`;
  }
  return `${durationMs}ms`;
}

/** For people: how far off a deadline is, "in 4.8 s"; a passed one may still be there if clocks differ. */
export function formatDeadline(remainingMs: number): string {
  if (remainingMs <= 0) return 'now';
  if (remainingMs < 59_950) return `in ${(remainingMs / 1_000).toFixed(1)} s`;
  const minutes = Math.round(remainingMs / 60_000);
  return minutes < 60 ? `in ${minutes} min` : `in ${(minutes / 60).toFixed(1)} h`;
}

/** A moment for people: UTC, to the second. Ordered time is what replicas agree on, so it may be any number. */
export function formatTime(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return `${ms} ms`;
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
