/** From insertion to what a reader gets, with up to f replicas that lie, and with inserters that do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientId, replicaId, sessionId } from '../../../src/base/index.js';
import type { ReplicaId } from '../../../src/base/index.js';
import { decodeSealedTuple, normalizeTuple } from '../../../src/codec/index.js';
import type { EntryShare, Origin } from '../../../src/codec/index.js';
import { generateSpaceKey, judgeRepair, openEntry, openSpaceKey } from '../../../src/confidential/index.js';
import {
  prepareSealing,
  sealSpaceKey,
  sealTuple,
  shareCacheKey,
  shareOf,
} from '../../../src/confidential/index.js';
import type { EntryOpening, Protection } from '../../../src/confidential/index.js';
import { createKeep, insert, insertDraft, lies, nextOrigin } from '../../support/confidential.js';
import { repliesOf, resealed, sampleTuple } from '../../support/confidential.js';
import type { Insertion, Keep } from '../../support/confidential.js';

fc.configureGlobal({ seed: 20273 });

const keeps = new Map([4, 7, 10].map((n) => [n, createKeep(n)]));
const keep = keeps.get(4)!;
type Replies = Map<ReplicaId, EntryShare>;

const open = (at: Keep, insertion: Insertion, replies: Replies): EntryOpening =>
  openEntry(at.cluster, at.tagger, insertion, replies, at.random);

/** What a faulty replica may send instead. */
const deceits: readonly ((honest: EntryShare, other: EntryShare) => EntryShare)[] = [
  () => ({ kind: 'badPart' }),
  (_, other) => other,
  (honest) => (honest.kind === 'share' ? { ...honest, point: honest.proof.challenge } : honest),
  (honest) => (honest.kind === 'share' ? { ...honest, point: new Uint8Array(32) } : honest),
  (honest) =>
    honest.kind === 'share' ? { ...honest, proof: { ...honest.proof, response: honest.point } } : honest,
];

