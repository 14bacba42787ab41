import { describe, expect, it } from 'vitest';
import { Backoff } from '../../../src/replica/transport/backoff.js';

const limits = { minMs: 50, maxMs: 2_000 };
const draw = (backoff: Backoff, count: number): number[] =>
  Array.from({ length: count }, () => backoff.next());

describe('backoff', () => {
  it('doubles up to the maximum', () => {
    const backoff = new Backoff(limits, () => 1 - Number.EPSILON);
    expect(draw(backoff, 8)).toEqual([50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
  });

  it('draws from the upper half of the range, never below the minimum', () => {
    const backoff = new Backoff(limits, () => 0);
    expect(draw(backoff, 8)).toEqual([50, 50, 100, 200, 400, 800, 1_000, 1_000]);
  });

  it('starts over after a reset', () => {
    const backoff = new Backoff(limits, () => 0.5);
    draw(backoff, 5);
    backoff.reset();
    expect(backoff.next()).toBe(50);
  });
});
