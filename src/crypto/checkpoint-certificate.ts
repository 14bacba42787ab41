/** Whether a checkpoint certificate holds, for those who are no replica of the cluster (OSDI'99 section 4.3). */
import type { ReplicaId } from '../base/index.js';
import { encodeCheckpointBody, type CheckpointCertificate } from '../codec/index.js';
import type { ClusterDescription } from './cluster-description.js';
import { purposeBytes, verifySignature } from './signatures.js';

/** A quorum of distinct replicas of the cluster signed this very state. False for the genesis, which nobody signs. */
export function isCertified(
  { clusterId, replicas }: Pick<ClusterDescription, 'clusterId' | 'replicas'>,
  certificate: CheckpointCertificate,
): boolean {
  const n = replicas.length;
  const quorumSize = Math.ceil((n + Math.floor((n - 1) / 3) + 1) / 2);
  if (certificate.sequenceNumber === 0 || certificate.signatures.length < quorumSize) return false;
  const bytes = purposeBytes('checkpoint', clusterId, encodeCheckpointBody(certificate));
  const signers = new Set<ReplicaId>();
  for (const { replica, signature } of certificate.signatures) {
    const member = replicas[replica];
    if (member === undefined || signers.has(replica)) return false;
    if (!verifySignature(member.publicKey, bytes, signature)) return false;
    signers.add(replica);
  }
  return true;
}
