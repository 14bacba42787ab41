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
import { RefusedError, UnavailableError, UnknownOutcomeError } from '../../../src/base/index.js';
import { addFiles, writeClusterDirectory } from '../../../src/cli/cluster-directory.js';
import { prepareClient, type NewClient } from '../../../src/cli/registration.js';
import { parseClusterFile, readIdentityKey } from '../../../src/crypto/index.js';
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
    expect([...modes.keys()].filter((path) => path.endsWith('.key'))).toHaveLength(15);
    expect(statSync(out).mode & 0o777).toBe(0o700);
  });

  it('writes down how requests are authenticated, if told', async () => {
    await init('--request-auth', 'mac');
    const cluster = join(out, 'cluster.yaml');
    expect(parseClusterFile(readFileSync(cluster, 'utf8'), cluster).settings).toEqual({ requestAuth: 'mac' });
    expect((await init('--request-auth', 'none')).status).toBe(2);
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

describe('adding files', () => {
  it('leaves none behind when it cannot be finished', () => {
    const file = { path: 'a/key', content: 'x', mode: 0o600 as const };
    expect(() => addFiles(top, [file, file])).toThrowError(/EEXIST/);
    expect(readdirSync(top)).toEqual([]);
  });
});

/** `client add` for real: up to the service, of which there is none here. */
describe('client add', () => {
  const add = (name: string): ReturnType<typeof runHere> => {
    const cluster = join(out, 'cluster.yaml');
    return runHere(['client', 'add', name, '--cluster', cluster, '--timeout', '200ms', '--json']);
  };

  it('leaves nothing behind if the service cannot be reached', async () => {
    await init();
    const before = modesOf(out);
    const ran = await add('alice');
    expect([ran.status, ran.out]).toEqual([4, '']);
    expect(reportedError(ran)).toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
    expect(modesOf(out)).toEqual(before);
  });

  it.each([
    ['a name that has keys here', 'admin', 'FILE_EXISTS'],
    ['a name that is no file name', '../x', 'CLIENT_NAME_INVALID'],
  ])('refuses %s and writes nothing', async (_, name, code) => {
    await init();
    const before = modesOf(out);
    const ran = await add(name);
    expect(ran.status).toBe(2);
    expect(reportedError(ran)).toMatchObject({ code });
    expect(modesOf(out)).toEqual(before);
  });

  it('tells how keys that are there can be registered', async () => {
    await init();
    const { publicKey } = readIdentityKey(join(out, 'clients/admin/identity.key'));
    const ran = await add('admin');
    expect(reportedError(ran)).toMatchObject({ code: 'FILE_EXISTS', key: publicKey });
    expect(ran.err).toContain(`theodora client add admin --key ${publicKey}`);
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

describe('registering', () => {
  const folder = (): string => join(out, 'clients/alice');
  const prepare = async (): Promise<NewClient> => {
    await init();
    return prepareClient(join(out, 'cluster.yaml'), 'alice');
  };
  const failure = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => Promise.reject(new Error('it did not fail')),
      (error: unknown) => error,
    );

  it('writes keys for their owner only, before the service is asked', async () => {
    const prepared = await prepare();
    expect(existsSync(folder())).toBe(false);
    const { publicKey } = await prepared.register({
      addClient: async (name, key) => {
        expect(readdirSync(folder()).sort()).toEqual(['identity.key', 'tls.crt', 'tls.key']);
        return { name, publicKey: key, addedAt: 1, revokedAt: null, blacklisted: null, forgedRepairs: 0 };
      },
    });
    expect(readIdentityKey(join(folder(), 'identity.key')).publicKey).toBe(publicKey);
    expect(statSync(join(folder(), 'identity.key')).mode & 0o777).toBe(0o600);
    expect(prepared.directory).toBe(folder());
  });

  it('leaves the cluster file as it is', async () => {
    const prepared = await prepare();
    const before = readFileSync(join(out, 'cluster.yaml'), 'utf8');
    await prepared.register({
      addClient: async (name, publicKey) => ({
        name,
        publicKey,
        addedAt: 1,
        revokedAt: null,
        blacklisted: null,
        forgedRepairs: 0,
      }),
    });
    expect(readFileSync(join(out, 'cluster.yaml'), 'utf8')).toBe(before);
  });

  it.each([
    ['is refused', new RefusedError('NAME_TAKEN', 'no')],
    ['cannot be sent', new UnavailableError('SERVICE_UNAVAILABLE', 'no')],
  ])('leaves nothing behind if it %s', async (_, error) => {
    const prepared = await prepare();
    expect(await failure(prepared.register({ addClient: () => Promise.reject(error) }))).toBe(error);
    expect(existsSync(folder())).toBe(false);
    expect(existsSync(join(out, 'clients/admin'))).toBe(true);
  });

  it('keeps the keys if nobody knows, and says so', async () => {
    const prepared = await prepare();
    const error = new UnknownOutcomeError('OUTCOME_UNKNOWN', 'Hm.', { operation: 'clientAdd' });
    const told = await failure(prepared.register({ addClient: () => Promise.reject(error) }));
    expect(told).toMatchObject({
      name: 'UnknownOutcomeError',
      code: 'OUTCOME_UNKNOWN',
      fields: { operation: 'clientAdd', keys: folder() },
    });
    const { publicKey } = readIdentityKey(join(folder(), 'identity.key'));
    expect(String(told)).toContain('theodora client list');
    expect(String(told)).toContain(`theodora client add alice --key ${publicKey}`);
    expect(readdirSync(folder())).toHaveLength(3);
  });

  it('overwrites no keys that came meanwhile, and does not ask the service', async () => {
    const [first, second] = [await prepare(), await prepareClient(join(out, 'cluster.yaml'), 'alice')];
    const done = {
      addClient: async (name: string, publicKey: string) => ({
        name,
        publicKey,
        addedAt: 1,
        revokedAt: null,
        blacklisted: null,
        forgedRepairs: 0,
      }),
    };
    await first.register(done);
    const keys = readFileSync(join(folder(), 'identity.key'), 'utf8');
    const never = { addClient: () => Promise.reject(new Error('asked')) };
    expect(await failure(second.register(never))).toMatchObject({ code: 'FILE_EXISTS' });
    expect(readFileSync(join(folder(), 'identity.key'), 'utf8')).toBe(keys);
  });

  it('writes all of the keys or none', async () => {
    const prepared = await prepare();
    writeFileSync(folder(), 'in the way');
    const never = { addClient: () => Promise.reject(new Error('asked')) };
    expect(await failure(prepared.register(never))).toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(folder(), 'utf8')).toBe('in the way');
  });
});
