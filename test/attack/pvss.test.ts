/** Published attacks on verifiable secret sharing and on proofs of equal logarithms (pitfall 34). */
import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concatBytes, equalBytes } from '../../src/base/index.js';
import { commitToKey, deriveSealKey, isKeyCommitted, unseal } from '../../src/crypto/pvss/aead.js';
import { combineShares } from '../../src/crypto/pvss/combine.js';
import { badParts, openDealing, verifyDealing, verifyPart } from '../../src/crypto/pvss/dealing.js';
import type { Dealing } from '../../src/crypto/pvss/dealing.js';
import type { DleqProof } from '../../src/crypto/pvss/dleq.js';
import { decodeScalar, encodeScalar, invertScalar, mod, order } from '../../src/crypto/pvss/scalar.js';
import { randomScalar, reduceWide } from '../../src/crypto/pvss/scalar.js';
import { verifyShare } from '../../src/crypto/pvss/share.js';
import { createTagKey, generateTagSecret, verifyTag } from '../../src/crypto/pvss/tags.js';
import { closeUnderTwoKeys } from '../../src/sim/confidential/two-key-ciphertext.js';
import { bitChanges, createCircle, deal, seededRandom, sharesOf, sodium as group } from '../support/pvss.js';

const circle = createCircle(group, 4, 'attack');
const { shareholders, keys, random } = circle;
const context = Uint8Array.of(4, 5, 6);
const dealt = deal(circle, context);
const { dealing, digest, secret } = dealt;
const shares = sharesOf(circle, dealt);
const identity = new Uint8Array(32);
/** p, an encoding of 0 that is not canonical. */
const nonCanonical = Uint8Array.from([0xed, ...new Array<number>(30).fill(0xff), 0x7f]);

const isAccepted = (forged: Dealing, of: Uint8Array = context): boolean =>
  verifyDealing(group, shareholders, forged, of);
const replaced = <T>(list: readonly T[], at: number, value: T): T[] =>
  list.map((old, index) => (index === at ? value : old));
const isShareAccepted = (at: number, change: object): boolean =>
  verifyShare(group, shareholders, digest, dealing.encryptedShares[at]!, { ...shares[at]!, ...change });

describe('a changed dealing', () => {
  it('is refused after any change of one bit of a public value', () => {
    for (const list of ['commitments', 'encryptedShares'] as const) {
      for (const [at, bytes] of dealing[list].entries()) {
        for (const changed of bitChanges(bytes))
          if (isAccepted({ ...dealing, [list]: replaced(dealing[list], at, changed) }))
            expect.fail(`${list} ${at}`);
      }
    }
  });

  it('is refused after any change of one bit of a proof', () => {
    for (const [at, proof] of dealing.proofs.entries()) {
      const opened = (changed: DleqProof): number[] =>
        badParts(group, shareholders, {
          ...openDealing(group, shareholders, dealing, context)!,
          dealing: { ...dealing, proofs: replaced(dealing.proofs, at, changed) },
        });
      for (const side of ['challenge', 'response'] as const) {
        for (const [bit, bytes] of [...bitChanges(proof[side])].entries())
          if ((bit + at) % 4 === 0) expect(opened({ ...proof, [side]: bytes })).toEqual([at + 1]);
      }
    }
  });

  it('is refused in another context, among other replicas and for another threshold', () => {
    expect(isAccepted(dealing)).toBe(true);
    for (const changed of bitChanges(context)) expect(isAccepted(dealing, changed)).toBe(false);
    expect(isAccepted(dealing, Uint8Array.of(4, 5, 6, 0))).toBe(false);
    const others = createCircle(group, 4, 'others').shareholders;
    const publicKeys = replaced(shareholders.publicKeys, 3, others.publicKeys[3]!);
    const encodedKeys = replaced(shareholders.encodedKeys, 3, others.encodedKeys[3]!);
    const mixed = { threshold: 2, publicKeys, encodedKeys };
    const opened = openDealing(group, mixed, dealing, context)!;
    expect(badParts(group, mixed, opened)).toEqual([1, 2, 3, 4]);
    expect(openDealing(group, { ...shareholders, threshold: 3 }, dealing, context)).toBeNull();
  });

  it('is refused when its parts are dealt to others among the replicas', () => {
    const turned = <T>(list: readonly T[]): T[] => [...list.slice(1), list[0]!];
    expect(isAccepted({ ...dealing, proofs: turned(dealing.proofs) })).toBe(false);
    const parts = {
      encryptedShares: turned(dealing.encryptedShares),
      proofs: turned(dealing.proofs),
    };
    const opened = openDealing(group, shareholders, { ...dealing, ...parts }, context)!;
    expect(badParts(group, shareholders, opened)).toEqual([1, 2, 3, 4]);
  });
});

