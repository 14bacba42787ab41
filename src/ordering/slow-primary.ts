/**
 * A primary that orders too slowly, though never so slowly that a request times out, is replaced (Aardvark, NSDI'09,
 * section 4.3; pitfall 12). Each backup measures by itself (expectation.ts) and says in its STATUS whether it finds the
 * primary too slow; it leaves the view only when f others say the same, since one that leaves alone would
 * be missed at the next fault. Words cross each other: who leaves on somebody's word is followed even if that was just taken back.
 */
import { replicaId, sequenceNumber, type ReplicaId } from '../base/index.js';
import type { Envelope, Status } from '../codec/index.js';
import { isPrimary, type Core } from './core.js';
import {
  closeWindow,
  graceMsOf,
  noteBusy,
  noteTurnaround,
  noteUnfair,
  noteWork,
  restartWindow,
  workOf,
} from './expectation.js';
import { forwardAgainMs, isExecuted } from './intake.js';
import { closeBatch, noteServed } from './passing-over.js';
import {
  noteClientServed,
  oldestPending,
  poolSize,
  queueIdOf,
  removePending,
  type PendingEnvelope,
} from './pool.js';

/** How long who said so follows others who leave: until its word, and then their VIEW-CHANGE, has long arrived. */
const wordHoldsMs = 2_000;

/** Only a backup that follows can tell. */
const isMeasuring = (core: Core): boolean =>
  core.config.slowPrimaryPercent > 0 &&
  core.isActive &&
  !isPrimary(core) &&
  core.observing === null &&
  core.transfer === null &&
  core.diverged === null;

/** `passedMs` since the last tick, in which nothing came in. */
export function tickExpectation(core: Core, passedMs: number): void {
  const { expectation, config } = core;
  if (!isMeasuring(core) || passedMs >= config.requestTimeoutMs) {
    restartWindow(expectation);
    return;
  }
  if (poolSize(core.pool) > 0) noteBusy(expectation, passedMs, !isBatchUnderWay(core));
  const limits = {
    percent: config.slowPrimaryPercent,
    slackMs: config.turnaroundSlackMs,
    windowMs: config.throughputWindowMs,
    // One of n it leads itself.
    recordsMax: config.n - 1,
    comparedWith: core.weakQuorum,
  };
  const before = expectation.slowView;
  closeWindow(expectation, core.view, limits, core.nowMs);
  // The others hear of it with the next STATUS, which is not to wait.
  if (expectation.slowView !== before) core.lastStatusMs = 0;
  if (findsPrimarySlow(core)) expectation.saidSlowMs = core.nowMs;
}

function isBatchUnderWay({ log, view }: Core): boolean {
  const slot = log.slots.get(sequenceNumber(log.lastExecuted + 1));
  if (slot === undefined) return false;
  const { committed, accepted, proposal } = slot;
  // One that others are to judge first keeps them busy, not the primary idle.
  const isBeingJudged = proposal?.view === view && proposal.isAuthentic === null;
  return committed !== null || accepted?.view === view || isBeingJudged;
}

/** An envelope was executed; `pending` if it waited here, `isAwaited` if anything did before its batch. */
export function noteOrdered(
  core: Core,
  { body, bytes }: Envelope,
  pending: PendingEnvelope | undefined,
  executed: number,
  isAwaited: boolean,
): void {
  // What was executed before, a faulty primary may repeat: nobody is served by that.
  if (pending === undefined && (executed === 0 || body.kind !== 'requests')) return;
  const { expectation, pool, nowMs } = core;
  noteClientServed(pool, queueIdOf(body), nowMs);
  if (pending !== undefined)
    noteTurnaround(expectation, nowMs - Math.max(pending.arrivedAtMs, core.activeSinceMs));
  const operations = body.kind === 'requests' ? body.operations.length : 1;
  // What came while nobody waited here says nothing about how fast the primary is.
  if (isAwaited) noteWork(expectation, workOf(operations, 1, bytes.length));
  if (executed > 0) noteServed(expectation.watch, operations, bytes.length);
}

/** The next batch was executed, all of it. */
export function noteBatchDone(core: Core): void {
  const { expectation, pool, config, log, view, activeSinceMs } = core;
  const accepted = log.slots.get(log.lastExecuted)?.accepted;
  const proposedMs = accepted?.view === view ? accepted.arrivedAtMs : null;
  const oldest = oldestPending(pool);
  const room = { operationsMax: config.batchOperationsMax, bytesMax: config.batchBytesMax };
  // A new primary has not heard of what waits before it was passed on again.
  const fromMs = activeSinceMs + forwardAgainMs;
  if (!closeBatch(expectation.watch, oldest, proposedMs, fromMs, room) || oldest === undefined) return;
  // What another envelope of the same client made void, no primary orders: nobody shall be blamed by such means.
  if (isExecuted(core, oldest.envelope)) removePending(pool, oldest.key);
  else noteUnfair(expectation);
}

/** Whether this replica finds the primary of its view too slow, which has had its time. */
export function findsPrimarySlow({
  expectation,
  config,
  isActive,
  view,
  nowMs,
  activeSinceMs,
}: Core): boolean {
  if (!isActive || expectation.slowView !== view) return false;
  return nowMs - activeSinceMs >= graceMsOf(expectation, config.throughputGraceMs);
}

/** A peer says whether it finds the primary of its view too slow. */
export function noteSlowWord(
  { expectation: { slowWords }, nowMs }: Core,
  from: ReplicaId,
  { view, findsPrimarySlow: isSlow }: Status,
): void {
  const before = slowWords.get(from);
  if (isSlow) slowWords.set(from, { view, saidMs: nowMs, stands: true });
  else if (before !== undefined) slowWords.set(from, { ...before, stands: false });
}

/** f+1 say so or have left, this one among them; or they said so a moment ago, and one of them has left since. */
export function isPrimaryTooSlow(core: Core): boolean {
  const { expectation, config, view, viewChanges, weakQuorum } = core;
  const holds = (saidMs: number): boolean => core.nowMs - saidMs <= wordHoldsMs;
  if (expectation.saidSlowMs === null || !holds(expectation.saidSlowMs)) return false;
  let [left, standing, lately] = [0, 1, 1];
  for (let id = 0; id < config.n; id++) {
    const peer = replicaId(id);
    if (peer === config.id) continue;
    const word = expectation.slowWords.get(peer);
    const hasLeft = (viewChanges.get(peer)?.view ?? view) > view;
    const isAboutThis = word?.view === view;
    if (hasLeft) left += 1;
    if (hasLeft || (isAboutThis && word.stands)) standing += 1;
    if (hasLeft || (isAboutThis && holds(word.saidMs))) lately += 1;
  }
  if (findsPrimarySlow(core) && standing >= weakQuorum) return true;
  return left > 0 && lately >= weakQuorum;
}
