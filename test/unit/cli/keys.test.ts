import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generateIdentityKey } from '../../../src/crypto/index.js';
import { reportedError, runHere, type Ran } from './fake-terminal.js';

let directory: string;
let key: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'theodora-keys-'));
  key = at('identity.key');
  writeFileSync(key, generateIdentityKey().pem, { mode: 0o600 });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const at = (...names: readonly string[]): string => join(directory, ...names);
const share = (index: number, folder = 'shares'): string => at(folder, `identity.key.share-${index}`);
const split = (folder = 'shares', shares = '5', threshold = '3'): Promise<Ran> =>
  runHere([
    'keys',
    'split',
    key,
    '--shares',
    shares,
    '--threshold',
    threshold,
    '--out',
    at(folder),
    '--json',
  ]);
const combine = (...paths: readonly string[]): Promise<Ran> =>
  runHere(['keys', 'combine', ...paths, '--out', at('again.key'), '--json']);

/** What a command said, which holds no line of the key and none of any share. */
function expectNoSecretIn({ out, err }: Ran): void {
  const files = [
    key,
    ...(existsSync(at('shares')) ? readdirSync(at('shares')).map((name) => at('shares', name)) : []),
  ];
  for (const file of files)
    for (const line of readFileSync(file, 'utf8').split('\n'))
      if (/^[A-Za-z0-9+/=]{40,}$/.test(line)) expect(out + err).not.toContain(line.slice(0, 20));
}

async function expectRefused(ran: Promise<Ran>, error: Record<string, unknown>): Promise<void> {
  const finished = await ran;
  expect(finished).toMatchObject({ status: 2, out: '' });
  expect(reportedError(finished)).toMatchObject(error);
  expectNoSecretIn(finished);
  expect(existsSync(at('again.key'))).toBe(false);
}

describe('keys', () => {
  it('come back to the byte, for their owner only', async () => {
    const made = await split();
    expect(made).toMatchObject({ status: 0, err: '' });
    expect(JSON.parse(made.out)).toMatchObject({
      of: key,
      threshold: 3,
      shares: [1, 2, 3, 4, 5].map((n) => share(n)),
    });
    expectNoSecretIn(made);
    for (const name of readdirSync(at('shares')))
      expect(statSync(at('shares', name)).mode & 0o777).toBe(0o600);
    const ran = await combine(share(5), share(1), share(3));
    expect(ran).toMatchObject({ status: 0, err: '' });
    expect(JSON.parse(ran.out)).toMatchObject({ key: at('again.key'), of: 'identity.key' });
    expectNoSecretIn(ran);
    expect(readFileSync(at('again.key')).equals(readFileSync(key))).toBe(true);
    expect(statSync(at('again.key')).mode & 0o777).toBe(0o600);
  });

  it('that are no text come back as well', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0, 0xc3, 0x28, 13, 10, 0]);
    writeFileSync(key, bytes);
    await split();
    expect(await combine(share(1), share(2), share(3))).toMatchObject({ status: 0 });
    expect(readFileSync(at('again.key')).equals(bytes)).toBe(true);
  });

  it('do not come from too few shares, from two sets, or from one given twice', async () => {
    await split();
    await split('others');
    await expectRefused(combine(share(1), share(2)), { code: 'KEY_SHARES_TOO_FEW', count: 2, threshold: 3 });
    const mixed = { code: 'KEY_SHARES_MIXED', paths: [share(1), share(3, 'others')] };
    await expectRefused(combine(share(1), share(2), share(3, 'others')), mixed);
    const repeated = { code: 'KEY_SHARES_REPEATED', paths: [share(2), share(2)] };
    await expectRefused(combine(share(1), share(2), share(2)), repeated);
  });

  it('do not come from a damaged share, which is named', async () => {
    await split();
    const text = readFileSync(share(2), 'utf8');
    writeFileSync(share(2), text.replace('threshold: 3', 'threshold: 2'));
    await expectRefused(combine(share(1), share(2), share(3)), {
      code: 'KEY_SHARE_MALFORMED',
      path: share(2),
    });
    await expectRefused(combine(share(1), key, share(3)), { code: 'KEY_SHARE_MALFORMED', path: key });
    await expectRefused(combine(share(1), at('none'), share(3)), {
      code: 'KEY_FILE_MISSING',
      path: at('none'),
    });
    chmodSync(share(3), 0o644);
    await expectRefused(combine(share(1), share(3)), { code: 'KEY_FILE_PERMISSIONS', path: share(3) });
  });

  it('and shares are never overwritten', async () => {
    await split();
    const before = readFileSync(share(1), 'utf8');
    expect(reportedError(await split())).toMatchObject({ code: 'FILE_EXISTS', path: share(1) });
    expect(readFileSync(share(1), 'utf8')).toBe(before);
    writeFileSync(at('again.key'), 'mine');
    expect(reportedError(await combine(share(1), share(2), share(3)))).toMatchObject({ code: 'FILE_EXISTS' });
    expect(readFileSync(at('again.key'), 'utf8')).toBe('mine');
  });

  it('are not split so that one is enough, or more than there are', async () => {
    await expectRefused(split('shares', '3', '4'), {
      code: 'KEY_THRESHOLD_INVALID',
      shares: 3,
      threshold: 4,
    });
    await expectRefused(split('shares', '3', '1'), { code: 'USAGE' });
    await expectRefused(split('shares', '256', '2'), { code: 'USAGE' });
    expect(existsSync(at('shares'))).toBe(false);
  });
});
