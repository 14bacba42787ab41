/** What we read of LevelDB's files ourselves, held against LevelDB. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prng } from '../../src/base/index.js';
import { crc32c } from '../../src/replica/storage/crc32c.js';
import { tablesInUse } from '../../src/replica/storage/level-manifest.js';
import { databaseOptions, type PageDatabase } from '../../src/replica/storage/page-store.js';
import { damagedTable, isIntactTable } from '../../src/replica/storage/table-check.js';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'theodora-level-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const tables = (): string[] => readdirSync(directory).filter((name) => name.endsWith('.ldb'));

/** Rounds of writes, each of which ends as table files. */
async function fill(rounds: number, valueBytes: number): Promise<void> {
  const random = prng(rounds);
  for (let round = 0; round < rounds; round++) {
    const database: PageDatabase = new ClassicLevel(directory, databaseOptions);
    for (let i = 0; i < 40; i++) {
      const key = Uint8Array.of(random.below(8), random.below(256));
      await database.put(
        key,
        Uint8Array.from({ length: valueBytes }, () => random.below(256)),
      );
      if (random.chance(1, 4)) await database.del(Uint8Array.of(random.below(8), random.below(256)));
    }
    if (round % 3 === 2) await database.compactRange(Uint8Array.of(0), Uint8Array.of(255));
    await database.close();
  }
}

describe('the sum', () => {
  it('is CRC-32C', () => {
    const sum = (text: string): number => crc32c(Buffer.from(text), 0, text.length);
    expect(sum('123456789')).toBe(0xe3069283);
    expect(sum('')).toBe(0);
    expect(crc32c(new Uint8Array(32), 0, 32)).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255), 0, 32)).toBe(0x62a8ab43);
    expect(crc32c(Buffer.from('xx123456789y'), 2, 11)).toBe(0xe3069283);
  });
});

describe('tables in use', () => {
  it('are those that LevelDB keeps', async () => {
    await fill(8, 60);
    const used = await tablesInUse(directory);
    expect(used.size).toBeGreaterThan(1);
    // What is closed and opened again keeps what it needs, and nothing else.
    const database = new ClassicLevel(directory, databaseOptions);
    await database.open();
    const kept = tables().map((name) => Number.parseInt(name, 10));
    expect(kept.filter((number) => used.has(number)).sort()).toEqual([...used].sort());
    await database.close();
  });

  it('are none where there is no database, or a manifest that nobody can read', async () => {
    expect(await tablesInUse(directory)).toEqual(new Set());
    await fill(2, 10);
    writeFileSync(join(directory, 'CURRENT'), 'MANIFEST-000999\n');
    expect(await tablesInUse(directory)).toEqual(new Set());
    writeFileSync(join(directory, 'CURRENT'), '../elsewhere\n');
    expect(await tablesInUse(directory)).toEqual(new Set());
  });

  it('are as far as the manifest is good', async () => {
    await fill(4, 30);
    const name = readdirSync(directory).find((each) => each.startsWith('MANIFEST'))!;
    const bytes = readFileSync(join(directory, name));
    const used = await tablesInUse(directory);
    for (let size = 0; size <= bytes.length; size++) {
      writeFileSync(join(directory, name), bytes.subarray(0, size));
      const found = await tablesInUse(directory);
      if (size === bytes.length) expect(found).toEqual(used);
    }
  });
});

describe('a table', () => {
  it('is intact as LevelDB wrote it, and not with any byte of its blocks changed', async () => {
    await fill(1, 30);
    await fill(1, 30);
    const [name] = tables();
    const bytes = readFileSync(join(directory, name!));
    expect(isIntactTable(bytes)).toBe(true);
    const unused: number[] = [];
    for (let at = 0; at < bytes.length; at++) {
      const original = bytes[at]!;
      bytes[at] = original ^ (1 << (at % 8));
      if (isIntactTable(bytes)) unused.push(at);
      bytes[at] = original;
    }
    // The footer is padded.
    expect(unused.every((at) => at >= bytes.length - 48 && at < bytes.length - 8)).toBe(true);
    for (let size = 0; size < bytes.length; size += 7) {
      expect(isIntactTable(bytes.subarray(0, size))).toBe(false);
    }
  });

  it('is damaged only if LevelDB needs it', async () => {
    await fill(4, 60);
    expect(await damagedTable(directory)).toBeNull();
    // As a crash in the middle of a compaction leaves it.
    writeFileSync(join(directory, '000777.ldb'), new Uint8Array(100));
    expect(await damagedTable(directory)).toBeNull();
    const used = await tablesInUse(directory);
    const name = tables().find((each) => used.has(Number.parseInt(each, 10)))!;
    writeFileSync(join(directory, name), new Uint8Array(100));
    expect(await damagedTable(directory)).toBe(name);
  });
});
