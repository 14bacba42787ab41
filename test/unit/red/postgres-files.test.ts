/** What stays on the disk, whatever moment an agent dies; passwords; the programs. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createHmac } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkUser, findInstallation } from '../../../src/red/postgres/installation.js';
import { Layout } from '../../../src/red/postgres/layout.js';
import { DirectoryLock } from '../../../src/red/postgres/lock.js';
import { passfileText, readPassword, scramVerifier } from '../../../src/red/postgres/password.js';
import { processesOf } from '../../../src/red/postgres/processes.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'theodora-red-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Data that a server would start from, told apart by what they hold. */
function makeData(name: string, content: string): void {
  mkdirSync(join(directory, name, 'global'), { recursive: true });
  writeFileSync(join(directory, name, 'global', 'pg_control'), content);
}
const content = (): string => readFileSync(join(directory, 'data', 'global', 'pg_control'), 'utf8');

describe('the lock of a directory', () => {
  it('is one agent’s, until it is released', async () => {
    const path = join(directory, 'lock');
    const lock = await DirectoryLock.take(path);
    await expect(DirectoryLock.take(path)).rejects.toMatchObject({
      code: 'POSTGRES_DIRECTORY_IN_USE',
      fields: { path },
    });
    lock.release();
    (await DirectoryLock.take(path)).release();
  });

  it('cannot be had where there is no such directory', async () => {
    await expect(DirectoryLock.take(join(directory, 'none', 'lock'))).rejects.toMatchObject({
      code: 'POSTGRES_PLATFORM_UNSUPPORTED',
    });
  });
});

describe('the directory of a replica', () => {
  const opened = async (): Promise<Layout> => {
    const layout = new Layout(directory, 5432);
    await layout.prepare();
    return layout;
  };

  it('has no data before there are complete ones', async () => {
    makeData('data.new', 'half');
    const layout = await opened();
    expect(await layout.hasData()).toBe(false);
    expect(readdirSync(directory)).toEqual(['socket']);
  });

  it('keeps the old data until the new are complete', async () => {
    makeData('data', 'old');
    const layout = await opened();
    await layout.stage();
    makeData('data.new', 'new');
    expect(content()).toBe('old');
    await layout.adopt();
    expect(content()).toBe('new');
    expect(readdirSync(directory).sort()).toEqual(['data', 'socket']);
  });

  it.each([
    ['before the exchange', ['data', 'data.ready'], 'new'],
    ['amid the exchange', ['data.old', 'data.ready'], 'new'],
    ['after the exchange', ['data', 'data.old'], 'data'],
    ['with an old one left from before', ['data', 'data.old', 'data.ready'], 'new'],
    ['with nothing but the old one', ['data.old'], 'data.old'],
  ])('has whole data if the agent died %s', async (_, names, expected) => {
    for (const name of names) makeData(name, name === 'data.ready' ? 'new' : name);
    const layout = await opened();
    expect(content()).toBe(expected);
    expect(await layout.hasData()).toBe(true);
    expect(readdirSync(directory).sort()).toEqual(['data', 'socket']);
  });

  it('has none after a rewind that was interrupted, until others are adopted', async () => {
    makeData('data', 'old');
    const layout = await opened();
    await layout.beginPromotion(5n);
    await layout.beginRewind();
    expect(await (await opened()).hasData()).toBe(false);
    expect(await layout.pendingToken()).toBe('5');
    makeData('data.new', 'new');
    await layout.adopt();
    expect(await layout.hasData()).toBe(true);
    expect(await layout.pendingToken()).toBeNull();
  });

  it('knows whose data it has since a rewind', async () => {
    makeData('data', 'old');
    const layout = await opened();
    await layout.beginRewind();
    await layout.endRewind('a writer');
    expect(await layout.hasData()).toBe(true);
    expect(await (await opened()).rewoundFrom()).toBe('a writer');
    await layout.completeRewind();
    expect(await layout.rewoundFrom()).toBeNull();
  });

  it('has room for the path of the socket', () => {
    expect(() => new Layout(`/${'x'.repeat(86)}`, 5432)).toThrow(
      expect.objectContaining({
        code: 'POSTGRES_PATH_TOO_LONG',
        fields: expect.objectContaining({ bytes: 108 }),
      }),
    );
    expect(() => new Layout(`/${'x'.repeat(85)}`, 5432)).not.toThrow();
  });
});

describe('the password', () => {
  const written = (text: string, mode = 0o600): string => {
    const path = join(directory, 'password');
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };

  it('is one line', async () => {
    expect(await readPassword(written('a secret:\\\n'))).toBe('a secret:\\');
    expect(passfileText('a:b')).toBe('*:*:*:red_replication:a\\:b\n');
  });

  it.each([
    ['short\n', 0o600],
    ['two\nlines of it\n', 0o600],
    ['not ASCII: é\n', 0o600],
    ['others can read it\n', 0o644],
  ])('%j (%i) is none', async (text, mode) => {
    await expect(readPassword(written(text, mode))).rejects.toMatchObject({
      code: 'POSTGRES_PASSWORD_INVALID',
    });
  });

  it('that cannot be read is told of', async () => {
    await expect(readPassword(join(directory, 'none'))).rejects.toMatchObject({
      code: 'POSTGRES_PASSWORD_INVALID',
    });
  });

  it('has the verifier of RFC 7677, section 3', () => {
    const verifier = scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
    const [, serverKey] = /^SCRAM-SHA-256\$4096:W22ZaJ0SNY7soEsUEjb6gQ==\$[^:]+:(.*)$/.exec(verifier)!;
    const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
    const exchange = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${nonce}`;
    const signature = createHmac('sha256', Buffer.from(serverKey!, 'base64'))
      .update(exchange)
      .digest('base64');
    expect(signature).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  });
});

describe('what is missing', () => {
  it('is named', async () => {
    await expect(findInstallation(directory)).rejects.toMatchObject({
      code: 'POSTGRES_NOT_FOUND',
      fields: { binDir: directory, program: 'postgres', remedy: expect.stringContaining('--bin-dir') },
    });
    for (const program of ['postgres', 'initdb', 'pg_basebackup', 'pg_rewind', 'pg_controldata']) {
      writeFileSync(join(directory, program), '#!/bin/sh\necho "postgres (PostgreSQL) 14.9"\n', {
        mode: 0o755,
      });
    }
    await expect(findInstallation(directory)).rejects.toMatchObject({
      code: 'POSTGRES_TOO_OLD',
      fields: { major: 14 },
    });
    writeFileSync(join(directory, 'postgres'), '#!/bin/sh\necho "postgres (PostgreSQL) 17beta1"\n');
    expect(await findInstallation(directory)).toEqual({ binDir: directory, major: 17 });
  });

  it('is another user than root', () => {
    expect(() => checkUser(0)).toThrow(expect.objectContaining({ code: 'POSTGRES_IS_ROOT' }));
    expect(() => checkUser(1000)).not.toThrow();
  });

  it('finds no server where none runs, and this process is none', async () => {
    expect(await processesOf(process.cwd())).toEqual([]);
    expect(await processesOf(join(directory, 'none'))).toEqual([]);
    expect(existsSync('/proc')).toBe(true);
  });
});