describe('weak Fiat–Shamir (pitfall 34)', () => {
  /** As in proofs whose challenge covers the nonces alone: the statement is solved for when the challenge is known. */
  const weakChallenge = (nonces: readonly Uint8Array[]): bigint =>
    reduceWide(Uint8Array.from(hash('sha512', concatBytes(nonces), 'buffer')));

  it('lets a statement be chosen after its proof, which the full transcript refuses', () => {
    const share = randomScalar(random);
    const [w, v] = [randomScalar(random), randomScalar(random)];
    const nonces = [group.multiply(group.generator, w), group.multiply(group.secondGenerator, v)];
    const challenge = weakChallenge(nonces.map((point) => group.encode(point)));
    const response = mod(w - challenge * share);
    const key = shareholders.publicKeys[0]!;
    // (A − r·y) / c: no multiple of y that anybody knows, yet the equations hold.
    const encrypted = group.multiply(
      group.sum([
        [nonces[1]!, 1n],
        [key, mod(-response)],
      ]),
      invertScalar(challenge),
    );
    const implied = group.sum([
      [key, response],
      [encrypted, challenge],
    ]);
    expect(group.equal(implied, nonces[1]!)).toBe(true);
    const forged = {
      ...dealing,
      encryptedShares: replaced(dealing.encryptedShares, 0, group.encode(encrypted)),
      proofs: replaced(dealing.proofs, 0, {
        challenge: encodeScalar(challenge),
        response: encodeScalar(response),
      }),
    };
    const opened = openDealing(group, shareholders, forged, context)!;
    expect(verifyPart(group, shareholders, opened, 1)).toBe(false);
  });

  it('lets commitments be exchanged for others that give one part alike, which the full transcript refuses', () => {
    const difference = group.multiply(group.generator, randomScalar(random));
    const shifted = ([0, 1] as const).map((at) =>
      group.encode(
        group.sum([
          [group.decode(dealing.commitments[at]!)!, 1n],
          [difference, at === 0 ? 1n : order - 1n],
        ]),
      ),
    );
    const opened = openDealing(group, shareholders, { ...dealing, commitments: shifted }, context)!;
    expect(badParts(group, shareholders, { ...opened, digest })).toEqual([2, 3, 4]);
    expect(badParts(group, shareholders, opened)).toEqual([1, 2, 3, 4]);
  });
});

describe('degree lift (pitfall 34)', () => {
  it('is refused: commitments are exactly as many as open', () => {
    const extra = dealing.commitments[0]!;
    expect(
      openDealing(group, shareholders, { ...dealing, commitments: [...dealing.commitments, extra] }, context),
    ).toBeNull();
    expect(openDealing(group, shareholders, { ...dealing, commitments: [extra] }, context)).toBeNull();
    expect(openDealing(group, shareholders, { ...dealing, commitments: [] }, context)).toBeNull();
    const lifted = createCircle(group, 4, 'attack');
    const higher = deal({ ...lifted, shareholders: { ...shareholders, threshold: 3 } }, context).dealing;
    expect(isAccepted(higher)).toBe(false);
    expect(isAccepted({ ...higher, commitments: higher.commitments.slice(0, 2) })).toBe(false);
  });

  it('is refused with parts too few or too many', () => {
    const { encryptedShares, proofs } = dealing;
    for (const forged of [
      { ...dealing, encryptedShares: encryptedShares.slice(1) },
      { ...dealing, proofs: proofs.slice(1) },
      { ...dealing, encryptedShares: encryptedShares.slice(1), proofs: proofs.slice(1) },
      { ...dealing, encryptedShares: [...encryptedShares, secret], proofs: [...proofs, proofs[0]!] },
    ])
      expect(openDealing(group, shareholders, forged, context)).toBeNull();
  });
});

describe('points that are none (pitfall 34)', () => {
  const strange = [
    identity,
    nonCanonical,
    dealing.commitments[0]!.subarray(1),
    concatBytes([secret, identity]),
  ];

  it('are refused as commitments and as encrypted shares', () => {
    for (const bytes of strange) {
      expect(isAccepted({ ...dealing, commitments: replaced(dealing.commitments, 1, bytes) })).toBe(false);
      const encryptedShares = replaced(dealing.encryptedShares, 2, bytes);
      const opened = openDealing(group, shareholders, { ...dealing, encryptedShares }, context)!;
      expect(verifyPart(group, shareholders, opened, 3)).toBe(false);
    }
  });

  it('are refused as shares, before and in combining', () => {
    for (const point of strange) {
      expect(isShareAccepted(1, { point })).toBe(false);
      expect(combineShares(group, 2, [shares[0]!, { index: 2, point }])).toBeNull();
    }
  });

  it('are refused as tags and keys of tags', () => {
    const key = createTagKey(group, generateTagSecret(random))!;
    const proof = key.prove(context, random);
    expect(verifyTag(group, key.publicKey, context, key.tag(context), proof)).toBe(true);
    for (const bytes of strange) {
      expect(verifyTag(group, bytes, context, key.tag(context), proof)).toBe(false);
      expect(verifyTag(group, key.publicKey, context, bytes, proof)).toBe(false);
    }
  });

  it('an identity for every public value of a part does not verify: a dealing of nothing', () => {
    const nothing = { challenge: encodeScalar(0n), response: encodeScalar(0n) };
    const forged = {
      commitments: [identity, identity],
      encryptedShares: new Array<Uint8Array>(4).fill(identity),
      proofs: new Array<DleqProof>(4).fill(nothing),
    };
    expect(isAccepted(forged)).toBe(false);
  });
});

