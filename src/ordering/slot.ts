/**
 * What a replica knows about one sequence number between the watermarks: the proposal of the current
 * view, the votes, and its entries of P and Q (TOCS'02 section 4.5.1). Data and small predicates only.
 */
import type { Digest, ReplicaId, SequenceNumber, ViewNumber } from '../base/index.js';
import type { Envelope } from '../codec/index.js';
import { countVotes, type Votes } from './quorum.js';

/** A batch with its body, decoded once. */
export interface Body {
  readonly digest: Digest;
  /** The encoded batch that the digest covers. */
  readonly bytes: Uint8Array;
  /** The primary's clock; null exactly in the null batch. */
  readonly time: number | null;
  readonly envelopes: readonly Envelope[];
  /** What slow checks must judge before execution, by digest of the checked bytes; null until looked for. */
  checks: ReadonlyMap<Digest, Uint8Array> | null;
}

/** A PRE-PREPARE of the current view that has not passed the checks on fresh proposals yet. */
export interface Proposal {
  readonly view: ViewNumber;
  readonly body: Body;
  /** This replica's clock when it arrived. */
  readonly arrivedAtMs: number;
  /** Whether its envelopes are; null until looked at. */
  isAuthentic: boolean | null;
  /** Since when others should have vouched for it, if they should. */
  overdueSinceMs: number | null;
}

/** The digest that the current view assigned to the slot. */
export interface Accepted {
  readonly view: ViewNumber;
  readonly digest: Digest;
  /** This replica's clock when its proposal arrived, and when it was accepted. */
  readonly arrivedAtMs: number;
  readonly atMs: number;
  /** True once the PREPARE was handed to the durable queue. Invariant: then the body is held. */
  isVoted: boolean;
}

export interface Committed {
  /** Null if not proven by COMMITs but by others' word: then nobody said in which view. */
  readonly view: ViewNumber | null;
  readonly digest: Digest;
}

export interface Slot {
  readonly sequenceNumber: SequenceNumber;
  proposal: Proposal | null;
  accepted: Accepted | null;
  readonly prepares: Votes;
  readonly commits: Votes;
  /** What peers say is committed here, the first word of each. */
  readonly attested: Map<ReplicaId, Digest>;
  /** Q: every digest voted for with its latest view. Survives new views. */
  readonly prePrepared: Map<Digest, ViewNumber>;
  /** P: what was prepared here in the highest view. Survives new views. */
  prepared: { readonly view: ViewNumber; readonly digest: Digest } | null;
  /** Proven by a quorum of COMMITs or by f+1 that attest it. Invariant: never changes once set. */
  committed: Committed | null;
}

export const createSlot = (sequenceNumber: SequenceNumber): Slot => ({
  sequenceNumber,
  proposal: null,
  accepted: null,
  prepares: new Map(),
  commits: new Map(),
  attested: new Map(),
  prePrepared: new Map(),
  prepared: null,
  committed: null,
});

/** prepared(m, v, n, i): the view's PRE-PREPARE and a quorum of matching PREPAREs (OSDI'99 section 4.2). */
export function isPrepared(slot: Slot, view: ViewNumber, quorum: number): boolean {
  const accepted = slot.accepted;
  if (accepted === null || accepted.view !== view || !accepted.isVoted) return false;
  return countVotes(slot.prepares, view, accepted.digest) >= quorum;
}

/** Adds to Q; beyond `max` digests the one of the lowest view goes, which only makes condition A2 harder. */
export function addPrePrepared(slot: Slot, digest: Digest, view: ViewNumber, max: number): void {
  slot.prePrepared.set(digest, view);
  if (slot.prePrepared.size <= max) return;
  let lowest: readonly [Digest, ViewNumber] | null = null;
  for (const entry of slot.prePrepared) if (lowest === null || entry[1] < lowest[1]) lowest = entry;
  slot.prePrepared.delete(lowest![0]);
}
