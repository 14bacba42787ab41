/**
 * What a vote log in a directory holds: its segments from the oldest that is still needed on, in one chain. A bad copy
 * is mended, a torn tail cut, segments of no use removed; all of it only once the whole log has been found good, so
 * that a damaged one stays as it is. What is read is made durable before it is given out: after a killed process it may
 * have been written without ever having been synced.
 */
import { assert } from '../../base/index.js';
import type { LogRecord, SlotRecord } from '../../codec/index.js';
import type { LogFiles } from './log-files.js';
import { StandingRecords } from './standing-records.js';
import { voteLogDamaged } from './vote-log-errors.js';
import { asBuffer, hashBytes } from './vote-log-format.js';
import { readSegment, readSegmentHeader, type ReadSegment } from './vote-log-segment.js';

/** Something an operator wants to see. */
export interface StorageEvent {
  readonly event: string;
  readonly fields: Readonly<Record<string, number | string>>;
}

export interface SegmentUse {
  readonly segment: number;
  /** Highest sequence number of a slot record in it; 0 if none. */
  readonly slotMax: number;
}

/** How far a log has come: the number of its last group and that group's hash. */
export interface LogPosition {
  readonly group: number;
  readonly hash: Uint8Array;
}

/** For keeping it elsewhere. */
export function encodePosition({ group, hash }: LogPosition): Uint8Array {
  const out = Buffer.alloc(positionBytes);
  out.writeBigUInt64BE(BigInt(group));
  out.set(hash, 8);
  return Uint8Array.from(out);
}

export function decodePosition(bytes: Uint8Array): LogPosition {
  assert(bytes.length === positionBytes, 'not a position in a vote log');
  return { group: Number(asBuffer(bytes).readBigUInt64BE()), hash: bytes.slice(8) };
}

/** Where a log goes on. */
export interface LogTail {
  readonly logId: Uint8Array;
  /** Ascending; the last one is being written. */
  readonly segments: readonly SegmentUse[];
  readonly sizeBytes: number;
  readonly position: LogPosition;
  readonly records: number;
  readonly truncated: number;
  readonly standing: StandingRecords;
}

export interface RecoveredLog {
  /** Standing records first, then the others in the order of writing. */
  readonly records: readonly LogRecord[];
  readonly events: readonly StorageEvent[];
  /** Null: there is no log. */
  readonly tail: LogTail | null;
}

const positionBytes = 8 + hashBytes;
const segmentName = /^([0-9]{10})\.votes$/;
const unfinishedName = /^[0-9]{10}\.votes\.new$/;
export const nameOfSegment = (segment: number): string => `${String(segment).padStart(10, '0')}.votes`;
export const unfinishedNameOf = (segment: number): string => `${nameOfSegment(segment)}.new`;

/** Holds the log against a position that it is known to have reached. */
class Expectation {
  readonly #expected: LogPosition;
  #isOther = false;

  constructor(expected: LogPosition | null) {
    this.#expected = expected ?? { group: 0, hash: new Uint8Array(hashBytes) };
  }

  see(group: number, hash: Uint8Array): void {
    if (group === this.#expected.group && Buffer.compare(hash, this.#expected.hash) !== 0)
      this.#isOther = true;
  }

  /** What is wrong with a log that ends after this many groups, or null. */
  problem(groups: number): string | null {
    const { group } = this.#expected;
    if (groups < group) return `it ends with group ${groups}, but the saved state knows of group ${group}`;
    return this.#isOther ? `its group ${group} is not the one that the saved state knows of` : null;
  }
}

class Recovery {
  readonly #files: LogFiles;
  readonly #expectation: Expectation;
  readonly #segments: SegmentUse[] = [];
  readonly #read: ReadSegment[] = [];
  #standing = new StandingRecords();
  #truncated = 0;

  constructor(files: LogFiles, expectation: Expectation) {
    this.#files = files;
    this.#expectation = expectation;
  }

