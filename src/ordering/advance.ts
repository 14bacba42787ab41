/**
 * Draws the conclusions from what the handlers recorded, until nothing more follows: accept, vote, prepared,
 * committed, execute, checkpoint, propose, enter a view. Handlers record, this file decides what follows,
 * so that there is one place where the order of consequences can be read.
 */
import { tryAccept, tryVote } from './accept.js';
import { noteCertificate } from './checkpoint.js';
import { persist, sendAfterStored, type Core } from './core.js';
import { executeReady } from './execute.js';
import { wantBody } from './fetch-batch.js';
import { bodyOf, lowWatermark } from './log.js';
import { applyChosen, tryNewView } from './new-view.js';
import { propose } from './propose.js';
import { attestedDigest, countVotes } from './quorum.js';
import { releaseReads } from './reads.js';
import { tryResume } from './recover.js';
import { tryVoteAgain } from './rejoin.js';
import { isPrepared, type Slot } from './slot.js';
import { advanceViewChange } from './view-change.js';

export function advance(core: Core): void {
  do {
    advanceViewChange(core);
    advanceSlots(core);
    advanceExecution(core);
    if (core.isHalted) return;
    tryNewView(core);
    propose(core);
  } while (core.touched.size > 0);
  releaseReads(core);
}

function advanceSlots(core: Core): void {
  for (const number of core.touched) {
    core.touched.delete(number);
    const slot = core.log.slots.get(number);
    if (slot !== undefined) advanceSlot(core, slot);
  }
}

function advanceSlot(core: Core, slot: Slot): void {
  tryAccept(core, slot);
  tryVote(core, slot);
  if (isPrepared(slot, core.view, core.quorum) && core.isActive && slot.prepared?.view !== core.view) {
    notePrepared(core, slot);
  }
  if (slot.committed === null) noteCommitted(core, slot);
}

/** COMMIT: the prepared certificate is durable before it leaves (OSDI'99 section 4.2). */
function notePrepared(core: Core, slot: Slot): void {
  const { view, digest } = slot.accepted!;
  const { sequenceNumber } = slot;
  slot.prepared = { view, digest };
  if (sequenceNumber > core.log.highestPrepared) core.log.highestPrepared = sequenceNumber;
  persist(core, { kind: 'prepared', view, sequenceNumber, digest });
  sendAfterStored(core, { kind: 'commit', view, sequenceNumber, digest });
}

/** Committed: a quorum of COMMITs in one view, or f+1 that know of one; no PRE-PREPARE of one's own is needed. */
function noteCommitted(core: Core, slot: Slot): void {
  for (const { view, digest } of slot.commits.values()) {
    if (countVotes(slot.commits, view, digest) < core.quorum) continue;
    slot.committed = { view, digest };
    return;
  }
  const attested = attestedDigest(slot.attested, core.weakQuorum);
  if (attested === null) return;
  slot.committed = { view: null, digest: attested };
  if (bodyOf(core.log, attested) === undefined) wantBody(core, attested);
}

function advanceExecution(core: Core): void {
  const { log } = core;
  const executedBefore = log.lastExecuted;
  executeReady(core);
  const target = core.transfer?.target;
  if (target !== undefined && log.lastExecuted >= target.sequenceNumber && core.diverged === null)
    noteCertificate(core, target);
  if (core.isHalted) return;
  if (lowWatermark(log) !== core.appliedLow) {
    core.appliedLow = lowWatermark(log);
    applyChosen(core);
  }
  if (tryVoteAgain(core) || tryResume(core)) for (const number of log.slots.keys()) core.touched.add(number);
  // What was executed may make a held proposal acceptable: an empty batch that is now due.
  if (log.lastExecuted !== executedBefore) touchProposals(core);
}

/** Tries every held proposal again: the clock or the state has moved. */
export function touchProposals(core: Core): void {
  for (const slot of core.log.slots.values())
    if (slot.proposal !== null) core.touched.add(slot.sequenceNumber);
}
