/**
 * What a replica has to remember to keep its word after a restart (DESIGN section 6): the records of its vote log.
 * Plain data; their bytes are made in log-record-codec.ts.
 */
import type { Digest, SequenceNumber, ViewNumber } from '../base/index.js';
import type { CheckpointCertificate, NewView } from './messages.js';

/** About one sequence number: of no use once a saved state covers it. */
export type SlotRecord =
  /** PREPARE sent; the batch is kept, since others may need it to commit. */
  | {
      readonly kind: 'prePrepared';
      readonly view: ViewNumber;
      readonly sequenceNumber: SequenceNumber;
      readonly digest: Digest;
      readonly batch: Uint8Array;
    }
  /** COMMIT sent. */
  | {
      readonly kind: 'prepared';
      readonly view: ViewNumber;
      readonly sequenceNumber: SequenceNumber;
      readonly digest: Digest;
    }
  /** Committed and executed; `batch` unless a `prePrepared` record of this number has it. */
  | {
      readonly kind: 'executed';
      readonly sequenceNumber: SequenceNumber;
      readonly digest: Digest;
      readonly batch: Uint8Array | null;
      /** Slow checks that its operations did not pass. */
      readonly failedChecks: readonly Digest[];
    }
  /** CHECKPOINT sent. */
  | { readonly kind: 'checkpoint'; readonly sequenceNumber: SequenceNumber; readonly stateDigest: Digest };

/** True until another of its group is written: `started` and `voting`; `viewChange` and `newView`; `stableCheckpoint`. */
export type StandingRecord =
  /** `observer`: without votes of an earlier life, so there are none to be given until its REJOIN's window has passed. */
  | { readonly kind: 'started'; readonly as: 'genesis' | 'observer' }
  /** The window of the REJOIN has passed: from here on the log is complete. */
  | { readonly kind: 'voting' }
  /** VIEW-CHANGE for `view` sent. */
  | { readonly kind: 'viewChange'; readonly view: ViewNumber }
  /** Sent as its primary, or accepted. */
  | { readonly kind: 'newView'; readonly newView: NewView }
  | { readonly kind: 'stableCheckpoint'; readonly certificate: CheckpointCertificate };

export type LogRecord = SlotRecord | StandingRecord;