describe('scalars that are none', () => {
  it('are refused in proofs: response and challenge have one encoding', () => {
    const aboveOrder = (bytes: Uint8Array): Uint8Array => {
      const value = decodeScalar(bytes)! + order;
      return Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
    };
    for (const side of ['challenge', 'response'] as const) {
      const proof = { ...dealing.proofs[0]!, [side]: aboveOrder(dealing.proofs[0]![side]) };
      expect(isAccepted({ ...dealing, proofs: replaced(dealing.proofs, 0, proof) })).toBe(false);
      const shareProof = { ...shares[0]!.proof, [side]: aboveOrder(shares[0]!.proof[side]) };
      expect(isShareAccepted(0, { proof: shareProof })).toBe(false);
    }
  });
});

describe('indices (pitfall 34)', () => {
  const at = (index: number): (() => unknown) => {
    const opened = openDealing(group, shareholders, dealing, context)!;
    return () => verifyPart(group, shareholders, opened, index);
  };

  it('are 1 … n: at 0 lies the secret', () => {
    for (const index of [0, -1, 5, 1.5, Number.NaN]) {
      expect(at(index)).toThrow('numbered 1 … n');
      expect(() => isShareAccepted(0, { index })).toThrow('numbered 1 … n');
    }
    expect(() => combineShares(group, 2, [{ ...shares[0]!, index: 0 }, shares[1]!])).toThrow(
      'numbered from 1',
    );
  });

  it('are combined once each', () => {
    expect(() => combineShares(group, 2, [shares[0]!, shares[0]!])).toThrow('different replicas');
    expect(() => combineShares(group, 2, shares)).toThrow('as many shares');
  });
});

describe('shares of others', () => {
  it('do not pass for one’s own, nor those of other dealings', () => {
    expect(isShareAccepted(0, {})).toBe(true);
    expect(isShareAccepted(0, { index: 2 })).toBe(false);
    expect(isShareAccepted(0, { ...shares[1]!, index: 1 })).toBe(false);
    const another = deal(circle, context);
    const foreign = keys[0]!.decrypt(another.digest, 1, another.dealing.encryptedShares[0]!, random);
    expect(isShareAccepted(0, foreign)).toBe(false);
    // The same encrypted share in a dealing of another context.
    const replayed = keys[0]!.decrypt(another.digest, 1, dealing.encryptedShares[0]!, random);
    expect(equalBytes(replayed.point, shares[0]!.point)).toBe(true);
    expect(isShareAccepted(0, replayed)).toBe(false);
  });

  it('are refused after any change of one bit', () => {
    const { point, proof } = shares[2]!;
    for (const changed of bitChanges(point)) expect(isShareAccepted(2, { point: changed })).toBe(false);
    for (const side of ['challenge', 'response'] as const) {
      for (const changed of bitChanges(proof[side]))
        expect(isShareAccepted(2, { proof: { ...proof, [side]: changed } })).toBe(false);
    }
  });

  it('with a tag’s proof changed in one bit prove nothing', () => {
    const key = createTagKey(group, generateTagSecret(random))!;
    const proof = key.prove(context, random);
    for (const side of ['challenge', 'response'] as const) {
      for (const changed of bitChanges(proof[side])) {
        const forged = { ...proof, [side]: changed };
        expect(verifyTag(group, key.publicKey, context, key.tag(context), forged)).toBe(false);
      }
    }
  });
});

describe('a ciphertext that opens under two keys', () => {
  it('is one key’s only by its commitment: a colluding replica cannot choose which', () => {
    // The dealer knows p(1) and p(2); replica 2, who colludes, gives a share that combines to another secret.
    const bent = group.encode(group.sum([[group.decode(shares[1]!.point)!, 3n]]));
    const otherSecret = combineShares(group, 2, [shares[0]!, { index: 2, point: bent }])!;
    const [key, otherKey] = [deriveSealKey(secret), deriveSealKey(otherSecret)];
    const beside = seededRandom('beside')(21);
    const sealed = closeUnderTwoKeys([key, otherKey], beside, new Uint8Array(40), 1);
    const [plain, otherPlain] = [unseal(key, sealed, beside), unseal(otherKey, sealed, beside)];
    expect(plain).not.toBeNull();
    expect(otherPlain).not.toBeNull();
    expect(plain).not.toEqual(otherPlain);
    const commitment = commitToKey(key);
    expect(isKeyCommitted(key, commitment)).toBe(true);
    expect(isKeyCommitted(otherKey, commitment)).toBe(false);
    expect(isShareAccepted(1, { point: bent })).toBe(false);
  });
});
