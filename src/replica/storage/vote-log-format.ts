/**
 * The bytes of a vote log (DESIGN section 6): segments, each a header twice and then groups of records, each group
 * twice. Groups are numbered and chained by hashes through all segments; every header has a checksum, so that one
 * damaged copy is told from the good one and the place of the next group is known from either. The random id of the
 * log in every header lets nobody who has a batch logged forge one. Integers are big-endian.
 *
 * segment header  magic 8 ‖ version 4 ‖ segment 4 ‖ log id 16 ‖ groups before 8 ‖ records before 8 ‖ their hash 32
 *                 ‖ checksum 16 (of all that); the first 12 bytes and the checksum stay so in every version
 * group           checksum 16 (of the rest of the header) ‖ hash 32 (of what follows) ‖ magic 4 ‖ kind 4 ‖ log id 16
 *                 ‖ payload length 4 ‖ number 8 ‖ records before 8 ‖ records 4 ‖ oldest segment 4 ‖ truncated 8
 *                 ‖ hash of the group before 32 ‖ payload: records, each behind its length 4
 */
import { hash } from 'node:crypto';

export const logVersion = 1;
export const logIdBytes = 16;
export const hashBytes = 32;
const checksumBytes = 16;

export const segmentHeaderBytes = 96;
const segmentMagic = Buffer.from('THEOVOTE', 'latin1');
const segmentChecked = segmentHeaderBytes - checksumBytes;

export const groupHeaderBytes = 140;
const groupMagic = Buffer.from('VOTG', 'latin1');
const hashedFrom = checksumBytes + hashBytes;
/** Where in a group its magic and its log id stand. */
const magicAt = hashedFrom;
const idAt = magicAt + 8;
const lengthBytes = 4;
/** Of a payload: what is gathered for one group, and a largest record on top. */
export const payloadBytesMax = 16 << 20;

export const groupKinds = ['records', 'standing'] as const;
export type GroupKind = (typeof groupKinds)[number];

export interface SegmentHeader {
  readonly segment: number;
  readonly logId: Uint8Array;
  /** How many groups and records the log had before this segment, and the hash of the last of these groups. */
  readonly groupsBefore: number;
  readonly recordsBefore: number;
  readonly previousHash: Uint8Array;
}

export interface GroupFields {
  /** `standing`: the first of its segment, which repeats the standing records. */
  readonly kind: GroupKind;
  readonly logId: Uint8Array;
  /** 1, 2, 3, … through all segments. */
  readonly number: number;
  readonly recordsBefore: number;
  /** Segments before this one are of no use any more. */
  readonly oldestSegment: number;
  /** Slot records about numbers up to this one are of no use any more. */
  readonly truncated: number;
  readonly previousHash: Uint8Array;
}

export interface GroupHeader extends GroupFields {
  readonly payloadBytes: number;
  readonly recordCount: number;
  readonly hash: Uint8Array;
}

const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer');
const checksumOf = (bytes: Uint8Array): Buffer => sha256(bytes).subarray(0, checksumBytes);

function writeLong(out: Buffer, value: number, at: number): void {
  out.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  out.writeUInt32BE(value % 2 ** 32, at + 4);
}

const readLong = (bytes: Buffer, at: number): number =>
  bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);

const isAt = (bytes: Buffer, at: number, expected: Uint8Array): boolean =>
  bytes.compare(expected, 0, expected.length, at, at + expected.length) === 0;

export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** `version`: for tests. */
export function encodeSegmentHeader(header: SegmentHeader, version = logVersion): Buffer {
  const out = Buffer.alloc(segmentHeaderBytes);
  segmentMagic.copy(out, 0);
  out.writeUInt32BE(version, 8);
  out.writeUInt32BE(header.segment, 12);
  out.set(header.logId, 16);
  writeLong(out, header.groupsBefore, 32);
  writeLong(out, header.recordsBefore, 40);
  out.set(header.previousHash, 48);
  out.set(checksumOf(out.subarray(0, segmentChecked)), segmentChecked);
  return out;
}

