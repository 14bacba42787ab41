/**
 * Whether LevelDB's table files are what was written (leveldb/doc/table_format.md). LevelDB does not compare the sums of
 * the blocks it reads for itself, and a damaged one can make it end the process; so they are compared here, before it
 * opens the directory. Its log and its manifest it checks by itself. Blocks must not be compressed.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from './crc32c.js';

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** Thrown and caught in this file only. */
const broken = new Error('broken');

function check(condition: boolean): asserts condition {
  if (!condition) throw broken;
}

/** Reads integers of varying length; throws `broken` past the end. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.at = start;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#end;
  }

  integer(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      check(this.at < this.#end && factor < 2 ** 49);
      const byte = this.#bytes[this.at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  handle(): Handle {
    return { offset: this.integer(), size: this.integer() };
  }

  skip(count: number): void {
    this.at += count;
    check(this.at <= this.#end);
  }
}

const footerBytes = 48;
const magic: readonly [low: number, high: number] = [0x8b80fb57, 0xdb477524];
/** Kind of compression and masked sum. */
const trailerBytes = 5;

function checkBlock(bytes: Uint8Array, view: DataView, { offset, size }: Handle): void {
  const end = offset + size;
  check(end + trailerBytes <= bytes.length - footerBytes);
  check(bytes[end] === 0);
  const crc = crc32c(bytes, offset, end + 1);
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  check(view.getUint32(end + 1, true) === masked);
}

/** What the entries of an index block point to. */
function handlesIn(bytes: Uint8Array, view: DataView, { offset, size }: Handle): Handle[] {
  check(size >= 4);
  const restarts = view.getUint32(offset + size - 4, true);
  const reader = new Reader(bytes, offset, offset + size - 4 - 4 * restarts);
  const handles: Handle[] = [];
  while (!reader.isAtEnd) {
    reader.integer();
    const keyBytes = reader.integer();
    const valueBytes = reader.integer();
    reader.skip(keyBytes);
    const valueAt = reader.at;
    handles.push(reader.handle());
    check(reader.at === valueAt + valueBytes);
  }
  return handles;
}

function checkTable(bytes: Uint8Array): void {
  check(bytes.length >= footerBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const footer = bytes.length - footerBytes;
  check(view.getUint32(bytes.length - 8, true) === magic[0]);
  check(view.getUint32(bytes.length - 4, true) === magic[1]);
  const reader = new Reader(bytes, footer, bytes.length - 8);
  const [metaIndex, index] = [reader.handle(), reader.handle()];
  for (const block of [metaIndex, index]) checkBlock(bytes, view, block);
  const named = [...handlesIn(bytes, view, index), ...handlesIn(bytes, view, metaIndex)];
  for (const block of named) checkBlock(bytes, view, block);
  // No byte that no sum covers.
  let end = 0;
  for (const { offset, size } of [...named, metaIndex, index].sort((a, b) => a.offset - b.offset)) {
    check(offset === end);
    end = offset + size + trailerBytes;
  }
  check(end === footer);
}

export function isIntactTable(bytes: Uint8Array): boolean {
  try {
    checkTable(bytes);
    return true;
  } catch (error) {
    if (error === broken) return false;
    throw error;
  }
}

/** The name of a damaged table file in a directory of LevelDB's; null if there is none. */
export async function damagedTable(directory: string): Promise<string | null> {
  for (const name of await readdir(directory)) {
    if (!/\.(ldb|sst)$/.test(name)) continue;
    if (!isIntactTable(await readFile(join(directory, name)))) return name;
  }
  return null;
}
