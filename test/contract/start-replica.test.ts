/** One replica as a user of the library starts it, with and without what it needs. */
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientId, InvalidInputError, replicaId, sessionId } from '../../src/base/index.js';
import { formatClusterFile, generateIdentityKey, renewCertificate } from '../../src/crypto/index.js';
import type { Input } from '../../src/ordering/index.js';
import { startReplica } from '../../src/replica/index.js';
import type { ReplicaStart, RunningReplica, StartReplicaOptions } from '../../src/replica/index.js';
import {
  adminKey,
  makeClusterFiles,
  silent,
  tlsMaterial,
  type ClusterFiles,
} from '../support/cluster-files.js';
import { FakeCore } from '../support/fake-core.js';
import { RawClient } from '../support/raw-client.js';

let files: ClusterFiles;
let running: RunningReplica[] = [];
let clients: RawClient[] = [];

beforeEach(async () => {
  files = await makeClusterFiles();
});
afterEach(async () => {
  for (const client of clients) client.close();
  await Promise.all(running.map((replica) => replica.close()));
  [running, clients] = [[], []];
  files.remove();
});

const folder = (id: number): string => join(files.directory, `replica-${id}`);

function optionsOf(overrides: Partial<StartReplicaOptions> = {}): StartReplicaOptions {
  return {
    clusterFile: files.clusterFile,
    id: 0,
    dataDir: folder(0),
    listen: '127.0.0.1:0',
    peerAddress: () => null,
    log: silent,
    createCore: () => new FakeCore(),
    ...overrides,
  };
}

async function start(overrides: Partial<StartReplicaOptions> = {}): Promise<RunningReplica> {
  const replica = await startReplica(optionsOf(overrides));
  running.push(replica);
  return replica;
}

function connect(replica: RunningReplica, identity = 'clients/admin'): RawClient {
  const client = new RawClient(replica.address, tlsMaterial(files, identity));
  clients.push(client);
  return client;
}

async function refusal(overrides: Partial<StartReplicaOptions>): Promise<InvalidInputError> {
  const error: unknown = await startReplica(optionsOf(overrides)).catch((reason: unknown) => reason);
  if (!(error instanceof InvalidInputError))
    throw new Error('started, or failed otherwise', { cause: error });
  return error;
}

/** A log whose lines are kept. */
function keptLog(): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level: 'info' },
    { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  return { log, lines };
}

const markerExists = (): boolean => existsSync(join(folder(0), 'genesis'));

describe('a wrong file is named before anything happens', () => {
  it.each<[string, string, (options: { otherTls(): void }) => Partial<StartReplicaOptions>]>([
    ['DATA_DIR_MISSING', 'nowhere', () => ({ dataDir: join(files.directory, 'nowhere') })],
    ['CLUSTER_FILE_MISSING', 'no.yaml', () => ({ clusterFile: join(files.directory, 'no.yaml') })],
    ['UNKNOWN_REPLICA', 'replica 4', () => ({ id: 4 })],
    ['KEY_MISMATCH', 'replica.key', () => ({ dataDir: folder(1) })],
    ['ADDRESS_UNUSABLE', 'nonsense', () => ({ listen: 'nonsense' })],
  ])('%s', async (code, named, change) => {
    const error = await refusal(change({ otherTls: () => undefined }));
    expect(error.code).toBe(code);
    expect(error.message).toContain(named);
    expect(markerExists()).toBe(true);
  });

  it('CLUSTER_FILE_INVALID', async () => {
    writeFileSync(files.clusterFile, 'version: 1\n');
    expect((await refusal({})).code).toBe('CLUSTER_FILE_INVALID');
  });

  it('KEY_FILE_MISSING', async () => {
    rmSync(join(folder(0), 'replica.key'));
    expect((await refusal({})).code).toBe('KEY_FILE_MISSING');
  });

  it('CERTIFICATE_MISMATCH: not the pinned key', async () => {
    for (const name of ['tls.key', 'tls.crt']) copyFileSync(join(folder(1), name), join(folder(0), name));
    const error = await refusal({});
    expect(error.code).toBe('CERTIFICATE_MISMATCH');
    expect(error.message).toContain('tls.crt');
  });

  it('CERTIFICATE_MISMATCH: the private key is another’s', async () => {
    copyFileSync(join(folder(1), 'tls.key'), join(folder(0), 'tls.key'));
    const error = await refusal({});
    expect(error.code).toBe('CERTIFICATE_MISMATCH');
    expect(error.message).not.toContain(readFileSync(join(folder(1), 'tls.key'), 'utf8').split('\n')[1]);
  });

  it('TLS_FILE_MISSING', async () => {
    rmSync(join(folder(0), 'tls.crt'));
    expect((await refusal({})).code).toBe('TLS_FILE_MISSING');
  });
});

