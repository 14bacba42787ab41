/**
 * Bytes of a page of entries: records in ascending order of id, each with a header of slot (1 byte: id mod
 * entriesPerPage), space number and length (4 bytes each, big-endian), then the encoded entry with the deadline
 * that it was inserted with. A record never changes; the slots let a changed page take over those that stay
 * without encoding them again.
 */
import { emptyBytes } from '../base/index.js';
import { decodeEntry, encodeEntry } from '../codec/index.js';
import { isOpen, openAccess, publicEntry, StoredEntry } from './stored-entry.js';

export const entriesPerPage = 32;
const headerBytes = 9;

/** Neighbouring records that stay as they are in the earlier encoding. */
interface KeptRecords {
  readonly start: number;
  end: number;
}

interface NewRecord {
  readonly entry: StoredEntry;
  readonly content: Uint8Array;
}

function readUint32(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>>
    0
  );
}

function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  for (let i = 0; i < 4; i++) bytes[offset + i] = value >>> (24 - 8 * i);
}

function writeRecord(stored: StoredEntry, content: Uint8Array, out: Uint8Array, offset: number): void {
  out[offset] = stored.id % entriesPerPage;
  writeUint32(out, offset + 1, stored.space);
  writeUint32(out, offset + 5, content.length);
  out.set(content, offset + headerBytes);
}

/** Where the record after the one at `offset` starts. */
function nextRecord(bytes: Uint8Array, offset: number): number {
  return offset + headerBytes + readUint32(bytes, offset + 5);
}

/** The parts of a page in order of id; those that are kept refer to `before`. */
class PageParts {
  readonly parts: (KeptRecords | NewRecord)[] = [];
  length = 0;

  keep(start: number, end: number): void {
    const last = this.parts.at(-1);
    if (last !== undefined && 'end' in last && last.end === start) last.end = end;
    else this.parts.push({ start, end });
    this.length += end - start;
  }

  add(entry: StoredEntry): void {
    const content = encodeEntry({ ...publicEntry(entry), deadline: entry.firstDeadline });
    this.parts.push({ entry, content });
    this.length += headerBytes + content.length;
  }

  toBytes(before: Uint8Array): Uint8Array {
    const out = new Uint8Array(this.length);
    let offset = 0;
    for (const part of this.parts) {
      if ('end' in part) {
        out.set(before.subarray(part.start, part.end), offset);
        offset += part.end - part.start;
      } else {
        writeRecord(part.entry, part.content, out, offset);
        offset += headerBytes + part.content.length;
      }
    }
    return out;
  }
}

/**
 * Encodes ascending entries of one page. `before` is an earlier encoding of the page, from which entries
 * may have gone and behind which entries may have come since; null if there is none.
 */
export function encodePage(entries: readonly StoredEntry[], before: Uint8Array | null): Uint8Array {
  const old = before ?? emptyBytes;
  const parts = new PageParts();
  let count = 0;
  for (let offset = 0; offset < old.length;) {
    const end = nextRecord(old, offset);
    const entry = entries[count];
    if (entry !== undefined && entry.id % entriesPerPage === old[offset]) {
      parts.keep(offset, end);
      count++;
    }
    offset = end;
  }
  for (; count < entries.length; count++) parts.add(entries[count]!);
  return parts.toBytes(old);
}

/** The entries of a page, or null if the bytes are none of `encodePage`. */
export function decodePage(number: number, bytes: Uint8Array): StoredEntry[] | null {
  const entries: StoredEntry[] = [];
  let lastSlot = -1;
  for (let offset = 0; offset < bytes.length;) {
    const slot = bytes[offset]!;
    const start = offset + headerBytes;
    if (start > bytes.length || slot <= lastSlot || slot >= entriesPerPage) return null;
    offset = start + readUint32(bytes, offset + 5);
    const entry = offset > bytes.length ? null : decodeEntry(bytes.subarray(start, offset));
    const id = number * entriesPerPage + slot;
    if (entry === null || entry.id !== BigInt(id)) return null;
    const { tuple, owner, deadline, readers, takers, sealed = null } = entry;
    const lists = { ...(readers && { readers }), ...(takers && { takers }) };
    const access = isOpen(lists) ? openAccess : lists;
    const space = readUint32(bytes, start - 8);
    entries.push(new StoredEntry(id, tuple, { space, owner, access, sealed }, deadline));
    lastSlot = slot;
  }
  return entries.length === 0 ? null : entries;
}
