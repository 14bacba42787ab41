import {
  existsSync,
  mkdirSync,
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
import { editClusterFile, writeClusterDirectory } from '../../../src/cli/cluster-directory.js';
import { parseClusterFile } from '../../../src/crypto/index.js';
import { reportedError, runHere } from './fake-terminal.js';

let top: string;
let out: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'theodora-directory-'));
  out = join(top, 'cluster');
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const hosts = 'localhost:7000,localhost:7001,localhost:7002,localhost:7003';
const init = (...more: string[]): ReturnType<typeof runHere> =>
  runHere(['init', '--replicas', '4', '--hosts', hosts, '--out', out, '--json', ...more]);

/** Every path below a directory, with its permissions. */
function modesOf(directory: string): Map<string, number> {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return new Map(paths.map((path) => [path, statSync(join(directory, path)).mode & 0o777]));
}

describe('init', () => {
  it('makes a folder a replica, keys for their owner only', async () => {
    const ran = await init();
    const cluster = join(out, 'cluster.yaml');
    expect(ran).toEqual({ status: 0, out: `${JSON.stringify({ cluster })}\n`, err: '' });
    const { replicas, clients } = parseClusterFile(readFileSync(cluster, 'utf8'), cluster);
    expect(replicas.map(({ address }) => address).join(',')).toBe(hosts);
    expect(clients.map(({ name }) => name)).toEqual(['admin']);
    const modes = modesOf(out);
    for (const [path, mode] of modes) {
      if (path.endsWith('.key')) expect([path, mode]).toEqual([path, 0o600]);
      if (statSync(join(out, path)).isDirectory()) expect([path, mode]).toEqual([path, 0o700]);
    }
    expect([...modes.keys()].filter((path) => path.endsWith('.key'))).toHaveLength(11);
    expect(statSync(out).mode & 0o777).toBe(0o700);
  });

  it('never overwrites a cluster', async () => {
    await init();
    const before = readFileSync(join(out, 'cluster.yaml'), 'utf8');
    const again = await init();
    expect(again.status).toBe(2);
    expect(reportedError(again)).toMatchObject({ code: 'CLUSTER_EXISTS', path: out });
    expect(readFileSync(join(out, 'cluster.yaml'), 'utf8')).toBe(before);
  });

  it('leaves a directory alone that holds something else', async () => {
    mkdirSync(out);
    writeFileSync(join(out, 'thesis.txt'), 'mine');
    const ran = await init();
    expect(ran.status).toBe(2);
    expect(reportedError(ran)).toMatchObject({ code: 'DIRECTORY_NOT_EMPTY' });
    expect(readdirSync(out)).toEqual(['thesis.txt']);
  });

  it('refuses three replicas, saying why', async () => {
    const three = ['--replicas', '3', '--hosts', 'a:1,b:1,c:1', '--out', out, '--json'];
    const ran = await runHere(['init', ...three]);
    expect(ran.status).toBe(2);
    expect(ran.err).toContain('at least 4');
    expect(existsSync(out)).toBe(false);
    const up = await runHere(['up', '--replicas', '3', '--dir', out, '--json']);
    expect(up.status).toBe(2);
    expect(up.err).toContain('at least 4');
    expect(existsSync(out)).toBe(false);
  });

  it.each([
    ['too few hosts', 'a:1,b:1,c:1', 'names 3 addresses for 4 replicas'],
    ['a host without a port', 'a:1,b:1,c:1,d', 'host \\"d\\"'],
    ['a host twice', 'a:1,b:1,c:1,a:1', 'twice'],
  ])('refuses %s', async (_, text, problem) => {
    const ran = await runHere(['init', '--replicas', '4', '--hosts', text, '--out', out, '--json']);
    expect(ran.status).toBe(2);
    expect(ran.err).toContain(problem);
  });
});

describe('writing a cluster', () => {
  it('leaves nothing behind when it cannot be finished', () => {
    const file = { path: 'a/key', content: 'x', mode: 0o600 as const };
    expect(() => writeClusterDirectory(out, [file, file])).toThrowError(/EEXIST/);
    expect(readdirSync(top)).toEqual([]);
  });
});

describe('client add', () => {
  const add = (name: string): ReturnType<typeof runHere> =>
    runHere(['client', 'add', name, '--cluster', join(out, 'cluster.yaml'), '--json']);
  const list = async (): Promise<{ client: string; key: string }[]> => {
    const { out: text } = await runHere(['client', 'list', '--cluster', join(out, 'cluster.yaml'), '--json']);
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { client: string; key: string });
  };

  it('makes keys and registers them', async () => {
    await init();
    const ran = await add('alice');
    expect(ran).toMatchObject({ status: 0, err: '' });
    const added = JSON.parse(ran.out) as { client: string; key: string };
    expect(added).toEqual({ client: 'alice', key: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    expect(await list()).toEqual([{ client: 'admin', key: expect.any(String) as string }, added]);
    expect(statSync(join(out, 'clients/alice/identity.key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(out).filter((name) => name.startsWith('cluster'))).toEqual(['cluster.yaml']);
  });

  it('loses none of several that run at once', async () => {
    await init();
    const names = ['a', 'b', 'c', 'd', 'e'];
    const ran = await Promise.all(names.map(add));
    expect(ran.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0]);
    const listed = (await list()).map(({ client }) => client);
    expect(listed.sort((a, b) => (a < b ? -1 : 1))).toEqual(['a', 'admin', 'b', 'c', 'd', 'e']);
  });

  it.each([
    ['a name taken', 'admin', 'CLIENT_EXISTS'],
    ['a name that is no file name', '../x', 'CLIENT_NAME_INVALID'],
  ])('refuses %s and writes nothing', async (_, name, code) => {
    await init();
    const before = modesOf(out);
    const ran = await add(name);
    expect(ran.status).toBe(2);
    expect(reportedError(ran)).toMatchObject({ code });
    expect(modesOf(out)).toEqual(before);
  });

  it('needs the key of the certificate authority', async () => {
    await init();
    rmSync(join(out, 'ca/ca.key'));
    const ran = await add('alice');
    expect(ran.status).toBe(2);
    expect(reportedError(ran)).toMatchObject({ code: 'CA_KEY_MISSING', path: join(out, 'ca/ca.key') });
  });

  it('names the line of an error in the cluster file', async () => {
    await init();
    const path = join(out, 'cluster.yaml');
    const lines = readFileSync(path, 'utf8').split('\n');
    const index = lines.findIndex((line) => line.includes('address:'));
    lines[index] = lines[index]!.replace(/address:.*/, 'address: nowhere');
    writeFileSync(path, lines.join('\n'));
    const ran = await runHere(['client', 'list', '--cluster', path, '--json']);
    expect(ran.status).toBe(2);
    expect(reportedError(ran)).toMatchObject({ code: 'CLUSTER_FILE_INVALID', path, line: index + 1 });
  });
});

describe('editing the cluster file', () => {
  it('keeps the old one and the lock free when the edit fails', async () => {
    const path = join(top, 'cluster.yaml');
    writeFileSync(path, 'old');
    await expect(
      editClusterFile(path, () => {
        throw new Error('no');
      }),
    ).rejects.toThrowError('no');
    await editClusterFile(path, (text) => `${text} and new`);
    expect(readFileSync(path, 'utf8')).toBe('old and new');
    expect(readdirSync(top)).toEqual(['cluster.yaml']);
  });
});
