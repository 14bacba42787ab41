import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/cli/bench/histogram.js';

const histogramOf = (us: readonly number[]): Histogram => {
  const histogram = new Histogram();
  for (const value of us) histogram.add(value / 1000);
  return histogram;
};

const someUs = fc.array(fc.integer({ min: 0, max: 120_000_000 }), { minLength: 1, maxLength: 50 });

describe('Histogram', () => {
  it('gives quantiles within a thousandth of the sorted sample', () => {
    fc.assert(
      fc.property(someUs, fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1), (us, fraction) => {
        const sorted = us.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(fraction * us.length) - 1)]! / 1000;
        const found = histogramOf(us).quantileMs(fraction);
        expect(found).toBeGreaterThanOrEqual(exact);
        expect(found).toBeLessThanOrEqual(exact * 1.001 + 1e-9);
      }),
      { numRuns: 30 },
    );
  });

  it('adds up across processes without loss', () => {
    fc.assert(
      fc.property(someUs, someUs, (here, there) => {
        const merged = Histogram.of([histogramOf(here).toRecord(), histogramOf(there).toRecord()]);
        const whole = histogramOf([...here, ...there]);
        expect(merged.count).toBe(here.length + there.length);
        for (const fraction of [0.01, 0.5, 0.9, 0.99])
          expect(merged.quantileMs(fraction)).toBe(whole.quantileMs(fraction));
      }),
      { numRuns: 30 },
    );
  });

  it('knows mean and maximum, and nothing of an empty run', () => {
    const histogram = histogramOf([1_000, 2_000, 6_000]);
    expect([histogram.meanMs, histogram.maxMs]).toEqual([expect.closeTo(3, 2), expect.closeTo(6, 2)]);
    const none = Histogram.of([new Histogram().toRecord()]);
    expect([none.meanMs, none.maxMs, none.quantileMs(0.99), none.count]).toEqual([0, 0, 0, 0]);
  });
});
