/**
 * Who looks at the envelopes of a proposal first. A digest that f+1 others have prepared needs no check of one's own (DESIGN
 * section 2, what a backup checks). So f backups, in turns, check at once, which makes f+1 with the primary, and the others
 * give them about the time that the checks take: with many clients signatures are the dearest part of an operation.
 * Whoever lets others wait in vain is not waited for again for a while: a faulty one gains that one wait.
 */
import type { ReplicaId, SequenceNumber } from '../base/index.js';
import { replicaId } from '../base/index.js';
import { primaryOf, type Core } from './core.js';
import type { Proposal, Slot } from './slot.js';

/** How long f+1 others may take: one more hop and a sync, and their checks on processors that are not theirs alone. */
const hopMs = 4;
const checksPerMs = 4;
/** How long nobody waits for who was waited for in vain. */
const vainMs = 500;

/** Whether this replica leaves it to others to judge the proposal, for now. */
export function isLeftToOthers(core: Core, slot: Slot, { view, body, ...proposal }: Proposal): boolean {
  const checks = body.envelopes.length;
  if (proposal.isAuthentic !== null || checks < core.config.sharedChecksMin) return false;
  // A MAC costs little, and may be right at others and wrong here.
  if (body.envelopes[0]!.signature === null) return false;
  const first = firstCheckers(core, slot.sequenceNumber);
  if (first.includes(core.config.id)) return false;
  const needed = [primaryOf(core, view), ...first];
  if (needed.some((replica) => (core.waitedInVain.get(replica) ?? -Infinity) > core.nowMs - vainMs))
    return false;
  if (core.nowMs - proposal.arrivedAtMs <= hopMs + checks / checksPerMs) return true;
  for (const replica of needed) {
    if (slot.prepares.get(replica)?.digest !== body.digest) core.waitedInVain.set(replica, core.nowMs);
  }
  return false;
}

/** f backups; with the numbers everybody has the same share of them. */
function firstCheckers({ config, view, weakQuorum }: Core, number: SequenceNumber): readonly ReplicaId[] {
  const backups = config.n - 1;
  return Array.from({ length: weakQuorum - 1 }, (_, k) => {
    const turn = (number * (weakQuorum - 1) + k) % backups;
    return replicaId((view + 1 + turn) % config.n);
  });
}
