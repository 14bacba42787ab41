/**
 * Checkpoints (OSDI'99 section 4.3): every replica signs the digest of its state at the same sequence
 * numbers; a quorum of equal ones makes it stable, and the log is cut there. A replica whose own digest
 * differs from a certified one has gone wrong and repairs itself (pitfall 8).
 */
import { digest, equalBytes, type Digest, type ReplicaId, type SequenceNumber } from '../base/index.js';
import {
  encodeCheckpointBody,
  type Checkpoint,
  type CheckpointCertificate,
  type ReplicaSignature,
} from '../codec/index.js';
import {
  persist,
  persistLazily,
  reject,
  sendAfterStored,
  type CheckpointVote,
  type Core,
  type HeldMessage,
} from './core.js';
import { diverge } from './diverge.js';
import { dropUnwanted } from './fetch-batch.js';
import { aimTransfer } from './fetching.js';
import { keepHistory } from './history.js';
import { lowWatermark, truncate } from './log.js';
import { saveStable } from './save.js';
import { takeSnapshot } from './state.js';

/** Unstable checkpoints kept per replica: two fit between the watermarks; the rest tells how far others are. */
const votesPerReplicaMax = 4;

/** Certified states that are remembered with their signatures, which need not be verified a second time. */
const provenMax = 16;

export function takeCheckpoint(core: Core): void {
  const sequenceNumber = core.log.lastExecuted;
  const snapshot = takeSnapshot(core);
  core.snapshots.set(sequenceNumber, snapshot);
  if (core.observing !== null) return;
  const { stateDigest } = snapshot;
  persist(core, { kind: 'checkpoint', sequenceNumber, stateDigest });
  const signature = core.authenticator.sign(
    'checkpoint',
    encodeCheckpointBody({ sequenceNumber, stateDigest }),
  );
  sendAfterStored(core, {
    kind: 'checkpoint',
    sequenceNumber,
    stateDigest,
    replica: core.config.id,
    signature,
  });
}

export function onCheckpoint(core: Core, from: ReplicaId, message: Checkpoint): void {
  const { sequenceNumber, stateDigest, signature, replica } = message;
  if (sequenceNumber <= lowWatermark(core.log)) return;
  if (replica !== from || sequenceNumber % core.config.checkpointInterval !== 0) {
    reject(core, from, 'MALFORMED_CHECKPOINT');
    return;
  }
  const votes = core.checkpointVotes.get(replica) ?? new Map<SequenceNumber, CheckpointVote>();
  if (votes.has(sequenceNumber)) return;
  if (from !== core.config.id && !isSignedCheckpoint(core, message)) {
    reject(core, from, 'BAD_SIGNATURE');
    return;
  }
  core.checkpointVotes.set(replica, votes);
  votes.set(sequenceNumber, { stateDigest, signature });
  if (votes.size > votesPerReplicaMax) votes.delete(lowest(votes.keys()));
  const certificate = assemble(core, sequenceNumber, stateDigest);
  if (certificate !== null) noteCertificate(core, certificate);
}

function lowest(numbers: Iterable<SequenceNumber>): SequenceNumber {
  let least: SequenceNumber | null = null;
  for (const number of numbers) if (least === null || number < least) least = number;
  return least!;
}

function isSignedCheckpoint(core: Core, message: Checkpoint): boolean {
  return core.authenticator.verify(
    message.replica,
    'checkpoint',
    encodeCheckpointBody(message),
    message.signature,
  );
}

/** The certificate for this state, if a quorum of distinct replicas signed exactly it. */
function assemble(core: Core, number: SequenceNumber, stateDigest: Digest): CheckpointCertificate | null {
  const signatures: ReplicaSignature[] = [];
  for (const [replica, votes] of core.checkpointVotes) {
    const vote = votes.get(number);
    if (vote?.stateDigest === stateDigest) signatures.push({ replica, signature: vote.signature });
  }
  if (signatures.length < core.quorum) return null;
  signatures.sort((a, b) => a.replica - b.replica);
  return { sequenceNumber: number, stateDigest, signatures };
}

/** Whether a certificate from elsewhere holds: a quorum of distinct members signed this very state. */
export function isValidCertificate(core: Core, certificate: CheckpointCertificate): boolean {
  const { sequenceNumber, stateDigest, signatures } = certificate;
  const known = core.proven.get(sequenceNumber);
  const isKnown = known?.stateDigest === stateDigest;
  if (sequenceNumber === 0) return isKnown && signatures.length === 0;
  if (sequenceNumber % core.config.checkpointInterval !== 0) return false;
  const body = encodeCheckpointBody(certificate);
  const signers = new Set<ReplicaId>();
  for (const { replica, signature } of signatures) {
    if (replica >= core.config.n || signers.has(replica)) return false;
    signers.add(replica);
    const seen = isKnown ? known.signatures.get(replica) : undefined;
    if (seen !== undefined && equalBytes(seen, signature)) continue;
    if (!core.authenticator.verify(replica, 'checkpoint', body, signature)) return false;
  }
  if (signers.size < core.quorum) return false;
  prove(core, certificate);
  return true;
}

/** Remembers a certified state, the oldest but the genesis forgotten first. */
export function prove(core: Core, certificate: CheckpointCertificate): void {
  const { sequenceNumber, stateDigest, signatures } = certificate;
  let known = core.proven.get(sequenceNumber);
  if (known?.stateDigest !== stateDigest) {
    known = { stateDigest, signatures: new Map() };
    core.proven.set(sequenceNumber, known);
  }
  for (const { replica, signature } of signatures) known.signatures.set(replica, signature);
  if (core.proven.size <= provenMax) return;
  for (const number of core.proven.keys()) {
    if (number === 0) continue;
    core.proven.delete(number);
    return;
  }
}

/** Acts on a valid certificate: cuts the log there, or aims a state transfer at it. */
export function noteCertificate(core: Core, certificate: CheckpointCertificate): void {
  const { sequenceNumber } = certificate;
  if (sequenceNumber <= lowWatermark(core.log)) return;
  if (core.log.lastExecuted >= sequenceNumber && core.diverged === null) {
    adopt(core, certificate);
    return;
  }
  prove(core, certificate);
  aimTransfer(core, certificate);
}

/** Votes that wait for a slow disk serve nobody once their slot is cut. */
function dropHeldVotes(core: Core, low: SequenceNumber): void {
  const isNeeded = ({ message }: HeldMessage): boolean =>
    !('sequenceNumber' in message) || message.sequenceNumber > low;
  if (!core.held.every(isNeeded)) core.held = core.held.filter(isNeeded);
}

/** The checkpoint is stable and this replica has executed that far: what lies below it goes. */
function adopt(core: Core, certificate: CheckpointCertificate): void {
  const { sequenceNumber, stateDigest } = certificate;
  const own = core.snapshots.get(sequenceNumber)?.stateDigest ?? digest('');
  if (own !== stateDigest) {
    diverge(core, certificate, own);
    return;
  }
  prove(core, certificate);
  persistLazily(core, { kind: 'stableCheckpoint', certificate });
  keepHistory(core.history, core.log, certificate);
  truncate(core.log, certificate);
  dropUnwanted(core);
  dropHeldVotes(core, sequenceNumber);
  for (const number of core.snapshots.keys()) if (number < sequenceNumber) core.snapshots.delete(number);
  for (const votes of core.checkpointVotes.values()) {
    for (const number of votes.keys()) if (number <= sequenceNumber) votes.delete(number);
  }
  if (core.transfer !== null && core.transfer.target.sequenceNumber <= sequenceNumber) core.transfer = null;
  saveStable(core);
}
