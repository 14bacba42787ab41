/**
 * A replica whose state is not the one that a quorum signed (pitfall 8): a bug, a broken machine, or somebody at work in
 * its memory. It answers nobody any more, fetches the certified state, page by page what differs, and then goes on. Its
 * votes are about what is executed in which order, not about what comes of it, and go on meanwhile. One that keeps going
 * wrong stops.
 */
import { equalBytes, type Digest, type SequenceNumber } from '../base/index.js';
import type { CheckpointCertificate } from '../codec/index.js';
import { event, type Core, type Snapshot } from './core.js';
import { aimTransfer, startFetching } from './fetching.js';
import type { DifferingPage } from './interface.js';
import { takeSnapshot, type StatePages } from './state.js';

/** So many divergences, none further from the one before than so many checkpoints, are no accident. */
const divergencesMax = 3;
const checkpointsApart = 8;
/** Of the evidence: pages, and bytes of them. */
const evidencePagesMax = 64;
const evidenceBytesMax = 1 << 20;

export function diverge(core: Core, certificate: CheckpointCertificate, own: Digest): void {
  const { sequenceNumber, stateDigest } = certificate;
  event(core, 'state-diverged', { sequenceNumber, own, certified: stateDigest });
  if (isHopeless(core, sequenceNumber)) {
    core.outputs.push({ kind: 'halt', reason: 'STATE_DIVERGED' });
    core.isHalted = true;
    return;
  }
  core.diverged = core.snapshots.get(sequenceNumber) ?? takeSnapshot(core);
  // It may be the primary that others wait for: it asks for the next view.
  core.noProposalsUpTo = core.view;
  forgetStates(core, sequenceNumber);
  for (const { client, readId } of core.reads.splice(0))
    core.outputs.push({ kind: 'readReply', client, readId, result: null });
  core.transfer = null;
  aimTransfer(core, certificate);
  startFetching(core, core.transfer!);
}

/** The certified state is about to take the place of the own one: what differs is evidence. */
export function noteRepair(
  core: Core,
  diverged: Snapshot,
  sequenceNumber: SequenceNumber,
  certified: StatePages,
): void {
  core.diverged = null;
  const pages = differingPages(diverged, certified);
  core.outputs.push({ kind: 'divergence', sequenceNumber, pages });
  event(core, 'state-repaired', {
    sequenceNumber,
    differing: pages.map(({ section, page }) => `${section}:${page}`).join(' '),
  });
}

function isHopeless(core: Core, at: SequenceNumber): boolean {
  const { count, last } = core.divergences;
  const isClose = at - last <= checkpointsApart * core.config.checkpointInterval;
  core.divergences = { count: isClose ? count + 1 : 1, last: at };
  return core.divergences.count >= divergencesMax;
}

/** Its own states from there on, and what it has said or was about to say of them. */
function forgetStates(core: Core, from: SequenceNumber): void {
  for (const number of core.snapshots.keys()) if (number >= from) core.snapshots.delete(number);
  const own = core.checkpointVotes.get(core.config.id);
  for (const number of own?.keys() ?? []) if (number >= from) own!.delete(number);
  core.held = core.held.filter(
    ({ message }) => message.kind !== 'checkpoint' || message.sequenceNumber < from,
  );
}

/** The first of them, with their contents. */
function differingPages({ ordering, application }: Snapshot, certified: StatePages): DifferingPage[] {
  const differing: DifferingPage[] = [];
  let bytes = 0;
  for (const [section, own, right] of [
    ['ordering', ordering.pages, certified.ordering],
    ['application', application.pages, certified.application],
  ] as const) {
    for (const page of new Set([...own.keys(), ...right.keys()])) {
      const [mine, theirs] = [own.get(page) ?? null, right.get(page) ?? null];
      if (mine !== null && theirs !== null && equalBytes(mine, theirs)) continue;
      bytes += (mine?.length ?? 0) + (theirs?.length ?? 0);
      if (differing.length === evidencePagesMax || bytes > evidenceBytesMax) return differing;
      differing.push({ section, page, own: mine, certified: theirs });
    }
  }
  return differing;
}
