/**
 * State transfer: the state of a certified checkpoint, page by page, of which only what differs from the pages held here
 * is fetched (state-sync.ts), from all peers that have it at once (fetching.ts, donate.ts). Used when the votes for
 * missed batches are gone at the peers; what came after the checkpoint is then in their histories.
 */
import type { ReplicaId } from '../base/index.js';
import type { StableCheckpoint, StateGone, StateNodes } from '../codec/index.js';
import { isValidCertificate, noteCertificate } from './checkpoint.js';
import { event, reject, type Core, type Transfer } from './core.js';
import { noteRepair } from './diverge.js';
import type { StateFetch } from './donors.js';
import { tellAllLate } from './effects.js';
import { touchAllFeeds } from './feeds.js';
import { aimTransfer, noteGone, receiveNodes, startFetching, tickFetching } from './fetching.js';
import { isExecuted } from './intake.js';
import { bodyOf, lowWatermark } from './log.js';
import { envelopeKey, removePending } from './pool.js';
import { dropVoidViewChanges } from './rejoin.js';
import { installState, isOfThisVersion, takeSnapshot } from './state.js';

export function onStableCheckpoint(core: Core, from: ReplicaId, message: StableCheckpoint): void {
  const { certificate } = message;
  if (certificate.sequenceNumber <= lowWatermark(core.log)) return;
  if (isValidCertificate(core, certificate)) noteCertificate(core, certificate);
  else reject(core, from, 'BAD_CERTIFICATE');
}

/** Starts when waiting has not helped. */
export function tickTransfer(core: Core): void {
  const transfer = core.transfer;
  if (transfer === null) return;
  if (transfer.fetching !== null) {
    tickFetching(core, transfer, transfer.fetching);
    return;
  }
  if (core.log.lastExecuted > transfer.lastSeenExecuted) {
    transfer.lastSeenExecuted = core.log.lastExecuted;
    transfer.noticedAtMs = core.nowMs;
  }
  if (core.nowMs - transfer.noticedAtMs >= 2 * core.config.statusIntervalMs) startFetching(core, transfer);
}

/** A new primary cannot wait: the view needs this state. */
export function hurryTransfer(core: Core): void {
  if (core.transfer !== null && core.transfer.fetching === null) startFetching(core, core.transfer);
}

export function onStateNodes(core: Core, from: ReplicaId, message: StateNodes): void {
  const { transfer } = core;
  if (transfer === null || transfer.fetching === null) return;
  if (message.sequenceNumber !== transfer.target.sequenceNumber) return;
  receiveNodes(core, transfer, transfer.fetching, from, message);
  if (transfer.fetching.sync.isComplete) finish(core, transfer, transfer.fetching);
}

/** The state aimed at may be gone because of a newer one, at which the next round aims. */
export function onStateGone(core: Core, from: ReplicaId, message: StateGone): void {
  const { transfer } = core;
  const { sequenceNumber, certificate } = message;
  if (transfer === null || transfer.fetching === null) return;
  if (sequenceNumber !== transfer.target.sequenceNumber || certificate.sequenceNumber <= sequenceNumber)
    return;
  if (!isValidCertificate(core, certificate)) {
    reject(core, from, 'BAD_CERTIFICATE');
    return;
  }
  aimTransfer(core, certificate);
  noteGone(core, transfer, transfer.fetching, from);
}

function finish(core: Core, transfer: Transfer, { sync, givers }: StateFetch): void {
  const { target, newer } = transfer;
  const { sequenceNumber } = target;
  const { ordering, application } = sync.snapshots();
  const state = { ordering: ordering.pages, application: application.pages };
  if (!isOfThisVersion(core, state)) {
    core.outputs.push({ kind: 'halt', reason: 'VERSION_MISMATCH' });
    core.isHalted = true;
    return;
  }
  if (core.diverged !== null) noteRepair(core, core.diverged, sequenceNumber, state);
  installState(core, sequenceNumber, state);
  core.transfer = null;
  dropVoidViewChanges(core);
  tellAllLate(core);
  touchAllFeeds(core.feeds);
  // What waits since before is timed anew.
  core.activeSinceMs = core.nowMs;
  core.snapshots.set(sequenceNumber, takeSnapshot(core));
  if (core.observing?.kind === 'rejoining') core.observing.lastProgressMs = core.nowMs;
  const { pagesFetched, bytesFetched: bytes } = sync;
  event(core, 'state-transferred', {
    sequenceNumber,
    pagesFetched,
    pagesReused: Math.max(0, state.ordering.size + state.application.size - pagesFetched),
    bytes,
    donors: givers.size,
  });
  noteCertificate(core, target);
  if (newer !== null && !core.isHalted) noteCertificate(core, newer);
  forgetExecuted(core);
  for (const number of core.log.slots.keys()) core.touched.add(number);
}

/**
 * Envelopes that were executed within the transferred state no longer wait here, nor do those of the batches it has passed that
 * it does not tell of: they were refused without a trace, and would be waited for for ever.
 */
function forgetExecuted(core: Core): void {
  const ahead = proposedAhead(core);
  for (const { key, envelope, isProposed } of [...core.pool.all.values()]) {
    if (isExecuted(core, envelope) || (isProposed && !ahead.has(key))) removePending(core.pool, key);
  }
}

/** What batches of this view hold that are still to be executed, by key. */
function proposedAhead({ log, view }: Core): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const { sequenceNumber, proposal, accepted } of log.slots.values()) {
    if (sequenceNumber <= log.lastExecuted) continue;
    const body = accepted?.view === view ? bodyOf(log, accepted.digest) : proposal?.body;
    for (const envelope of body?.envelopes ?? []) keys.add(envelopeKey(envelope));
  }
  return keys;
}
