/** A cluster of replicas with keys for shares, honest inserters, and dealers who lie in one way each. */
import { clientId, replicaId, sessionId } from '../../src/base/index.js';
import type { ReplicaId } from '../../src/base/index.js';
import { decodeSealedTuple, double, encodeSealedTuple, encodeTuple, Tag } from '../../src/codec/index.js';
import type { EntryShare, Origin, PlainTuple, Sealed, SealedTuple, Tuple } from '../../src/codec/index.js';
import { createTagger, fingerprintTuple, generateSpaceKey } from '../../src/confidential/index.js';
import { prepareSealing, protectionsOf, sealTuple, shareOf } from '../../src/confidential/index.js';
import type { ConfidentialCluster, Protection, Tagger } from '../../src/confidential/index.js';
import { associatedBytes, contextBytes } from '../../src/confidential/context.js';
import { commitToKey, deriveSealKey, finishDealing, seal } from '../../src/crypto/index.js';
import type { Dealing, Group, RandomBytes, ShareKey } from '../../src/crypto/index.js';
import { createCircle, seededRandom, sodium } from './pvss.js';

export interface Keep {
  readonly cluster: ConfidentialCluster;
  readonly keys: readonly ShareKey[];
  readonly random: RandomBytes;
  readonly tagger: Tagger;
}

export function createKeep(n: number, group: Group = sodium): Keep {
  const { keys, shareholders } = createCircle(group, n, 'keep');
  const random = seededRandom(`keep/${n}`);
  const { secret } = generateSpaceKey(group, random);
  const cluster = { group, clusterId: '0123456789abcdef0123456789abcdef', keyGeneration: 1, shareholders };
  return { cluster, keys, random, tagger: createTagger(group, secret)! };
}

let requests = 0;

export function nextOrigin(change: Partial<Origin> = {}): Origin {
  const inserter = clientId('ab'.repeat(32));
  return { space: 'vault', inserter, session: sessionId(7), number: ++requests, ...change };
}

export interface Insertion {
  readonly id: bigint;
  readonly tuple: Tuple;
  readonly sealed: Sealed;
}

export const sampleTuple: PlainTuple = ['job', 42, double(3), 'secret', Uint8Array.of(1, 2), true];
export const sampleProtections: readonly Protection[] = [
  'public',
  'comparable',
  'comparable',
  'private',
  'comparable',
  'public',
];

export function insert(
  keep: Keep,
  tuple: PlainTuple = sampleTuple,
  protections: readonly Protection[] = sampleProtections,
  origin: Origin = nextOrigin(),
): Insertion {
  const fingerprint = fingerprintTuple(tuple, protectionsOf(tuple.length, protections), keep.tagger);
  const prepared = prepareSealing(keep.cluster, keep.random);
  const bytes = sealTuple(keep.cluster, prepared, origin, tuple, fingerprint);
  return { id: 17n, tuple: fingerprint, sealed: { bytes, ...origin } };
}

/** What the replicas add to a reply. */
export function repliesOf(
  { cluster, keys, random }: Keep,
  { tuple, sealed }: Insertion,
  replicas: readonly number[] = keys.map((_, at) => at),
): Map<ReplicaId, EntryShare> {
  const about = { sealed, subject: { kind: 'tuple', fingerprint: tuple } } as const;
  return new Map(
    replicas.map((at) => [replicaId(at), shareOf(cluster, replicaId(at), keys[at]!, about, random)]),
  );
}

interface Draft {
  readonly plaintext: Uint8Array;
  readonly fingerprint: Tuple;
  readonly keyGeneration: number;
  /** What is committed to and what is encrypted with, of the key that was dealt. */
  readonly committedKey: (key: Uint8Array) => Uint8Array;
  readonly sealingKey: (key: Uint8Array) => Uint8Array;
  /** What is bound into the dealing instead of the ciphertext that is sent. */
  readonly deal: (dealing: Dealing) => Dealing;
  readonly send: (sealed: SealedTuple) => Uint8Array;
}

/** Seals what a dealer who is free to lie makes of an honest insertion. */
export function insertDraft(keep: Keep, change: Partial<Draft>): Insertion {
  const { cluster, tagger, random } = keep;
  const origin = nextOrigin();
  const draft: Draft = {
    plaintext: encodeTuple(sampleTuple),
    fingerprint: fingerprintTuple(sampleTuple, sampleProtections, tagger),
    keyGeneration: 1,
    committedKey: (key) => key,
    sealingKey: (key) => key,
    deal: (dealing) => dealing,
    send: encodeSealedTuple,
    ...change,
  };
  const { fingerprint, keyGeneration } = draft;
  const associated = associatedBytes({ ...cluster, keyGeneration }, origin, { kind: 'tuple', fingerprint });
  let sealed = {
    keyCommitment: new Uint8Array(0) as Uint8Array,
    ciphertext: new Uint8Array(0) as Uint8Array,
  };
  const { dealing } = finishDealing(prepareSealing(cluster, random), (secret) => {
    const key = deriveSealKey(secret);
    const ciphertext = seal(draft.sealingKey(key), draft.plaintext, associated);
    sealed = { keyCommitment: commitToKey(draft.committedKey(key)), ciphertext };
    return contextBytes(associated, sealed);
  });
  const bytes = draft.send({ keyGeneration, dealing: draft.deal(dealing), ...sealed });
  return { id: 18n, tuple: fingerprint, sealed: { bytes, ...origin } };
}

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte));
const withField = (tuple: Tuple, index: number, field: Tuple[number]): Tuple => tuple.with(index, field);

