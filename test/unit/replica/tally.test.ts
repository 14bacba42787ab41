import { describe, expect, it } from 'vitest';
import { Tally } from '../../../src/replica/tally.js';

describe('tally', () => {
  it('counts by name', () => {
    const tally = new Tally();
    tally.add('a');
    tally.add('b', 3);
    tally.add('a');
    expect(tally.totals()).toEqual({ a: 2, b: 3 });
    expect([tally.get('a'), tally.get('c')]).toEqual([2, 0]);
  });

  it('sums up what is new since the last summary', () => {
    const tally = new Tally();
    expect(tally.summary()).toBeNull();
    tally.add('a', 2);
    expect(tally.summary()).toEqual({ a: 2 });
    expect(tally.summary()).toBeNull();
    tally.add('a');
    tally.add('b');
    expect(tally.summary()).toEqual({ a: 1, b: 1 });
  });
});
