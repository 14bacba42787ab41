/**
 * A primary that orders too slowly, though never so slowly that a request times out, is replaced (Aardvark, NSDI'09,
 * section 4.3; pitfall 12). Each backup measures by itself (expectation.ts) and says in its STATUS whether it finds the
 * primary too slow; it leaves the view only when f others say the same or have left, since one that leaves alone would
 * be missed at the next fault. Words cross each other: who leaves on somebody's word is followed even if that was just taken back.
 */
import { replicaId, sequenceNumber, type ReplicaId, type ViewNumber } from '../base/index.js';
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
  type SlowWord,
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

/**
 * How long a word counts that is not said again, and obliges who said it to follow others who leave: more than a STATUS
 * interval, two messages of a second each, and a slow sync before the second.
 */
const wordHoldsMs = 4_000;

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
  if (findsPrimarySlow(core)) expectation.foundSlowMs = core.nowMs;
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
export function findsPrimarySlow(core: Core): boolean {
  const { expectation, config, view, nowMs, activeSinceMs } = core;
  if (!isMeasuring(core) || expectation.slowView !== view) return false;
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

/** A peer has asked for another view; `before` is what it asked for until then. */
export function noteLeft(
  { expectation, view, nowMs }: Core,
  before: ViewNumber | null,
  asked: ViewNumber,
): void {
  if (asked > view && (before ?? view) <= view) expectation.peerLeftMs = nowMs;
}

/** This one and f others say so or have left; or all of them did lately, and one of them has left since. */
export function isPrimaryTooSlow(core: Core): boolean {
  const { foundSlowMs, peerLeftMs } = core.expectation;
  const isLately = (atMs: number | null): boolean => atMs !== null && core.nowMs - atMs <= wordHoldsMs;
  if (!isLately(foundSlowMs)) return false;
  const agreeing = agreeingBy(core, ({ saidMs, stands }) => stands && isLately(saidMs));
  if (findsPrimarySlow(core) && agreeing >= core.weakQuorum) return true;
  return isLately(peerLeftMs) && agreeingBy(core, ({ saidMs }) => isLately(saidMs)) >= core.weakQuorum;
}

/** How many have left this view or have said something of its primary that counts, and this replica. */
function agreeingBy(core: Core, counts: (word: SlowWord) => boolean): number {
  const { config, view, viewChanges, expectation } = core;
  let agreeing = 1;
  for (let id = 0; id < config.n; id++) {
    const peer = replicaId(id);
    if (peer === config.id) continue;
    const hasLeft = (viewChanges.get(peer)?.view ?? view) > view;
    const word = expectation.slowWords.get(peer);
    if (hasLeft || (word?.view === view && counts(word))) agreeing += 1;
  }
  return agreeing;
}
