/**
 * The vote log (DESIGN section 6): an append-only file of our own, in segments (vote-log-format.ts). While one group of
 * records is on its way to the disk, further ones gather, so that one sync serves all that wait. A failed write or sync
 * ends the log; it is never tried again.
 *
 * A new segment begins with the standing records, so that older segments can go once a saved state covers all their
 * slot records. Each group names the oldest segment that is still needed; older ones are removed after it is durable.
 */
import { assert } from '../../base/index.js';
import { encodeLogRecord, type LogRecord } from '../../codec/index.js';
import type { AppendFile, LogFiles } from './log-files.js';
import type { StorageListener } from './port.js';
import type { StandingRecords } from './standing-records.js';
import { voteLogFailed } from './vote-log-errors.js';
import { encodeSegmentHeader, groupBytes, segmentHeaderBytes, writeGroup } from './vote-log-format.js';
import type { GroupKind } from './vote-log-format.js';
import {
  encodePosition,
  nameOfSegment,
  unfinishedNameOf,
  type LogPosition,
  type LogTail,
  type SegmentUse,
} from './vote-log-recovery.js';

export interface VoteLogSettings {
  /** False: told when written, so that a power cut may take it back. */
  readonly isDurable: boolean;
  /** A segment that has reached this size is followed by a new one; */
  readonly segmentBytesMax: number;
  /** and at a truncation already one of this size. */
  readonly segmentBytesWorthwhile: number;
  /** So many bytes of lazy records wait for no other. */
  readonly lazyBytesMax: number;
}

export const defaultVoteLogSettings: VoteLogSettings = {
  isDurable: true,
  segmentBytesMax: 64 << 20,
  segmentBytesWorthwhile: 16 << 20,
  lazyBytesMax: 1 << 20,
};

/** A group takes no further record beyond this. */
const gatheredBytesMax = 4 << 20;
/** Of the buffer that is kept from group to group. */
const keptBytesMax = 1 << 20;

interface WaitingRecord {
  readonly recordNumber: number;
  readonly record: LogRecord;
  readonly bytes: Uint8Array;
}

interface Group {
  readonly bytes: Buffer;
  readonly hash: Uint8Array;
}

export class VoteLog {
  readonly #files: LogFiles;
  readonly #settings: VoteLogSettings;
  readonly #logId: Uint8Array;
  readonly #standing: StandingRecords;
  #listener: Pick<StorageListener, 'stored' | 'failed'> | null = null;

  /** Segments that are still needed, ascending; the last one is `#file`. */
  readonly #segments: SegmentUse[];
  /** Null: no segment has been begun yet. */
  #file: AppendFile | null;
  #sizeBytes: number;
  /** As of the last group written. */
  #position: LogPosition;
  #records: number;
  #truncated: number;
  #buffer = Buffer.allocUnsafe(4096);

  #waiting: WaitingRecord[] = [];
  #waitingBytes = 0;
  /** What waits is to be written as soon as the disk is free. */
  #isDue = false;
  #isSegmentWanted = false;
  /** Something is on its way to the disk, or about to be. */
  #isBusy = false;
  /** Needed no more, as every group says from now on; removed once one that says so is durable. */
  #unneeded: number[] = [];
  readonly #removals: number[] = [];
  #isRemoving = false;
  #isOver = false;
  #closed: (() => void) | null = null;

  /** `file`: the last segment of `tail`, at its end. Without a tail the log is new. */
  constructor(files: LogFiles, settings: VoteLogSettings, tail: LogTail, file: AppendFile | null) {
    this.#files = files;
    this.#settings = settings;
    this.#logId = tail.logId;
    this.#segments = [...tail.segments];
    this.#file = file;
    this.#sizeBytes = tail.sizeBytes;
    this.#position = tail.position;
    this.#records = tail.records;
    this.#truncated = tail.truncated;
    this.#standing = tail.standing;
  }

  /** Before anything else; once. */
  listen(listener: Pick<StorageListener, 'stored' | 'failed'>): void {
    this.#listener = listener;
  }

