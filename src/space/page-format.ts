/**
 * Bytes of a page of entries: records in ascending order of id, each with a header of slot (1 byte: id mod
 * entriesPerPage), space number and length (4 bytes each, big-endian), then the encoded entry. The slots
 * let a changed page take over the records of unchanged entries without encoding them again.
 */
import { emptyBytes } from '../base/index.js';
import { decodeEntry, encodeEntry } from '../codec/index.js';
import { publicEntry, type StoredEntry } from './stored-entry.js';

export const entriesPerPage = 32;
const headerBytes = 9;

/** Neighbouring records. */
interface Range {
  readonly start: number;
  end: number;
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

/**
 * Encodes ascending entries of one page. `before` is an earlier encoding of the page, from which entries
 * may have gone and behind which entries may have come since; null if there is none.
 */
export function encodePage(entries: readonly StoredEntry[], before: Uint8Array | null): Uint8Array {
  const old = before ?? emptyBytes;
  const kept: Range[] = [];
  let keptCount = 0;
  let length = 0;
  for (let offset = 0; offset < old.length;) {
    const end = nextRecord(old, offset);
    const isKept = keptCount < entries.length && entries[keptCount]!.id % entriesPerPage === old[offset];
    if (isKept) {
      const last = kept.at(-1);
      if (last?.end === offset) last.end = end;
      else kept.push({ start: offset, end });
      keptCount++;
      length += end - offset;
    }
    offset = end;
  }
  const added = entries.slice(keptCount);
  const contents = added.map((entry) => encodeEntry(publicEntry(entry)));
  for (const content of contents) length += headerBytes + content.length;

  const out = new Uint8Array(length);
  let offset = 0;
  for (const { start, end } of kept) {
    out.set(old.subarray(start, end), offset);
    offset += end - start;
  }
  for (let i = 0; i < added.length; i++) {
    writeRecord(added[i]!, contents[i]!, out, offset);
    offset += headerBytes + contents[i]!.length;
  }
  return out;
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
    entries.push({ id, space: readUint32(bytes, start - 8), tuple: entry.tuple, owner: entry.owner });
    lastSlot = slot;
  }
  return entries.length === 0 ? null : entries;
}
