/** Dealers who lie, in one way each: what they seal fits neither its fingerprint nor itself. */
import { double, encodeSealedTuple, encodeTuple, Tag } from '../../codec/index.js';
import type { Origin, PlainTuple, SealedTuple, Tuple } from '../../codec/index.js';
import { associatedBytes, contextBytes, fingerprintTuple, prepareSealing } from '../../confidential/index.js';
import type { ConfidentialCluster, Protection, Tagger } from '../../confidential/index.js';
import { commitToKey, deriveSealKey, finishDealing, seal } from '../../crypto/index.js';
import type { Dealing, RandomBytes } from '../../crypto/index.js';

/** What a client of a confidential space has to lie with. */
export interface LyingKit {
  readonly cluster: ConfidentialCluster;
  readonly tagger: Tagger;
  readonly random: RandomBytes;
}

/** What goes into an insertion. */
export interface Drafted {
  readonly fingerprint: Tuple;
  readonly bytes: Uint8Array;
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

/** What a dealer may change. */
export interface Draft {
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
export function draftOf(
  { cluster, tagger, random }: LyingKit,
  origin: Origin,
  change: Partial<Draft>,
): Drafted {
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
  return { fingerprint, bytes: draft.send({ keyGeneration, dealing: draft.deal(dealing), ...sealed }) };
}

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte));
const withField = (tuple: Tuple, index: number, field: Tuple[number]): Tuple => tuple.with(index, field);

export interface Lie {
  readonly name: string;
  draft(kit: LyingKit, origin: Origin): Drafted;
}

const fingerprintLie =
  (change: (fingerprint: Tuple, kit: LyingKit) => Tuple): Lie['draft'] =>
  (kit, origin) =>
    draftOf(kit, origin, {
      fingerprint: change(fingerprintTuple(sampleTuple, sampleProtections, kit.tagger), kit),
    });

const partLie =
  (isBad: (index: number) => boolean): Lie['draft'] =>
  (kit, origin) =>
    draftOf(kit, origin, {
      deal: (dealing) => ({
        ...dealing,
        proofs: dealing.proofs.map((proof, at) =>
          isBad(at) ? { ...proof, response: proof.challenge } : proof,
        ),
      }),
    });

/** Every way in which something sealed can be no good. */
export const lies: readonly Lie[] = [
  {
    name: 'no sealed tuple',
    draft: (kit, origin) => draftOf(kit, origin, { send: () => Uint8Array.of(1, 2, 3) }),
  },
  { name: 'nothing at all', draft: (kit, origin) => draftOf(kit, origin, { send: () => new Uint8Array(0) }) },
  {
    name: 'a byte too many',
    draft: (kit, origin) =>
      draftOf(kit, origin, { send: (sealed) => Uint8Array.from([...encodeSealedTuple(sealed), 0]) }),
  },
  { name: 'key generation 0', draft: (kit, origin) => draftOf(kit, origin, { keyGeneration: 0 }) },
  { name: 'a key generation to come', draft: (kit, origin) => draftOf(kit, origin, { keyGeneration: 2 }) },
  {
    name: 'a commitment too many',
    draft: (kit, origin) =>
      draftOf(kit, origin, {
        deal: (dealing) => ({ ...dealing, commitments: [...dealing.commitments, dealing.commitments[0]!] }),
      }),
  },
  {
    name: 'a part too few',
    draft: (kit, origin) =>
      draftOf(kit, origin, {
        deal: ({ commitments, encryptedShares, proofs }) => ({
          commitments,
          encryptedShares: encryptedShares.slice(1),
          proofs: proofs.slice(1),
        }),
      }),
  },
  {
    name: 'commitments that are no points',
    draft: (kit, origin) =>
      draftOf(kit, origin, {
        deal: (dealing) => ({ ...dealing, commitments: dealing.commitments.map(() => new Uint8Array(32)) }),
      }),
  },
  { name: 'every part bad', draft: partLie(() => true) },
  { name: 'every part but the first bad', draft: partLie((at) => at > 0) },
  {
    name: 'shares that are no points',
    draft: (kit, origin) =>
      draftOf(kit, origin, {
        deal: (dealing) => ({
          ...dealing,
          encryptedShares: dealing.encryptedShares.map(() => new Uint8Array(32)),
        }),
      }),
  },
  {
    name: 'a commitment to another key',
    draft: (kit, origin) => draftOf(kit, origin, { committedKey: flipped }),
  },
  {
    name: 'a ciphertext under another key',
    draft: (kit, origin) => draftOf(kit, origin, { sealingKey: flipped }),
  },
  {
    name: 'a commitment and a ciphertext of another key',
    draft: (kit, origin) => draftOf(kit, origin, { committedKey: flipped, sealingKey: flipped }),
  },
  {
    name: 'something else than a tuple',
    draft: (kit, origin) => draftOf(kit, origin, { plaintext: Uint8Array.of(200) }),
  },
  {
    name: 'a fingerprint in place of the tuple',
    draft: (kit, origin) => {
      const fingerprint = fingerprintTuple(sampleTuple, sampleProtections, kit.tagger);
      return draftOf(kit, origin, { plaintext: encodeTuple(fingerprint) });
    },
  },
  {
    name: 'a tuple of another arity',
    draft: (kit, origin) => draftOf(kit, origin, { plaintext: encodeTuple(sampleTuple.slice(1)) }),
  },
  {
    name: 'a tuple of a field more',
    draft: (kit, origin) => draftOf(kit, origin, { plaintext: encodeTuple([...sampleTuple, 1]) }),
  },
  {
    name: 'a tag where the value is private',
    draft: (kit, origin) =>
      draftOf(kit, origin, { plaintext: encodeTuple(withField(sampleTuple, 3, kit.tagger.tag(1))) }),
  },
  { name: 'another public value', draft: fingerprintLie((tuple) => withField(tuple, 0, 'jobs')) },
  { name: 'a public value of another type', draft: fingerprintLie((tuple) => withField(tuple, 5, 'true')) },
  {
    name: 'a tag of another type',
    draft: fingerprintLie((tuple) => withField(tuple, 1, new Tag('string', (tuple[1] as Tag).point))),
  },
  {
    name: 'the tag of another value',
    draft: fingerprintLie((tuple, { tagger }) => withField(tuple, 1, tagger.tag(43))),
  },
  {
    name: 'a tag that is no point',
    draft: fingerprintLie((tuple) => withField(tuple, 4, new Tag('bytes', new Uint8Array(32).fill(255)))),
  },
];