export interface Lie {
  readonly name: string;
  insert(keep: Keep): Insertion;
}

const fingerprintLie =
  (change: (fingerprint: Tuple, keep: Keep) => Tuple): Lie['insert'] =>
  (keep) =>
    insertDraft(keep, {
      fingerprint: change(fingerprintTuple(sampleTuple, sampleProtections, keep.tagger), keep),
    });

const partLie =
  (isBad: (index: number) => boolean): Lie['insert'] =>
  (keep) =>
    insertDraft(keep, {
      deal: (dealing) => ({
        ...dealing,
        proofs: dealing.proofs.map((proof, at) =>
          isBad(at) ? { ...proof, response: proof.challenge } : proof,
        ),
      }),
    });

/** Every way in which something sealed can be no good. */
export const lies: readonly Lie[] = [
  { name: 'no sealed tuple', insert: (keep) => insertDraft(keep, { send: () => Uint8Array.of(1, 2, 3) }) },
  { name: 'nothing at all', insert: (keep) => insertDraft(keep, { send: () => new Uint8Array(0) }) },
  {
    name: 'a byte too many',
    insert: (keep) =>
      insertDraft(keep, { send: (sealed) => Uint8Array.from([...encodeSealedTuple(sealed), 0]) }),
  },
  { name: 'key generation 0', insert: (keep) => insertDraft(keep, { keyGeneration: 0 }) },
  { name: 'a key generation to come', insert: (keep) => insertDraft(keep, { keyGeneration: 2 }) },
  {
    name: 'a commitment too many',
    insert: (keep) =>
      insertDraft(keep, {
        deal: (dealing) => ({ ...dealing, commitments: [...dealing.commitments, dealing.commitments[0]!] }),
      }),
  },
  {
    name: 'a part too few',
    insert: (keep) =>
      insertDraft(keep, {
        deal: ({ commitments, encryptedShares, proofs }) => ({
          commitments,
          encryptedShares: encryptedShares.slice(1),
          proofs: proofs.slice(1),
        }),
      }),
  },
  {
    name: 'commitments that are no points',
    insert: (keep) =>
      insertDraft(keep, {
        deal: (dealing) => ({ ...dealing, commitments: dealing.commitments.map(() => new Uint8Array(32)) }),
      }),
  },
  { name: 'every part bad', insert: partLie(() => true) },
  { name: 'every part but the first bad', insert: partLie((at) => at > 0) },
  {
    name: 'shares that are no points',
    insert: (keep) =>
      insertDraft(keep, {
        deal: (dealing) => ({
          ...dealing,
          encryptedShares: dealing.encryptedShares.map(() => new Uint8Array(32)),
        }),
      }),
  },
  { name: 'a commitment to another key', insert: (keep) => insertDraft(keep, { committedKey: flipped }) },
  { name: 'a ciphertext under another key', insert: (keep) => insertDraft(keep, { sealingKey: flipped }) },
  {
    name: 'a commitment and a ciphertext of another key',
    insert: (keep) => insertDraft(keep, { committedKey: flipped, sealingKey: flipped }),
  },
  {
    name: 'something else than a tuple',
    insert: (keep) => insertDraft(keep, { plaintext: Uint8Array.of(200) }),
  },
  {
    name: 'a fingerprint in place of the tuple',
    insert: (keep) => {
      const fingerprint = fingerprintTuple(sampleTuple, sampleProtections, keep.tagger);
      return insertDraft(keep, { plaintext: encodeTuple(fingerprint) });
    },
  },
  {
    name: 'a tuple of another arity',
    insert: (keep) => insertDraft(keep, { plaintext: encodeTuple(sampleTuple.slice(1)) }),
  },
  {
    name: 'a tuple of a field more',
    insert: (keep) => insertDraft(keep, { plaintext: encodeTuple([...sampleTuple, 1]) }),
  },
  {
    name: 'a tag where the value is private',
    insert: (keep) =>
      insertDraft(keep, { plaintext: encodeTuple(withField(sampleTuple, 3, keep.tagger.tag(1))) }),
  },
  { name: 'another public value', insert: fingerprintLie((tuple) => withField(tuple, 0, 'jobs')) },
  { name: 'a public value of another type', insert: fingerprintLie((tuple) => withField(tuple, 5, 'true')) },
  {
    name: 'a tag of another type',
    insert: fingerprintLie((tuple) => withField(tuple, 1, new Tag('string', (tuple[1] as Tag).point))),
  },
  {
    name: 'the tag of another value',
    insert: fingerprintLie((tuple, { tagger }) => withField(tuple, 1, tagger.tag(43))),
  },
  {
    name: 'a tag that is no point',
    insert: fingerprintLie((tuple) => withField(tuple, 4, new Tag('bytes', new Uint8Array(32).fill(255)))),
  },
];

/** A changed copy of what is sealed. */
export function resealed(insertion: Insertion, change: (sealed: SealedTuple) => SealedTuple): Insertion {
  const sealed = decodeSealedTuple(insertion.sealed.bytes)!;
  return { ...insertion, sealed: { ...insertion.sealed, bytes: encodeSealedTuple(change(sealed)) } };
}
