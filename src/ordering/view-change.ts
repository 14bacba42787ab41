/**
 * Leaving a view (TOCS'02 sections 4.4 and 4.5): when to suspect the primary, the VIEW-CHANGE with its sets P
 * and Q, when to join others, and the timer that runs from a quorum of VIEW-CHANGEs on.
 */
import { assert, viewNumber, type ReplicaId, type ViewNumber } from '../base/index.js';
import {
  encodeViewChangeBody,
  type ViewChange,
  type ViewChangeBody,
  type ViewEntry,
} from '../codec/index.js';
import { isValidCertificate, noteCertificate } from './checkpoint.js';
import {
  backedOff,
  event,
  isPrimary,
  persist,
  primaryOf,
  reject,
  sendAfterStored,
  type Core,
} from './core.js';
import { doubleGrace } from './expectation.js';
import { owedSince, resetProposed } from './pool.js';
import { fillTarget, incarnationOf, isVoid } from './rejoin.js';
import { isPrimaryTooSlow, noteLeft } from './slow-primary.js';

/** Where primaries take turns. */
const hasHadItsTurn = ({ config, executedInView }: Core): boolean =>
  config.rotateAfterBatches > 0 && executedInView >= config.rotateAfterBatches;

/** Stops voting in the current view and asks for `view`. Observers have no voice in this. */
export function startViewChange(core: Core, view: ViewNumber, reason: string): void {
  if (core.observing !== null) return;
  // TOCS'02 section 4.5.2: such a view has not failed, and under rotation there may be no other that is in time with everything.
  if (hasHadItsTurn(core) && core.timeoutDoublings > 0) core.timeoutDoublings -= 1;
  assert(view > core.view, `view change from ${core.view} to ${view}`);
  const primary = primaryOf(core, core.view);
  event(core, 'view-change-started', { from: core.view, to: view, primary, reason });
  core.view = view;
  core.isActive = false;
  core.newView = null;
  core.isNewViewPending = false;
  core.viewChangeTimerStartedMs = null;
  core.executedInView = 0;
  for (const slot of core.log.slots.values()) slot.proposal = null;
  resetProposed(core.pool);
  persist(core, { kind: 'viewChange', view });
  sendViewChange(core);
}

/** Once this replica has said, durably, that it has left for `core.view`. */
export function sendViewChange(core: Core): void {
  const content = viewChangeBody(core);
  const body = encodeViewChangeBody(content);
  const signature = core.authenticator.sign('view-change', body);
  sendAfterStored(core, { kind: 'viewChange', ...content, body, signature });
}

function viewChangeBody(core: Core): ViewChangeBody {
  const prepared: ViewEntry[] = [];
  const prePrepared: ViewEntry[] = [];
  for (const slot of [...core.log.slots.values()].sort((a, b) => a.sequenceNumber - b.sequenceNumber)) {
    const { sequenceNumber } = slot;
    if (slot.prepared !== null) prepared.push({ sequenceNumber, ...slot.prepared });
    const digests = [...slot.prePrepared].sort((a, b) => (a[0] < b[0] ? -1 : 1));
    for (const [digest, view] of digests) prePrepared.push({ sequenceNumber, view, digest });
  }
  return {
    view: core.view,
    replica: core.config.id,
    incarnation: incarnationOf(core),
    checkpoint: core.log.stable,
    prepared,
    prePrepared,
  };
}

/** Everything about a VIEW-CHANGE that can be checked by itself. */
export function isValidViewChange(core: Core, message: ViewChange): boolean {
  const { replica, view, checkpoint, body, signature } = message;
  if (replica >= core.config.n || view === 0) return false;
  const low = checkpoint.sequenceNumber;
  const isInWindow = (entry: ViewEntry): boolean =>
    entry.view < view &&
    entry.sequenceNumber > low &&
    entry.sequenceNumber <= low + core.config.watermarkWindow;
  if (!message.prepared.every(isInWindow) || !message.prePrepared.every(isInWindow)) return false;
  return (
    !isVoid(core, message) &&
    isValidCertificate(core, checkpoint) &&
    core.authenticator.verify(replica, 'view-change', body, signature)
  );
}

export function onViewChange(core: Core, from: ReplicaId, message: ViewChange): void {
  const known = core.viewChanges.get(message.replica);
  if (known !== undefined && known.view >= message.view) return;
  if (from !== core.config.id && !isValidViewChange(core, message)) {
    reject(core, from, 'INVALID_VIEW_CHANGE');
    return;
  }
  core.viewChanges.set(message.replica, message);
  noteLeft(core, known?.view ?? null, message.view);
  noteCertificate(core, message.checkpoint);
}

