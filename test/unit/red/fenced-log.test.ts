/** The reference store for shared data: only the last writer writes, and what it wrote stays. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FencedLog } from '../../../src/red/index.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fenced-log-'));
  path = join(folder, 'log');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a fenced log', () => {
  it('takes records of one writer and of later ones, and none of earlier ones', async () => {
    const log = await FencedLog.open(path);
    await log.append(7n, 'a');
    await log.append(7n, 'b "quoted"\nin two lines');
    await log.append(12n, 'c');
    await expect(log.append(7n, 'late')).rejects.toMatchObject({
      code: 'TOKEN_OUTDATED',
      fields: { token: 7n, highest: 12n },
    });
    await log.append(12n, 'd');
    expect(log.records.map(({ token, value }) => [token, value])).toEqual([
      [7n, 'a'],
      [7n, 'b "quoted"\nin two lines'],
      [12n, 'c'],
      [12n, 'd'],
    ]);
    await log.close();
  });

  it('checks in the order in which it writes, whoever asks at the same time', async () => {
    const log = await FencedLog.open(path);
    const asked = [log.append(3n, 'a'), log.append(5n, 'b'), log.append(4n, 'c'), log.append(5n, 'd')];
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(log.records.map(({ value }) => value)).toEqual(['a', 'b', 'd']);
    await log.close();
  });

  it('keeps its records and its token over a restart, and is nobody else’s to read', async () => {
    const first = await FencedLog.open(path);
    await first.append(9n, 'kept');
    await first.close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const second = await FencedLog.open(path);
    expect([second.token, second.records]).toEqual([9n, [{ token: 9n, value: 'kept' }]]);
    await expect(second.append(8n, 'late')).rejects.toMatchObject({ code: 'TOKEN_OUTDATED' });
    await second.close();
  });

  it('drops what a crash cut off, at any byte, and goes on', async () => {
    const whole = '1 "first"\n';
    const half = '2 "second"';
    for (let bytes = 1; bytes <= half.length; bytes++) {
      writeFileSync(path, whole + half.slice(0, bytes));
      const log = await FencedLog.open(path);
      expect(log.records).toEqual([{ token: 1n, value: 'first' }]);
      await log.append(3n, 'third');
      await log.close();
      expect(readFileSync(path, 'utf8')).toBe('1 "first"\n3 "third"\n');
    }
  });

  it('says which line is none of its own', async () => {
    writeFileSync(path, '1 "first"\n');
    appendFileSync(path, 'rubbish\n');
    await expect(FencedLog.open(path)).rejects.toMatchObject({
      code: 'STORE_DAMAGED',
      fields: { path, line: 2 },
    });
  });
});
