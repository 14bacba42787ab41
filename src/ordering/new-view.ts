/**
 * Entering a view (TOCS'02 section 4.5.1): the new primary decides from the VIEW-CHANGEs it has, again at
 * each arrival; every backup recomputes the decision from the VIEW-CHANGEs inside the NEW-VIEW.
 */
import { assert, sequenceNumber, type ReplicaId } from '../base/index.js';
import { encodeNewViewBody, type NewView, type ViewChange } from '../codec/index.js';
import { noteCertificate } from './checkpoint.js';
import {
  event,
  isPrimary,
  persist,
  persistLazily,
  primaryOf,
  reject,
  sendAfterStored,
  type Considered,
  type Core,
} from './core.js';
import { expectAnew } from './expectation.js';
import { dropUnwanted, wantBody } from './fetch-batch.js';
import { bodyOf, holdBody, isInWatermarks, slotAt } from './log.js';
import { decideNewView, type NewViewDecision } from './new-view-decision.js';
import { envelopeKey, markProposed, resetProposed } from './pool.js';
import { hurryTransfer } from './transfer.js';
import { isValidViewChange } from './view-change.js';

const byReplica = (a: ViewChange, b: ViewChange): number => a.replica - b.replica;

/** As primary of the view being entered: sends NEW-VIEW once S decides and state and bodies are held. */
export function tryNewView(core: Core): void {
  if (core.isActive || !isPrimary(core) || core.observing !== null || core.isNewViewPending) return;
  const { viewChanges, decision } = consider(core);
  if (decision === null) return;
  if (decision.start.sequenceNumber > core.log.lastExecuted) {
    hurryTransfer(core);
    return;
  }
  if (!holdsBodies(core, decision)) return;
  const content = { view: core.view, replica: core.config.id, viewChanges, chosen: decision.chosen };
  const body = encodeNewViewBody(content);
  const signature = core.authenticator.sign('new-view', body);
  core.isNewViewPending = true;
  const newView: NewView = { kind: 'newView', ...content, body, signature };
  persist(core, { kind: 'newView', newView });
  sendAfterStored(core, newView);
}

/** Decides anew when S has changed, not at every input: the decision looks at every number in the window. */
function consider(core: Core): Considered {
  const viewChanges = [...core.viewChanges.values()].filter(({ view }) => view === core.view).sort(byReplica);
  const last = core.considered?.viewChanges;
  const isSame =
    last?.length === viewChanges.length && last.every((known, index) => known === viewChanges[index]);
  if (!isSame || core.considered === null) {
    const decision = decide(core, { viewChanges });
    core.considered = { viewChanges, decision };
  }
  return core.considered;
}

/** Condition A3: the primary has the bodies; those it lacks are fetched. */
function holdsBodies(core: Core, decision: NewViewDecision): boolean {
  let isComplete = true;
  for (const { digest } of decision.chosen) {
    if (bodyOf(core.log, digest) !== undefined || core.candidateBodies.has(digest)) continue;
    wantBody(core, digest);
    isComplete = false;
  }
  return isComplete;
}

export function onNewView(core: Core, from: ReplicaId, message: NewView): void {
  if (message.view < core.view || (message.view === core.view && core.isActive)) return;
  const decision = from === core.config.id ? decide(core, message) : check(core, message);
  if (decision === null) {
    reject(core, from, 'INVALID_NEW_VIEW');
    return;
  }
  if (from !== core.config.id) persistLazily(core, { kind: 'newView', newView: message });
  enterView(core, message, decision);
}

const decide = (core: Core, { viewChanges }: Pick<NewView, 'viewChanges'>): NewViewDecision | null =>
  decideNewView(core.config.n, core.log.nullBody.digest, viewChanges, core);

/** The decision, if the NEW-VIEW is signed by its primary, its VIEW-CHANGEs are valid, and it chose as it must. */
function check(core: Core, message: NewView): NewViewDecision | null {
  const { view, replica, viewChanges, chosen, body, signature } = message;
  if (replica !== primaryOf(core, view)) return null;
  if (!core.authenticator.verify(replica, 'new-view', body, signature)) return null;
  const senders = new Set(viewChanges.map((viewChange) => viewChange.replica));
  if (senders.size !== viewChanges.length) return null;
  if (!viewChanges.every((viewChange) => viewChange.view === view && isValidViewChange(core, viewChange)))
    return null;
  const decision = decide(core, message);
  if (decision === null || decision.chosen.length !== chosen.length) return null;
  const isSame = decision.chosen.every((own, index) => {
    const theirs = chosen[index]!;
    return own.sequenceNumber === theirs.sequenceNumber && own.digest === theirs.digest;
  });
  return isSame ? decision : null;
}

function enterView(core: Core, message: NewView, decision: NewViewDecision): void {
  core.view = message.view;
  core.isActive = true;
  core.activeSinceMs = core.nowMs;
  expectAnew(core.expectation);
  core.newView = message;
  core.considered = null;
  core.isNewViewPending = false;
  core.viewChangeTimerStartedMs = null;
  core.executedInView = 0;
  for (const slot of core.log.slots.values()) slot.proposal = null;
  for (const [replica, { view }] of core.viewChanges) if (view <= core.view) core.viewChanges.delete(replica);
  resetProposed(core.pool);
  noteCertificate(core, decision.start);
  const last = decision.chosen.at(-1)?.sequenceNumber ?? decision.start.sequenceNumber;
  // VIEW-CHANGEs from before a REJOIN may know less than was executed since.
  core.nextSequenceNumber = sequenceNumber(Math.max(last, core.log.lastExecuted) + 1);
  event(core, 'view-entered', { view: core.view, start: decision.start.sequenceNumber, last });
  applyChosen(core);
  core.candidateBodies.clear();
  dropUnwanted(core);
}

/** Puts the NEW-VIEW's choice into the slots between the watermarks; again whenever these move. */
export function applyChosen(core: Core): void {
  if (core.newView === null) return;
  for (const { sequenceNumber: number, digest } of core.newView.chosen) {
    if (!isInWatermarks(core.log, number)) continue;
    const slot = slotAt(core.log, number);
    if (slot.accepted?.view === core.view) continue;
    // A NEW-VIEW may come late; only what was committed before its view binds it.
    const { committed } = slot;
    assert(
      committed === null ||
        committed.view === null ||
        committed.view > core.view ||
        committed.digest === digest,
      `view ${core.view} changes committed ${number}`,
    );
    slot.accepted = {
      view: core.view,
      digest,
      arrivedAtMs: core.nowMs,
      atMs: core.nowMs,
      isVoted: false,
    };
    core.touched.add(number);
    const body = bodyOf(core.log, digest) ?? core.candidateBodies.get(digest);
    if (body === undefined) continue;
    holdBody(core.log, body, number);
    // What was executed already will not take a repeated OPEN out of the pool again.
    if (number <= core.log.lastExecuted) continue;
    for (const envelope of body.envelopes) markProposed(core.pool, envelopeKey(envelope));
  }
}
