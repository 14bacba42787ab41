/**
 * A replica that starts with its complete vote log (DESIGN section 6): the saved state, then everything that it executed
 * since, then what it voted for above the newest stable checkpoint, so that it never contradicts a vote of an earlier
 * life (pitfall 11). It needs nobody for that. If the state is damaged, or was on its way from others when the process
 * ended, its votes wait until the peers have brought it back.
 */
import { assert, sequenceNumber, type Digest, type SequenceNumber } from '../base/index.js';
import type { CheckpointCertificate, LogRecord, SlotRecord } from '../codec/index.js';
import { noteCertificate, prove } from './checkpoint.js';
import { event, persist, rejoining, type Core, type Start } from './core.js';
import { executeBatch, executeReady } from './execute.js';
import { recallBatch } from './history.js';
import type { Output, SavedState } from './interface.js';
import { bodyOf, holdBody, isInWatermarks, lowWatermark, makeBody, slotAt, truncate } from './log.js';
import { applyChosen } from './new-view.js';
import { recordVote } from './quorum.js';
import { saveStable } from './save.js';
import { addPrePrepared, type Body, type Slot } from './slot.js';
import { checkState, installState, isOfThisVersion, takeSnapshot } from './state.js';
import { recallVerdicts } from './verdicts.js';
import { sendViewChange } from './view-change.js';

type Recovered = Extract<Start, { readonly kind: 'recovered' }>;
type Executed = Extract<SlotRecord, { readonly kind: 'executed' }>;

/** What the records say, taken together. */
interface Recalled {
  /** False: a life without votes began, and the window of its REJOIN has not passed. */
  isVoting: boolean;
  newest: CheckpointCertificate;
  readonly executed: Map<SequenceNumber, Executed>;
  readonly batches: Map<Digest, Uint8Array>;
  readonly checkpoints: Map<SequenceNumber, Digest>;
}

export function recover(core: Core, start: Recovered): void {
  core.nowMs = core.lastExecutionMs = start.startedAt;
  // Until the first tick, however long reading takes.
  core.activeSinceMs = Number.POSITIVE_INFINITY;
  core.isReplaying = true;
  if (start.state !== null) installSaved(core, start.state);
  if (core.isHalted) return;
  const recalled = recall(core, start.records);
  const target = recalled.newest.sequenceNumber;
  executeUpTo(core, recalled, target);
  noteCertificate(core, recalled.newest);
  if (core.isHalted) return;
  const records = start.records.filter((record) => isAbove(record, target));
  if (!recalled.isVoting) {
    core.observing = rejoining(start);
  } else if (lowWatermark(core.log) < target) {
    core.observing = { kind: 'awaitingState', target, records };
  } else {
    recallVotes(core, records);
    executeReady(core);
  }
  core.isReplaying = false;
  core.outputs = core.outputs.filter(isTold);
  if (core.observing === null) resume(core);
  dropOtherCheckpoints(core, recalled.checkpoints);
  saveStable(core);
  event(core, 'recovered', {
    executed: core.log.lastExecuted,
    stableCheckpoint: lowWatermark(core.log),
    view: core.view,
    records: start.records.length,
  });
}

/** The peers have brought the state back: the votes of earlier lives count again. True at that moment. */
export function tryResume(core: Core): boolean {
  const { observing } = core;
  if (observing?.kind !== 'awaitingState' || lowWatermark(core.log) < observing.target) return false;
  core.observing = null;
  recallVotes(core, observing.records);
  resume(core);
  event(core, 'state-recovered', { sequenceNumber: lowWatermark(core.log) });
  return true;
}

const isAbove = (record: LogRecord, target: SequenceNumber): record is SlotRecord =>
  'sequenceNumber' in record && record.sequenceNumber > target;

/** What was said in an earlier life is not said again; a verdict that it asked for died with it, and is needed. */
const isTold = ({ kind }: Output): boolean =>
  kind === 'deliver' || kind === 'event' || kind === 'halt' || kind === 'verify';

function installSaved(core: Core, saved: SavedState): void {
  const { certificate } = saved;
  const { sequenceNumber: number, stateDigest } = certificate;
  const state = checkState(core, saved, stateDigest);
  if (state === null) {
    event(core, 'saved-state-damaged', { sequenceNumber: number });
    return;
  }
  if (!isOfThisVersion(core, state)) {
    core.outputs.push({ kind: 'halt', reason: 'VERSION_MISMATCH' });
    core.isHalted = true;
    return;
  }
  installState(core, number, state);
  truncate(core.log, certificate);
  prove(core, certificate);
  core.appliedLow = core.saved = number;
  core.snapshots.clear();
  core.snapshots.set(number, takeSnapshot(core));
}