describe('an honest insertion', () => {
  it('opens with any f + 1 replies', () => {
    for (const [n, at] of keeps) {
      const insertion = insert(at);
      const f = (n - 1) / 3;
      for (const first of [0, 1, n - f - 1]) {
        const chosen = Array.from({ length: f + 1 }, (_, k) => first + k);
        const replies = repliesOf(at, insertion, chosen);
        expect(open(at, insertion, replies)).toEqual({ kind: 'tuple', tuple: sampleTuple, liars: [] });
      }
    }
  });

  it('needs f + 1 of them', () => {
    const insertion = insert(keep);
    expect(open(keep, insertion, new Map())).toEqual({ kind: 'needsShares', liars: [] });
    expect(open(keep, insertion, repliesOf(keep, insertion, [2]))).toEqual({
      kind: 'needsShares',
      liars: [],
    });
  });

  it('opens with n − f replies of which f are lies, and says whose, whatever the tuple', () => {
    const protection = fc.constantFrom<Protection>('public', 'comparable', 'private');
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.double({ noNaN: true }),
      fc.uint8Array(),
    );
    const fields = fc.array(fc.tuple(value, protection), { maxLength: 6 });
    const deceit = fc.constantFrom(...deceits);
    fc.assert(
      fc.property(
        fc.constantFrom(4, 7, 10),
        fields,
        deceit,
        fc.nat(),
        fc.boolean(),
        (n, drawn, lie, turn, isFirst) => {
          const at = keeps.get(n)!;
          const f = (n - 1) / 3;
          const tuple = normalizeTuple(
            drawn.map(([field]) =>
              typeof field === 'number' && !Number.isSafeInteger(field) && Number.isInteger(field)
                ? 0.5
                : field,
            ),
          );
          const insertion = insert(
            at,
            tuple,
            drawn.map(([, protectionOf]) => protectionOf),
          );
          const replicas = Array.from({ length: n - f }, (_, k) => (turn + k) % n);
          const honest = repliesOf(at, insertion, replicas);
          const other = repliesOf(at, insert(at), replicas);
          const liars = isFirst ? replicas.slice(0, f) : replicas.slice(-f);
          const replies: Replies = new Map();
          for (const [replica, reply] of honest) {
            const isLiar = liars.includes(replica);
            replies.set(replica, isLiar ? lie(reply, other.get(replica)!) : reply);
          }
          const opening = open(at, insertion, replies);
          expect(opening).toMatchObject({ kind: 'tuple', tuple });
          // Lies that were not in the way are not looked for.
          expect(opening.liars.every((replica) => liars.includes(replica))).toBe(true);
          const isInTheWay = isFirst && replies.get(replicaId(liars[0]!))!.kind === 'share';
          const isPointWrong = lie !== deceits[4];
          if (isInTheWay && isPointWrong) expect(opening.liars).toEqual(liars);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('names replicas that say that their good part is bad, once it matters', () => {
    const insertion = insert(keep);
    const replies = repliesOf(keep, insertion, [1]);
    replies.set(replicaId(3), { kind: 'badPart' });
    expect(open(keep, insertion, replies)).toEqual({ kind: 'needsShares', liars: [3] });
  });

  it('ignores replies of replicas that there are none of', () => {
    const insertion = insert(keep);
    const share = repliesOf(keep, insertion, [0]).get(replicaId(0))!;
    const replies: Replies = new Map([
      [replicaId(9), share],
      [replicaId(0), share],
    ]);
    expect(open(keep, insertion, replies)).toEqual({ kind: 'needsShares', liars: [] });
  });
});

describe('a copied dealing', () => {
  const original = insert(keep);
  const changes: readonly Partial<Origin>[] = [
    { inserter: clientId('cd'.repeat(32)) },
    { session: sessionId(8) },
    { number: 999_999 },
    { space: 'other' },
  ];

  it.each(changes)('in a request with %j gets no share', (change) => {
    const copy: Insertion = { ...original, sealed: { ...original.sealed, ...change } };
    for (const reply of repliesOf(keep, copy).values()) expect(reply).toEqual({ kind: 'badPart' });
    // Shares from the original do not help whoever shows them for the copy.
    const opening = open(keep, copy, repliesOf(keep, original));
    expect(opening).toMatchObject({ kind: 'bad', liars: [0, 1, 2, 3] });
  });

  it('beside another fingerprint or in another cluster gets no share', () => {
    const copy = { ...original, tuple: original.tuple.with(0, 'other') };
    for (const reply of repliesOf(keep, copy).values()) expect(reply.kind).toBe('badPart');
    const elsewhere = { ...keep, cluster: { ...keep.cluster, clusterId: 'ff'.repeat(16) } };
    for (const reply of repliesOf(elsewhere, original).values()) expect(reply.kind).toBe('badPart');
  });

  it('with another ciphertext, key commitment or dealing gets no share', () => {
    const another = decodeSealedTuple(insert(keep).sealed.bytes)!;
    const { ciphertext, keyCommitment, dealing } = another;
    for (const change of [{ ciphertext }, { keyCommitment }, { dealing }]) {
      const copy = resealed(original, (sealed) => ({ ...sealed, ...change }));
      for (const reply of repliesOf(keep, copy).values()) expect(reply.kind).toBe('badPart');
    }
  });
});

describe('a dealer who lies', () => {
  it.each(lies)('about $name is shown up by any n − f replicas', (lie) => {
    for (const n of [4, 7]) {
      const at = keeps.get(n)!;
      const f = (n - 1) / 3;
      const insertion = lie.insert(at);
      for (const first of [0, f]) {
        const replicas = Array.from({ length: n - f }, (_, k) => first + k);
        const opening = open(at, insertion, repliesOf(at, insertion, replicas));
        if (opening.kind !== 'bad') expect.fail(`${opening.kind} of ${n}`);
        expect(opening.liars).toEqual([]);
        expect(judgeRepair(at.cluster, opening.evidence)).toBe(true);
      }
    }
  });

  it.each(lies)('about $name is shown up beside f replicas that lie for him', (lie) => {
    const insertion = lie.insert(keep);
    const elsewhere = repliesOf(keep, insert(keep));
    for (const accomplice of [0, 3]) {
      const replies = repliesOf(keep, insertion, [0, 1, 3]);
      replies.set(replicaId(accomplice), elsewhere.get(replicaId(accomplice))!);
      const opening = open(keep, insertion, replies);
      if (opening.kind !== 'bad') expect.fail(opening.kind);
      expect(opening.liars).toEqual([accomplice]);
      expect(judgeRepair(keep.cluster, opening.evidence)).toBe(true);
    }
  });

  it('with parts that are bad for f replicas alone gives the tuple to the rest', () => {
    const insertion = insertDraft(keep, {
      deal: (dealing) => ({
        ...dealing,
        proofs: dealing.proofs.with(2, dealing.proofs[1]!),
      }),
    });
    const replies = repliesOf(keep, insertion, [0, 1, 2]);
    expect(replies.get(replicaId(2))).toEqual({ kind: 'badPart' });
    expect(open(keep, insertion, replies)).toEqual({ kind: 'tuple', tuple: sampleTuple, liars: [] });
    expect(open(keep, insertion, repliesOf(keep, insertion, [1, 2])).kind).toBe('bad');
  });
});

describe('an earlier generation of keys', () => {
  it('is neither opened nor repaired', () => {
    const insertion = insert(keep);
    const later = { ...keep, cluster: { ...keep.cluster, keyGeneration: 2 } };
    expect(repliesOf(later, insertion).get(replicaId(0))).toEqual({ kind: 'badPart' });
    expect(open(later, insertion, repliesOf(keep, insertion))).toEqual({ kind: 'expired', liars: [] });
  });
});

describe('the key to tags', () => {
  const { cluster, keys, random } = keep;
  const made = generateSpaceKey(cluster.group, random);
  const origin = nextOrigin();
  const bytes = sealSpaceKey(cluster, prepareSealing(cluster, random), origin, made);
  const answer = { tagKey: made.tagKey, sealed: { bytes, ...origin } };
  const giveShares = (of: typeof answer, replicas: readonly number[] = [0, 1, 2, 3]): Replies => {
    const about = { sealed: of.sealed, subject: { kind: 'spaceKey', tagKey: of.tagKey } } as const;
    return new Map(
      replicas.map((at) => [replicaId(at), shareOf(cluster, replicaId(at), keys[at]!, about, random)]),
    );
  };

  it('opens with f + 1 shares and makes the same tags', () => {
    const opening = openSpaceKey(cluster, answer, giveShares(answer, [3, 1]));
    if (opening.kind !== 'opened') expect.fail(opening.kind);
    expect(opening.tagger.tagKey).toEqual(made.tagKey);
    expect(openSpaceKey(cluster, answer, giveShares(answer, [1]))).toMatchObject({ kind: 'needsShares' });
  });

  it('opens beside a lie', () => {
    const replies = giveShares(answer, [0, 1, 2]);
    replies.set(replicaId(0), repliesOf(keep, insert(keep), [0]).get(replicaId(0))!);
    expect(openSpaceKey(cluster, answer, replies)).toMatchObject({ kind: 'opened', liars: [0] });
  });

  it('is no good if it is that of other tags, for another space, or no key', () => {
    const other = generateSpaceKey(cluster.group, random);
    const sealOf = (key: typeof made): typeof answer => ({
      tagKey: key.tagKey,
      sealed: { ...origin, bytes: sealSpaceKey(cluster, prepareSealing(cluster, random), origin, key) },
    });
    const mixed = sealOf({ tagKey: made.tagKey, secret: other.secret });
    expect(openSpaceKey(cluster, mixed, giveShares(mixed)).kind).toBe('bad');
    const none = sealOf({ tagKey: made.tagKey, secret: new Uint8Array(32) });
    expect(openSpaceKey(cluster, none, giveShares(none)).kind).toBe('bad');
    const moved = { ...answer, sealed: { ...answer.sealed, space: 'other' } };
    expect(openSpaceKey(cluster, moved, giveShares(moved)).kind).toBe('bad');
    const torn = { ...answer, sealed: { ...answer.sealed, bytes: bytes.subarray(1) } };
    expect(openSpaceKey(cluster, torn, giveShares(torn)).kind).toBe('bad');
  });

  it('is not given out as an entry, nor an entry as a key', () => {
    const asEntry: Insertion = { id: 1n, tuple: [made.tagKey], sealed: answer.sealed };
    for (const reply of repliesOf(keep, asEntry).values()) expect(reply.kind).toBe('badPart');
  });
});

describe('what is kept of shares', () => {
  it('is known by the request', () => {
    const subject = { kind: 'tuple', fingerprint: [] } as const;
    const sealed = insert(keep).sealed;
    const key = shareCacheKey({ sealed, subject });
    expect(shareCacheKey({ sealed: { ...sealed, number: sealed.number + 1 }, subject })).not.toBe(key);
    expect(shareCacheKey({ sealed: { ...sealed, session: sessionId(9) }, subject })).not.toBe(key);
  });
});

describe('sealing', () => {
  it('takes a dealing prepared for these replicas, once', () => {
    const { cluster, random } = keep;
    const prepared = prepareSealing(cluster, random);
    const sealAgain = (): unknown => sealTuple(cluster, prepared, nextOrigin(), sampleTuple, []);
    sealAgain();
    expect(sealAgain).toThrow('finished once');
    const foreign = prepareSealing(keeps.get(7)!.cluster, random);
    expect(() => sealTuple(cluster, foreign, nextOrigin(), sampleTuple, [])).toThrow('prepared for');
  });
});