describe('certificates', () => {
  function renewed(now: Date): void {
    const certificate = renewCertificate({
      tlsKeyPem: readFileSync(join(folder(0), 'tls.key'), 'utf8'),
      subject: {
        kind: 'replica',
        id: replicaId(0),
        host: '127.0.0.1',
        clusterId: files.description.clusterId,
      },
      caKeyPem: readFileSync(join(files.directory, 'ca/ca.key'), 'utf8'),
      caCertPem: files.description.certificateAuthority,
      now,
    });
    writeFileSync(join(folder(0), 'tls.crt'), certificate);
  }
  const monthsAgo = (months: number): Date => new Date(Date.now() - months * 30 * 86_400_000);

  it('expired: refused with the date', async () => {
    renewed(monthsAgo(25));
    const error = await refusal({});
    expect(error.code).toBe('CERTIFICATE_EXPIRED');
    expect(markerExists()).toBe(true);
  });

  it('about to expire: a warning', async () => {
    renewed(monthsAgo(24));
    const { log, lines } = keptLog();
    await start({ log });
    expect(lines.filter(({ level }) => level === 40).map(({ msg }) => msg)).toEqual([
      'the TLS certificate expires soon; renew it',
    ]);
  });
});

describe('start', () => {
  it.each([
    ['from the genesis the first time, from its vote log after that', 'sync', 'recovered'],
    ['from the genesis the first time, from its vote log after that', 'async', 'recovered'],
    ['from the genesis the first time, as an observer after that', 'memory', 'observer'],
  ] as const)('%s: %s', async (_how, durability, kind) => {
    const starts: ReplicaStart[] = [];
    const createCore: StartReplicaOptions['createCore'] = (_config, how) => {
      starts.push(how);
      return new FakeCore();
    };
    const before = Date.now();
    for (let i = 0; i < 2; i++) await (await start({ createCore, durability })).close();
    expect(starts[0]).toEqual({ kind: 'genesis' });
    expect(starts[1]).toMatchObject({ kind });
    expect(starts[1]?.kind === kind && starts[1].startedAt >= before).toBe(true);
  });

  it('of an empty directory only with the word for it', async () => {
    rmSync(join(folder(0), 'genesis'));
    expect((await refusal({})).code).toBe('DATA_DIRECTORY_EMPTY');
    const replica = await start({ rejoin: true });
    expect((await refusal({})).code).toBe('DATA_DIRECTORY_IN_USE');
    await replica.close();
    await start();
  });

  it('with a damaged vote log only with the word for it', async () => {
    await (await start()).close();
    writeFileSync(join(folder(0), 'votes', '0000000001.votes'), new Uint8Array(500));
    expect((await refusal({})).code).toBe('VOTE_LOG_DAMAGED');
    const { log, lines } = keptLog();
    await start({ repair: true, log });
    expect(lines[0]).toMatchObject({ level: 40, msg: 'vote-log-damaged' });
  });

  it.each(['sync', 'memory'] as const)(
    'on a port in use names the address, and goes another time: %s',
    async (durability) => {
      const blocker = createServer();
      await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
      const address = blocker.address();
      const port = typeof address === 'object' ? address?.port : 0;
      const error = await refusal({ listen: `127.0.0.1:${port}`, durability });
      expect(error.code).toBe('PORT_IN_USE');
      expect(error.message).toContain(`127.0.0.1:${port}`);
      expect(markerExists()).toBe(durability === 'memory');
      await new Promise((resolve) => blocker.close(resolve));
      await start({ durability });
    },
  );

  it('settings: defaults, then the cluster file, then the options', async () => {
    const text = readFileSync(files.clusterFile, 'utf8');
    writeFileSync(
      files.clusterFile,
      text.replace('settings: {}', 'settings:\n  requestTimeoutMs: 900\n  windowBatches: 4'),
    );
    const createCore = vi.fn(() => new FakeCore());
    await start({ createCore, settings: { windowBatches: 2 } });
    expect(createCore).toHaveBeenCalledWith(
      expect.objectContaining({
        id: 0,
        n: 4,
        requestTimeoutMs: 900,
        windowBatches: 2,
        batchOperationsMax: 512,
      }),
      { kind: 'genesis' },
    );
  });
});

