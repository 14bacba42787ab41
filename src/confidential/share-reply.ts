/**
 * A replica's side: its share of what a result or event contains sealed, beside the reply. Only after its own part of the dealing
 * has verified: a dealer who seals something else than the fingerprint says, or copies another's dealing, learns
 * nothing from correct replicas. Milliseconds at most; answers are worth keeping, by `shareCacheKey`.
 */
import type { ReplicaId } from '../base/index.js';
import type { EntryShare, Sealed } from '../codec/index.js';
import { verifyPart } from '../crypto/index.js';
import type { RandomBytes, ShareKey } from '../crypto/index.js';
import type { ConfidentialCluster } from './cluster.js';
import type { Subject } from './context.js';
import { readSeal } from './opened-seal.js';

/** Something sealed, and what it must fit. */
export interface SealedSubject {
  readonly sealed: Sealed;
  readonly subject: Subject;
}

/** No two dealings of one cluster have the same: a request seals once. */
export function shareCacheKey({ sealed, subject }: SealedSubject): string {
  return `${subject.kind}/${sealed.inserter}/${sealed.session}/${sealed.number}`;
}

/** A pure function but for the proof's nonce. */
export function shareOf(
  cluster: ConfidentialCluster,
  replica: ReplicaId,
  key: ShareKey,
  { sealed, subject }: SealedSubject,
  random: RandomBytes,
): EntryShare {
  const reading = readSeal(cluster, sealed, subject);
  if (reading.kind !== 'opened') return { kind: 'badPart' };
  const { dealing } = reading.seal;
  const index = replica + 1;
  if (!verifyPart(cluster.group, cluster.shareholders, dealing, index)) return { kind: 'badPart' };
  const encryptedShare = dealing.dealing.encryptedShares[index - 1]!;
  const { point, proof } = key.decrypt(dealing.digest, index, encryptedShare, random);
  return { kind: 'share', point, proof };
}
