/**
 * STATUS and retransmission (OSDI'99 section 5.2): replicas tell each other where they stand, and each
 * resends what the other lacks, so that every message may be lost. Only a peer that stands still gets
 * help, and not more often than a fixed rate.
 */
import { emptyBytes, replicaId, sequenceNumber, type ReplicaId, type SequenceNumber } from '../base/index.js';
import type { Status } from '../codec/index.js';
import { broadcast, isPrimary, send, type Core } from './core.js';
import { certificateAfter, historyAfter } from './history.js';
import { bodyOf, highWatermark, lowWatermark } from './log.js';
import { poolSize } from './pool.js';
import type { Slot } from './slot.js';
import { findsPrimarySlow, noteSlowWord } from './slow-primary.js';

const idleFactor = 10;
const catchUpIntervalMs = 20;

function isOutstanding(core: Core): boolean {
  if (!core.isActive || core.observing !== null || core.transfer !== null || poolSize(core.pool) > 0)
    return true;
  for (const number of core.log.slots.keys()) if (number > core.log.lastExecuted) return true;
  for (const executed of core.peerExecuted.values()) if (executed > core.log.lastExecuted) return true;
  return false;
}

/** A certified checkpoint lies ahead, and the way there leads through the peers' histories. */
const isCatchingUp = ({ transfer }: Core): boolean => transfer !== null && transfer.fetching === null;

export function tickStatus(core: Core): void {
  const { statusIntervalMs } = core.config;
  const interval = isCatchingUp(core)
    ? catchUpIntervalMs
    : statusIntervalMs * (isOutstanding(core) ? 1 : idleFactor);
  if (core.nowMs - core.lastStatusMs < interval) return;
  const isStuck = core.nowMs - core.lastExecutionMs >= interval;
  core.lastStatusMs = core.nowMs;
  broadcast(core, {
    kind: 'status',
    view: core.view,
    isActive: core.isActive,
    isObserver: core.observing !== null,
    lastExecuted: core.log.lastExecuted,
    stableCheckpoint: lowWatermark(core.log),
    findsPrimarySlow: findsPrimarySlow(core),
  });
  if (isStuck) repeatVotes(core);
}

export function onStatus(core: Core, from: ReplicaId, message: Status): void {
  if (core.observing?.kind === 'rejoining') {
    if (message.isObserver) core.observing.otherObservers.add(from);
    else core.observing.otherObservers.delete(from);
  }
  noteSlowWord(core, from, message);
  const isStuck = core.peerExecuted.get(from) === message.lastExecuted;
  core.peerExecuted.set(from, message.lastExecuted);
  const isFarBehind = message.lastExecuted < lowWatermark(core.log);
  const helpIntervalMs = isFarBehind ? catchUpIntervalMs / 2 : core.config.statusIntervalMs / 2;
  if (core.nowMs - (core.lastHelpedMs.get(from) ?? 0) < helpIntervalMs) return;
  core.lastHelpedMs.set(from, core.nowMs);
  resendView(core, from, message);
  resendCheckpoints(core, from, message);
  resendHistory(core, from, message);
  if (isStuck) resendSlots(core, from, message);
}

function resendView(core: Core, from: ReplicaId, message: Status): void {
  const isBehind = message.view < core.view || (message.view === core.view && !message.isActive);
  if (!isBehind) return;
  if (core.newView !== null) send(core, from, core.newView);
  const own = core.viewChanges.get(core.config.id);
  if (!core.isActive && own?.view === core.view) send(core, from, own);
}

function resendCheckpoints(core: Core, from: ReplicaId, message: Status): void {
  const certificate = core.log.stable;
  const next = certificateAfter(core.history, message.stableCheckpoint);
  if (next !== null && next !== certificate)
    send(core, from, { kind: 'stableCheckpoint', certificate: next });
  if (message.stableCheckpoint < certificate.sequenceNumber)
    send(core, from, { kind: 'stableCheckpoint', certificate });
  const replica = core.config.id;
  for (const [number, vote] of core.checkpointVotes.get(replica) ?? []) {
    if (number <= message.stableCheckpoint) continue;
    send(core, from, { kind: 'checkpoint', sequenceNumber: number, replica, ...vote });
  }
}

/** What was committed below the cut, as far as the peer's own window reaches. */
function resendHistory(core: Core, from: ReplicaId, message: Status): void {
  const { watermarkWindow } = core.config;
  const count = Math.min(watermarkWindow, message.stableCheckpoint + watermarkWindow - message.lastExecuted);
  for (const [sequenceNumber, digest] of historyAfter(core.history, message.lastExecuted, count)) {
    send(core, from, { kind: 'committed', sequenceNumber, digest });
  }
}

/** The next window of batches that the peer has not executed: proposals, own votes, and what is known of the outcome. */
function resendSlots(core: Core, from: ReplicaId, message: Status): void {
  const isLed = isPrimary(core) && core.isActive && message.view === core.view;
  let proposalBytes = 0;
  for (const slot of nextSlots(core, message.lastExecuted)) {
    const { accepted, committed, sequenceNumber } = slot;
    if (isLed && accepted?.view === core.view && proposalBytes < core.config.batchBytesMax) {
      const batch = bodyOf(core.log, accepted.digest)?.bytes ?? emptyBytes;
      proposalBytes += batch.length;
      if (batch.length > 0) send(core, from, { kind: 'prePrepare', view: core.view, sequenceNumber, batch });
    }
    resendVotes(core, from, slot);
    if (committed !== null) send(core, from, { kind: 'committed', sequenceNumber, digest: committed.digest });
  }
}

/**
 * A replica that stands still also repeats its votes to those who are ahead: one that executed in an older
 * view needs them to commit again in this one.
 */
function repeatVotes(core: Core): void {
  for (const slot of nextSlots(core, core.log.lastExecuted)) {
    for (let id = 0; id < core.config.n; id++) resendVotes(core, replicaId(id), slot);
  }
}

function* nextSlots(core: Core, executed: SequenceNumber): Iterable<Slot> {
  const first = Math.max(executed, lowWatermark(core.log)) + 1;
  const last = Math.min(first + 2 * core.config.windowBatches - 1, highWatermark(core.log));
  for (let number = first; number <= last; number++) {
    const slot = core.log.slots.get(sequenceNumber(number));
    if (slot !== undefined) yield slot;
  }
}

function resendVotes(core: Core, to: ReplicaId, slot: Slot): void {
  const { sequenceNumber } = slot;
  const prepare = slot.prepares.get(core.config.id);
  if (prepare !== undefined) send(core, to, { kind: 'prepare', sequenceNumber, ...prepare });
  const commit = slot.commits.get(core.config.id);
  if (commit !== undefined) send(core, to, { kind: 'commit', sequenceNumber, ...commit });
}