/** The header; 'version' if another release has written it, null if it is damaged or no header. */
export function parseSegmentHeader(bytes: Buffer): SegmentHeader | 'version' | null {
  if (bytes.length !== segmentHeaderBytes || !isAt(bytes, 0, segmentMagic)) return null;
  if (!isAt(bytes, segmentChecked, checksumOf(bytes.subarray(0, segmentChecked)))) return null;
  if (bytes.readUInt32BE(8) !== logVersion) return 'version';
  return {
    segment: bytes.readUInt32BE(12),
    logId: Uint8Array.from(bytes.subarray(16, 32)),
    groupsBefore: readLong(bytes, 32),
    recordsBefore: readLong(bytes, 40),
    previousHash: Uint8Array.from(bytes.subarray(48, 80)),
  };
}

export function groupBytes(records: readonly Uint8Array[]): number {
  let bytes = groupHeaderBytes;
  for (const record of records) bytes += lengthBytes + record.length;
  return bytes;
}

/** Writes one copy of a group into the first `groupBytes(records)` bytes of `out`; returns its hash. */
export function writeGroup(out: Buffer, fields: GroupFields, records: readonly Uint8Array[]): Uint8Array {
  let at = groupHeaderBytes;
  for (const record of records) {
    out.writeUInt32BE(record.length, at);
    out.set(record, at + lengthBytes);
    at += lengthBytes + record.length;
  }
  groupMagic.copy(out, magicAt);
  out.writeUInt32BE(groupKinds.indexOf(fields.kind), magicAt + 4);
  out.set(fields.logId, idAt);
  out.writeUInt32BE(at - groupHeaderBytes, 72);
  writeLong(out, fields.number, 76);
  writeLong(out, fields.recordsBefore, 84);
  out.writeUInt32BE(records.length, 92);
  out.writeUInt32BE(fields.oldestSegment, 96);
  writeLong(out, fields.truncated, 100);
  out.set(fields.previousHash, 108);
  const chained = sha256(out.subarray(hashedFrom, at));
  out.set(chained, checksumBytes);
  out.set(checksumOf(out.subarray(checksumBytes, groupHeaderBytes)), 0);
  return chained;
}

/** The header of a group of this log that begins at `at`; null if none, or damaged. */
export function parseGroupHeader(bytes: Buffer, at: number, logId: Uint8Array): GroupHeader | null {
  if (at + groupHeaderBytes > bytes.length) return null;
  if (!isAt(bytes, at + magicAt, groupMagic) || !isAt(bytes, at + idAt, logId)) return null;
  const header = bytes.subarray(at, at + groupHeaderBytes);
  if (!isAt(header, 0, checksumOf(header.subarray(checksumBytes)))) return null;
  const kind = groupKinds[header.readUInt32BE(magicAt + 4)];
  const payloadBytes = header.readUInt32BE(72);
  if (kind === undefined || payloadBytes > payloadBytesMax) return null;
  return {
    kind,
    logId,
    payloadBytes,
    number: readLong(header, 76),
    recordsBefore: readLong(header, 84),
    recordCount: header.readUInt32BE(92),
    oldestSegment: header.readUInt32BE(96),
    truncated: readLong(header, 100),
    previousHash: Uint8Array.from(header.subarray(108, groupHeaderBytes)),
    hash: Uint8Array.from(header.subarray(checksumBytes, hashedFrom)),
  };
}

/** Whether a copy of a group, whose header is good, is good in all. */
export const isGroupWhole = (copy: Buffer): boolean =>
  isAt(copy, checksumBytes, sha256(copy.subarray(hashedFrom)));

/** Where the next group of this log might begin, from `from` on; −1 if nowhere in these bytes. */
export function nextCandidate(bytes: Buffer, from: number): number {
  const found = bytes.indexOf(groupMagic, from + magicAt);
  return found < 0 ? -1 : found - magicAt;
}

/** The records of a good copy, as views; null if it is not made of just these. */
export function recordsOf(copy: Buffer, count: number): Buffer[] | null {
  const records: Buffer[] = [];
  let at = groupHeaderBytes;
  while (at + lengthBytes <= copy.length) {
    const end = at + lengthBytes + copy.readUInt32BE(at);
    if (end > copy.length) return null;
    records.push(copy.subarray(at + lengthBytes, end));
    at = end;
  }
  return at === copy.length && records.length === count ? records : null;
}
