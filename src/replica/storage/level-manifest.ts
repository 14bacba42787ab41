/**
 * Which table files LevelDB uses, by its manifest (leveldb/doc/log_format.md, db/version_edit.cc). Others may lie about,
 * unfinished, after a crash. Reads as far as the manifest is good; what LevelDB makes of the rest is its own to say.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { concatBytes } from '../../base/index.js';
import { broken, check, isSummed, LevelReader } from './level-bytes.js';

const blockBytes = 32_768;
const headerBytes = 7;
const [full, first, middle, last] = [1, 2, 3, 4];

/** The records of a file in LevelDB's log format, up to the first that is not whole. */
function* recordsOf(bytes: Uint8Array): Iterable<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let parts: Uint8Array[] = [];
  let at = 0;
  while (at + headerBytes <= bytes.length) {
    const leftInBlock = blockBytes - (at % blockBytes);
    if (leftInBlock < headerBytes) {
      at += leftInBlock;
      continue;
    }
    const kind = bytes[at + 6]!;
    const start = at + headerBytes;
    const end = start + view.getUint16(at + 4, true);
    if (end > bytes.length || !isSummed(bytes, at + 6, end, view.getUint32(at, true))) return;
    if (kind === full || kind === first) parts = [];
    else if (kind !== middle && kind !== last) return;
    parts.push(bytes.subarray(start, end));
    if (kind === full || kind === last) yield concatBytes(parts);
    at = end;
  }
}

const tag = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLog: 9,
} as const;

/** One change of the set of files. */
function applyEdit(record: Uint8Array, tables: Set<number>): void {
  const reader = new LevelReader(record);
  while (!reader.isAtEnd) {
    const field = reader.integer();
    switch (field) {
      case tag.comparator:
        reader.skipCounted();
        break;
      case tag.logNumber:
      case tag.nextFile:
      case tag.lastSequence:
      case tag.previousLog:
        reader.integer();
        break;
      case tag.compactPointer:
        reader.integer();
        reader.skipCounted();
        break;
      case tag.deletedFile:
        reader.integer();
        tables.delete(reader.integer());
        break;
      default:
        check(field === tag.newFile);
        reader.integer();
        tables.add(reader.integer());
        reader.integer();
        reader.skipCounted();
        reader.skipCounted();
    }
  }
}

/** Numbers of the tables in use; none if that cannot be told. */
export async function tablesInUse(directory: string): Promise<ReadonlySet<number>> {
  const tables = new Set<number>();
  const current = join(directory, 'CURRENT');
  if (!existsSync(current)) return tables;
  const name = (await readFile(current, 'latin1')).trim();
  const path = join(directory, name);
  if (!/^MANIFEST-\d+$/.test(name) || !existsSync(path)) return tables;
  try {
    for (const record of recordsOf(await readFile(path))) applyEdit(record, tables);
  } catch (error) {
    if (error !== broken) throw error;
  }
  return tables;
}
