/**
 * Envelopes: what clients (and rejoining replicas) sign and PBFT orders, and the batches made of them.
 * An envelope keeps the bytes it came as: they are what was signed, hashed and is passed on.
 */
import type { ClientId, ReplicaId, SessionId } from '../base/index.js';

/** Asks for a session; `nonce` (16 bytes) tells this request from the client's others. */
export interface OpenSession {
  readonly kind: 'open';
  readonly client: ClientId;
  readonly nonce: Uint8Array;
}

/** Operations of one session with contiguous request numbers firstNumber, firstNumber + 1, … */
export interface Requests {
  readonly kind: 'requests';
  readonly client: ClientId;
  readonly session: SessionId;
  /** At least 1. */
  readonly firstNumber: number;
  /** Replies below this number have arrived and may be dropped; at most firstNumber. */
  readonly lowestUnanswered: number;
  /**
   * Encoded operations, opaque to the ordering layer; at least one. An empty one is not executed: it renews the
   * session.
   */
  readonly operations: readonly Uint8Array[];
  /** Operations that were left waiting and whose late outcome has arrived: it may be dropped. Ascending. */
  readonly finished: readonly number[];
}

/** A replica without its vote log asks for its next incarnation. */
export interface Rejoin {
  readonly kind: 'rejoin';
  readonly replica: ReplicaId;
  /** Its wall clock at start, ms; only a later one than the last ordered counts, which voids replays. */
  readonly startedAt: number;
  /** 16 random bytes of this start: by them alone the replica knows its own REJOIN from an earlier life's. */
  readonly nonce: Uint8Array;
}

export type EnvelopeBody = OpenSession | Requests | Rejoin;

export interface Envelope {
  readonly body: EnvelopeBody;
  /** The encoded body, as signed or MACed. */
  readonly signedBytes: Uint8Array;
  /** Convinces everybody. Invariant: this or `macs`, and the other null; a REJOIN is signed. */
  readonly signature: Uint8Array | null;
  /** `macBytes` for each replica, in order of their ids; each can judge its own alone. */
  readonly macs: Uint8Array | null;
  /** The whole envelope as on the wire. */
  readonly bytes: Uint8Array;
}

export interface Batch {
  /** The primary's clock, ms since the epoch; null exactly in the null batch. */
  readonly time: number | null;
  readonly envelopes: readonly Uint8Array[];
}

/**
 * What became of one operation: the application's result, a refusal by the session rules, or that it waits:
 * the outcome that counts comes later, under the same number.
 */
export type Outcome =
  | { readonly kind: 'result'; readonly result: Uint8Array }
  | { readonly kind: 'refused'; readonly code: SessionRefusal }
  | { readonly kind: 'waiting' };

export type SessionRefusal = 'SESSION_EXPIRED' | 'REPLIES_FULL' | 'NUMBER_OUT_OF_WINDOW';
