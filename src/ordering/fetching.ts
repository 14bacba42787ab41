/**
 * The receiver's side of a state transfer: who is asked for which part of the state aimed at. Everybody is asked
 * whether he has it; what is missing is spread over all who do, more to those who answer quickly. Who stalls loses
 * what he was asked for to others, who lies is rejected. What comes is judged by its digest alone (state-sync.ts), so
 * it does not matter who sends it or when.
 */
import { concatBytes, replicaId, type ReplicaId } from '../base/index.js';
import { nodeBytesMax } from '../codec/index.js';
import type { CheckpointCertificate, StateNodeAt, StateNodePart, StateNodes } from '../codec/index.js';
import { event, reject, send, type Core, type Transfer } from './core.js';
import {
  adaptWindow,
  createDonor,
  noteAsked,
  noteStall,
  patienceAtFirstMs,
  release,
  releaseAll,
  type Asked,
  type Donor,
  type StateFetch,
} from './donors.js';
import { takeSnapshot } from './state.js';
import { nodeKey, rootsNode, StateSync, type Missing } from './state-sync.js';

/** Large nodes of one donor that may be incomplete at once; a single one may be larger. */
const incompleteBytesMax = 8 << 20;

/** Aims a transfer at a certified state; one that is under way goes on, for its donors keep what it fetches. */
export function aimTransfer(core: Core, certificate: CheckpointCertificate): void {
  const { transfer } = core;
  const isNewer = (than: CheckpointCertificate): boolean => certificate.sequenceNumber > than.sequenceNumber;
  if (transfer !== null && !isNewer(transfer.newer ?? transfer.target)) return;
  if (transfer !== null && transfer.fetching !== null) {
    transfer.newer = certificate;
    return;
  }
  core.transfer = {
    target: certificate,
    newer: null,
    // Certificates that come faster than this replica waits must not keep it waiting.
    noticedAtMs: transfer?.noticedAtMs ?? core.nowMs,
    lastSeenExecuted: transfer?.lastSeenExecuted ?? core.log.lastExecuted,
    fetching: null,
  };
}

export function startFetching(core: Core, transfer: Transfer): void {
  const { n, id } = core.config;
  const others = Array.from({ length: n }, (_, index) => replicaId(index)).filter((each) => each !== id);
  const sync = new StateSync(core.authenticator.hash, takeSnapshot(core), transfer.target.stateDigest);
  transfer.fetching = {
    sync,
    donors: others.map(createDonor),
    givers: new Set(),
    lastProgressMs: core.nowMs,
  };
  askWhoHasIt(core, transfer, transfer.fetching);
}

/** The next round: whatever is right in the newer state too is not fetched again. */
function aimAgain(core: Core, transfer: Transfer, fetching: StateFetch): void {
  transfer.target = transfer.newer!;
  transfer.newer = null;
  fetching.sync.aimAt(transfer.target.stateDigest);
  fetching.lastProgressMs = core.nowMs;
  for (const donor of fetching.donors) {
    donor.asked.clear();
    donor.status = 'unknown';
  }
  askWhoHasIt(core, transfer, fetching);
}

function askWhoHasIt(core: Core, transfer: Transfer, { sync, donors }: StateFetch): void {
  const { sequenceNumber } = transfer.target;
  event(core, 'state-transfer-started', { sequenceNumber, pagesFetched: sync.pagesFetched });
  for (const donor of donors) probe(core, transfer, donor);
}

function probe(core: Core, transfer: Transfer, donor: Donor): void {
  noteAsked(donor, null, core.nowMs);
  ask(core, transfer, donor, [{ ...rootsNode, offset: 0 }]);
}

function ask(core: Core, transfer: Transfer, donor: Donor, nodes: readonly StateNodeAt[]): void {
  const { sequenceNumber } = transfer.target;
  if (nodes.length > 0) send(core, donor.id, { kind: 'fetchState', sequenceNumber, nodes });
}