/**
 * Leaves a view whose NEW-VIEW rests on a VIEW-CHANGE that a REJOIN executed since has made void: above the
 * REJOIN's window its sender may vote in lower views, which that NEW-VIEW took for impossible. Not for a view
 * that the sender would lead.
 */
function leaveVoidView(core: Core): void {
  if (!core.isActive || core.newView === null || core.incarnations.size === 0 || core.observing !== null)
    return;
  const forgetful = new Set<ReplicaId>();
  for (const viewChange of core.newView.viewChanges)
    if (isVoid(core, viewChange)) forgetful.add(viewChange.replica);
  if (forgetful.size === 0) return;
  let view = viewNumber(core.view + 1);
  while (forgetful.has(primaryOf(core, view)) && view < core.view + core.config.n)
    view = viewNumber(view + 1);
  startViewChange(core, view, 'void-view-change');
}

/** Joins f+1 others that are ahead, and starts the timer once a quorum has left for this view or beyond. */
export function advanceViewChange(core: Core): void {
  leaveVoidView(core);
  const ahead: ViewNumber[] = [];
  for (const [replica, { view }] of core.viewChanges) {
    if (replica !== core.config.id && view > core.view) ahead.push(view);
  }
  // TOCS'02 section 4.5.2: f+1 higher views prove that a correct replica left; join the lowest of them.
  if (ahead.length >= core.weakQuorum) {
    ahead.sort((a, b) => b - a);
    startViewChange(core, ahead[core.weakQuorum - 1]!, 'joined');
  }
  if (core.isActive || core.viewChangeTimerStartedMs !== null) return;
  let leaving = 0;
  for (const { view } of core.viewChanges.values()) if (view >= core.view) leaving += 1;
  if (leaving >= core.quorum) core.viewChangeTimerStartedMs = core.nowMs;
}

/** Views in which the primary orders something last at most 2³ times the request timeout. */
const overloadDoublingsMax = 3;

/** Suspects a primary that orders too slowly, and gives up on a view change that takes too long. */
export function tickViewChange(core: Core): void {
  if (core.observing !== null) return;
  const { requestTimeoutMs, viewChangeTimeoutMs } = core.config;
  const next = viewNumber(core.view + 1);
  if (!core.isActive) {
    const started = core.viewChangeTimerStartedMs;
    if (started === null || core.nowMs - started < backedOff(core, viewChangeTimeoutMs)) return;
    core.timeoutDoublings += 1;
    startViewChange(core, next, 'no-new-view');
    return;
  }
  // A restarted replica never proposes in a view it may have led before: it asks for the next.
  if (isPrimary(core) && core.view <= core.noProposalsUpTo) {
    startViewChange(core, next, 'restarted-primary');
    return;
  }
  if (isPrimary(core)) return;
  // Aardvark section 4.3: the primary does less than others did though there is demand.
  if (isPrimaryTooSlow(core)) {
    doubleGrace(core.expectation, core.nowMs);
    startViewChange(core, next, 'throughput');
    return;
  }
  // A replica that is fetching the state cannot tell whether the primary or it is behind.
  if (core.transfer !== null) return;
  if (hasHadItsTurn(core)) {
    startViewChange(core, next, 'rotation');
    return;
  }
  const since = Math.max(waitingSince(core), core.activeSinceMs);
  if (core.nowMs - since < backedOff(core, requestTimeoutMs)) return;
  // Under more load than they can bear no primary is in time: views that go on executing last longer, to a degree.
  const isExecuting = core.nowMs - core.lastExecutionMs < requestTimeoutMs;
  const isOverload = isExecuting && core.timeoutDoublings < overloadDoublingsMax;
  if (core.executedInView === 0 || isOverload) core.timeoutDoublings += 1;
  startViewChange(core, next, 'request-timeout');
}

/** Since when the primary has owed something: the oldest envelope, or the batch that is next to execute. */
function waitingSince(core: Core): number {
  const arrivedAt = owedSince(core.pool, core.config.requestTimeoutMs);
  const fillOwedAt = core.log.lastExecuted < fillTarget(core) ? 0 : Infinity;
  // DESIGN section 3: a deadline is owed once this replica's own clock is clockSkewMax past it.
  const deadlineOwedAt = (core.stateMachine.nextDeadline() ?? Infinity) + core.config.clockSkewMaxMs;
  const owedAt = Math.min(fillOwedAt, acceptedAt(core), deadlineOwedAt);
  return Math.min(arrivedAt, Math.max(core.lastExecutionMs, owedAt));
}

/** When the first of the accepted and unexecuted batches was accepted. */
function acceptedAt(core: Core): number {
  let first = Infinity;
  for (const { sequenceNumber, accepted } of core.log.slots.values()) {
    if (sequenceNumber <= core.log.lastExecuted || accepted?.view !== core.view) continue;
    first = Math.min(first, accepted.atMs);
  }
  return first;
}
