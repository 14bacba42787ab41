/**
 * Every byte of dealings, shares, tags and sealed bytes from seeded randomness, as committed: both groups give them alike.
 * After an intended change: UPDATE_VECTORS=1, and a new key generation.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { encodeUtf8, toHex } from '../../../src/base/index.js';
import { commitToKey, deriveSealKey, seal } from '../../../src/crypto/pvss/aead.js';
import { combineShares } from '../../../src/crypto/pvss/combine.js';
import type { DleqProof } from '../../../src/crypto/pvss/dleq.js';
import type { Group } from '../../../src/crypto/pvss/group.js';
import { createTagKey, generateTagSecret } from '../../../src/crypto/pvss/tags.js';
import { createCircle, deal, groups, seededRandom, sharesOf } from '../../support/pvss.js';

const file = fileURLToPath(new URL('../../vectors/pvss.json', import.meta.url));
const text = (value: string): Uint8Array => encodeUtf8(value)!;
const hexOf = ({ challenge, response }: DleqProof): string => toHex(challenge) + toHex(response);

function dealingVector(group: Group, n: number): unknown {
  const circle = createCircle(group, n, 'vectors');
  const dealt = deal(circle, text(`context of ${n}`));
  const shares = sharesOf(circle, dealt);
  const { dealing, digest, secret } = dealt;
  const { threshold } = circle.shareholders;
  expect(combineShares(group, threshold, shares.slice(-threshold))).toEqual(secret);
  return {
    threshold,
    publicKeys: circle.keys.map(({ publicKey }) => toHex(publicKey)),
    commitments: dealing.commitments.map(toHex),
    encryptedShares: dealing.encryptedShares.map(toHex),
    proofs: dealing.proofs.map(hexOf),
    digest: toHex(digest),
    shares: shares.map(({ point, proof }) => toHex(point) + hexOf(proof)),
    secret: toHex(secret),
  };
}

function tagVector(group: Group): unknown {
  const random = seededRandom('tag vectors');
  const key = createTagKey(group, generateTagSecret(random))!;
  const value = text('a value');
  return {
    publicKey: toHex(key.publicKey),
    tag: toHex(key.tag(value)),
    proof: hexOf(key.prove(value, random)),
  };
}

function sealVector(): unknown {
  const key = deriveSealKey(seededRandom('seal vectors')(32));
  return {
    key: toHex(key),
    commitment: toHex(commitToKey(key)),
    sealed: toHex(seal(key, text('plain'), text('beside'))),
  };
}

const vectorsOf = (group: Group): unknown => ({
  dealings: [4, 7, 10].map((n) => dealingVector(group, n)),
  tag: tagVector(group),
  seal: sealVector(),
});

if (process.env['UPDATE_VECTORS'] === '1')
  writeFileSync(file, `${JSON.stringify(vectorsOf(groups[0]!), null, 2)}\n`);

describe('vectors of the secret sharing', () => {
  it.each(groups)('are what $name gives', (group) => {
    expect(existsSync(file)).toBe(true);
    expect(vectorsOf(group)).toEqual(JSON.parse(readFileSync(file, 'utf8')));
  });
});
