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
  /** Whether the session has room for one more operation that waits: if not, `execute` must not return null. */
  readonly mayWait: boolean;
}

/** What executing one operation, or the passing of time, does to others. */
export interface Effects {
  /**
   * The outcome of an operation that `execute` left waiting, exactly one for each whose session lasts. False: the
   * session holds too many results that have not arrived; the outcome is REPLIES_FULL and this result is dropped.
   */
  resolve(session: SessionId, number: number, result: Uint8Array): boolean;
  /** The feed that this operation opened has more to tell, or has ended. */
  notify(session: SessionId, number: number): void;
  /**
   * The client is none any more: all its sessions end before this returns, that of the present operation included, and
   * `endSession` is called for each. From then on `isClient` must say so.
   */
  endClient(client: ClientId): void;
}

/** The operation whose result a feed goes on from. */
export interface FeedName {
  readonly client: ClientId;
  readonly session: SessionId;
  readonly number: number;
}

/** How far a reader of a feed has come. Sequence numbers ascend within a feed, mostly with gaps. */
export interface FeedPosition {
  /** Of the last event read, or where reading began. */
  readonly after: number;
  /** Up to here there is nothing more for this feed. Invariant: at least `after`. */
  readonly scanned: number;
}

export interface FeedLimits {
  readonly eventsMax: number;
  /** Of data; one event is read whatever its size. */
  readonly bytesMax: number;
}

export type FeedPart =
  | {
      readonly kind: 'events';
      readonly events: readonly { readonly sequence: number; readonly data: Uint8Array }[];
      readonly scanned: number;
      /** False: there may be more right away. */
      readonly isAtEnd: boolean;
    }
  /** Some of what comes after the position is not held any more. */
  | { readonly kind: 'truncated' };

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
  advanceTime(time: number, effects: Effects): void;
  /** Null: the operation waits; `resolve` gives its result later. */
  execute(operation: OrderedOperation, effects: Effects): Uint8Array | null;
  /**
   * Whether the client may have sessions, as of what is executed here; everybody may if left out. Changes by operations
   * only.
   */
  isClient?(client: ClientId): boolean;
  /** The session is over: what waits in it, and its feeds, end without a word. */
  endSession?(session: SessionId): void;
  /** The next events of a feed; null if there is no such feed (yet, or any more). Changes nothing. */
  readFeed?(feed: FeedName, position: FeedPosition, limits: FeedLimits): FeedPart | null;
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
  /**
   * Whether the client or the replica (REJOIN) named in the envelope made it, registered or not. A pure function; of MACs each
   * replica judges its own, so that the verdicts of several may differ.
   */
  isAuthentic(envelope: Envelope): boolean;
  /** Whether every correct replica comes to the same verdict: about signatures, and MACs where none are taken. */
  isVerdictCommon(envelope: Envelope): boolean;
}