  /** How far the log has come with what is durable; for `openVoteLog` of a later life. */
  get position(): Uint8Array {
    return encodePosition(this.#position);
  }

  append(recordNumber: number, record: LogRecord, isLazy: boolean): void {
    if (this.#isOver || this.#closed !== null) return;
    const bytes = encodeLogRecord(record);
    this.#waiting.push({ recordNumber, record, bytes });
    this.#waitingBytes += bytes.length;
    if (isLazy && this.#waitingBytes < this.#settings.lazyBytesMax) return;
    this.#isDue = true;
    this.#goOnSoon();
  }

  /** Slot records about numbers up to this one are of no use any more. */
  truncate(sequenceNumber: number): void {
    if (sequenceNumber <= this.#truncated) return;
    this.#truncated = sequenceNumber;
    this.#isSegmentWanted ||= this.#sizeBytes >= this.#settings.segmentBytesWorthwhile;
    while (this.#segments.length > 1 && this.#segments[0]!.slotMax <= sequenceNumber) {
      this.#unneeded.push(this.#segments.shift()!.segment);
    }
  }

  /** `done` is called when everything appended is durable, or the log has failed; nothing is told afterwards. */
  close(done: () => void): void {
    assert(this.#closed === null, 'a vote log is closed once');
    this.#closed = done;
    this.#isDue = this.#waiting.length > 0;
    this.#goOnSoon();
  }

  #goOnSoon(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#files.soon(() => this.#goOn());
  }

  /** The disk is free: what next? */
  #goOn(): void {
    this.#isBusy = true;
    if (!this.#isOver && this.#isDue) {
      const isFull = this.#sizeBytes >= this.#settings.segmentBytesMax;
      if (this.#file === null || isFull || this.#isSegmentWanted) this.#beginSegment();
      else this.#writeWaiting(this.#file);
      return;
    }
    this.#isBusy = false;
    if (this.#closed !== null && !this.#isRemoving) this.#end(this.#closed);
  }

  #end(done: () => void): void {
    const file = this.#file;
    this.#isOver = true;
    this.#isBusy = true;
    this.#file = null;
    if (file === null) done();
    else file.close(() => done());
  }

  /** For good. Told once. */
  #fail(error: unknown): void {
    const isFirst = !this.#isOver;
    this.#isOver = true;
    this.#waiting = [];
    if (isFirst) this.#listener?.failed(voteLogFailed(this.#files.directory, error));
  }

  /** Everything that waits, within reason. */
  #takeWaiting(): WaitingRecord[] {
    let count = 0;
    let bytes = 0;
    while (count < this.#waiting.length && bytes < gatheredBytesMax)
      bytes += this.#waiting[count++]!.bytes.length;
    const taken = count === this.#waiting.length ? this.#waiting : this.#waiting.slice(0, count);
    this.#waiting = count === this.#waiting.length ? [] : this.#waiting.slice(count);
    this.#waitingBytes -= bytes;
    this.#isDue = this.#waiting.length > 0;
    return taken;
  }

  #makeGroup(kind: GroupKind, records: readonly Uint8Array[], segment: number): Group {
    const length = groupBytes(records);
    const isKept = length <= keptBytesMax;
    if (isKept && length > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(2 * length);
    const bytes = (isKept ? this.#buffer : Buffer.allocUnsafe(length)).subarray(0, length);
    const fields = {
      kind,
      logId: this.#logId,
      number: this.#position.group + 1,
      recordsBefore: this.#records,
      oldestSegment: this.#segments[0]?.segment ?? segment,
      truncated: this.#truncated,
      previousHash: this.#position.hash,
    };
    return { bytes, hash: writeGroup(bytes, fields, records) };
  }

  #writeWaiting(file: AppendFile): void {
    const taken = this.#takeWaiting();
    const current = this.#segments.pop()!;
    let { slotMax } = current;
    for (const { record } of taken) {
      const slot = this.#standing.take(record);
      if (slot !== null) slotMax = Math.max(slotMax, slot.sequenceNumber);
    }
    this.#segments.push({ segment: current.segment, slotMax });
    const records = taken.map(({ bytes }) => bytes);
    const group = this.#makeGroup('records', records, current.segment);
    const unneeded = this.#takeUnneeded();
    file.append([group.bytes, group.bytes], (error) => {
      if (error) this.#fail(error);
      else this.#written(group, this.#sizeBytes, unneeded);
      this.#records += taken.length;
      const isStored = !this.#isOver;
      // First the disk, then whoever waits for it.
      this.#goOn();
      if (isStored) this.#listener?.stored(taken[taken.length - 1]!.recordNumber);
    });
  }

  /** A segment gets its name, which makes it one, when its beginning is durable. */
  #beginSegment(): void {
    const segment = (this.#segments[this.#segments.length - 1]?.segment ?? 0) + 1;
    const header = encodeSegmentHeader({
      segment,
      logId: this.#logId,
      groupsBefore: this.#position.group,
      recordsBefore: this.#records,
      previousHash: this.#position.hash,
    });
    const group = this.#makeGroup('standing', this.#standing.all().map(encodeLogRecord), segment);
    const unneeded = this.#takeUnneeded();
    const parts = [header, header, group.bytes, group.bytes];
    this.#createSegment(segment, parts, (error, file) => {
      if (file === null) {
        this.#fail(error);
      } else {
        this.#file?.close(() => undefined);
        this.#file = file;
        this.#segments.push({ segment, slotMax: 0 });
        this.#isSegmentWanted = false;
        this.#written(group, 2 * segmentHeaderBytes, unneeded);
      }
      this.#goOn();
    });
  }

  #createSegment(
    segment: number,
    parts: readonly Uint8Array[],
    done: (error: unknown, file: AppendFile | null) => void,
  ): void {
    const files = this.#files;
    const { isDurable } = this.#settings;
    const name = unfinishedNameOf(segment);
    files.create(name, isDurable, (error, file) => {
      if (file === null) return done(error, null);
      file.append(parts, (error) => {
        if (error) return done(error, null);
        files.rename(name, nameOfSegment(segment), isDurable, (error) => done(error, error ? null : file));
      });
    });
  }

  #written(group: Group, sizeBytesBefore: number, unneeded: readonly number[]): void {
    this.#sizeBytes = sizeBytesBefore + 2 * group.bytes.length;
    this.#position = { group: this.#position.group + 1, hash: group.hash };
    this.#removals.push(...unneeded);
    if (!this.#isRemoving) this.#removeNext();
  }

  #takeUnneeded(): number[] {
    const unneeded = this.#unneeded;
    this.#unneeded = [];
    return unneeded;
  }

  /** One after the other, beside what is written. */
  #removeNext(): void {
    const segment = this.#isOver ? undefined : this.#removals.shift();
    this.#isRemoving = segment !== undefined;
    if (segment === undefined) {
      // Perhaps the end has waited for this alone.
      if (!this.#isBusy) this.#goOn();
      return;
    }
    this.#files.discard(nameOfSegment(segment), (error) => {
      if (error) this.#fail(error);
      this.#removeNext();
    });
  }
}