describe('a running replica', () => {
  it('stops when the core halts, tells why, and closes its streams', async () => {
    const core = new FakeCore();
    core.react = (input) => (input.kind === 'read' ? [{ kind: 'halt', reason: 'STATE_DIVERGED' }] : []);
    const { log, lines } = keptLog();
    const replica = await start({ createCore: () => core, log });
    const client = connect(replica);
    await client.hello(files.description, replica.id, adminKey(files));
    client.send({ kind: 'read', readId: 1, operation: Uint8Array.of(1) });
    expect(await replica.stopped).toEqual({ kind: 'halted', reason: 'STATE_DIVERGED' });
    expect((await client.next('notice')).code).toBe('SHUTTING_DOWN');
    await client.ended;
    const fatal = lines.find(({ level }) => level === 60);
    expect(fatal).toMatchObject({
      reason: 'STATE_DIVERGED',
      remedy: expect.stringContaining('data directory') as unknown,
    });
  });

  it('closes once, and leaves no socket behind', async () => {
    const sockets = (): number =>
      process.getActiveResourcesInfo().filter((name) => /TCP|TLS/.test(name)).length;
    const before = sockets();
    const replica = await start({ metrics: { port: 0 } });
    const other = await start({
      id: 1,
      dataDir: folder(1),
      peerAddress: (id) => (id === 0 ? replica.address : null),
    });
    const client = connect(replica);
    await client.hello(files.description, replica.id, adminKey(files));
    await vi.waitFor(() => expect(other.status().peersConnected).toBe(1), { timeout: 10_000 });
    await Promise.all([replica.close(), replica.close(), other.close()]);
    expect(await replica.stopped).toEqual({ kind: 'closed' });
    expect((await client.next('notice')).code).toBe('SHUTTING_DOWN');
    client.close();
    await vi.waitFor(() => expect(sockets()).toBe(before), { timeout: 10_000 });
  });

  it('hands a read to the core and its answer back, and tells its status', async () => {
    const core = new FakeCore();
    core.executed = 12;
    core.react = (input: Input) =>
      input.kind === 'read'
        ? [{ kind: 'readReply', client: input.client, readId: input.readId, result: input.operation }]
        : [];
    const replica = await start({ createCore: () => core });
    const client = connect(replica);
    await client.hello(files.description, replica.id, adminKey(files));
    client.send(
      { kind: 'read', readId: 9, operation: Uint8Array.of(4, 2) },
      { kind: 'statusRequest', requestId: 3 },
    );
    expect(await client.next('readReply')).toEqual({
      kind: 'readReply',
      readId: 9,
      result: Uint8Array.of(4, 2),
    });
    expect(await client.next('statusReply')).toMatchObject({
      requestId: 3,
      replica: 0,
      executed: 12,
      stateDigest: 'cd'.repeat(32),
      peersConnected: 0,
      clientsConnected: 1,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/) as unknown,
      refusals: [],
      suspicions: [],
    });
  });

  it('ends the streams of a client that sent a forged envelope, does not let it in again, and tells of it', async () => {
    const core = new FakeCore();
    core.react = (input: Input) =>
      input.kind === 'read'
        ? [{ kind: 'evidence', from: input.client, code: 'ENVELOPE_NOT_AUTHENTIC' }]
        : input.kind === 'attached'
          ? [{ kind: 'evidence', from: replicaId(3), code: 'VOTE_CONFLICTS' }]
          : [];
    const replica = await start({ createCore: () => core });
    const client = connect(replica);
    await client.hello(files.description, replica.id, adminKey(files), sessionId(1));
    client.send({ kind: 'statusRequest', requestId: 1 });
    expect((await client.next('statusReply')).suspicions).toEqual([
      { of: 'replica 3', reason: 'VOTE_CONFLICTS', count: 1 },
    ]);
    client.send({ kind: 'read', readId: 9, operation: Uint8Array.of(4, 2) });
    expect((await client.next('notice')).code).toBe('CLIENT_FAULTY');
    expect(await client.ended).toBe(0);
    const again = connect(replica);
    void again.hello(files.description, replica.id, adminKey(files)).catch(() => undefined);
    expect((await again.next('notice')).code).toBe('CLIENT_FAULTY');
    await replica.close();
  });

  it('hands what a client follows to the core, its events back, and tells the core when the stream is gone', async () => {
    const core = new FakeCore();
    const feed = { session: sessionId(5), number: 3 };
    core.react = (input: Input) =>
      input.kind === 'follow'
        ? [
            {
              kind: 'feedEvent',
              ...feed,
              stream: input.stream,
              previous: input.after,
              sequence: 9,
              data: Uint8Array.of(4, 2),
            },
            { kind: 'feedTruncated', ...feed, stream: input.stream, after: 9 },
          ]
        : [];
    const replica = await start({ createCore: () => core });
    const [follower, other] = [connect(replica), connect(replica)];
    for (const client of [follower, other])
      await client.hello(files.description, replica.id, adminKey(files), feed.session);
    follower.send({ kind: 'follow', ...feed, after: 7 });
    const event = await follower.next('feedEvent');
    expect(event).toEqual({
      kind: 'feedEvent',
      ...feed,
      previous: 7,
      sequence: 9,
      data: Uint8Array.of(4, 2),
    });
    expect(await follower.next('feedTruncated')).toEqual({ kind: 'feedTruncated', ...feed, after: 9 });
    other.close();
    follower.close();
    await vi.waitFor(() => expect(core.inputs.some(({ kind }) => kind === 'streamClosed')).toBe(true), {
      timeout: 10_000,
    });
    const kinds = core.inputs.map(({ kind }) => kind).filter((kind) => kind !== 'tick');
    expect(kinds).toEqual(['attached', 'attached', 'follow', 'streamClosed']);
  });

  it('refuses a hello that was signed for another replica', async () => {
    const replica = await start();
    const client = connect(replica);
    void client.hello(files.description, replicaId(1), adminKey(files));
    expect((await client.next('notice')).code).toBe('HELLO_REFUSED');
    await client.ended;
    expect(replica.status().drops).toEqual({ HELLO_REFUSED: 1 });
  });

  it('lets in who is a client in its state, and out who is none any more', async () => {
    const core = new FakeCore();
    const admin = clientId(adminKey(files).publicKey);
    core.strangers.add(admin);
    const replica = await start({ createCore: () => core });
    const early = connect(replica);
    void early.hello(files.description, replica.id, adminKey(files));
    expect((await early.next('notice')).code).toBe('UNKNOWN_CLIENT');
    await early.ended;
    core.strangers.delete(admin);
    const client = connect(replica);
    await client.hello(files.description, replica.id, adminKey(files));
    core.react = (input) => (input.kind === 'read' ? [{ kind: 'clientEnded', client: admin }] : []);
    client.send({ kind: 'read', readId: 1, operation: Uint8Array.of(1) });
    expect((await client.next('notice')).code).toBe('UNKNOWN_CLIENT');
    await client.ended;
    expect(replica.status()).toMatchObject({ clientsConnected: 0, drops: { UNKNOWN_CLIENT: 2 } });
  });

  it('knows the clients that the cluster file lists, without following the file', async () => {
    const { createCore: _, ...options } = optionsOf();
    const replica = await startReplica(options);
    running.push(replica);
    const { key } = generateIdentityKey();
    const clients = [...files.description.clients, { name: 'alice', publicKey: clientId(key.publicKey) }];
    writeFileSync(files.clusterFile, formatClusterFile({ ...files.description, clients }));
    const alice = connect(replica);
    void alice.hello(files.description, replica.id, key);
    expect((await alice.next('notice')).code).toBe('UNKNOWN_CLIENT');
    const admin = connect(replica);
    expect((await admin.hello(files.description, replica.id, adminKey(files))).view).toBe(0);
  });

  it('serves its health and metrics only when asked to', async () => {
    const core = new FakeCore();
    core.react = (input) =>
      input.kind === 'read' ? [{ kind: 'evidence', from: replicaId(1), code: 'BAD_SIGNATURE' }] : [];
    const replica = await start({ createCore: () => core, metrics: { port: 0 } });
    const client = connect(replica);
    await client.hello(files.description, replica.id, adminKey(files));
    client.send({ kind: 'read', readId: 1, operation: Uint8Array.of(1) });
    client.send({ kind: 'statusRequest', requestId: 1 });
    await client.next('statusReply');
    const url = `http://127.0.0.1:${replica.metricsPort}`;
    const health = await fetch(`${url}/healthz`);
    expect([health.status, await health.json()]).toEqual([
      200,
      { status: 'ok', view: 0, executed: 0, isObserver: false },
    ]);
    await vi.waitFor(async () => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toContain('theodora_evidence_total{code="BAD_SIGNATURE"} 1');
      expect(metrics).toContain('theodora_clients_connected 1');
      expect(metrics).toContain('theodora_size{name="slots"} 3');
      expect(metrics).toContain('theodora_queued_bytes{peer="1"} 0');
    });
    expect((await fetch(`${url}/other`)).status).toBe(404);
    const quiet = await start({ id: 1, dataDir: folder(1) });
    expect(quiet.metricsPort).toBeNull();
  });

  it('logs no secret and no line per frame', async () => {
    const { log, lines } = keptLog();
    const replica = await start({ log });
    const client = connect(replica);
    await client.hello(files.description, replica.id, adminKey(files));
    for (let i = 0; i < 50; i++) client.sendBytes(Uint8Array.of(0xff, 0xff));
    for (let i = 0; i < 50; i++) await client.next('notice');
    await replica.close();
    expect(lines.map(({ msg }) => msg)).toEqual(['replica started', 'replica closed']);
    const text = JSON.stringify(lines);
    expect(text).not.toMatch(/PRIVATE KEY/);
  });
});