const fromStart = ({ level, section, number }: Missing): StateNodeAt => ({
  level,
  section,
  number,
  offset: 0,
});

/** Spreads what is missing over those who have the state and room for more, a node to each in turn. */
function askForMore(core: Core, transfer: Transfer, { sync, donors }: StateFetch): void {
  const batches = new Map<Donor, StateNodeAt[]>();
  let hasRoom = donors.filter(({ status }) => status === 'ready');
  while ((hasRoom = hasRoom.filter(({ asked, window }) => asked.size < window)).length > 0) {
    let missing: Missing | null = null;
    for (const donor of hasRoom) {
      if ((missing = sync.next()) === null) break;
      noteAsked(donor, missing, core.nowMs);
      const batch = batches.get(donor);
      if (batch === undefined) batches.set(donor, [fromStart(missing)]);
      else batch.push(fromStart(missing));
    }
    if (missing === null) break;
  }
  for (const [donor, nodes] of batches) ask(core, transfer, donor, nodes);
}

/** At the end those who have nothing to do are asked for what others keep back. */
function askForOverdue(core: Core, transfer: Transfer, { donors }: StateFetch): void {
  const isOverdue = ({ missing, atMs }: Asked): boolean =>
    missing !== null && !missing.isTaken && missing.askedOf === 1 && core.nowMs - atMs >= patienceAtFirstMs;
  for (const idle of donors) {
    if (idle.status !== 'ready' || idle.asked.size > 0) continue;
    const overdue = donors.flatMap(({ asked }) => [...asked.values()].filter(isOverdue));
    const nodes = overdue.slice(0, idle.window).map(({ missing }) => missing!);
    for (const node of nodes) noteAsked(idle, node, core.nowMs);
    ask(core, transfer, idle, nodes.map(fromStart));
  }
}

export function tickFetching(core: Core, transfer: Transfer, fetching: StateFetch): void {
  for (const donor of fetching.donors) {
    releaseLost(core, fetching, donor);
    if (donor.asked.size === 0 || core.nowMs - donor.lastHeardMs < donor.patienceMs) continue;
    noteStall(fetching.sync, donor);
    probe(core, transfer, donor);
  }
  askForMore(core, transfer, fetching);
  askForOverdue(core, transfer, fetching);
  aimAgainIfGone(core, transfer, fetching);
}

/** Donors answer in order: what has not come for so long, though they do, was lost on the way. */
function releaseLost(core: Core, { sync }: StateFetch, donor: Donor): void {
  for (const asked of donor.asked.values()) {
    if (core.nowMs - asked.atMs < 2 * donor.patienceMs) return;
    if (asked.missing !== null) release(sync, donor, asked);
  }
}

/** f + 1 cannot all be wrong that the state is gone; neither is it there where nobody gives any of it. */
function aimAgainIfGone(core: Core, transfer: Transfer, fetching: StateFetch): void {
  if (transfer.newer === null) return;
  const goneCount = fetching.donors.filter(({ status }) => status === 'gone').length;
  const isAnyLeft = fetching.donors.some(({ status }) => status === 'ready' || status === 'unknown');
  // Without progress although there was time for it, by what the quickest is given.
  const believed = fetching.donors.filter(({ status }) => status !== 'rejected');
  const patienceMs = Math.min(...believed.map((donor) => donor.patienceMs));
  const isHopeless = core.nowMs - fetching.lastProgressMs >= 2 * patienceMs;
  if (goneCount >= core.weakQuorum || !isAnyLeft || isHopeless) aimAgain(core, transfer, fetching);
}

/** The donor holds the state no more, as he proves by a newer one. */
export function noteGone(core: Core, transfer: Transfer, fetching: StateFetch, from: ReplicaId): void {
  const donor = fetching.donors.find(({ id }) => id === from);
  if (donor === undefined || donor.status === 'rejected') return;
  releaseAll(fetching.sync, donor);
  donor.status = 'gone';
  askForMore(core, transfer, fetching);
  aimAgainIfGone(core, transfer, fetching);
}

