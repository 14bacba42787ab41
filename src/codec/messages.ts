/**
 * Messages between replicas, named as in PBFT (OSDI'99; TOCS'02). Plain data: encoding is in
 * peer-codec.ts. What others than the receiver must believe is signed and keeps the very bytes that were
 * signed (`body`), so that it can be passed on unchanged.
 */
import type { Digest, ReplicaId, SequenceNumber, ViewNumber } from '../base/index.js';

/** The primary's proposal; the digest of `batch` covers time and envelopes, not the view. */
export interface PrePrepare {
  readonly kind: 'prePrepare';
  readonly view: ViewNumber;
  readonly sequenceNumber: SequenceNumber;
  /** An encoded Batch (envelope.ts). */
  readonly batch: Uint8Array;
}

export interface Prepare {
  readonly kind: 'prepare';
  readonly view: ViewNumber;
  readonly sequenceNumber: SequenceNumber;
  readonly digest: Digest;
}

export interface Commit {
  readonly kind: 'commit';
  readonly view: ViewNumber;
  readonly sequenceNumber: SequenceNumber;
  readonly digest: Digest;
}

/**
 * "I know this batch to be committed here", to a peer that lacks the votes for it: f+1 equal ones prove it,
 * since a correct replica is among them and no two batches commit at one sequence number.
 */
export interface Committed {
  readonly kind: 'committed';
  readonly sequenceNumber: SequenceNumber;
  readonly digest: Digest;
}

/** One replica's signed statement of its state after executing `sequenceNumber`. */
export interface Checkpoint {
  readonly kind: 'checkpoint';
  readonly sequenceNumber: SequenceNumber;
  readonly stateDigest: Digest;
  readonly replica: ReplicaId;
  readonly signature: Uint8Array;
}

export interface ReplicaSignature {
  readonly replica: ReplicaId;
  readonly signature: Uint8Array;
}

/** A quorum of equal CHECKPOINTs. That of sequence number 0 is the genesis and carries no signatures. */
export interface CheckpointCertificate {
  readonly sequenceNumber: SequenceNumber;
  readonly stateDigest: Digest;
  readonly signatures: readonly ReplicaSignature[];
}

/** A digest at a sequence number and the view it belongs to: an element of P or of Q (TOCS'02 fig. 3). */
export interface ViewEntry {
  readonly sequenceNumber: SequenceNumber;
  readonly view: ViewNumber;
  readonly digest: Digest;
}

export interface ViewChangeBody {
  readonly view: ViewNumber;
  readonly replica: ReplicaId;
  /** How many REJOINs of this replica have been ordered; older incarnations are void. */
  readonly incarnation: number;
  readonly checkpoint: CheckpointCertificate;
  /** P: at most one entry a sequence number, ascending. */
  readonly prepared: readonly ViewEntry[];
  /** Q: at most 16 entries a sequence number, ascending by sequence number, then digest. */
  readonly prePrepared: readonly ViewEntry[];
}

export interface ViewChange extends ViewChangeBody {
  readonly kind: 'viewChange';
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
}

export interface ChosenBatch {
  readonly sequenceNumber: SequenceNumber;
  readonly digest: Digest;
}

export interface NewViewBody {
  readonly view: ViewNumber;
  readonly replica: ReplicaId;
  readonly viewChanges: readonly ViewChange[];
  /** The decision, ascending and without gaps from the start checkpoint on. */
  readonly chosen: readonly ChosenBatch[];
}

export interface NewView extends NewViewBody {
  readonly kind: 'newView';
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
}

/** Periodic summary of where a replica stands, so that peers resend what it lacks (OSDI'99 section 5.2). */
export interface Status {
  readonly kind: 'status';
  readonly view: ViewNumber;
  /** False between sending VIEW-CHANGE and accepting NEW-VIEW. */
  readonly isActive: boolean;
  readonly isObserver: boolean;
  readonly lastExecuted: SequenceNumber;
  readonly stableCheckpoint: SequenceNumber;
  /** Whether the sender would replace the primary of its view for ordering too slowly. */
  readonly findsPrimarySlow: boolean;
}

/** Proof of a stable checkpoint, sent to a replica that lags behind it. */
export interface StableCheckpoint {
  readonly kind: 'stableCheckpoint';
  readonly certificate: CheckpointCertificate;
}

export interface FetchBatch {
  readonly kind: 'fetchBatch';
  readonly digest: Digest;
}

export interface BatchBody {
  readonly kind: 'batchBody';
  readonly batch: Uint8Array;
}

/** Levels of a certified state (certified-state.ts), each believed by the one above: two roots, lists, pages. */
export const stateLevels = ['roots', 'groups', 'pages', 'page'] as const;
export type StateLevel = (typeof stateLevels)[number];

export interface StateNode {
  readonly level: StateLevel;
  /** 0: the ordering layer's own pages, 1: the application's. Of the roots: 0. */
  readonly section: 0 | 1;
  /** Of the group whose `pages` are told, or of the `page`; else 0. */
  readonly number: number;
}

/** A node from this byte on. */
export interface StateNodeAt extends StateNode {
  readonly offset: number;
}

/** Asks for parts of the state of a checkpoint, each up to the size at which states are cut. */
export interface FetchState {
  readonly kind: 'fetchState';
  readonly sequenceNumber: SequenceNumber;
  readonly nodes: readonly StateNodeAt[];
}

export interface StateNodePart extends StateNodeAt {
  /** Of the whole node. */
  readonly totalBytes: number;
  readonly data: Uint8Array;
}

export interface StateNodes {
  readonly kind: 'stateNodes';
  readonly sequenceNumber: SequenceNumber;
  readonly parts: readonly StateNodePart[];
}

/** The state asked for is held no more; the certificate is of a newer one. */
export interface StateGone {
  readonly kind: 'stateGone';
  readonly sequenceNumber: SequenceNumber;
  readonly certificate: CheckpointCertificate;
}

/** A client envelope or REJOIN passed on to the primary, as received. */
export interface Forward {
  readonly kind: 'forward';
  readonly envelope: Uint8Array;
}

export type PeerMessage =
  | PrePrepare
  | Prepare
  | Commit
  | Committed
  | Checkpoint
  | ViewChange
  | NewView
  | Status
  | StableCheckpoint
  | FetchBatch
  | BatchBody
  | FetchState
  | StateNodes
  | StateGone
  | Forward;
