import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDeadline, formatDuration, parseDuration } from '../../../src/cli/duration.js';

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['5s', 5_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['1.5s', 1_500],
    ['0.5m', 30_000],
  ])('%s is %i ms', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
  });

  it.each(['', '5', 's', '-5s', '5 s', '5S', '1e3ms', '0s', '0.1ms', '1000h', '5s2m'])(
    '%s is refused',
    (text) => {
      expect(() => parseDuration(text)).toThrowError(
        expect.objectContaining({ code: 'INVALID_DURATION', fields: { value: text } }) as Error,
      );
    },
  );

  it('are written as they are read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (durationMs) => {
        expect(parseDuration(formatDuration(durationMs))).toBe(durationMs);
      }),
    );
    expect(formatDuration(90_000)).toBe('90s');
    expect(formatDuration(10_000)).toBe('10s');
  });
});

describe('deadlines for people', () => {
  it.each([
    [4_812, 'in 4.8 s'],
    [59_949, 'in 59.9 s'],
    [59_950, 'in 1 min'],
    [150_000, 'in 3 min'],
    [3_600_000, 'in 1.0 h'],
    [86_400_000, 'in 24.0 h'],
    [0, 'now'],
    [-5_000, 'now'],
  ])('%i ms ahead is %s', (remainingMs, text) => {
    expect(formatDeadline(remainingMs)).toBe(text);
  });
});