/** Takes what a donor sends; the fetching may be complete afterwards. */
export function receiveNodes(
  core: Core,
  transfer: Transfer,
  fetching: StateFetch,
  from: ReplicaId,
  message: StateNodes,
): void {
  const donor = fetching.donors.find(({ id }) => id === from);
  if (donor === undefined || donor.status === 'rejected') return;
  const rest: StateNodeAt[] = [];
  for (const part of message.parts) {
    const received = receivePart(core, fetching, donor, part);
    if (received === 'part') rest.push({ ...part, offset: part.offset + part.data.length });
    if (received === 'WRONG_STATE' || received === 'MALFORMED_STATE_NODES') {
      reject(core, from, received);
      releaseAll(fetching.sync, donor);
      donor.status = 'rejected';
      break;
    }
  }
  if (fetching.sync.isComplete) return;
  if (donor.status !== 'rejected') ask(core, transfer, donor, rest);
  askForMore(core, transfer, fetching);
}

type Received = 'whole' | 'part' | 'ignored' | 'WRONG_STATE' | 'MALFORMED_STATE_NODES';

function receivePart(core: Core, fetching: StateFetch, donor: Donor, part: StateNodePart): Received {
  const asked = donor.asked.get(nodeKey(part));
  if (asked === undefined) return receiveLate(core, fetching, donor, part);
  const { offset, totalBytes, data } = part;
  if (offset !== asked.receivedBytes) return 'ignored';
  const isSized =
    totalBytes <= nodeBytesMax[part.level] &&
    (offset === 0 || totalBytes === asked.totalBytes) &&
    data.length === Math.min(core.config.stateChunkBytes, totalBytes - offset);
  if (!isSized) return 'MALFORMED_STATE_NODES';
  donor.lastHeardMs = core.nowMs;
  asked.totalBytes = totalBytes;
  if (offset === 0 && data.length < totalBytes && hasTooMuch(donor, asked)) {
    release(fetching.sync, donor, asked);
    donor.window = Math.max(1, donor.window >> 1);
    return 'ignored';
  }
  asked.parts.push(data);
  asked.receivedBytes += data.length;
  if (asked.receivedBytes < totalBytes) {
    asked.atMs = core.nowMs;
    // A liar can trickle no longer than the largest node has parts.
    fetching.lastProgressMs = core.nowMs;
    return 'part';
  }
  const bytes = asked.parts.length === 1 ? data : concatBytes(asked.parts);
  const isRight = takeNode(core, fetching, donor, part, bytes);
  release(fetching.sync, donor, asked);
  if (!isRight) return 'WRONG_STATE';
  adaptWindow(donor, 1, core.nowMs - asked.atMs);
  if (asked.missing === null) donor.status = 'ready';
  return 'whole';
}

/** A liar must not make this replica keep more than the state: incomplete nodes cannot be judged yet. */
function hasTooMuch({ asked }: Donor, latest: Asked): boolean {
  let bytes = latest.totalBytes;
  for (const each of asked.values()) if (each !== latest && each.receivedBytes > 0) bytes += each.totalBytes;
  return bytes > incompleteBytesMax && bytes > latest.totalBytes;
}

/** It was asked of somebody else in the meantime; what is whole is as good as ever. */
function receiveLate(core: Core, fetching: StateFetch, donor: Donor, part: StateNodePart): Received {
  if (part.level === 'roots' || part.data.length < part.totalBytes) return 'ignored';
  return takeNode(core, fetching, donor, part, part.data) ? 'whole' : 'WRONG_STATE';
}

function takeNode(
  core: Core,
  fetching: StateFetch,
  donor: Donor,
  node: StateNodePart,
  bytes: Uint8Array,
): boolean {
  const taken = fetching.sync.take(node, bytes);
  if (taken === 'taken') {
    fetching.lastProgressMs = core.nowMs;
    donor.lastHeardMs = core.nowMs;
    if (node.level !== 'roots') fetching.givers.add(donor.id);
  }
  return taken !== 'wrong';
}
