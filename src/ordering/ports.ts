/**
 * What the ordering layer needs from outside, as small synchronous interfaces: the replicated application
 * behind it and the cryptography beside it. Neither may touch a clock, entropy or I/O.
 */
import type {
  ClientId,
  HashFunction,
  PageSnapshot,
  ReplicaId,
  SequenceNumber,
  SessionId,
} from '../base/index.js';
import type { Envelope } from '../codec/index.js';

/** One operation, in the position that the cluster agreed on. */
export interface OrderedOperation {
  readonly client: ClientId;
  readonly session: SessionId;
  /** Request number within the session. */
  readonly number: number;
  readonly operation: Uint8Array;
  readonly sequenceNumber: SequenceNumber;
  /** Ordered time, ms since the epoch; never runs backwards. */
  readonly time: number;
  /** Verdict of the slow check that `slowCheck` asked for; true if it asked for none. */
  readonly isVerified: boolean;
}

/**
 * A deterministic application: equal operations in equal order give equal results and equal pages at
 * every correct replica. It must answer bad operations with a result, never with an exception.
 */
export interface StateMachine {
  /** Changes whenever equal operations would no longer give equal results. */
  readonly version: number;
  /**
   * Ordered time has reached `time`, ms since the epoch; called before the operations of every batch. What is
   * due by then happens now. Never runs backwards.
   */
  advanceTime(time: number): void;
  execute(operation: OrderedOperation): Uint8Array;
  /**
   * A read without ordering; null if it has to be ordered. Changes nothing. `nowMs` is this replica's clock, for
   * things that may be over although ordered time has not got there yet.
   */
  query(client: ClientId, operation: Uint8Array, nowMs: number): Uint8Array | null;
  /** Bytes that a slow check must judge before `execute`, or null. A pure function of the operation. */
  slowCheck(operation: Uint8Array): Uint8Array | null;
  /** Ordered time at which something is due without traffic, or null. */
  nextDeadline(): number | null;
  /** The state as pages; called once a checkpoint, cost proportional to what changed since the last. */
  checkpoint(): PageSnapshot;
  /** Replaces the state by pages that a certificate vouches for. */
  restore(pages: ReadonlyMap<number, Uint8Array>): void;
}

/** What a replica signs; the purpose and the cluster id are part of the signed bytes. */
export type SigningPurpose = 'checkpoint' | 'view-change' | 'new-view' | 'rejoin';

export interface Authenticator {
  readonly hash: HashFunction;
  sign(purpose: SigningPurpose, body: Uint8Array): Uint8Array;
  verify(replica: ReplicaId, purpose: SigningPurpose, body: Uint8Array, signature: Uint8Array): boolean;
  /** Whether the client (registered) or the replica (REJOIN) named in the envelope signed it. */
  isAuthentic(envelope: Envelope): boolean;
}
