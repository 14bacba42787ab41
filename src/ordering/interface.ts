/**
 * Inputs and outputs of the ordering state machine: `replica.step(input) → outputs`. The runtime carries
 * outputs out in the order given; each says what has to be durable before it may leave. The core holds
 * back by itself whatever must wait for a `stored` input.
 */
import type {
  ClientId,
  Digest,
  PageSnapshot,
  ReplicaId,
  SequenceNumber,
  SessionId,
  ViewNumber,
} from '../base/index.js';
import type { CheckpointCertificate, Envelope, LogRecord, Outcome, PeerMessage } from '../codec/index.js';

export type Input =
  /** From the mutually authenticated link to replica `from`. */
  | { readonly kind: 'message'; readonly from: ReplicaId; readonly message: PeerMessage }
  /** From a client's stream, well-formed but not yet authenticated. */
  | { readonly kind: 'envelope'; readonly envelope: Envelope }
  | {
      readonly kind: 'read';
      readonly client: ClientId;
      readonly readId: number;
      readonly operation: Uint8Array;
    }
  /** A stream of the client takes part in this session: late outcomes that it may have missed are told again. */
  | { readonly kind: 'attached'; readonly client: ClientId; readonly session: SessionId }
  /** The client's stream `stream` follows a feed from after this sequence number on, or has used it up to there. */
  | {
      readonly kind: 'follow';
      readonly stream: number;
      readonly client: ClientId;
      readonly session: SessionId;
      readonly number: number;
      readonly after: number;
    }
  /** The stream is gone, and with it all that it followed. */
  | { readonly kind: 'streamClosed'; readonly stream: number }
  /** The replica's clock, ms since the epoch; never runs backwards. At least every 25 ms. */
  | { readonly kind: 'tick'; readonly nowMs: number }
  /** Every record up to this number is durable. */
  | { readonly kind: 'stored'; readonly recordNumber: number }
  /** The state of the checkpoint that `saveState` handed over is durable. */
  | { readonly kind: 'stateSaved'; readonly sequenceNumber: SequenceNumber }
  /** The verdict of the slow check that a `verify` output asked for. */
  | { readonly kind: 'verified'; readonly check: Digest; readonly isValid: boolean };

/** A page of this replica's state that is not the certified one; null: there is none. */
export interface DifferingPage {
  readonly section: 'ordering' | 'application';
  readonly page: number;
  readonly own: Uint8Array | null;
  readonly certified: Uint8Array | null;
}

/** The state of a stable checkpoint, as the storage takes it. */
export interface StateToSave {
  readonly certificate: CheckpointCertificate;
  /** The ordering layer's pages and the application's: together they have the certificate's digest. */
  readonly ordering: PageSnapshot;
  readonly application: PageSnapshot;
}

/** The same, as the storage gives it back after a restart; nothing about it is believed before its digest is checked. */
export interface SavedState {
  readonly certificate: CheckpointCertificate;
  readonly ordering: ReadonlyMap<number, Uint8Array>;
  readonly application: ReadonlyMap<number, Uint8Array>;
}

export type HaltReason = 'STATE_DIVERGED' | 'TOO_MANY_REPLICAS_LOST_THEIR_LOG' | 'VERSION_MISMATCH';

export type Output =
  /** Whatever this message states is already durable; it may leave at once. */
  | { readonly kind: 'send'; readonly to: ReplicaId; readonly message: PeerMessage }
  /** As `send`, to every other replica. */
  | { readonly kind: 'broadcast'; readonly message: PeerMessage }
  /** Results of a committed batch; commitment was durable at a quorum before. */
  | {
      readonly kind: 'reply';
      readonly client: ClientId;
      readonly session: SessionId;
      readonly firstNumber: number;
      readonly outcomes: readonly Outcome[];
      /** All below the client has; of an envelope executed just now, and of no repetition or late outcome. */
      readonly lowestUnanswered?: number;
    }
  | {
      readonly kind: 'opened';
      readonly client: ClientId;
      readonly nonce: Uint8Array;
      /** 0: refused, too many sessions. */
      readonly session: SessionId;
    }
  | {
      readonly kind: 'readReply';
      readonly client: ClientId;
      readonly readId: number;
      readonly result: Uint8Array | null;
    }
  /** The client is none any more, and so are its sessions: its streams end, once what was said before has left. */
  | { readonly kind: 'clientEnded'; readonly client: ClientId }
  /** For the stream that follows; in order, none left out. What it tells was executed, as in `reply`. */
  | {
      readonly kind: 'feedEvent';
      readonly stream: number;
      readonly session: SessionId;
      readonly number: number;
      readonly previous: number;
      readonly sequence: number;
      readonly data: Uint8Array;
    }
  /** Following ends: what comes after `after` is not all held any more. */
  | {
      readonly kind: 'feedTruncated';
      readonly stream: number;
      readonly session: SessionId;
      readonly number: number;
      readonly after: number;
    }
  /**
   * Append to the vote log; report with `stored`. Records are numbered 1, 2, 3, … in each life. Nothing waits for a
   * lazy one: it may go along with the next that is not.
   */
  | {
      readonly kind: 'persist';
      readonly recordNumber: number;
      readonly record: LogRecord;
      readonly isLazy: boolean;
    }
  /** Make this the saved state in place of the last one; report with `stateSaved`. One at a time. */
  | { readonly kind: 'saveState'; readonly state: StateToSave }
  /** A saved state covers the numbers up to this one: the vote log may forget its slot records about them. */
  | { readonly kind: 'truncate'; readonly sequenceNumber: SequenceNumber }
  /** Judge these bytes off the event loop; report with `verified`. */
  | { readonly kind: 'verify'; readonly check: Digest; readonly bytes: Uint8Array }
  /** A batch was executed: for logs, metrics and the simulator's checkers. */
  | {
      readonly kind: 'deliver';
      readonly sequenceNumber: SequenceNumber;
      readonly digest: Digest;
      readonly view: ViewNumber;
      /** Ordered time after the batch. */
      readonly time: number;
      readonly operationCount: number;
    }
  /** This replica's state had gone wrong and is repaired: evidence to be kept, contents included. */
  | {
      readonly kind: 'divergence';
      readonly sequenceNumber: SequenceNumber;
      readonly pages: readonly DifferingPage[];
    }
  /** A peer or client broke the protocol (`reject`): evidence for logs and metrics. */
  | { readonly kind: 'evidence'; readonly from: ReplicaId | ClientId; readonly code: string }
  /** Something an operator wants to see: view changes, state transfer, rejoin. */
  | {
      readonly kind: 'event';
      readonly event: string;
      readonly fields: Readonly<Record<string, number | string>>;
    }
  /** The replica must stop: it would answer wrong or could never vote again. */
  | { readonly kind: 'halt'; readonly reason: HaltReason };

export interface ReplicaStatus {
  readonly view: ViewNumber;
  readonly primary: ReplicaId;
  readonly isActive: boolean;
  readonly isObserver: boolean;
  readonly executed: SequenceNumber;
  readonly stableCheckpoint: SequenceNumber;
  readonly orderedTime: number;
  /** Envelopes waiting to be executed. */
  readonly pending: number;
  /** Sizes that must stay bounded, by name. */
  readonly sizes: Readonly<Record<string, number>>;
}
