/**
 * What peers fetch of this replica's states: a queue of requests for each, and one byte budget for all, so that
 * giving never gets in the way of ordering. Volatile, plain data; donate.ts fills it.
 */
import type { PageProofs, ReplicaId, SequenceNumber } from '../base/index.js';
import type { StateNode, StateNodeAt, StateNodePart } from '../codec/index.js';

/** A state that a peer fetches. It stays held here while he does, also past the next checkpoint. */
export interface Donation {
  readonly sequenceNumber: SequenceNumber;
  readonly roots: Uint8Array;
  /** By section. The same object for all who fetch the same state. */
  readonly proofs: readonly [PageProofs, PageProofs];
  /** Asked for and not sent yet. */
  queue: StateNodeAt[];
  lastAskedMs: number;
}

export interface Donations {
  /** Those served longest ago first. */
  readonly byPeer: Map<ReplicaId, Donation>;
  /** Bytes that may be sent now; the last message may have gone below zero. */
  budgetBytes: number;
  refilledMs: number;
}

/** Requests of a peer that wait; further ones are dropped, for he asks again. */
export const requestsMax = 1_024;
/** The budget does not grow beyond what this time brings. */
const burstMs = 50;
/** What every node costs beside its bytes, so that small ones are not free. */
const nodeCostBytes = 64;

export const createDonations = (): Donations => ({ byPeer: new Map(), budgetBytes: 0, refilledMs: 0 });

export function refill(donations: Donations, nowMs: number, bytesPerSecond: number): void {
  const passedMs = Math.min(nowMs - donations.refilledMs, 1_000);
  donations.refilledMs = nowMs;
  const most = (bytesPerSecond * burstMs) / 1_000;
  donations.budgetBytes = Math.min(most, donations.budgetBytes + (bytesPerSecond * passedMs) / 1_000);
}

function bytesOf(donation: Donation, { level, section, number }: StateNode): Uint8Array | null {
  const proofs = donation.proofs[section];
  switch (level) {
    case 'roots':
      return donation.roots;
    case 'groups':
      return proofs.groups;
    case 'pages':
      return proofs.pagesOf(number);
    case 'page':
      return proofs.page(number);
  }
}

/** The next parts of what is asked for, together as much as one message takes, at least one if there is any. */
export function takeParts(
  donations: Donations,
  donation: Donation,
  bytesMax: number,
  countMax: number,
): StateNodePart[] {
  const parts: StateNodePart[] = [];
  let size = 0;
  let taken = 0;
  for (const at of donation.queue) {
    const bytes = bytesOf(donation, at);
    const data = bytes?.subarray(at.offset, at.offset + bytesMax);
    const isThere = bytes !== null && data !== undefined && (data.length > 0 || bytes.length === 0);
    if (isThere) {
      if (parts.length > 0 && (size + data.length > bytesMax || parts.length === countMax)) break;
      parts.push({ ...at, totalBytes: bytes.length, data });
      size += data.length;
    }
    taken += 1;
  }
  donation.queue = donation.queue.slice(taken);
  donations.budgetBytes -= size + taken * nodeCostBytes;
  return parts;
}
