/**
 * The donor's side of a state transfer: parts of a snapshot as they are asked for, within a byte budget. A request
 * costs what it sends; the state is never encoded as a whole, and ordering goes on meanwhile.
 */
import { proofsOf, type ReplicaId, type SequenceNumber } from '../base/index.js';
import { rootsOf, stateNodesMax, type FetchState } from '../codec/index.js';
import { send, type Core } from './core.js';
import { refill, requestsMax, takeParts, type Donation } from './donations.js';

const idleMs = 5_000;
/** After a batch was executed the replica counts as busy for so long. */
const busyMs = 100;
/**
 * A busy replica gives this part of what it gives otherwise. A MiB costs a donor about 1 ms of CPU to encode, and a few
 * more until it is on the wire: at 24 MiB/s an eighth of a core, which an idle replica has and a busy one needs for
 * ordering.
 */
const busyShare = 1 / 8;

export function onFetchState(core: Core, from: ReplicaId, message: FetchState): void {
  const { sequenceNumber, nodes } = message;
  const donation = hold(core, from, sequenceNumber);
  if (donation === null) {
    const certificate = core.log.stable;
    if (certificate.sequenceNumber > sequenceNumber)
      send(core, from, { kind: 'stateGone', sequenceNumber, certificate });
    return;
  }
  donation.lastAskedMs = core.nowMs;
  for (const node of nodes.slice(0, requestsMax - donation.queue.length)) donation.queue.push(node);
  give(core);
}

/** The state that the peer fetches, if this replica has it at a checkpoint or somebody else still fetches it. */
function hold(core: Core, peer: ReplicaId, sequenceNumber: SequenceNumber): Donation | null {
  const { byPeer } = core.donations;
  const own = byPeer.get(peer);
  if (own?.sequenceNumber === sequenceNumber) return own;
  const shared = [...byPeer.values()].find((each) => each.sequenceNumber === sequenceNumber);
  const state = shared ?? snapshotAt(core, sequenceNumber);
  if (state === null) return null;
  const { roots, proofs } = state;
  const donation = { sequenceNumber, roots, proofs, queue: [], lastAskedMs: core.nowMs };
  byPeer.set(peer, donation);
  dropBeyond(core, peer);
  return donation;
}

function snapshotAt(core: Core, sequenceNumber: SequenceNumber): Pick<Donation, 'roots' | 'proofs'> | null {
  const snapshot = core.snapshots.get(sequenceNumber);
  if (snapshot === undefined) return null;
  const { ordering, application } = snapshot;
  const { hash } = core.authenticator;
  const roots = rootsOf(ordering.root, application.root);
  return { roots, proofs: [proofsOf(ordering, hash), proofsOf(application, hash)] };
}

export const statesHeld = ({ donations }: Core): number =>
  new Set([...donations.byPeer.values()].map(({ sequenceNumber }) => sequenceNumber)).size;

/** A peer holds one state here, and all together f + 1: the faulty ones cannot take a correct one's away. */
function dropBeyond(core: Core, latest: ReplicaId): void {
  const { byPeer } = core.donations;
  while (statesHeld(core) > core.weakQuorum) {
    let idlest: ReplicaId | null = null;
    for (const [peer, { lastAskedMs }] of byPeer) {
      if (peer === latest) continue;
      if (idlest === null || lastAskedMs < byPeer.get(idlest)!.lastAskedMs) idlest = peer;
    }
    byPeer.delete(idlest!);
  }
}

/** Sends what is asked for while the budget lasts, a message to each peer in turn. */
function give(core: Core): void {
  const { donations, config } = core;
  while (donations.budgetBytes > 0) {
    const waiting = [...donations.byPeer].find(([, { queue }]) => queue.length > 0);
    if (waiting === undefined) return;
    const [peer, donation] = waiting;
    donations.byPeer.delete(peer);
    donations.byPeer.set(peer, donation);
    const parts = takeParts(donations, donation, config.stateChunkBytes, stateNodesMax);
    const { sequenceNumber } = donation;
    if (parts.length > 0) send(core, peer, { kind: 'stateNodes', sequenceNumber, parts });
  }
}

/** Goes on giving, and lets go of states that nobody fetches any more. */
export function tickDonations(core: Core): void {
  const { donations, config } = core;
  const isBusy = core.lastExecutionMs > 0 && core.nowMs - core.lastExecutionMs < busyMs;
  refill(donations, core.nowMs, config.stateBytesPerSecond * (isBusy ? busyShare : 1));
  for (const [peer, { lastAskedMs, queue }] of donations.byPeer) {
    if (queue.length === 0 && core.nowMs - lastAskedMs >= idleMs) donations.byPeer.delete(peer);
  }
  give(core);
}
