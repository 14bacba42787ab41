/** A cluster started by `up`, used from other processes: every command, its JSON and its exit status. */
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { replicaId } from '../../src/base/index.js';
import { frameBytesMax } from '../../src/codec/index.js';
import { createClientMaterial, parseClusterFile, readIdentityKey } from '../../src/crypto/index.js';
import { RawClient } from '../support/raw-client.js';
import { areEqual, errorOf, isAlive, resultOf, Workplace } from '../support/theodora-process.js';
import type { ReplicaInfo, Running } from '../support/theodora-process.js';

let work: Workplace;
let up: Running;
let replicas: readonly ReplicaInfo[];

beforeAll(async () => {
  work = new Workplace();
  ({ up, replicas } = await work.up());
});
afterAll(() => work.close());

describe('up', () => {
  it('tells where the cluster is and what runs', async () => {
    const ready = await up.event({ event: 'ready' });
    expect(ready).toEqual({
      event: 'ready',
      cluster: work.clusterFile,
      replicas: [0, 1, 2, 3].map((id) => ({
        id,
        address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
        pid: expect.any(Number) as number,
      })),
      f: 1,
    });
    expect(new Set(replicas.map(({ address }) => address)).size).toBe(4);
    expect(replicas.every(({ pid }) => isAlive(pid))).toBe(true);
  });

  it('keeps the replicas logs in their folders', () => {
    const log = readFileSync(join(work.directory, '.theodora/replica-1/replica.log'), 'utf8');
    expect(log).toContain('"replica":1');
  });

  it('a second time finds it running and harms nothing', async () => {
    const again = await work.run('up');
    expect(again.status).toBe(2);
    expect(errorOf(again)).toMatchObject({ code: 'PORT_IN_USE', address: replicas[0]!.address });
    const replica = await work.run(
      'replica',
      '--cluster',
      work.clusterFile,
      '--id',
      '2',
      '--data',
      '.theodora/replica-2',
    );
    expect(replica.status).toBe(2);
    expect(errorOf(replica)).toMatchObject({ code: 'DATA_DIRECTORY_IN_USE' });
    expect(await work.run('count', '["x"]')).toMatchObject({ status: 0 });
  });

  it('does not make another cluster of the same directory', async () => {
    const other = await work.run('up', '--replicas', '7');
    expect(other.status).toBe(2);
    expect(errorOf(other)).toMatchObject({ code: 'USAGE', replicas: 4 });
  });
});