function recall(core: Core, records: readonly LogRecord[]): Recalled {
  const recalled: Recalled = {
    isVoting: true,
    newest: core.log.stable,
    executed: new Map(),
    batches: new Map(),
    checkpoints: new Map(),
  };
  for (const record of records) recallRecord(core, recalled, record);
  core.noProposalsUpTo = core.view;
  return recalled;
}

function recallRecord(core: Core, recalled: Recalled, record: LogRecord): void {
  switch (record.kind) {
    case 'started':
      recalled.isVoting = record.as === 'genesis';
      return;
    case 'voting':
      recalled.isVoting = true;
      return;
    case 'viewChange':
      core.view = record.view;
      core.isActive = false;
      core.newView = null;
      return;
    case 'newView':
      core.view = record.newView.view;
      core.isActive = true;
      core.newView = record.newView;
      return;
    case 'stableCheckpoint':
      if (record.certificate.sequenceNumber > recalled.newest.sequenceNumber)
        recalled.newest = record.certificate;
      return;
    case 'prePrepared':
      recalled.batches.set(record.digest, record.batch);
      return;
    case 'executed':
      recalled.executed.set(record.sequenceNumber, record);
      if (record.batch !== null) recalled.batches.set(record.digest, record.batch);
      return;
    case 'checkpoint':
      recalled.checkpoints.set(record.sequenceNumber, record.stateDigest);
      return;
    case 'prepared':
      return;
  }
}

/** Executes again, without votes: this replica knows that it was committed. Stops where it did not get it batch by batch. */
function executeUpTo(core: Core, { executed, batches }: Recalled, target: SequenceNumber): void {
  while (core.log.lastExecuted < target) {
    const number = sequenceNumber(core.log.lastExecuted + 1);
    const record = executed.get(number);
    const body = record === undefined ? null : storedBody(core, record.digest, batches.get(record.digest));
    if (record === undefined || body === null) return;
    recallVerdicts(core, body, record.failedChecks);
    recallBatch(core.history, number, body);
    executeBatch(core, body, core.view);
    for (const old of core.snapshots.keys()) if (old < core.log.lastExecuted) core.snapshots.delete(old);
  }
}

function storedBody(core: Core, digest: Digest, batch: Uint8Array | undefined): Body | null {
  const held = bodyOf(core.log, digest);
  if (held !== undefined || batch === undefined) return held ?? null;
  const body = makeBody(digest, batch);
  assert(body !== null, 'a stored batch is well-formed');
  return body;
}

function recallVotes(core: Core, records: readonly LogRecord[]): void {
  for (const record of records) {
    if (!('sequenceNumber' in record) || !isInWatermarks(core.log, record.sequenceNumber)) continue;
    recallSlot(core, slotAt(core.log, record.sequenceNumber), record);
    core.touched.add(record.sequenceNumber);
  }
}

function recallSlot(core: Core, slot: Slot, record: SlotRecord): void {
  const { sequenceNumber: number } = slot;
  if (record.kind === 'checkpoint') return;
  if (record.kind === 'executed') {
    const body = storedBody(core, record.digest, record.batch ?? undefined);
    slot.committed ??= { view: null, digest: record.digest };
    if (body === null) return;
    holdBody(core.log, body, number);
    recallVerdicts(core, body, record.failedChecks);
    return;
  }
  const { view, digest } = record;
  if (record.kind === 'prepared') {
    recordVote(slot.commits, core.config.id, { view, digest });
    if ((slot.prepared?.view ?? -1) < view) slot.prepared = { view, digest };
    if (number > core.log.highestPrepared) core.log.highestPrepared = number;
    return;
  }
  const body = storedBody(core, digest, record.batch);
  assert(body !== null, 'a batch that was voted for is stored');
  holdBody(core.log, body, number);
  addPrePrepared(slot, digest, view, core.config.prePreparedDigestsMax);
  recordVote(slot.prepares, core.config.id, { view, digest });
  if ((slot.accepted?.view ?? -1) <= view)
    slot.accepted = { view, digest, arrivedAtMs: core.nowMs, atMs: core.nowMs, isVoted: true };
}

/** Takes part in the view of the log; a VIEW-CHANGE is sent again, with the same votes in it. */
function resume(core: Core): void {
  core.nextSequenceNumber = sequenceNumber(core.log.lastExecuted + 1);
  applyChosen(core);
  if (core.isActive) return;
  persist(core, { kind: 'viewChange', view: core.view });
  sendViewChange(core);
}

/** A replica that gets another state this time does not sign that as well; a certificate will tell which one is right. */
function dropOtherCheckpoints(core: Core, said: ReadonlyMap<SequenceNumber, Digest>): void {
  core.held = core.held.filter(({ message }) => {
    if (message.kind !== 'checkpoint') return true;
    const { sequenceNumber: number, stateDigest } = message;
    const before = said.get(number) ?? stateDigest;
    if (before !== stateDigest)
      event(core, 'replay-diverged', { sequenceNumber: number, before, now: stateDigest });
    return before === stateDigest;
  });
}
