/**
 * Reads one segment of a vote log (vote-log-format.ts) and holds each copy against the other and the chain. One bad
 * copy is to be mended from the good one; a group without a good copy is a torn tail if nothing of the log follows it
 * in the last segment, and damage anywhere else. Changes nothing.
 */
import { decodeLogRecord, type LogRecord } from '../../codec/index.js';
import type { LogFiles } from './log-files.js';
import { voteLogDamaged, voteLogVersionUnknown } from './vote-log-errors.js';
import {
  asBuffer,
  groupHeaderBytes,
  isGroupWhole,
  nextCandidate,
  parseGroupHeader,
  parseSegmentHeader,
  payloadBytesMax,
  recordsOf,
  segmentHeaderBytes,
  type GroupHeader,
  type SegmentHeader,
} from './vote-log-format.js';

/** Good bytes to be written over bad ones. */
export interface Mending {
  readonly name: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface ReadSegment {
  readonly name: string;
  readonly header: SegmentHeader;
  readonly mendings: readonly Mending[];
  /** Where its last good group ends; less than its size if a torn tail follows. */
  readonly end: number;
  readonly size: number;
  readonly groups: number;
  readonly records: number;
  readonly lastHash: Uint8Array;
  readonly oldestSegment: number;
  readonly truncated: number;
}

export interface SegmentVisitor {
  /** The log as far as this group. */
  group(number: number, hash: Uint8Array, truncated: number): void;
  record(record: LogRecord): void;
}

const windowBytes = 1 << 20;

/** A file, read in pieces. */
class Source {
  readonly size: number;
  readonly #files: LogFiles;
  readonly #name: string;
  #window: Buffer = Buffer.alloc(0);
  #windowAt = 0;

  constructor(files: LogFiles, name: string) {
    this.#files = files;
    this.#name = name;
    this.size = files.size(name);
  }

  /** Fewer than `length` only where the file ends. */
  bytes(offset: number, length: number): Buffer {
    if (offset >= this.size) return Buffer.alloc(0);
    const start = offset - this.#windowAt;
    const end = Math.min(offset + length, this.size) - this.#windowAt;
    if (start < 0 || end > this.#window.length) {
      this.#windowAt = offset;
      this.#window = asBuffer(this.#files.read(this.#name, offset, Math.max(length, windowBytes)));
      return this.#window.subarray(0, length);
    }
    return this.#window.subarray(start, end);
  }
}

interface GoodGroup {
  readonly header: GroupHeader;
  readonly copy: Buffer;
  /** Of the copy to be mended, or −1. */
  readonly badCopyAt: number;
}

class SegmentReader {
  readonly #files: LogFiles;
  readonly #name: string;
  readonly #isLast: boolean;
  readonly #source: Source;
  readonly #mendings: Mending[] = [];
  #header!: SegmentHeader;
  /** As far as it has been read. */
  #offset = 2 * segmentHeaderBytes;
  #groups = 0;
  #records = 0;
  #hash!: Uint8Array;
  #oldestSegment = 0;
  #truncated = 0;

  constructor(files: LogFiles, name: string, isLast: boolean) {
    this.#files = files;
    this.#name = name;
    this.#isLast = isLast;
    this.#source = new Source(files, name);
  }

