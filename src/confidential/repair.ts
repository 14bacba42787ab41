/**
 * Evidence that an entry is no good, and its judge (DESIGN section 7; DepSpace, EuroSys '08, section 4.2, repair). The judge is
 * a pure function of the evidence's bytes and the cluster's keys: every correct replica gives the same verdict. It asks
 * whether what the inserter sealed can be anything but a lie:
 *
 *   no form, or a dealing of which a part does not verify: anyone can see that, no share is needed
 *   f + 1 shares, each proven to be what was dealt, of verified parts, give the one dealt secret, and with it
 *     the key is not the committed one, or does not open the ciphertext, or that is no tuple of the fingerprint's shape
 *     or a tag of the fingerprint is not the one that is shown to be the value's, under the space's key
 *
 * Shares prove themselves against the replicas' public keys, whoever hands them in: signatures would add nothing. Whether
 * the evidence is about the entry that the service has, the service checks.
 */
import { equalBytes } from '../base/index.js';
import { Tag, decodeRepairEvidence, decodeRepairProof, encodeField } from '../codec/index.js';
import { encodeRepairEvidence, encodeRepairProof } from '../codec/index.js';
import type { PlainTuple, RepairProof, RepairSubject, RightTag } from '../codec/index.js';
import { badParts, combineShares, verifyPart, verifyShare, verifyTag } from '../crypto/index.js';
import type { ConfidentialCluster } from './cluster.js';
import { readSeal } from './opened-seal.js';
import type { OpenedSeal } from './opened-seal.js';
import { tupleWith } from './unsealing.js';

/** For the operation `repair`. */
export function createRepairEvidence(subject: RepairSubject, proof: RepairProof): Uint8Array {
  return encodeRepairEvidence({ subject, proof: encodeRepairProof(proof) });
}

/** Whether the tag of a field is shown to be another one than the fingerprint has. */
function isTagWrong(
  { group }: ConfidentialCluster,
  { fingerprint, tagKey }: RepairSubject,
  tuple: PlainTuple,
  { field, tag, proof }: RightTag,
): boolean {
  const concealed = fingerprint[field];
  if (!(concealed instanceof Tag) || equalBytes(concealed.point, tag)) return false;
  return verifyTag(group, tagKey, encodeField(tuple[field]!), tag, proof);
}

type NumberedShares = RepairProof['shares'];

/** Null: a share is not what was dealt, so nothing is shown. */
function dealtSecret(
  { group, shareholders }: ConfidentialCluster,
  { dealing }: OpenedSeal,
  shares: NumberedShares,
): Uint8Array | null {
  const areDealt = shares.every((share) => {
    const encryptedShare = dealing.dealing.encryptedShares[share.index - 1]!;
    return verifyShare(group, shareholders, dealing.digest, encryptedShare, share);
  });
  return areDealt ? combineShares(group, shareholders.threshold, shares) : null;
}

function judgeSecret(
  cluster: ConfidentialCluster,
  subject: RepairSubject,
  seal: OpenedSeal,
  { shares, rightTag }: RepairProof,
): boolean {
  const { group, shareholders } = cluster;
  const { threshold, publicKeys } = shareholders;
  if (shares.length !== threshold || shares[threshold - 1]!.index > publicKeys.length) return false;
  const arePartsGood = shares.every(({ index }) => verifyPart(group, shareholders, seal.dealing, index));
  if (!arePartsGood) return true;
  const secret = dealtSecret(cluster, seal, shares);
  if (secret === null) return false;
  const tuple = tupleWith(secret, seal, subject.fingerprint);
  secret.fill(0);
  if (tuple === null) return true;
  return rightTag !== null && isTagWrong(cluster, subject, tuple, rightTag);
}

/** Whether the evidence proves that what it is about is no good. False for anything malformed; never throws. */
export function judgeRepair(cluster: ConfidentialCluster, evidence: Uint8Array): boolean {
  const decoded = decodeRepairEvidence(evidence);
  const proof = decoded === null ? null : decodeRepairProof(decoded.proof);
  if (decoded === null || proof === null) return false;
  const { subject } = decoded;
  const reading = readSeal(cluster, subject.sealed, { kind: 'tuple', fingerprint: subject.fingerprint });
  if (reading.kind !== 'opened') return reading.kind === 'bad';
  if (proof.shares.length > 0) return judgeSecret(cluster, subject, reading.seal, proof);
  return badParts(cluster.group, cluster.shareholders, reading.seal.dealing).length > 0;
}