  recover(numbers: readonly number[]): RecoveredLog {
    const lastNumber = numbers[numbers.length - 1]!;
    // The last one first: it says which ones are still needed, and which of their records.
    const newest = this.#readOne(lastNumber, true);
    const use = this.#segments.pop()!;
    const last = this.#read.pop()!;
    const standing = this.#standing;
    const slots: SlotRecord[] = [];
    for (let number = last.oldestSegment; number < lastNumber; number++) {
      if (!numbers.includes(number)) {
        throw this.#damaged(nameOfSegment(number), 0, this.#recordsRead() + 1, 'the segment is missing');
      }
      for (const slot of this.#readOne(number, false)) slots.push(slot);
    }
    for (const slot of newest) slots.push(slot);
    this.#segments.push(use);
    this.#read.push(last);
    this.#checkChain();
    const problem = this.#expectation.problem(last.groups);
    if (problem !== null) throw this.#damaged(last.name, last.end, last.records + 1, problem);
    const unneeded = numbers.filter((number) => number < last.oldestSegment);
    for (const number of unneeded) this.#checkOwn(nameOfSegment(number), number, last.header.logId);
    return {
      records: [...standing.all(), ...slots],
      events: this.#mend(last, unneeded),
      tail: {
        logId: last.header.logId,
        segments: this.#segments,
        sizeBytes: last.end,
        position: { group: last.groups, hash: last.lastHash },
        records: last.records,
        truncated: last.truncated,
        standing,
      },
    };
  }

  #damaged(name: string, offset: number, record: number, problem: string): Error {
    return voteLogDamaged({ directory: this.#files.directory, name, offset, record }, problem);
  }

  #recordsRead(): number {
    return this.#read[this.#read.length - 1]?.records ?? 0;
  }

  /** Its slot records that are still of use. */
  #readOne(segment: number, isLast: boolean): SlotRecord[] {
    let slots: SlotRecord[] = [];
    let slotMax = 0;
    // Each segment begins with all standing records of its time.
    this.#standing = new StandingRecords();
    const read = readSegment(
      this.#files,
      nameOfSegment(segment),
      { segment, isLast },
      {
        record: (record) => {
          const slot = this.#standing.take(record);
          if (slot === null) return;
          slotMax = Math.max(slotMax, slot.sequenceNumber);
          if (slot.sequenceNumber > this.#truncated) slots.push(slot);
        },
        group: (number, hash, truncated) => {
          this.#expectation.see(number, hash);
          if (truncated <= this.#truncated) return;
          this.#truncated = truncated;
          slots = slots.filter(({ sequenceNumber }) => sequenceNumber > truncated);
        },
      },
    );
    this.#expectation.see(read.header.groupsBefore, read.header.previousHash);
    this.#segments.push({ segment, slotMax });
    this.#read.push(read);
    return slots;
  }

  #checkChain(): void {
    for (let i = 1; i < this.#read.length; i++) {
      const before = this.#read[i - 1]!;
      const { name, header } = this.#read[i]!;
      if (Buffer.compare(before.header.logId, header.logId) !== 0) {
        throw this.#damaged(name, 0, header.recordsBefore + 1, 'a segment of another vote log');
      }
      if (before.groups < header.groupsBefore || before.end < before.size) {
        const problem = 'it ends before the next segment begins';
        throw this.#damaged(before.name, before.end, before.records + 1, problem);
      }
      const isNext =
        before.groups === header.groupsBefore &&
        before.records === header.recordsBefore &&
        Buffer.compare(before.lastHash, header.previousHash) === 0;
      if (!isNext)
        throw this.#damaged(name, 0, header.recordsBefore + 1, 'it does not follow the one before');
    }
  }

  /** Before it is removed. */
  #checkOwn(name: string, segment: number, logId: Uint8Array): void {
    const header = readSegmentHeader(this.#files, name, segment);
    if (Buffer.compare(header.logId, logId) !== 0)
      throw this.#damaged(name, 0, 1, 'a segment of another vote log');
  }

  #mend(last: ReadSegment, unneeded: readonly number[]): StorageEvent[] {
    const { directory } = this.#files;
    const events: StorageEvent[] = [];
    for (const { name, mendings } of this.#read) {
      for (const { offset, bytes } of mendings) {
        this.#files.overwrite(name, offset, bytes);
        const fields = { directory, file: name, offset, bytes: bytes.length };
        events.push({ event: 'vote-log-repaired', fields });
      }
      this.#files.sync(name);
    }
    if (last.size > last.end) {
      this.#files.cut(last.name, last.end);
      this.#files.sync(last.name);
      const fields = { directory, file: last.name, offset: last.end, bytes: last.size - last.end };
      events.push({ event: 'vote-log-torn-tail', fields });
    }
    for (const number of unneeded) this.#files.remove(nameOfSegment(number));
    this.#files.syncNames();
    return events;
  }
}

/**
 * @throws InvalidInputError VOTE_LOG_DAMAGED, also if the log ends before `expected`; and the file system's errors
 */
export function recoverVoteLog(files: LogFiles, expected: LogPosition | null): RecoveredLog {
  files.prepare();
  const numbers: number[] = [];
  for (const name of files.list()) {
    const match = segmentName.exec(name);
    if (match !== null) numbers.push(Number(match[1]));
    // Was being begun when the process ended: nothing in it was told.
    else if (unfinishedName.test(name)) files.remove(name);
  }
  numbers.sort((a, b) => a - b);
  const expectation = new Expectation(expected);
  if (numbers.length > 0) return new Recovery(files, expectation).recover(numbers);
  const problem = expectation.problem(0);
  if (problem === null) return { records: [], events: [], tail: null };
  throw voteLogDamaged({ directory: files.directory, name: nameOfSegment(1), offset: 0, record: 1 }, problem);
}
