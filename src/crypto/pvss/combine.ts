/**
 * The secret from shares by Lagrange interpolation at 0 (Schoenmakers, CRYPTO '99, section 3). The coefficients are brought to a
 * common denominator, which leaves one multiplication by a large scalar and small factors, instead of one a share.
 */
import { assert } from '../../base/index.js';
import type { Group, Point } from './group.js';
import { invertScalar, mod } from './scalar.js';

/** Index (1 … n) and S_i. */
export interface PlainShare {
  readonly index: number;
  readonly point: Uint8Array;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a < 0n ? -a : a;
}

interface Fraction {
  readonly numerator: bigint;
  /** Positive. */
  readonly denominator: bigint;
}

/** Π k / (k − i) over the other indices k, in lowest terms. */
function lagrangeCoefficient(index: bigint, indices: readonly bigint[]): Fraction {
  let numerator = 1n;
  let denominator = 1n;
  for (const other of indices) {
    if (other === index) continue;
    numerator *= other;
    denominator *= other - index;
  }
  const divisor = greatestCommonDivisor(numerator, denominator) * (denominator < 0n ? -1n : 1n);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

/**
 * The secret (32 bytes) from exactly `threshold` shares of different shareholders; null if a share is no canonical
 * encoding of a point other than the identity. Does not verify the shares: a wrong one gives a wrong secret.
 */
export function combineShares(
  group: Group,
  threshold: number,
  shares: readonly PlainShare[],
): Uint8Array | null {
  assert(shares.length === threshold, 'as many shares are combined as the threshold says');
  assert(
    shares.every(({ index }) => Number.isInteger(index) && index >= 1),
    'shares are numbered from 1',
  );
  assert(
    new Set(shares.map(({ index }) => index)).size === shares.length,
    'shares are of different replicas',
  );
  const indices = shares.map(({ index }) => BigInt(index));
  const fractions = indices.map((index) => lagrangeCoefficient(index, indices));
  const common = fractions.reduce(
    (multiple, { denominator }) => (multiple / greatestCommonDivisor(multiple, denominator)) * denominator,
    1n,
  );
  const terms: [Point, bigint][] = [];
  for (const [at, { point }] of shares.entries()) {
    const decoded = group.decode(point);
    if (decoded === null) return null;
    const { numerator, denominator } = fractions[at]!;
    terms.push([decoded, mod((numerator * common) / denominator)]);
  }
  const sum = group.sum(terms);
  return group.encode(common === 1n ? sum : group.multiply(sum, invertScalar(common)));
}
