/** Messages between a client and one replica, on the client's stream to it. Plain data. */
import type { ClientId, Digest, ReplicaId, SequenceNumber, SessionId, ViewNumber } from '../base/index.js';
import type { Outcome } from './envelope.js';
import type { CheckpointCertificate, StateNodeAt, StateNodePart } from './messages.js';

/** Proves the client's key to this replica: a signature over its challenge and the stream's context. */
export interface Hello {
  readonly kind: 'hello';
  readonly client: ClientId;
  readonly session: SessionId;
  readonly signature: Uint8Array;
}

/** From now on replies of this session go to this stream too. */
export interface Attach {
  readonly kind: 'attach';
  readonly session: SessionId;
}

export interface Submit {
  readonly kind: 'submit';
  readonly envelope: Uint8Array;
}

/** A fast read: an encoded operation, answered without ordering. */
export interface Read {
  readonly kind: 'read';
  readonly readId: number;
  readonly operation: Uint8Array;
  /** Whether the replica's own shares of what is confidential in the answer come with it: f+1 are asked for theirs. */
  readonly wantsShares?: true;
}

export interface StatusRequest {
  readonly kind: 'statusRequest';
  readonly requestId: number;
}

/**
 * Asks for the events of a feed that request `number` of the session opened, from after this sequence number on;
 * of one that is followed on this stream already it says that they have been used up to there.
 */
export interface Follow {
  readonly kind: 'follow';
  readonly session: SessionId;
  readonly number: number;
  readonly after: number;
}

/**
 * Asks for parts of the state of a stable checkpoint (messages.ts: FETCH-STATE); only the admin may. The replica goes on
 * holding a state that is asked for.
 */
export interface FetchSnapshot {
  readonly kind: 'fetchSnapshot';
  readonly requestId: number;
  /** 0: of the newest. */
  readonly sequenceNumber: SequenceNumber;
  readonly nodes: readonly StateNodeAt[];
}

export type ClientMessage = Hello | Attach | Submit | Read | StatusRequest | Follow | FetchSnapshot;

export interface Challenge {
  readonly kind: 'challenge';
  readonly replica: ReplicaId;
  /** 32 fresh bytes. */
  readonly nonce: Uint8Array;
}

export interface Welcome {
  readonly kind: 'welcome';
  readonly view: ViewNumber;
}

/** The stream or a request on it is refused by this replica alone; not a vote. */
export interface Notice {
  readonly kind: 'notice';
  readonly code: string;
}

export interface Opened {
  readonly kind: 'opened';
  readonly view: ViewNumber;
  readonly nonce: Uint8Array;
  /** 0 when refused: the client has too many sessions. */
  readonly session: SessionId;
}

export interface Reply {
  readonly kind: 'reply';
  readonly view: ViewNumber;
  readonly session: SessionId;
  readonly firstNumber: number;
  /** Outcomes of firstNumber, firstNumber + 1, … */
  readonly outcomes: readonly Outcome[];
  /** This replica's own shares of what is confidential in each outcome, which are no votes; absent: there are none. */
  readonly shares?: readonly Uint8Array[];
}

export interface ReadReply {
  readonly kind: 'readReply';
  readonly readId: number;
  /** Null: this read has to be ordered. */
  readonly result: Uint8Array | null;
  /** As in a reply. */
  readonly shares?: Uint8Array;
}

/** How often the service of one replica has refused something since that replica started. */
export interface RefusalCount {
  readonly code: string;
  /** Name of the client; empty: nobody who is registered. */
  readonly client: string;
  /** Empty: the operation was on no space. */
  readonly space: string;
  readonly count: number;
}

/** How often one replica has seen somebody misbehave since it started: its own word. */
export interface SuspicionCount {
  /** `replica 3`, the name or key of a client, or `others`: clients that are not told apart any more. */
  readonly of: string;
  readonly reason: string;
  readonly count: number;
}

export interface StatusReply {
  readonly kind: 'statusReply';
  readonly requestId: number;
  readonly replica: ReplicaId;
  readonly view: ViewNumber;
  readonly primary: ReplicaId;
  readonly isActive: boolean;
  readonly isObserver: boolean;
  readonly executed: SequenceNumber;
  readonly stableCheckpoint: SequenceNumber;
  /** Digest of the state after `executed`. */
  readonly stateDigest: Digest;
  readonly peersConnected: number;
  readonly clientsConnected: number;
  readonly version: string;
  /** The most frequent ones, at most `statusRefusalsMax`. */
  readonly refusals: readonly RefusalCount[];
  /** The most frequent ones, at most `statusSuspicionsMax`. */
  readonly suspicions: readonly SuspicionCount[];
}

/** One event of a feed. `previous`: the sequence number of the feed's event before it, or where following began. */
export interface FeedEvent {
  readonly kind: 'feedEvent';
  readonly session: SessionId;
  readonly number: number;
  readonly previous: number;
  readonly sequence: number;
  readonly data: Uint8Array;
  /** As in a reply. */
  readonly shares?: Uint8Array;
}

/** What comes after `after` in this feed is not all held any more. */
export interface FeedTruncated {
  readonly kind: 'feedTruncated';
  readonly session: SessionId;
  readonly number: number;
  readonly after: number;
}

/** As many parts as one message takes, from the first node on. */
export interface SnapshotNodes {
  readonly kind: 'snapshotNodes';
  readonly requestId: number;
  /** Of the state that the parts are of; of the newest one, without parts, if that asked for is not held. */
  readonly certificate: CheckpointCertificate;
  readonly parts: readonly StateNodePart[];
}

export type ServerMessage =
  | Challenge
  | Welcome
  | Notice
  | Opened
  | Reply
  | ReadReply
  | StatusReply
  | FeedEvent
  | FeedTruncated
  | SnapshotNodes;
