/** What the secret sharing expects of a group, asked of both implementations and of the two together. */
import { ristretto255_hasher } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeUtf8, fromHex, toHex } from '../../src/base/index.js';
import { hashToPoint } from '../../src/crypto/pvss/group.js';
import type { Group, Point } from '../../src/crypto/pvss/group.js';
import { order } from '../../src/crypto/pvss/scalar.js';
import { groups } from '../support/pvss.js';

fc.configureGlobal({ seed: 20271 });

const bytes = (hex: string): Uint8Array => fromHex(hex)!;
const scalar = fc.bigInt({ min: 0n, max: order - 1n });
const smallScalar = fc.bigInt({ min: -40n, max: 40n }).map((value) => (value < 0n ? order + value : value));

/** RFC 9496 appendix A.1: 0, 1, 2 … times the generator. */
const multiples = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  'e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76',
  '6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919',
  '94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259',
  'da80862773358b466ffadfe0b3293ab3d9fd53c5ea6c955358f568322daf6a57',
  'e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e',
];

/** RFC 9496 appendix A.2. */
const invalidEncodings: readonly (readonly [string, string])[] = [
  ['p, which is 0', 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
  ['p + 1, which is 1', 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
  ['above p', 'f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
  ['the highest bit set', '00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'],
  ['a negative field element', '0100000000000000000000000000000000000000000000000000000000000000'],
  ['another negative one', '01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
  ['a non-square', '26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371'],
  ['another non-square', '4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f'],
  ['s = −1', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
  ['the identity', multiples[0]!],
  ['31 bytes', multiples[1]!.slice(2)],
  ['33 bytes', `${multiples[1]!}00`],
  ['nothing', ''],
];

const encoded = (group: Group, point: Point): string => toHex(group.encode(point));

describe.each(groups)('the group of $name', (group) => {
  const { generator, secondGenerator } = group;
  const arbitraryPoint = scalar.map((value) => group.multiply(secondGenerator, value));

  it('has the multiples of the generator that RFC 9496 lists', () => {
    for (const [factor, hex] of multiples.entries()) {
      const value = BigInt(factor);
      expect(encoded(group, group.multiply(generator, value))).toBe(hex);
      expect(encoded(group, group.sum([[generator, value]]))).toBe(hex);
      if (factor > 0) expect(encoded(group, group.decode(bytes(hex))!)).toBe(hex);
    }
    expect(encoded(group, group.add(generator, generator))).toBe(multiples[2]);
  });

  it.each(invalidEncodings)('does not decode %s', (_, hex) => {
    expect(group.decode(bytes(hex))).toBeNull();
  });

  it('copies what it decodes and encodes', () => {
    const input = bytes(multiples[3]!);
    const point = group.decode(input)!;
    input.fill(1);
    group.encode(point).fill(2);
    expect(encoded(group, point)).toBe(multiples[3]);
  });

  it('hashes to the group as RFC 9380 says', () => {
    const tag = 'a tag';
    for (const text of ['', 'abc', 'q'.repeat(300)]) {
      const message = encodeUtf8(text)!;
      const expected = ristretto255_hasher.hashToCurve(message, { DST: tag }).toHex();
      expect(encoded(group, hashToPoint(group, message, tag))).toBe(expected);
    }
  });

  it('has generators of which neither is a small multiple of the other', () => {
    expect(encoded(group, secondGenerator)).toBe(
      encoded(group, hashToPoint(group, new Uint8Array(0), 'theodora/v1 pvss second generator')),
    );
    for (const hex of multiples) expect(encoded(group, secondGenerator)).not.toBe(hex);
  });

  it('is linear', () => {
    fc.assert(
      fc.property(arbitraryPoint, scalar, scalar, (point, a, b) => {
        const apart = group.add(group.multiply(point, a), group.multiply(point, b));
        return group.equal(apart, group.multiply(point, (a + b) % order));
      }),
      { numRuns: 10 },
    );
  });

  it('sums public multiples as it multiplies and adds, with small and negative factors too', () => {
    const factor = fc.oneof(scalar, smallScalar);
    fc.assert(
      fc.property(arbitraryPoint, arbitraryPoint, factor, factor, (p, q, a, b) => {
        const apart = group.add(group.multiply(p, a), group.multiply(q, b));
        const sum = group.sum([
          [p, a],
          [q, b],
        ]);
        return encoded(group, sum) === encoded(group, apart);
      }),
      { numRuns: 20 },
    );
  });

  it('knows the identity', () => {
    const zero = group.multiply(secondGenerator, 0n);
    expect(encoded(group, zero)).toBe(multiples[0]);
    expect(encoded(group, group.sum([]))).toBe(multiples[0]);
    expect(encoded(group, group.multiply(zero, 5n))).toBe(multiples[0]);
    expect(encoded(group, group.add(generator, zero))).toBe(multiples[1]);
    const cancelled = group.sum([
      [generator, 7n],
      [generator, order - 7n],
    ]);
    expect(encoded(group, cancelled)).toBe(multiples[0]);
    expect(group.equal(cancelled, zero)).toBe(true);
    expect(group.equal(cancelled, generator)).toBe(false);
  });

  it('gives the same with a table', () => {
    const point = group.multiply(generator, 5n);
    const before = encoded(group, group.multiply(point, 12345678901234567890n));
    const withTable = group.withTable(group.decode(group.encode(point))!);
    expect(encoded(group, group.multiply(withTable, 12345678901234567890n))).toBe(before);
    expect(encoded(group, group.sum([[withTable, 12345678901234567890n]]))).toBe(before);
  });
});

describe('both groups', () => {
  const both = <T>(answer: (group: Group) => T): [T, T] => [answer(groups[0]!), answer(groups[1]!)];

  it('agree on which 32 bytes are a point', () => {
    const near = fc.constantFrom(...invalidEncodings.map(([, hex]) => bytes(hex)));
    const any = fc.oneof(fc.uint8Array({ minLength: 32, maxLength: 32 }), near);
    let decoded = 0;
    fc.assert(
      fc.property(any, fc.boolean(), (input, isEven) => {
        if (isEven && input.length === 32) {
          input[0]! &= 0xfe;
          input[31]! &= 0x7f;
        }
        const [a, b] = both((group) => {
          const point = group.decode(input);
          return point === null ? null : encoded(group, point);
        });
        if (a !== null) decoded++;
        return a === b && (a === null || a === toHex(input));
      }),
      { numRuns: 400 },
    );
    expect(decoded).toBeGreaterThan(20);
  });

  it('agree on points from uniform bytes, multiples and sums', () => {
    const uniform = fc.uint8Array({ minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(uniform, uniform, scalar, scalar, (p, q, a, b) => {
        const [one, other] = both((group) => {
          const [first, second] = [group.fromUniform(p), group.fromUniform(q)];
          const sum = group.sum([
            [first, a],
            [second, b],
          ]);
          return [first, second, group.multiply(first, b), sum].map((point) => encoded(group, point));
        });
        return one.join() === other.join();
      }),
      { numRuns: 20 },
    );
  });
});