describe('operations', () => {
  it('out, rdp, inp', async () => {
    const out = await work.run('out', '["job", 42, "queued", {"double":1}, {"bytes":"AQID"}]');
    expect(out).toMatchObject({ status: 0, err: '' });
    const entry = resultOf(out)['entry'] as { id: number };
    expect(entry).toEqual({
      id: expect.any(Number) as number,
      tuple: ['job', 42, 'queued', { double: 1 }, { bytes: 'AQID' }],
      owner: 'admin',
    });
    const template = '["job", {"formal":"int"}, null, {"formal":"double"}, null]';
    const read = await work.run('rdp', template);
    expect([read.status, resultOf(read)]).toEqual([0, { entry }]);
    const taken = await work.run('inp', template);
    expect([taken.status, resultOf(taken)]).toEqual([0, { entry }]);
    for (const command of ['rdp', 'inp']) {
      const none = await work.run(command, template);
      expect([none.status, resultOf(none), none.err]).toEqual([1, { entry: null }, '']);
    }
  });

  it('integers of 64 bits keep every digit', async () => {
    const integer = { int: '-9223372036854775808' };
    const out = await work.run('out', JSON.stringify(['big', integer]));
    expect(resultOf(out)).toMatchObject({ entry: { tuple: ['big', integer] } });
    expect(resultOf(await work.run('inp', JSON.stringify(['big', integer])))).toMatchObject({
      entry: { tuple: ['big', integer] },
    });
  });

  it('rdall, inall, count', async () => {
    const ids: number[] = [];
    for (const number of [1, 2, 3]) {
      const { entry } = resultOf(await work.run('out', JSON.stringify(['bulk', number]))) as {
        entry: { id: number };
      };
      ids.push(entry.id);
    }
    const idsOf = async (...args: string[]): Promise<number[]> => {
      const { entries } = resultOf(await work.run(...args)) as { entries: { id: number }[] };
      return entries.map(({ id }) => id);
    };
    expect(resultOf(await work.run('count', '["bulk", null]'))).toEqual({ count: 3 });
    expect(await idsOf('rdall', '["bulk", null]')).toEqual(ids);
    expect(await idsOf('rdall', '["bulk", null]', '--limit', '2')).toEqual(ids.slice(0, 2));
    expect(await idsOf('rdall', '["bulk", null]', '--after', String(ids[0]))).toEqual(ids.slice(1));
    expect(await idsOf('inall', '["bulk", null]', '--limit', '1')).toEqual(ids.slice(0, 1));
    expect(await idsOf('inall', '["bulk", null]')).toEqual(ids.slice(1));
    const none = await work.run('inall', '["bulk", null]');
    expect([none.status, resultOf(none)]).toEqual([1, { entries: [] }]);
    const count = await work.run('count', '["bulk", null]');
    expect([count.status, resultOf(count)]).toEqual([0, { count: 0 }]);
  });

  it('cas and replace', async () => {
    const won = await work.run('cas', '["leader", null]', '["leader", "me"]');
    expect([won.status, resultOf(won)]).toMatchObject([
      0,
      { inserted: true, entry: { tuple: ['leader', 'me'] } },
    ]);
    const lost = await work.run('cas', '["leader", null]', '["leader", "you"]');
    expect(lost.status).toBe(1);
    expect(resultOf(lost)).toEqual({ ...resultOf(won), inserted: false });
    const replaced = await work.run('replace', '["leader", "me"]', '["leader", "you"]');
    expect([replaced.status, resultOf(replaced)]).toMatchObject([0, { entry: { tuple: ['leader', 'me'] } }]);
    const not = await work.run('replace', '["leader", "me"]', '["leader", "them"]');
    expect([not.status, resultOf(not)]).toEqual([1, { entry: null }]);
    expect((await work.run('inp', '["leader", "you"]')).status).toBe(0);
  });

  it('leases: out, cas, replace and renew', async () => {
    const timedOut = await work.run('out', '["timed", 1]', '--lease', '10m');
    const { entry } = resultOf(timedOut) as { entry: { id: number; deadline: number } };
    expect(entry).toEqual({
      id: expect.any(Number) as number,
      tuple: ['timed', 1],
      owner: 'admin',
      deadline: expect.any(Number) as number,
    });
    expect(entry.deadline).toBeGreaterThan(Date.now() + 500_000);
    const renewed = await work.run('renew', '["timed", null]', '20m');
    const longer = resultOf(renewed)['entry'] as { deadline: number };
    expect([renewed.status, longer]).toMatchObject([0, { id: entry.id }]);
    expect(longer.deadline).toBeGreaterThan(entry.deadline);
    expect(resultOf(await work.run('rdp', '["timed", 1]'))).toEqual({ entry: longer });

    const swapped = await work.run('replace', '["timed", 1]', '["timed", 2]', '--lease', '10m');
    expect([swapped.status, resultOf(swapped)]).toEqual([0, { entry: longer }]);
    const not = await work.run('cas', '["timed", 2]', '["timed", 3]', '--lease', '10m');
    expect([not.status, resultOf(not)]).toMatchObject([
      1,
      { inserted: false, entry: { tuple: ['timed', 2] } },
    ]);
    const cas = await work.run('cas', '["timed", 3]', '["timed", 3]', '--lease', '10m');
    expect(resultOf(cas)).toMatchObject({
      inserted: true,
      entry: { deadline: expect.any(Number) as number },
    });

    const people = await work.runPlain('rdall', '["timed", null]');
    expect(people.out).toMatch(/^id +owner +expires +tuple\n\d+ +admin +in \d+ min +\["timed",2\]\n/);
    expect((await work.run('inall', '["timed", null]')).status).toBe(0);
    const none = await work.run('renew', '["timed", null]', '10m');
    expect([none.status, resultOf(none), none.err]).toEqual([1, { entry: null }, '']);
    expect((await work.runPlain('renew', '["timed", null]', '10m')).out).toBe('nothing to renew\n');
  });

  it('a lease ends without traffic, and an untimed entry is not renewed', async () => {
    expect((await work.run('out', '["short"]', '--lease', '2200ms')).status).toBe(0);
    while ((await work.run('rdp', '["short"]')).status === 0);
    expect(resultOf(await work.run('rdp', '["short"]'))).toEqual({ entry: null });
    expect((await work.run('out', '["for ever"]')).status).toBe(0);
    expect((await work.run('renew', '["for ever"]', '5s')).status).toBe(1);
    expect((await work.run('inp', '["for ever"]')).status).toBe(0);
  });

  it('a lease that clocks do not allow is refused with the least one', async () => {
    for (const args of [
      ['out', '["x"]', '--lease', '2199ms'],
      ['renew', '["x"]', '1s'],
    ]) {
      const refused = await work.run(...args);
      expect([refused.status, errorOf(refused)]).toMatchObject([
        3,
        { code: 'LEASE_TOO_SHORT', leaseMinMs: 2_200, operation: args[0] },
      ]);
    }
  });

  it('of several processes that race for one cas, one wins', async () => {
    const ran = await Promise.all(
      [0, 1, 2, 3, 4].map((number) => work.run('cas', '["race", null]', JSON.stringify(['race', number]))),
    );
    const statuses = ran.map(({ status }) => status).sort((a, b) => Number(a) - Number(b));
    expect(statuses).toEqual([0, 1, 1, 1, 1]);
    const ids = ran.map((one) => (resultOf(one)['entry'] as { id: number }).id);
    expect(new Set(ids).size).toBe(1);
  });

  it('speak to people without --json', async () => {
    const out = await work.runPlain('out', '["plain", 1]');
    expect(out).toMatchObject({ status: 0, err: '' });
    expect(out.out).toMatch(/^id +owner +tuple\n\d+ +admin +\["plain",1\]\n$/);
    expect(await work.runPlain('count', '["plain", null]')).toMatchObject({ status: 0, out: '1\n' });
    expect(await work.runPlain('rdp', '["none"]')).toMatchObject({ status: 1, out: 'no match\n', err: '' });
  });

  it('show nothing that a terminal would obey', async () => {
    const out = await work.runPlain('out', '["\\u009b31m\\u202e"]');
    expect(out.out).toContain('["\\u009b31m\\u202e"]');
    expect(out.out).not.toMatch(/[\u0080-\u009f\u202e]/);
  });

  it('are refused in a space that is not there', async () => {
    const ran = await work.run('out', '[1]', '--space', 'jobs');
    expect([ran.status, ran.out]).toEqual([3, '']);
    expect(errorOf(ran)).toMatchObject({ code: 'NO_SUCH_SPACE' });
  });
});

