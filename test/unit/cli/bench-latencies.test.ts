import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Latencies } from '../../../src/cli/bench/latencies.js';

const latenciesOf = (us: readonly number[]): Latencies => {
  const latencies = new Latencies();
  for (const value of us) latencies.add(value / 1000);
  return latencies;
};

const someUs = fc.array(fc.integer({ min: 0, max: 120_000_000 }), { minLength: 1, maxLength: 200 });

describe('Latencies', () => {
  it('gives quantiles within one per cent of the sorted sample', () => {
    fc.assert(
      fc.property(someUs, fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1), (us, fraction) => {
        const sorted = us.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(fraction * us.length) - 1)]! / 1000;
        const found = latenciesOf(us).quantileMs(fraction);
        expect(found).toBeGreaterThanOrEqual(exact);
        expect(found).toBeLessThanOrEqual(exact * 1.016 + 1e-9);
      }),
    );
  });

  it('adds up across processes without loss', () => {
    fc.assert(
      fc.property(someUs, someUs, (here, there) => {
        const merged = latenciesOf(here);
        merged.merge(latenciesOf(there).toRecord());
        expect(merged.toRecord()).toEqual(latenciesOf([...here, ...there]).toRecord());
        expect(merged.count).toBe(here.length + there.length);
      }),
    );
  });

  it('knows mean and maximum exactly, and nothing of an empty run', () => {
    const latencies = latenciesOf([1_000, 2_000, 6_000]);
    expect([latencies.meanMs, latencies.maxMs, latencies.quantileMs(1)]).toEqual([3, 6, 6]);
    const none = new Latencies();
    expect([none.meanMs, none.maxMs, none.quantileMs(0.99), none.count]).toEqual([0, 0, 0, 0]);
  });
});
