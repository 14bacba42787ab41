/**
 * Who looks at the envelopes of a proposal first. A digest that f+1 others have prepared needs no check of one's own (DESIGN
 * section 2, what a backup checks). So f backups, in turns, check at once, which makes f+1 with the primary, and the others
 * give them about twice the time that these take here: with many clients signatures are the dearest part of an operation.
 * Whoever lets others wait longer than that is not waited for again for a while.
 */
import { replicaId, type ReplicaId, type SequenceNumber, type ViewNumber } from '../base/index.js';
import { avoid, isAvoided, trustAgain } from './checkers.js';
import { primaryOf, type Core } from './core.js';
import type { Proposal, Slot } from './slot.js';

/** How long f+1 others may take: one more hop and a sync, and their checks twice over. */
const hopMs = 2;

/** Whether this replica leaves it to others to judge the proposal, for now. */
export function isLeftToOthers(core: Core, slot: Slot, proposal: Proposal): boolean {
  if (!isWorthSharing(core, proposal)) return false;
  const needed = checkersOf(core, slot.sequenceNumber, proposal.view);
  if (
    needed.includes(core.config.id) ||
    needed.some((replica) => isAvoided(core.checkers, replica, core.nowMs))
  )
    return false;
  const patienceMs = hopMs + 2 * core.checkers.checkMs * proposal.body.envelopes.length;
  if (core.nowMs - proposal.arrivedAtMs <= patienceMs) return true;
  // A turn begins with the tick: the votes may lie in the queue behind it.
  proposal.overdueSinceMs ??= core.nowMs;
  if (core.nowMs === proposal.overdueSinceMs) return true;
  for (const replica of needed) {
    if (slot.prepares.get(replica)?.digest !== proposal.body.digest)
      avoid(core.checkers, replica, core.nowMs);
  }
  return false;
}

/** f+1 others have vouched for a proposal that this replica has not judged: those it has waited for do their part. */
export function noteVouched(core: Core, slot: Slot, { view, isAuthentic }: Proposal): void {
  const { checkers, nowMs } = core;
  if (checkers.waitedInVain.size === 0 || isAuthentic !== null) return;
  for (const replica of checkersOf(core, slot.sequenceNumber, view)) trustAgain(checkers, replica, nowMs);
}

/** A MAC costs little, and may be right at others and wrong here; what no correct primary proposes is rejected at once. */
function isWorthSharing({ config }: Core, { body: { envelopes }, isAuthentic }: Proposal): boolean {
  return (
    isAuthentic === null &&
    envelopes.length >= config.sharedChecksMin &&
    envelopes.length <= config.batchOperationsMax &&
    envelopes.every(({ signature }) => signature !== null)
  );
}

/** The primary and f backups; with the numbers every backup has the same share. */
function checkersOf(core: Core, number: SequenceNumber, view: ViewNumber): readonly ReplicaId[] {
  const { n } = core.config;
  const backups = core.weakQuorum - 1;
  const checkers = [primaryOf(core, view)];
  for (let k = 0; k < backups; k++) {
    const turn = (number * backups + k) % (n - 1);
    checkers.push(replicaId((view + 1 + turn) % n));
  }
  return checkers;
}