describe('bad input', () => {
  const largeField = 'x'.repeat((64 << 10) + 1);
  it.each([
    ['malformed JSON', ['out', '["a"'], 'INVALID_JSON'],
    ['NaN', ['out', '["a", NaN]'], 'INVALID_TUPLE'],
    ['Infinity', ['cas', '["a"]', '[-Infinity]'], 'INVALID_TUPLE'],
    ['an integer that would be rounded', ['rdp', '[9007199254740993]'], 'INVALID_TEMPLATE'],
    ['an oversized field', ['out', JSON.stringify([largeField])], 'FIELD_TOO_LARGE'],
    ['too many fields', ['out', JSON.stringify(new Array(65).fill(1))], 'TOO_MANY_FIELDS'],
    ['an unknown identity', ['--as', 'mallory', 'count', '[1]'], 'IDENTITY_UNKNOWN'],
    ['no cluster file', ['--cluster', 'none.yaml', 'count', '[1]'], 'CLUSTER_FILE_MISSING'],
    ['arguments missing', ['cas', '[1]'], 'USAGE'],
  ])('%s is status 2', async (_, args, code) => {
    const ran = await work.run(...args);
    expect([ran.status, ran.out]).toEqual([2, '']);
    expect(errorOf(ran)).toMatchObject({ code });
  });
});

describe('identities', () => {
  it('added while the replicas run are served at once', async () => {
    const added = await work.run('client', 'add', 'alice');
    expect(added).toMatchObject({ status: 0, err: '' });
    const out = await work.run('--as', 'alice', 'out', '["hello"]');
    expect([out.status, resultOf(out)]).toMatchObject([0, { entry: { owner: 'alice' } }]);
    const listed = await work.run('client', 'list');
    expect(
      listed.out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { client: string }).client),
    ).toEqual(['admin', 'alice']);
  });

  it('with another key than the registered one are told so', async () => {
    const copy = join(work.directory, 'mixed');
    cpSync(join(work.directory, '.theodora'), copy, { recursive: true });
    const folder = join(copy, 'clients');
    copyFileSync(join(folder, 'alice/identity.key'), join(folder, 'admin/identity.key'));
    const clusterFile = join(copy, 'cluster.yaml');
    const mismatch = await work.run('--cluster', clusterFile, 'count', '[1]');
    expect([mismatch.status, errorOf(mismatch)]).toMatchObject([2, { code: 'IDENTITY_MISMATCH' }]);
    rmSync(join(folder, 'alice/identity.key'));
    const missing = await work.run('--cluster', clusterFile, '--as', 'alice', 'count', '[1]');
    expect([missing.status, errorOf(missing)]).toMatchObject([2, { code: 'KEY_FILE_MISSING' }]);
  });

  it('that the replicas do not know are refused by them', async () => {
    const folder = join(work.directory, '.theodora');
    const [caKeyPem, caCertPem] = ['ca.key', 'ca.crt'].map((name) =>
      readFileSync(join(folder, 'ca', name), 'utf8'),
    ) as [string, string];
    const { files } = await createClientMaterial({ name: 'stranger', caKeyPem, caCertPem, now: new Date() });
    mkdirSync(join(folder, 'clients/stranger'));
    for (const { path, content, mode } of files) writeFileSync(join(folder, path), content, { mode });
    const ran = await work.run('--as', 'stranger', 'out', '["hello"]');
    expect([ran.status, errorOf(ran)]).toMatchObject([3, { code: 'UNKNOWN_CLIENT' }]);
  });

  it('are not found in a cluster file with an error, whose line is named', async () => {
    const lines = readFileSync(work.clusterFile, 'utf8').split('\n');
    const index = lines.findIndex((line) => line.includes('tlsFingerprint:'));
    lines[index] = lines[index]!.replace(/tlsFingerprint:.*/, 'tlsFingerprint: abc');
    const path = join(work.directory, 'broken.yaml');
    writeFileSync(path, lines.join('\n'));
    const ran = await work.run('--cluster', path, 'count', '[1]');
    expect(ran.status).toBe(2);
    expect(errorOf(ran)).toMatchObject({ code: 'CLUSTER_FILE_INVALID', line: index + 1 });
    const replica = await work.run(
      '--cluster',
      path,
      'replica',
      '--id',
      '0',
      '--data',
      '.theodora/replica-0',
    );
    expect([replica.status, errorOf(replica)]).toMatchObject([2, { code: 'CLUSTER_FILE_INVALID' }]);
  });
});

