/** Properties of dealings, shares, tags and seals; forgeries are in test/attack. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeUtf8, equalBytes, toHex } from '../../../src/base/index.js';
import { commitToKey, deriveSealKey, isKeyCommitted, seal, unseal } from '../../../src/crypto/pvss/aead.js';
import { combineShares } from '../../../src/crypto/pvss/combine.js';
import { badParts, createShareholders, finishDealing } from '../../../src/crypto/pvss/dealing.js';
import { openDealing, prepareDealing, verifyDealing, verifyPart } from '../../../src/crypto/pvss/dealing.js';
import { decodeScalar, encodeScalar, invertScalar, mod, order } from '../../../src/crypto/pvss/scalar.js';
import { createShareKey, verifyShare } from '../../../src/crypto/pvss/share.js';
import { createTagKey, generateTagSecret, verifyTag } from '../../../src/crypto/pvss/tags.js';
import { createCircle, deal, groups, seededRandom, sharesOf, sodium } from '../../support/pvss.js';

fc.configureGlobal({ seed: 20272 });

const context = Uint8Array.of(1, 2, 3);
const circles = new Map([4, 7, 10].map((n) => [n, createCircle(sodium, n)]));
const sizes = fc.constantFrom(4, 7, 10);

describe('scalars', () => {
  it('have one encoding, below the order', () => {
    for (const value of [0n, 1n, 255n, 256n, order - 1n])
      expect(decodeScalar(encodeScalar(value))).toBe(value);
    const orderBytes = encodeScalar(order - 1n);
    orderBytes[0]! += 1;
    expect(decodeScalar(orderBytes)).toBeNull();
    expect(decodeScalar(new Uint8Array(32).fill(255))).toBeNull();
    expect(decodeScalar(new Uint8Array(31))).toBeNull();
    expect(() => encodeScalar(order)).toThrow('0 … q−1');
  });

  it('have inverses', () => {
    fc.assert(fc.property(fc.bigInt({ min: 1n, max: order - 1n }), (a) => mod(a * invertScalar(a)) === 1n));
    expect(() => invertScalar(0n)).toThrow('no inverse');
  });
});

describe('dealings', () => {
  it('open with any f + 1 honest shares, each of which verifies', () => {
    fc.assert(
      fc.property(sizes, fc.infiniteStream(fc.nat()), (n, order) => {
        const circle = circles.get(n)!;
        const { threshold } = circle.shareholders;
        const dealt = deal(circle, context);
        const opened = openDealing(sodium, circle.shareholders, dealt.dealing, context)!;
        expect(badParts(sodium, circle.shareholders, opened)).toEqual([]);
        const shares = sharesOf(circle, dealt)
          .map((share) => ({ share, rank: order.next().value as number }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ share }) => share);
        const chosen = shares.slice(0, threshold);
        for (const share of chosen) {
          const encrypted = dealt.dealing.encryptedShares[share.index - 1]!;
          expect(verifyShare(sodium, circle.shareholders, dealt.digest, encrypted, share)).toBe(true);
        }
        expect(combineShares(sodium, threshold, chosen)).toEqual(dealt.secret);
      }),
      { numRuns: 60 },
    );
  });

  it.each(groups)('of $name never fail to verify or to open (pitfall 32)', (group) => {
    const circle = createCircle(group, 4, 'many');
    for (let round = 0; round < (group.name === 'sodium' ? 400 : 20); round++) {
      const dealt = deal(circle, context);
      expect(verifyDealing(group, circle.shareholders, dealt.dealing, context)).toBe(true);
      const first = round % 4;
      const shares = [first, (first + 1 + (round % 3)) % 4].map((at) =>
        circle.keys[at]!.decrypt(dealt.digest, at + 1, dealt.dealing.encryptedShares[at]!, circle.random),
      );
      expect(combineShares(group, 2, shares)).toEqual(dealt.secret);
    }
  });

  it('verify for a replica alone, whatever is in the parts of others', () => {
    const circle = circles.get(7)!;
    const { dealing } = deal(circle, context);
    const proofs = dealing.proofs.map((proof, at) =>
      at === 3 ? proof : { challenge: proof.response, response: proof.challenge },
    );
    const opened = openDealing(sodium, circle.shareholders, { ...dealing, proofs }, context)!;
    expect(verifyPart(sodium, circle.shareholders, opened, 4)).toBe(true);
    expect(badParts(sodium, circle.shareholders, opened)).toEqual([1, 2, 3, 5, 6, 7]);
  });

  it('are prepared in another thread as well as here', () => {
    const { shareholders, random } = circles.get(4)!;
    const prepared = prepareDealing(sodium, shareholders, random);
    const received = structuredClone(prepared, { transfer: [prepared.secretPart.buffer] });
    expect(prepared.secretPart.length).toBe(0);
    const { dealing } = finishDealing(received, () => context);
    expect(verifyDealing(sodium, shareholders, dealing, context)).toBe(true);
  });

  it('are finished once, and keep no secret then', () => {
    const { shareholders, random } = circles.get(4)!;
    const prepared = prepareDealing(sodium, shareholders, random);
    let secret: Uint8Array = new Uint8Array(0);
    finishDealing(prepared, (point) => {
      secret = point;
      expect(toHex(point)).not.toMatch(/^0+$/);
      return context;
    });
    expect(toHex(secret)).toMatch(/^0+$/);
    expect(toHex(prepared.secretPart)).toMatch(/^0+$/);
    expect(() => finishDealing(prepared, () => Uint8Array.of(9))).toThrow('finished once');
  });

  it('are used up by a context that could not be made, too', () => {
    const { shareholders, random } = circles.get(4)!;
    const prepared = prepareDealing(sodium, shareholders, random);
    const failing = (): never => {
      throw new Error('no context');
    };
    expect(() => finishDealing(prepared, failing)).toThrow('no context');
    expect(() => finishDealing(prepared, () => context)).toThrow('finished once');
  });
});

describe('f shares', () => {
  const sample = 400;
  const bit = (bytes: Uint8Array, at: number): number => (bytes[at >> 3]! >> (at & 7)) & 1;

  it('of different dealings have nothing in common, and neither have the dealings (pitfall 31)', () => {
    const circle = circles.get(4)!;
    const seen = new Set<string>();
    for (let round = 0; round < 30; round++) {
      const dealt = deal(circle, context);
      const share = sharesOf(circle, dealt)[0]!;
      const [first, second] = dealt.dealing.commitments;
      // With a constant coefficient the secret would be the share less a constant.
      const difference = sodium.sum([
        [sodium.decode(share.point)!, 1n],
        [sodium.decode(dealt.secret)!, order - 1n],
      ]);
      expect(combineShares(sodium, 1, [share])).not.toEqual(dealt.secret);
      for (const bytes of [first!, second!, dealt.secret, share.point, sodium.encode(difference)])
        seen.add(toHex(bytes));
    }
    expect(seen.size).toBe(30 * 5);
  });

  it('predict no bit of the secret in a smoke test', () => {
    const circle = circles.get(4)!;
    const agreements = new Array<number>(16).fill(0);
    for (let round = 0; round < sample; round++) {
      const dealt = deal(circle, context);
      const at = round % 4;
      const encrypted = dealt.dealing.encryptedShares[at]!;
      const { point } = circle.keys[at]!.decrypt(dealt.digest, at + 1, encrypted, circle.random);
      for (let k = 0; k < 16; k++)
        if (bit(point, 9 * k + 1) === bit(dealt.secret, 9 * k + 1)) agreements[k]!++;
    }
    // Five standard deviations of a fair coin.
    const allowance = 2.5 * Math.sqrt(sample);
    for (const count of agreements) expect(Math.abs(count - sample / 2)).toBeLessThan(allowance);
  });

  it('interpolated as if they were enough give something else', () => {
    const circle = circles.get(10)!;
    const dealt = deal(circle, context);
    const shares = sharesOf(circle, dealt);
    expect(combineShares(sodium, 3, shares.slice(0, 3))).not.toEqual(dealt.secret);
    expect(combineShares(sodium, 4, shares.slice(3, 7))).toEqual(dealt.secret);
  });
});

describe('shareholders', () => {
  const keys = circles.get(4)!.keys.map(({ publicKey }) => publicKey);

  it('are refused with repeated or malformed keys or an impossible threshold', () => {
    expect(createShareholders(sodium, 2, keys)).not.toBeNull();
    expect(createShareholders(sodium, 2, [keys[0]!, keys[1]!, keys[0]!, keys[3]!])).toBeNull();
    expect(createShareholders(sodium, 2, [...keys.slice(1), new Uint8Array(32)])).toBeNull();
    for (const threshold of [0, 5, 1.5, -1]) expect(createShareholders(sodium, threshold, keys)).toBeNull();
  });

  it('have keys from canonical secrets other than zero', () => {
    expect(createShareKey(sodium, new Uint8Array(32))).toBeNull();
    expect(createShareKey(sodium, new Uint8Array(32).fill(255))).toBeNull();
    expect(createTagKey(sodium, new Uint8Array(32))).toBeNull();
  });
});

describe('tags', () => {
  const random = seededRandom('tags');
  const [one, other] = [1, 2].map(() => createTagKey(sodium, generateTagSecret(random))!);
  const value = encodeUtf8('value')!;

  it('are equal exactly for equal values under equal keys (pitfall 33)', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => equalBytes(one!.tag(a), one!.tag(b)) === equalBytes(a, b)),
      { numRuns: 100 },
    );
    expect(one!.tag(value)).not.toEqual(other!.tag(value));
  });

  it('can be shown to be right', () => {
    const proof = one!.prove(value, random);
    const tag = one!.tag(value);
    expect(verifyTag(sodium, one!.publicKey, value, tag, proof)).toBe(true);
    expect(verifyTag(sodium, other!.publicKey, value, tag, proof)).toBe(false);
    expect(verifyTag(sodium, one!.publicKey, encodeUtf8('other')!, tag, proof)).toBe(false);
    expect(verifyTag(sodium, one!.publicKey, value, other!.tag(value), proof)).toBe(false);
    expect(verifyTag(sodium, one!.publicKey, value, new Uint8Array(32), proof)).toBe(false);
  });
});

describe('seals', () => {
  const key = deriveSealKey(seededRandom('seals')(32));
  const beside = Uint8Array.of(1);

  it('open with their key and what is beside them', () => {
    for (const length of [0, 1, 1000]) {
      const plain = new Uint8Array(length).fill(5);
      const sealed = seal(key, plain, beside);
      expect(sealed.length).toBe(length + 16);
      expect(unseal(key, sealed, beside)).toEqual(plain);
      expect(unseal(key, sealed, Uint8Array.of(2))).toBeNull();
      expect(unseal(deriveSealKey(key), sealed, beside)).toBeNull();
      expect(unseal(key, sealed.subarray(1), beside)).toBeNull();
    }
    expect(unseal(key, new Uint8Array(15), beside)).toBeNull();
  });

  it('commit to one key', () => {
    expect(isKeyCommitted(key, commitToKey(key))).toBe(true);
    expect(isKeyCommitted(deriveSealKey(key), commitToKey(key))).toBe(false);
  });
});
