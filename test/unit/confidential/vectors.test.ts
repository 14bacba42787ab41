/**
 * Every byte of a space's key, of sealed tuples, shares and evidence from seeded randomness, as committed: both groups give
 * them alike. After an intended change: UPDATE_VECTORS=1, and a new key generation.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { clientId, replicaId, sessionId, toHex } from '../../../src/base/index.js';
import { encodeEntryShares, encodeTuple } from '../../../src/codec/index.js';
import type { Origin } from '../../../src/codec/index.js';
import { fingerprintTuple, openEntry } from '../../../src/confidential/index.js';
import { prepareSealing, sealSpaceKey, sealTuple } from '../../../src/confidential/index.js';
import type { Group } from '../../../src/crypto/index.js';
import { createKeep, repliesOf, sampleProtections, sampleTuple } from '../../support/confidential.js';
import { groups } from '../../support/pvss.js';

const file = fileURLToPath(new URL('../../vectors/confidential.json', import.meta.url));
const origin: Origin = {
  space: 'vault',
  inserter: clientId('ab'.repeat(32)),
  session: sessionId(2 ** 40),
  number: 3,
};

function vectorsOf(group: Group): unknown {
  const keep = createKeep(4, group);
  const { cluster, tagger, random } = keep;
  const secret = new Uint8Array(32).fill(9);
  const key = { tagKey: tagger.tagKey, secret };
  const sealedKey = sealSpaceKey(cluster, prepareSealing(cluster, random), origin, key);
  const fingerprint = fingerprintTuple(sampleTuple, sampleProtections, tagger);
  const sealed = sealTuple(cluster, prepareSealing(cluster, random), origin, sampleTuple, fingerprint);
  const entry = { id: 5n, tuple: fingerprint, sealed: { bytes: sealed, ...origin } };
  const wrong = fingerprint.with(1, tagger.tag(43));
  const lied = sealTuple(cluster, prepareSealing(cluster, random), origin, sampleTuple, wrong);
  const lie = { id: 6n, tuple: wrong, sealed: { bytes: lied, ...origin } };
  const opening = openEntry(cluster, tagger, lie, repliesOf(keep, lie, [1, 3]), random);
  const shares = [0, 3].map((at) => repliesOf(keep, entry, [at]).get(replicaId(at))!);
  return {
    sealedKey: toHex(sealedKey),
    fingerprint: toHex(encodeTuple(fingerprint)),
    sealed: toHex(sealed),
    shares: toHex(encodeEntryShares(shares)),
    evidence: opening.kind === 'bad' ? toHex(opening.evidence) : opening.kind,
  };
}

if (process.env['UPDATE_VECTORS'] === '1')
  writeFileSync(file, `${JSON.stringify(vectorsOf(groups[0]!), null, 2)}\n`);

describe('vectors of confidential tuples', () => {
  it.each(groups)('are what $name gives', (group) => {
    expect(vectorsOf(group)).toEqual(JSON.parse(readFileSync(file, 'utf8')));
  });
});