describe('status', () => {
  it('has a line a replica', async () => {
    const lines = await work.awaitStatus(areEqual);
    expect(lines).toHaveLength(4);
    for (const [id, line] of lines.entries()) {
      expect(line).toMatchObject({
        id,
        reachable: true,
        primary: 0,
        view: 0,
        isObserver: false,
      });
      expect(Number(line['stableCheckpoint']) % 128).toBe(0);
      expect(line.stateDigest).toMatch(/^[0-9a-f]{64}$/);
      expect(line['version']).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  it('is a table for people', async () => {
    const { status, out } = await work.runPlain('status');
    expect(status).toBe(0);
    const [table = ''] = out.trimEnd().split('\n\n');
    const [header, ...rows] = table.split('\n');
    expect(header).toMatch(/^replica +address +reachable +state +view +primary +executed +stable +digest/);
    expect(rows).toHaveLength(4);
    expect(rows[3]).toMatch(/^3 +127\.0\.0\.1:\d+ +yes +active/);
  });
});

describe('hostile bytes', () => {
  const addressOf = (id: number): { host: string; port: number } => {
    const [host = '', port = ''] = replicas[id]!.address.split(':');
    return { host, port: Number(port) };
  };

  async function sendAndAwaitEnd(bytes: Uint8Array): Promise<void> {
    const socket = connect(addressOf(0), () => socket.write(bytes)).resume();
    await new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
  }

  async function serviceIsUnharmed(): Promise<void> {
    expect(await work.run('out', '["unharmed"]')).toMatchObject({ status: 0 });
    expect(replicas.every(({ pid }) => isAlive(pid))).toBe(true);
    const lines = await work.awaitStatus(areEqual);
    expect(lines.every(({ view }) => view === 0)).toBe(true);
  }

  it('without TLS are cut off', async () => {
    await sendAndAwaitEnd(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await sendAndAwaitEnd(Uint8Array.from({ length: 100_000 }, (_, index) => (index * 131) % 256));
    await serviceIsUnharmed();
  });

  it('and oversized frames from a registered client are dropped', async () => {
    const folder = join(work.directory, '.theodora/clients/admin');
    const description = parseClusterFile(readFileSync(work.clusterFile, 'utf8'), work.clusterFile);
    const tls = {
      certificateAuthority: description.certificateAuthority,
      key: readFileSync(join(folder, 'tls.key'), 'utf8'),
      certificate: readFileSync(join(folder, 'tls.crt'), 'utf8'),
    };
    const key = readIdentityKey(join(folder, 'identity.key'));
    for (const bytes of [
      new Uint8Array(frameBytesMax + 1),
      Uint8Array.from({ length: 1_000 }, (_, index) => (index * 37) % 256),
      new Uint8Array(0),
    ]) {
      const client = new RawClient(replicas[0]!.address, tls);
      await client.hello(description, replicaId(0), key);
      client.sendBytes(bytes);
      if (bytes.length > frameBytesMax) await client.ended;
      client.close();
    }
    await serviceIsUnharmed();
  });
});

describe('the end', () => {
  it('of up is graceful, and everything ends with it', async () => {
    up.kill('SIGINT');
    const finished = await up.finished;
    expect(finished).toMatchObject({ status: 0, signal: null });
    const events = finished.out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event: string }).event);
    expect(events).toEqual(['ready', 'stopping', 'stopped']);
    expect(replicas.some(({ pid }) => isAlive(pid))).toBe(false);
    const logs = replicas.map(({ id }) =>
      readFileSync(join(work.directory, `.theodora/replica-${id}/replica.log`), 'utf8'),
    );
    expect(logs.every((log) => log.includes('replica closed'))).toBe(true);
  });
});
