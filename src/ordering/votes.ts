/**
 * PRE-PREPARE, PREPARE and COMMIT as they arrive (OSDI'99 section 4.2). Handlers only record what was
 * learnt and mark the slot; `advance` draws the conclusions. Votes of other views are kept too (the highest
 * view of each replica), since a replica may vote in a view that this one enters a moment later.
 */
import type { ReplicaId } from '../base/index.js';
import type { Commit, Committed, Prepare, PrePrepare } from '../codec/index.js';
import { primaryOf, reject, type Core } from './core.js';
import { isInWatermarks, makeBody, slotAt } from './log.js';
import { recordVote } from './quorum.js';

export function onPrePrepare(core: Core, from: ReplicaId, message: PrePrepare): void {
  // OSDI'99 section 4.2: same view, between the watermarks, from its primary; others are resent on STATUS.
  if (message.view !== core.view || !core.isActive || !isInWatermarks(core.log, message.sequenceNumber))
    return;
  if (from !== primaryOf(core, message.view)) {
    reject(core, from, 'PRE_PREPARE_NOT_FROM_PRIMARY');
    return;
  }
  const slot = slotAt(core.log, message.sequenceNumber);
  const digest = core.authenticator.hash(message.batch);
  const known = slot.accepted?.view === message.view ? slot.accepted.digest : slot.proposal?.body.digest;
  if (known !== undefined) {
    // "it has not accepted a pre-prepare for view v and sequence number n containing a different digest"
    if (known !== digest) reject(core, from, 'PRE_PREPARE_CONFLICTS');
    return;
  }
  const body = makeBody(digest, message.batch);
  if (body === null || body.bytes.length === 0) {
    reject(core, from, 'MALFORMED_BATCH');
    return;
  }
  const { view } = message;
  slot.proposal = { view, body, arrivedAtMs: core.nowMs, isAuthentic: null, overdueSinceMs: null };
  core.touched.add(slot.sequenceNumber);
}

export function onPrepare(core: Core, from: ReplicaId, message: Prepare): void {
  onVote(core, from, message);
}

export function onCommit(core: Core, from: ReplicaId, message: Commit): void {
  onVote(core, from, message);
}

function onVote(core: Core, from: ReplicaId, message: Prepare | Commit): void {
  if (!isInWatermarks(core.log, message.sequenceNumber)) return;
  const slot = slotAt(core.log, message.sequenceNumber);
  const votes = message.kind === 'prepare' ? slot.prepares : slot.commits;
  const verdict = recordVote(votes, from, { view: message.view, digest: message.digest });
  if (verdict === 'conflicting') reject(core, from, 'VOTE_CONFLICTS');
  if (verdict === 'new') core.touched.add(slot.sequenceNumber);
}

/** OSDI'99 section 4.3 proves a checkpoint by equal statements; here the same for one batch (pitfall 4). */
export function onCommitted(core: Core, from: ReplicaId, message: Committed): void {
  if (!isInWatermarks(core.log, message.sequenceNumber)) return;
  const slot = slotAt(core.log, message.sequenceNumber);
  if (slot.committed !== null || slot.attested.has(from)) return;
  slot.attested.set(from, message.digest);
  core.touched.add(slot.sequenceNumber);
}
