/**
 * Whether LevelDB's table files are what was written (leveldb/doc/table_format.md). LevelDB does not compare the sums of
 * the blocks it reads for itself, and a damaged one can make it end the process; so they are compared here, before it
 * opens the directory. Its log and its manifest it checks by itself. Blocks must not be compressed.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { broken, check, isSummed, LevelReader } from './level-bytes.js';
import { tablesInUse } from './level-manifest.js';

interface Handle {
  readonly offset: number;
  readonly size: number;
}

const readHandle = (reader: LevelReader): Handle => ({ offset: reader.integer(), size: reader.integer() });

const footerBytes = 48;
const magic: readonly [low: number, high: number] = [0x8b80fb57, 0xdb477524];
/** Kind of compression and masked sum. */
const trailerBytes = 5;

function checkBlock(bytes: Uint8Array, view: DataView, { offset, size }: Handle): void {
  const end = offset + size;
  check(end + trailerBytes <= bytes.length - footerBytes);
  check(bytes[end] === 0);
  check(isSummed(bytes, offset, end + 1, view.getUint32(end + 1, true)));
}

/** What the entries of an index block point to. */
function handlesIn(bytes: Uint8Array, view: DataView, { offset, size }: Handle): Handle[] {
  check(size >= 4);
  const restarts = view.getUint32(offset + size - 4, true);
  const reader = new LevelReader(bytes, offset, offset + size - 4 - 4 * restarts);
  const handles: Handle[] = [];
  while (!reader.isAtEnd) {
    reader.integer();
    const keyBytes = reader.integer();
    const valueBytes = reader.integer();
    reader.skip(keyBytes);
    const valueAt = reader.at;
    handles.push(readHandle(reader));
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
  const reader = new LevelReader(bytes, footer, bytes.length - 8);
  const [metaIndex, index] = [readHandle(reader), readHandle(reader)];
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

/** The name of a damaged table file that a directory of LevelDB's needs; null if there is none. */
export async function damagedTable(directory: string): Promise<string | null> {
  const used = await tablesInUse(directory);
  for (const name of await readdir(directory)) {
    const number = /^(\d+)\.(ldb|sst)$/.exec(name)?.[1];
    if (number === undefined || !used.has(Number(number))) continue;
    if (!isIntactTable(await readFile(join(directory, name)))) return name;
  }
  return null;
}
