/** A cluster of replicas with keys for shares, honest inserters, and dealers who lie in one way each. */
import { clientId, replicaId, sessionId } from '../../src/base/index.js';
import type { ReplicaId } from '../../src/base/index.js';
import { decodeSealedTuple, encodeSealedTuple } from '../../src/codec/index.js';
import type { EntryShare, Origin, PlainTuple, Sealed, SealedTuple, Tuple } from '../../src/codec/index.js';
import { createTagger, fingerprintTuple, generateSpaceKey } from '../../src/confidential/index.js';
import { prepareSealing, protectionsOf, sealTuple, shareOf } from '../../src/confidential/index.js';
import type { ConfidentialCluster, Protection, Tagger } from '../../src/confidential/index.js';
import type { Group, RandomBytes, ShareKey } from '../../src/crypto/index.js';
import {
  draftOf,
  lies as everyLie,
  sampleProtections,
  sampleTuple,
} from '../../src/sim/confidential/lies.js';
import type { Draft, Drafted } from '../../src/sim/confidential/lies.js';
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

export { sampleProtections, sampleTuple };

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

const inserted = (origin: Origin, { fingerprint, bytes }: Drafted): Insertion => ({
  id: 18n,
  tuple: fingerprint,
  sealed: { bytes, ...origin },
});

export function insertDraft(keep: Keep, change: Partial<Draft>): Insertion {
  const origin = nextOrigin();
  return inserted(origin, draftOf(keep, origin, change));
}

/** Every way in which something sealed can be no good. */
export const lies = everyLie.map(({ name, draft }) => ({
  name,
  insert: (keep: Keep): Insertion => {
    const origin = nextOrigin();
    return inserted(origin, draft(keep, origin));
  },
}));

/** A changed copy of what is sealed. */
export function resealed(insertion: Insertion, change: (sealed: SealedTuple) => SealedTuple): Insertion {
  const sealed = decodeSealedTuple(insertion.sealed.bytes)!;
  return { ...insertion, sealed: { ...insertion.sealed, bytes: encodeSealedTuple(change(sealed)) } };
}
