/** Both implementations give the same verdicts, also on keys and signatures on which implementations differ (SSR'20). */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  nodeBackend,
  signatureCheck,
  sodiumBackend,
  type SignatureBackend,
} from '../../../src/crypto/signature-check.js';

const { Point } = ed25519;
const order = Point.Fn.ORDER;
type Point = InstanceType<typeof Point>;

const backends: readonly (readonly [string, SignatureBackend])[] = [
  ['node:crypto', nodeBackend],
  ...[sodiumBackend()].flatMap((made) => (made === null ? [] : [['libsodium', made] as const])),
];

/** y = 26e8…: a point of order 8. */
const torsion = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
const message = Uint8Array.of(1, 2, 3);

const number = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const littleEndian = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
const challenge = (r: Uint8Array, a: Uint8Array, of: Uint8Array): bigint =>
  number(sha512(new Uint8Array([...r, ...a, ...of]))) % order;

interface Signed {
  readonly key: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** S for these points, by whoever knows their parts in the large group: the equation holds up to their torsion. */
function sign(a: bigint, r: bigint, extraA: Point, extraR: Point, of = message): Signed {
  const key = Point.BASE.multiplyUnsafe(a).add(extraA).toBytes();
  const point = Point.BASE.multiplyUnsafe(r).add(extraR).toBytes();
  const s = (r + challenge(point, key, of) * a) % order;
  return { key, message: of, signature: new Uint8Array([...point, ...littleEndian(s)]) };
}

const verdicts = ({ key, message: of, signature }: Signed): readonly boolean[] =>
  backends.map(([, made]) => signatureCheck(key, made)?.(of, signature) === true);
const all = (verdict: boolean): readonly boolean[] => backends.map(() => verdict);

test('libsodium is there on the platforms that the tests run on', () => {
  expect(backends.map(([name]) => name)).toEqual(['node:crypto', 'libsodium']);
});

describe('both implementations', () => {
  test('accept what is right and nothing that differs in a bit', () => {
    const good = sign(12_345n, 678n, Point.ZERO, Point.ZERO);
    expect(verdicts(good)).toEqual(all(true));
    fc.assert(
      fc.property(fc.constantFrom('key', 'message', 'signature'), fc.nat(), fc.nat(7), (part, at, bit) => {
        const bytes = Uint8Array.from(good[part]);
        bytes[at % bytes.length]! ^= 1 << bit;
        expect(verdicts({ ...good, [part]: bytes })).toEqual(all(false));
      }),
    );
  });

  test('refuse keys and R of small order', () => {
    for (let times = 0; times < 8; times++) {
      const small = times === 0 ? Point.ZERO : torsion.multiplyUnsafe(BigInt(times));
      expect(verdicts(sign(0n, 5n, small, Point.ZERO))).toEqual(all(false));
      expect(verdicts(sign(7n, 0n, Point.ZERO, small))).toEqual(all(false));
    }
  });

  test('agree, without the cofactor, on keys and R with a part of small order', () => {
    const seen = new Set<boolean>();
    for (let seed = 1n; seed < 64n; seed++) {
      const mixed = sign(seed, seed + 9n, torsion, Point.ZERO);
      const both = sign(seed, seed + 9n, torsion, torsion.multiplyUnsafe(1n + (seed % 7n)));
      for (const signed of [mixed, both]) {
        const [first, ...others] = verdicts(signed);
        expect(others).toEqual(others.map(() => first));
        seen.add(first!);
      }
    }
    expect(seen).toEqual(new Set([true, false]));
  });

  test('refuse S that is not below the order of the group', () => {
    const { key, signature } = sign(3n, 4n, Point.ZERO, Point.ZERO);
    const s = number(signature.subarray(32)) + order;
    const above = new Uint8Array([...signature.subarray(0, 32), ...littleEndian(s)]);
    expect(verdicts({ key, message, signature: above })).toEqual(all(false));
  });

  test('refuse encodings of keys and of R that are not canonical', () => {
    const p = 2n ** 255n - 19n;
    for (let y = 0n; y < 19n; y++)
      for (const negative of [0n, 1n]) {
        const encoded = littleEndian(p + y + (negative << 255n));
        expect(signatureCheck(encoded)).toBeNull();
        const key = Point.BASE.toBytes();
        const s = littleEndian(challenge(encoded, key, message));
        expect(verdicts({ key, message, signature: new Uint8Array([...encoded, ...s]) })).toEqual(all(false));
      }
  });
});
