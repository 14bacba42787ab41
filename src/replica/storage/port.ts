/**
 * What one replica keeps from one life to the next: its vote log and one state of its, as pages. Everything is done in the
 * order in which it is asked for, in the background; what has become durable is told. A write or sync that fails is never
 * repeated: the replica stops (DESIGN section 6).
 */
import type { SequenceNumber } from '../../base/index.js';
import type { LogRecord } from '../../codec/index.js';
import type { SavedState, StateToSave } from '../../ordering/index.js';

export interface StorageListener {
  /** Every record up to this number is durable. */
  stored(recordNumber: number): void;
  stateSaved(sequenceNumber: SequenceNumber): void;
  /** Nothing more becomes durable. */
  failed(error: unknown): void;
}

export interface Storage {
  /** Before anything else; once. */
  listen(listener: StorageListener): void;
  /** Records are numbered 1, 2, 3, … in each life. A lazy one goes along with the next that is not. */
  append(recordNumber: number, record: LogRecord, isLazy: boolean): void;
  /** Makes this the saved state in place of the last one; not before that has been told as saved. */
  saveState(state: StateToSave): void;
  /** Slot records about numbers up to this one, which a saved state covers, are of no use any more. */
  truncate(sequenceNumber: SequenceNumber): void;
  /** What has been appended is durable when this resolves, lazy records included. Nothing is told afterwards. */
  close(): Promise<void>;
}

/** What storage finds when it is opened. */
export interface Remembered {
  /** In the order of writing: the standing records first, then what followed. Empty: it has never been used. */
  readonly records: readonly LogRecord[];
  /** Null: none was saved, or it was damaged. */
  readonly state: SavedState | null;
}
