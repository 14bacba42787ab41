/** The judge of repairs: what proves that an entry is no good, and every forgery that does not (pitfall 36). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replicaId, toHex } from '../../../src/base/index.js';
import { decodeRepairEvidence, decodeRepairProof, encodeRepairEvidence } from '../../../src/codec/index.js';
import { encodeRepairProof } from '../../../src/codec/index.js';
import type { RepairProof, RepairSubject, SharePoint } from '../../../src/codec/index.js';
import { judgeRepair, openEntry } from '../../../src/confidential/index.js';
import { createRepairEvidence } from '../../../src/confidential/repair.js';
import { createKeep, insert, insertDraft, lies, repliesOf, sampleTuple } from '../../support/confidential.js';
import type { Insertion } from '../../support/confidential.js';
import { groups } from '../../support/pvss.js';

fc.configureGlobal({ seed: 20274 });

const keep = createKeep(4);
const { cluster, tagger, random } = keep;
const noShares: RepairProof = { shares: [], rightTag: null };

const subjectOf = ({ id, tuple, sealed }: Insertion): RepairSubject => ({
  ...{ id, fingerprint: tuple, sealed },
  tagKey: tagger.tagKey,
});
const judge = (subject: RepairSubject, proof: RepairProof): boolean =>
  judgeRepair(cluster, createRepairEvidence(subject, proof));

function sharesOf(insertion: Insertion, replicas: readonly number[]): RepairProof['shares'] {
  const replies = repliesOf(keep, insertion, replicas);
  return replicas.map((at) => {
    const reply = replies.get(replicaId(at))!;
    if (reply.kind !== 'share') expect.fail(`replica ${at} gives no share`);
    return { index: at + 1, point: reply.point, proof: reply.proof };
  });
}

function evidenceOf(insertion: Insertion): Uint8Array {
  const opening = openEntry(cluster, tagger, insertion, repliesOf(keep, insertion), random);
  if (opening.kind !== 'bad') expect.fail(opening.kind);
  return opening.evidence;
}

const rightTagOf = (field: number): NonNullable<RepairProof['rightTag']> => ({
  field,
  tag: tagger.tag(sampleTuple[field]!).point,
  proof: tagger.prove(sampleTuple[field]!, random),
});

describe('evidence against an honest insertion', () => {
  const honest = insert(keep);
  const subject = subjectOf(honest);
  const shares = sharesOf(honest, [0, 2]);
  const others = sharesOf(insert(keep), [0, 2]);

  it('proves nothing, whatever the shares', () => {
    const bent: SharePoint = { point: others[0]!.point, proof: shares[0]!.proof };
    const forgeries: readonly (readonly [string, RepairProof['shares']])[] = [
      ['none', []],
      ['good ones', shares],
      ['too few', shares.slice(1)],
      ['too many', sharesOf(honest, [0, 1, 2])],
      ['those of another dealing', others],
      ['one of another dealing', [shares[0]!, others[1]!]],
      ['one bent', [{ ...bent, index: 1 }, shares[1]!]],
      ['one that is no point', [{ ...shares[0]!, point: new Uint8Array(32) }, shares[1]!]],
      ['of a replica that there is not', [shares[0]!, { ...shares[1]!, index: 5 }]],
      ['of another replica', [shares[0]!, { ...shares[1]!, index: 4 }]],
    ];
    for (const [name, forged] of forgeries) {
      expect(judge(subject, { shares: forged, rightTag: null }), name).toBe(false);
      expect(judge(subject, { shares: forged, rightTag: rightTagOf(1) }), name).toBe(false);
    }
  });

  it('proves nothing with a tag that is not the value’s', () => {
    const tag43 = tagger.tag(43).point;
    const proof43 = tagger.prove(43, random);
    const foreign = createKeep(7).tagger;
    const forgeries: readonly RepairProof['rightTag'][] = [
      { ...rightTagOf(1), tag: tag43 },
      { field: 1, tag: tag43, proof: proof43 },
      { ...rightTagOf(1), field: 2 },
      { ...rightTagOf(1), field: 0 },
      { ...rightTagOf(1), field: 3 },
      { ...rightTagOf(1), field: 63 },
      { field: 1, tag: foreign.tag(42).point, proof: foreign.prove(42, random) },
    ];
    for (const rightTag of forgeries) expect(judge(subject, { shares, rightTag })).toBe(false);
    // With a key of his own for tags, a liar can show what he likes: the service holds the key against the space's.
    const ownKey = { ...subject, tagKey: foreign.tagKey };
    const ownTag = { field: 1, tag: foreign.tag(42).point, proof: foreign.prove(42, random) };
    expect(judge(ownKey, { shares, rightTag: ownTag })).toBe(true);
  });

  it('is not even about it once anything is changed in what it is about', () => {
    // What is changed proves its own badness; that it is not what the service has, the service sees by its bytes.
    const changed = { ...subject, fingerprint: honest.tuple.with(0, 'other') };
    expect(judge(changed, noShares)).toBe(true);
    const sealed = { ...subject.sealed, number: subject.sealed.number + 1 };
    expect(judge({ ...subject, sealed }, noShares)).toBe(true);
    expect(judge({ ...subject, id: 99n }, noShares)).toBe(false);
  });

  it('proves nothing if it is malformed', () => {
    const proof = encodeRepairProof(noShares);
    expect(judgeRepair(cluster, new Uint8Array(0))).toBe(false);
    expect(judgeRepair(cluster, encodeRepairEvidence({ subject, proof: Uint8Array.of(1) }))).toBe(false);
    expect(judgeRepair(cluster, Uint8Array.from([...encodeRepairEvidence({ subject, proof }), 0]))).toBe(
      false,
    );
    const doubled = { shares: [shares[0]!, shares[0]!], rightTag: null };
    expect(decodeRepairProof(encodeRepairProof(doubled))).toBeNull();
    expect(judge(subject, doubled)).toBe(false);
  });

  it('proves nothing after any random change that leaves what it is about as it is', () => {
    const good = encodeRepairProof({ shares, rightTag: rightTagOf(1) });
    fc.assert(
      fc.property(fc.nat(8 * good.length - 1), (bit) => {
        const proof = Uint8Array.from(good);
        proof[bit >> 3]! ^= 1 << (bit & 7);
        return !judgeRepair(cluster, encodeRepairEvidence({ subject, proof }));
      }),
      { numRuns: 200 },
    );
  });
});

describe('evidence against a liar', () => {
  it.each(lies)('about $name convinces both groups, and itself alone', (lie) => {
    const insertion = lie.insert(keep);
    const evidence = evidenceOf(insertion);
    for (const group of groups) {
      const { shareholders } = createKeep(4, group).cluster;
      expect(judgeRepair({ ...cluster, group, shareholders }, evidence)).toBe(true);
    }
    expect(decodeRepairEvidence(evidence)!.subject).toEqual(subjectOf(insertion));
    expect(judgeRepair(cluster, evidence.subarray(1))).toBe(false);
  });

  it('with a wrong tag needs the right one, proven', () => {
    const tuple = insert(keep).tuple.with(1, tagger.tag(43));
    const insertion = insertDraft(keep, { fingerprint: tuple });
    const subject = subjectOf(insertion);
    const shares = sharesOf(insertion, [1, 3]);
    expect(judge(subject, { shares, rightTag: null })).toBe(false);
    expect(judge(subject, { shares, rightTag: { ...rightTagOf(1), proof: tagger.prove(43, random) } })).toBe(
      false,
    );
    expect(judge(subject, { shares, rightTag: rightTagOf(2) })).toBe(false);
    expect(judge(subject, { shares: [], rightTag: rightTagOf(1) })).toBe(false);
    expect(judge(subject, { shares, rightTag: rightTagOf(1) })).toBe(true);
    expect(decodeRepairProof(decodeRepairEvidence(evidenceOf(insertion))!.proof)!.rightTag!.field).toBe(1);
  });

  it('holds nothing private in the clear', () => {
    const insertion = insertDraft(keep, { fingerprint: insert(keep).tuple.with(1, tagger.tag(43)) });
    const text = Buffer.from(evidenceOf(insertion)).toString('latin1');
    expect(text).not.toContain('secret');
  });

  it('whose part is good for f + 1 replicas is shown up by the others’ parts', () => {
    const insertion = insertDraft(keep, {
      deal: (dealing) => ({ ...dealing, proofs: dealing.proofs.with(3, dealing.proofs[0]!) }),
    });
    expect(judge(subjectOf(insertion), noShares)).toBe(true);
    const shares = sharesOf(insertion, [0, 1]);
    expect(judge(subjectOf(insertion), { shares, rightTag: null })).toBe(false);
    // A share of the part that does not verify: that it is there shows the dealing up.
    const bad = { ...shares[1]!, index: 4 };
    expect(judge(subjectOf(insertion), { shares: [shares[0]!, bad], rightTag: null })).toBe(true);
  });
});

describe('an earlier generation of keys', () => {
  it('proves nothing: neither honest nor lying dealings can be told any more', () => {
    const later = { ...cluster, keyGeneration: 2 };
    for (const insertion of [
      insert(keep),
      insertDraft(keep, { deal: (d) => ({ ...d, proofs: d.proofs.toReversed() }) }),
    ])
      expect(judgeRepair(later, createRepairEvidence(subjectOf(insertion), noShares))).toBe(false);
  });
});

describe('what is sealed', () => {
  it('does not hold what is private or comparable', () => {
    const { sealed, tuple } = insert(
      keep,
      ['job', 'comparable text', 'private text'],
      ['public', 'comparable', 'private'],
    );
    const hex = toHex(sealed.bytes) + toHex(new Uint8Array(tuple.length));
    for (const text of ['comparable', 'private']) expect(hex).not.toContain(toHex(Buffer.from(text)));
  });
});
