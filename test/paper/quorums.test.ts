/** Quorums (TOCS'02 section 2.2, with f = ⌊(n−1)/3⌋ for any n): DESIGN.md section 2. */
import { describe, expect, test } from 'vitest';
import { faultsTolerated, quorumSize, weakQuorumSize } from '../../src/ordering/index.js';

const sizes = [4, 5, 6, 7, 8, 9, 10];

function* subsets(n: number, size: number): Generator<number> {
  for (let bits = 0; bits < 1 << n; bits++) if (bitCount(bits) === size) yield bits;
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

describe('quorum sizes', () => {
  test.each([
    [4, 1, 3, 2],
    [5, 1, 4, 2],
    [6, 1, 4, 2],
    [7, 2, 5, 3],
    [8, 2, 6, 3],
    [9, 2, 6, 3],
    [10, 3, 7, 4],
  ])(
    "OSDI'99 §3, TOCS'02 §2: n = %i tolerates f = %i with quorums of %i and weak quorums of %i",
    (n, f, q, w) => {
      expect([faultsTolerated(n), quorumSize(n), weakQuorumSize(n)]).toEqual([f, q, w]);
    },
  );

  test.each(sizes)("TOCS'02 §4: any two quorums of n = %i share f + 1 replicas, so a correct one", (n) => {
    expect(2 * quorumSize(n) - n).toBeGreaterThan(faultsTolerated(n));
  });

  test("TOCS'02 §4: the intersection property holds for every pair of quorums of 4 to 7 replicas", () => {
    for (const n of [4, 5, 6, 7]) {
      const quorums = [...subsets(n, quorumSize(n))];
      let smallest = n;
      for (const a of quorums) for (const b of quorums) smallest = Math.min(smallest, bitCount(a & b));
      expect(smallest).toBeGreaterThanOrEqual(weakQuorumSize(n));
    }
  });

  test.each(sizes)("TOCS'02 §4: the correct replicas of n = %i are a quorum by themselves", (n) => {
    expect(n - faultsTolerated(n)).toBeGreaterThanOrEqual(quorumSize(n));
  });

  test.each(sizes)(
    "TOCS'02 §4.5: the correct part of a quorum of n = %i is a weak quorum (A2 can hold)",
    (n) => {
      expect(quorumSize(n) - faultsTolerated(n)).toBeGreaterThanOrEqual(weakQuorumSize(n));
    },
  );
});
