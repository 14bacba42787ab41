import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sequenceNumber } from '../../../src/base/index.js';
import { evidenceKeeper } from '../../../src/replica/evidence.js';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'theodora-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

const log = pino({ level: 'silent' });
const divergence = (number: number) => ({
  kind: 'divergence' as const,
  sequenceNumber: sequenceNumber(number),
  pages: [{ section: 'application' as const, page: 7, own: Uint8Array.of(1, 255), certified: null }],
});

it('keeps what differed, readable by the owner alone', () => {
  evidenceKeeper(dataDir, log)(divergence(128));
  const [name] = readdirSync(join(dataDir, 'evidence'));
  const file = join(dataDir, 'evidence', name!);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    sequenceNumber: 128,
    pages: [{ section: 'application', page: 7, own: '01ff', certified: null }],
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('lets the oldest go', () => {
  const keep = evidenceKeeper(dataDir, log);
  for (let number = 128; number <= 40 * 128; number += 128) keep(divergence(number));
  const names = readdirSync(join(dataDir, 'evidence')).sort();
  expect(names).toHaveLength(16);
  expect(names.at(-1)).toContain(String(40 * 128));
});

it('does not stop a replica for want of a place', () => {
  writeFileSync(join(dataDir, 'evidence'), '');
  evidenceKeeper(dataDir, log)(divergence(128));
  expect(existsSync(join(dataDir, 'evidence', 'x'))).toBe(false);
});