  read(segment: number, visitor: SegmentVisitor): ReadSegment {
    const header = this.readHeader(segment);
    this.#header = header;
    this.#groups = header.groupsBefore;
    this.#records = header.recordsBefore;
    this.#hash = header.previousHash;
    while (this.#offset < this.#source.size) {
      const group = this.#readGroup();
      if (group === null) break;
      this.#take(group, visitor);
    }
    // A segment gets its name when its first group is durable.
    if (this.#groups === header.groupsBefore) throw this.#damaged('its first group is missing');
    return {
      name: this.#name,
      header,
      mendings: this.#mendings,
      end: this.#offset,
      size: this.#source.size,
      groups: this.#groups,
      records: this.#records,
      lastHash: this.#hash,
      oldestSegment: this.#oldestSegment,
      truncated: this.#truncated,
    };
  }

  #damaged(problem: string, offset = this.#offset): Error {
    const { directory } = this.#files;
    return voteLogDamaged({ directory, name: this.#name, offset, record: this.#records + 1 }, problem);
  }

  readHeader(segment: number): SegmentHeader {
    const places = [0, segmentHeaderBytes];
    const copies = places.map((offset) => this.#source.bytes(offset, segmentHeaderBytes));
    const headers = copies.map(parseSegmentHeader);
    if (headers.includes('version')) {
      throw voteLogVersionUnknown({
        directory: this.#files.directory,
        name: this.#name,
        offset: 0,
        record: 1,
      });
    }
    const good = headers.findIndex((header) => header !== null);
    const header = headers[good];
    if (header === undefined || header === null || header === 'version') {
      throw this.#damaged('not a segment of a vote log, or both copies of its header are damaged', 0);
    }
    if (header.segment !== segment) throw this.#damaged(`it is segment ${header.segment} by its header`, 0);
    // Two good ones that differ: something has been written to the wrong place.
    const isOther = headers[1 - good] !== null;
    if (isOther && !copies[0]!.equals(copies[1]!)) throw this.#damaged('two headers that differ', 0);
    if (!isOther) this.#mend(places[1 - good]!, copies[good]!);
    return header;
  }

  #mend(offset: number, bytes: Buffer): void {
    this.#mendings.push({ name: this.#name, offset, bytes: Uint8Array.from(bytes) });
  }

  #isExpected(header: GroupHeader): boolean {
    const isFirst = this.#groups === this.#header.groupsBefore;
    return (
      header.number === this.#groups + 1 &&
      header.recordsBefore === this.#records &&
      header.kind === (isFirst ? 'standing' : 'records') &&
      Buffer.compare(header.previousHash, this.#hash) === 0
    );
  }

  #expectedAt(offset: number): GroupHeader | null {
    const bytes = this.#source.bytes(offset, groupHeaderBytes);
    const header = parseGroupHeader(bytes, 0, this.#header.logId);
    return header !== null && this.#isExpected(header) ? header : null;
  }

  /** The copy at `offset` that `header` begins, if it is good. */
  #wholeCopy(offset: number, { payloadBytes }: GroupHeader): Buffer | null {
    const copy = this.#source.bytes(offset, groupHeaderBytes + payloadBytes);
    return copy.length === groupHeaderBytes + payloadBytes && isGroupWhole(copy) ? copy : null;
  }

  /** The next group; null at a torn tail. */
  #readGroup(): GoodGroup | null {
    const offset = this.#offset;
    const first = this.#expectedAt(offset);
    const copy = first && this.#wholeCopy(offset, first);
    if (first !== null && copy !== null) {
      const secondAt = offset + copy.length;
      const isSecondGood = this.#source.bytes(secondAt, copy.length).equals(copy);
      return { header: first, copy, badCopyAt: isSecondGood ? -1 : secondAt };
    }
    const second = this.#findSecond(offset);
    if (second !== null) return second;
    const isFirstOfSegment = this.#groups === this.#header.groupsBefore;
    const later = this.#findLater(offset + 1);
    if (this.#isLast && !isFirstOfSegment && later < 0) return null;
    const what = 'both copies of a group of records are damaged or missing';
    throw this.#damaged(later < 0 ? what : `${what}, and later ones follow at offset ${later}`);
  }

  /** The second copy of the group at `offset`: it begins where a first one of its length ends. */
  #findSecond(offset: number): GoodGroup | null {
    for (const at of this.#candidates(offset + groupHeaderBytes, 2 * groupHeaderBytes + payloadBytesMax)) {
      const header = this.#expectedAt(at);
      if (header === null || offset + groupHeaderBytes + header.payloadBytes !== at) continue;
      const copy = this.#wholeCopy(at, header);
      if (copy !== null) return { header, copy, badCopyAt: offset };
    }
    return null;
  }

  /** Where a later group of this log begins, or this one at a wrong place, or −1. */
  #findLater(from: number): number {
    for (const at of this.#candidates(from, this.#source.size)) {
      const bytes = this.#source.bytes(at, groupHeaderBytes);
      const header = parseGroupHeader(bytes, 0, this.#header.logId);
      if (header === null || header.number <= this.#groups) continue;
      if (header.number > this.#groups + 1 || this.#wholeCopy(at, header) !== null) return at;
    }
    return -1;
  }

  /** Offsets from `from` on, over `length` bytes, at which the magic of a group stands. */
  *#candidates(from: number, length: number): Generator<number> {
    const end = Math.min(from + length, this.#source.size);
    const stepBytes = windowBytes - groupHeaderBytes;
    for (let at = from; at < end; at += stepBytes) {
      const bytes = this.#source.bytes(at, windowBytes);
      let found = nextCandidate(bytes, 0);
      while (found >= 0 && found < stepBytes) {
        yield at + found;
        found = nextCandidate(bytes, found + 1);
      }
    }
  }

  #take({ header, copy, badCopyAt }: GoodGroup, visitor: SegmentVisitor): void {
    const records = recordsOf(copy, header.recordCount);
    if (records === null) throw this.#damaged('a group that is not made of records');
    if (badCopyAt >= 0) this.#mend(badCopyAt, copy);
    for (const bytes of records) {
      const record = decodeLogRecord(bytes);
      if (record === null) throw this.#damaged('a record that this release cannot read');
      visitor.record(record);
      if (header.kind === 'records') this.#records++;
    }
    this.#groups = header.number;
    this.#hash = header.hash;
    this.#oldestSegment = header.oldestSegment;
    this.#truncated = header.truncated;
    this.#offset += 2 * copy.length;
    visitor.group(header.number, header.hash, header.truncated);
  }
}

/**
 * Segment number `segment` out of its file. Its records are handed over while they are read.
 * @throws InvalidInputError VOTE_LOG_DAMAGED
 */
export function readSegment(
  files: LogFiles,
  name: string,
  { segment, isLast }: { segment: number; isLast: boolean },
  visitor: SegmentVisitor,
): ReadSegment {
  return new SegmentReader(files, name, isLast).read(segment, visitor);
}

/** @throws InvalidInputError VOTE_LOG_DAMAGED */
export function readSegmentHeader(files: LogFiles, name: string, segment: number): SegmentHeader {
  return new SegmentReader(files, name, false).readHeader(segment);
}
