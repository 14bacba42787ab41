/** Opens a vote log, or begins one where there is none: the first file appears with the first records. */
import type { LogRecord } from '../../codec/index.js';
import type { LogFiles } from './log-files.js';
import { StandingRecords } from './standing-records.js';
import { voteLogFailed } from './vote-log-errors.js';
import { hashBytes } from './vote-log-format.js';
import { decodePosition, nameOfSegment, recoverVoteLog } from './vote-log-recovery.js';
import type { LogTail, StorageEvent } from './vote-log-recovery.js';
import { defaultVoteLogSettings, VoteLog, type VoteLogSettings } from './vote-log.js';

export interface OpenVoteLogOptions {
  /** `VoteLog.position` that an earlier life is known to have reached; null if none is. */
  readonly expectAtLeast: Uint8Array | null;
  /** 16 bytes that nobody can guess, in case this is a new log. */
  readonly newLogId: Uint8Array;
  readonly settings?: Partial<VoteLogSettings>;
}

export interface OpenedVoteLog {
  readonly log: VoteLog;
  /** No record has ever been written. */
  readonly isNew: boolean;
  /** Standing records first, then the others in the order of writing; without those about truncated numbers. */
  readonly records: readonly LogRecord[];
  readonly events: readonly StorageEvent[];
}

function emptyTail(logId: Uint8Array): LogTail {
  return {
    logId,
    segments: [],
    sizeBytes: 0,
    position: { group: 0, hash: new Uint8Array(hashBytes) },
    records: 0,
    truncated: 0,
    standing: new StandingRecords(),
  };
}

/**
 * Synchronous: before anything else runs.
 * @throws InvalidInputError VOTE_LOG_DAMAGED; TheodoraError VOTE_LOG_FAILED: the file system refuses
 */
export function openVoteLog(files: LogFiles, options: OpenVoteLogOptions): OpenedVoteLog {
  const settings = { ...defaultVoteLogSettings, ...options.settings };
  const { expectAtLeast, newLogId } = options;
  try {
    const { records, events, tail } = recoverVoteLog(files, expectAtLeast && decodePosition(expectAtLeast));
    if (tail === null) {
      return { log: new VoteLog(files, settings, emptyTail(newLogId), null), isNew: true, records, events };
    }
    const name = nameOfSegment(tail.segments[tail.segments.length - 1]!.segment);
    const file = files.reopen(name, settings.isDurable);
    return { log: new VoteLog(files, settings, tail, file), isNew: tail.records === 0, records, events };
  } catch (error) {
    throw voteLogFailed(files.directory, error);
  }
}
