/**
 * From a proposal to this replica's PREPARE: the checks on fresh proposals (DESIGN: what a backup checks),
 * and the vote. A proposal that cannot be accepted yet is kept in its slot, one a slot, and tried again
 * whenever something changes: the clock, an execution, a vote that vouches for it.
 */
import { equalBytes, type SequenceNumber } from '../base/index.js';
import type { Envelope } from '../codec/index.js';
import { noteChecks } from './checkers.js';
import { persist, primaryOf, reject, sendAfterStored, type Core } from './core.js';
import { wantBody } from './fetch-batch.js';
import { bodyOf, holdBody } from './log.js';
import { envelopeKey, findPending } from './pool.js';
import { countVouchers } from './quorum.js';
import { fillTarget } from './rejoin.js';
import { isLeftToOthers, noteVouched } from './shared-checks.js';
import { addPrePrepared, type Proposal, type Slot } from './slot.js';
import { requestVerdicts } from './verdicts.js';

/** Accepts the slot's proposal if it passes. */
export function tryAccept(core: Core, slot: Slot): void {
  const proposal = slot.proposal;
  if (proposal === null || proposal.view !== core.view || !core.isActive) return;
  if (!isAcceptable(core, slot, proposal)) return;
  slot.proposal = null;
  const { view, body, arrivedAtMs } = proposal;
  slot.accepted = { view, digest: body.digest, arrivedAtMs, atMs: core.nowMs, isVoted: false };
  holdBody(core.log, body, slot.sequenceNumber);
  core.wanted.delete(body.digest);
}

/** Checks of a fresh proposal; waived for a digest that f+1 others have prepared or committed. */
function isAcceptable(core: Core, slot: Slot, proposal: Proposal): boolean {
  const vouchers = countVouchers(slot.prepares, slot.commits, proposal.body.digest, core.config.id);
  if (vouchers >= core.weakQuorum) {
    noteVouched(core, slot, proposal);
    return true;
  }
  if (isLeftToOthers(core, slot, proposal)) return false;
  return (
    isAuthentic(core, proposal) &&
    isTimely(core, proposal) &&
    isDueIfEmpty(core, slot.sequenceNumber, proposal)
  );
}

/** What a correct primary puts into one batch; more would hold up every replica while it executes. */
function isWithinLimits(core: Core, envelopes: readonly Envelope[]): boolean {
  let operations = 0;
  for (const { body } of envelopes) operations += body.kind === 'requests' ? body.operations.length : 1;
  return envelopes.length <= 1 || operations <= core.config.batchOperationsMax;
}

/** Who made what; whether that is a client shows when it is executed, since only then all replicas know the same. */
function isAuthentic(core: Core, proposal: Proposal): boolean {
  if (proposal.isAuthentic === null) {
    const { envelopes } = proposal.body;
    const verdict = judgeEnvelopes(core, envelopes);
    if (envelopes.length >= core.config.sharedChecksMin)
      noteChecks(core.checkers, envelopes.length, core.nowMs);
    proposal.isAuthentic = verdict === 'authentic';
    if (verdict === 'forged') reject(core, primaryOf(core, proposal.view), 'BATCH_NOT_AUTHENTIC');
  }
  return proposal.isAuthentic;
}

/** 'doubtful': held back, but no correct primary need have known it. */
function judgeEnvelopes(core: Core, envelopes: readonly Envelope[]): 'authentic' | 'doubtful' | 'forged' {
  if (!isWithinLimits(core, envelopes)) return 'forged';
  let verdict: 'authentic' | 'doubtful' = 'authentic';
  for (const envelope of envelopes) {
    if (envelope.bytes.length > core.config.envelopeBytesMax) return 'forged';
    if (isKnownAuthentic(core, envelope) || core.authenticator.isAuthentic(envelope)) continue;
    // TOCS'02, section 3.2, and Aardvark, NSDI'09, section 3: a MAC that is wrong here may be right at the primary.
    if (core.authenticator.isVerdictCommon(envelope)) return 'forged';
    verdict = 'doubtful';
  }
  return verdict;
}

/** Whether the very same bytes already passed the check on their way into the pool. */
function isKnownAuthentic(core: Core, envelope: Envelope): boolean {
  const pending = findPending(core.pool, envelopeKey(envelope));
  return pending !== undefined && equalBytes(pending.envelope.bytes, envelope.bytes);
}

/** Time within clockSkewMax of this replica's clock; one that is ahead is tried again later. */
function isTimely(core: Core, proposal: Proposal): boolean {
  const { time } = proposal.body;
  if (time === null) return false;
  const skew = core.config.clockSkewMaxMs;
  return time >= proposal.arrivedAtMs - skew && time <= core.nowMs + skew;
}

/** An empty batch has to be due: for a deadline of the application, or to carry a REJOIN past its window. */
function isDueIfEmpty(core: Core, number: SequenceNumber, proposal: Proposal): boolean {
  const { time, envelopes } = proposal.body;
  if (envelopes.length > 0 || number <= fillTarget(core)) return true;
  const deadline = core.stateMachine.nextDeadline();
  return deadline !== null && time !== null && time >= deadline;
}

/** PREPARE for the accepted digest, once its body is held; the vote is durable before it leaves. */
export function tryVote(core: Core, slot: Slot): void {
  const accepted = slot.accepted;
  if (accepted === null || accepted.view !== core.view || !core.isActive || accepted.isVoted) return;
  const body = bodyOf(core.log, accepted.digest);
  if (body === undefined) {
    wantBody(core, accepted.digest);
    return;
  }
  holdBody(core.log, body, slot.sequenceNumber);
  requestVerdicts(core, body);
  if (core.observing !== null) return;
  accepted.isVoted = true;
  addPrePrepared(slot, accepted.digest, accepted.view, core.config.prePreparedDigestsMax);
  const { view, digest } = accepted;
  const sequenceNumber = slot.sequenceNumber;
  persist(core, { kind: 'prePrepared', view, sequenceNumber, digest, batch: body.bytes });
  sendAfterStored(core, { kind: 'prepare', view, sequenceNumber, digest });
}
