/** Random numbers: a seed printed by a failed simulation must give the same run for ever. */
import { describe, expect, test } from 'vitest';
import { prng } from '../../../src/base/index.js';

const draw = (seed: number, count: number): number[] => {
  const random = prng(seed);
  return Array.from({ length: count }, () => random.next());
};

describe('streams', () => {
  test('are the same for ever', () => {
    expect(draw(1, 4)).toStrictEqual([393288148, 2174103013, 3814759091, 2092745082]);
    expect(draw(0xffffffff, 2)).toStrictEqual([4104197751, 1825856343]);
    const network = prng(1).stream('network');
    expect([network.next(), network.next(), network.stream('loss').next()]).toStrictEqual([
      1164723387, 2978434106, 255106423,
    ]);
  });

  test('differ by seed and by name', () => {
    const first = new Set([
      ...Array.from({ length: 100 }, (_, seed) => prng(seed).next()),
      ...Array.from({ length: 100 }, (_, i) => prng(1).stream(`stream ${i}`).next()),
    ]);
    expect(first.size).toBe(200);
  });

  test('do not depend on what others drew', () => {
    const parent = prng(5);
    const before = parent.stream('disk').next();
    parent.next();
    parent.stream('clock').next();
    expect(parent.stream('disk').next()).toBe(before);
  });
});

describe('draws', () => {
  test('are unsigned 32-bit integers', () => {
    for (const value of draw(3, 1000)) {
      expect(Number.isInteger(value) && value >= 0 && value < 2 ** 32).toBe(true);
    }
  });

  test('below a bound reach all of it and nothing else, evenly', () => {
    const random = prng(4);
    for (const bound of [1, 2, 3, 7, 10]) {
      const counts = new Array<number>(bound).fill(0);
      for (let i = 0; i < 1000 * bound; i++) counts[random.below(bound)]!++;
      expect(counts).toHaveLength(bound);
      for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(200);
    }
    expect(random.below(2 ** 32)).toBeLessThan(2 ** 32);
  });

  test('below a bound of more than 32 bits reach its upper half', () => {
    const random = prng(5);
    for (const bound of [2 ** 32 + 1, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
      const drawn = Array.from({ length: 200 }, () => random.below(bound));
      expect(drawn.every((value) => Number.isInteger(value) && value >= 0 && value < bound)).toBe(true);
      const upper = drawn.filter((value) => value >= bound / 2).length;
      expect(Math.abs(upper - 100)).toBeLessThan(50);
    }
  });

  test.each([0, -1, 0.5, Number.NaN, 2 ** 53])('below %d are none', (bound) => {
    expect(() => prng(1).below(bound)).toThrow('bound');
  });

  test('between two numbers include both', () => {
    const random = prng(6);
    const seen = new Set(Array.from({ length: 200 }, () => random.between(-1, 2)));
    expect([...seen].sort((a, b) => a - b)).toStrictEqual([-1, 0, 1, 2]);
  });

  test('of chances and picks follow their shares', () => {
    const random = prng(7);
    const hits = Array.from({ length: 4000 }, () => random.chance(1, 4)).filter(Boolean).length;
    expect(Math.abs(hits - 1000)).toBeLessThan(150);
    expect(random.chance(0, 5)).toBe(false);
    expect(random.chance(5, 5)).toBe(true);
    expect(new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b'])))).toStrictEqual(
      new Set(['a', 'b']),
    );
  });
});
