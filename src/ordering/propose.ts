/**
 * The primary's proposals: a batch closes at 512 operations, or once past 1 MiB, or at once when the
 * pipeline is idle; no artificial delay. Its PRE-PREPARE may leave before the sync, since the primary
 * sends a PREPARE of its own like everyone.
 */
import { sequenceNumber } from '../base/index.js';
import { encodeBatch, type Envelope } from '../codec/index.js';
import { broadcast, isPrimary, type Core } from './core.js';
import { highWatermark, slotAt } from './log.js';
import { takeForBatch } from './pool.js';
import { fillTarget } from './rejoin.js';
import type { Body } from './slot.js';

/** At most one empty batch per this time for deadlines. */
const emptyIntervalMs = 50;

export function propose(core: Core): void {
  skipExecuted(core);
  while (mayPropose(core)) {
    if (isBatchReady(core)) proposeBatch(core, takeForBatch(core.pool, core.config));
    else if (isEmptyBatchDue(core)) proposeBatch(core, []);
    else return;
  }
}

/** What came from others, as a whole state or batch by batch, has used these numbers up. */
function skipExecuted(core: Core): void {
  const { lastExecuted } = core.log;
  if (core.nextSequenceNumber <= lastExecuted) core.nextSequenceNumber = sequenceNumber(lastExecuted + 1);
}

function inFlight(core: Core): number {
  return core.nextSequenceNumber - 1 - core.log.lastExecuted;
}

function mayPropose(core: Core): boolean {
  return (
    core.isActive &&
    isPrimary(core) &&
    core.observing === null &&
    core.view > core.noProposalsUpTo &&
    core.nextSequenceNumber <= highWatermark(core.log) &&
    inFlight(core) < core.config.windowBatches
  );
}

function isBatchReady(core: Core): boolean {
  const { waitingCount, waitingOperations, waitingBytes } = core.pool;
  if (waitingCount === 0) return false;
  if (inFlight(core) <= 0) return true;
  return waitingOperations >= core.config.batchOperationsMax || waitingBytes > core.config.batchBytesMax;
}

function isEmptyBatchDue(core: Core): boolean {
  if (core.pool.waitingCount > 0) return false;
  if (core.nextSequenceNumber <= fillTarget(core)) return true;
  if (inFlight(core) > 0 || core.nowMs - core.lastEmptyProposalMs < emptyIntervalMs) return false;
  const deadline = core.stateMachine.nextDeadline();
  return deadline !== null && core.nowMs >= deadline;
}

function proposeBatch(core: Core, envelopes: readonly Envelope[]): void {
  const number = core.nextSequenceNumber;
  const view = core.view;
  const time = core.nowMs;
  const bytes = encodeBatch({ time, envelopes: envelopes.map((envelope) => envelope.bytes) });
  const digest = core.authenticator.hash(bytes);
  const body: Body = { digest, bytes, time, envelopes, checks: null };
  if (envelopes.length === 0) core.lastEmptyProposalMs = core.nowMs;
  core.nextSequenceNumber = sequenceNumber(number + 1);
  broadcast(core, { kind: 'prePrepare', view, sequenceNumber: number, batch: bytes });
  slotAt(core.log, number).proposal = {
    view,
    body,
    arrivedAtMs: core.nowMs,
    isAuthentic: true,
    overdueSinceMs: null,
  };
  core.touched.add(number);
}
