/** The client library against four replicas over TLS and gRPC, all in this process. */
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { any, clusterStatus, connect, formal } from '../../src/client/index.js';
import type { Client, ClusterDescription, ConnectOptions } from '../../src/client/index.js';
import { createClientMaterial } from '../../src/crypto/index.js';
import { adminKey, makeClusterFiles, startCluster, tlsMaterial } from '../support/cluster-files.js';
import type { ClusterFiles } from '../support/cluster-files.js';
import type { RunningReplica } from '../../src/replica/index.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Cluster {
  readonly files: ClusterFiles;
  readonly replicas: readonly RunningReplica[];
  /** With the addresses that the system chose. */
  readonly description: ClusterDescription;
  options(): ConnectOptions;
  connect(): Promise<Client>;
}

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function cluster(isStarted = true): Promise<Cluster> {
  const files = await makeClusterFiles();
  cleanUps.push(() => files.remove());
  const replicas = isStarted ? await startCluster(files) : [];
  cleanUps.push(async () => {
    await Promise.all(replicas.map((replica) => replica.close()));
  });
  const description = {
    ...files.description,
    replicas: files.description.replicas.map((replica, id) => ({
      ...replica,
      address: replicas[id]?.address ?? replica.address,
    })),
  };
  const { key, certificate } = tlsMaterial(files, 'clients/admin');
  const keys = { identityKey: adminKey(files), tlsKey: key, tlsCertificate: certificate };
  const options = (): ConnectOptions => ({ cluster: description, identity: 'admin', keys });
  return {
    files,
    replicas,
    description,
    options,
    connect: async () => {
      const client = await connect(options());
      cleanUps.push(() => client.close());
      return client;
    },
  };
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error,
  );

describe('a client of four replicas', () => {
  it('does every operation', async () => {
    const client = await (await cluster()).connect();
    const space = client.space('default');
    const first = await space.out(['job', 1, 'queued']);
    expect(first).toMatchObject({ tuple: ['job', 1, 'queued'], owner: 'admin' });
    expect(typeof first.id).toBe('bigint');
    const second = await space.out(['job', 2, new Uint8Array([1, 2, 3])]);
    expect(second.id).toBeGreaterThan(first.id);

    expect(await space.rdp(['job', any, any])).toEqual(first);
    expect(await space.rdp(['job', any, formal.bytes])).toEqual(second);
    expect(await space.rdp(['nothing'])).toBeNull();
    expect(await space.count(['job', any, any])).toBe(2);
    expect(await space.rdAll(['job', any, any])).toEqual([first, second]);
    expect(await space.rdAll(['job', any, any], { limit: 1, after: first.id })).toEqual([second]);

    expect(await space.cas(['job', 1, any], ['job', 1, 'again'])).toEqual({ inserted: false, entry: first });
    const won = await space.cas(['leader', any], ['leader', client.id]);
    expect(won).toMatchObject({ inserted: true, entry: { tuple: ['leader', client.id], owner: 'admin' } });
    expect(await space.replace(['job', 1, any], ['job', 1, 'done'])).toEqual(first);
    expect(await space.inp(['job', 1, any])).toMatchObject({ tuple: ['job', 1, 'done'] });
    expect(await space.inAll(['job', any, any])).toEqual([second]);
    expect(await space.count(['job', any, any])).toBe(0);
    expect(await failure(client.space('elsewhere').out([1]))).toMatchObject({
      name: 'RefusedError',
      code: 'NO_SUCH_SPACE',
    });
  });

  it('holds leases, which end without traffic once they are not renewed', async () => {
    const client = await (await cluster()).connect();
    const space = client.space('default');
    const options = { lease: 2_500, hold: true } as const;
    const won = await space.cas(['leader', any], ['leader', client.id], options);
    if (!won.inserted) throw new Error('nobody else is there');
    const { entry, lease } = won;
    expect(entry.deadline).toBeGreaterThan(0);
    expect([lease.fencingToken, lease.isHeld()]).toEqual([entry.id, true]);
    expect(await space.cas(['leader', any], ['leader', 'other'], options)).toMatchObject({
      inserted: false,
      entry: { id: entry.id },
    });
    // Beyond its first deadline it is there because it was renewed.
    let seen = await space.rdp(['leader', any]);
    while (seen!.deadline! <= entry.deadline! + 2_500) seen = await space.rdp(['leader', any]);
    expect(seen!.id).toBe(entry.id);
    lease.check();

    expect(await space.renew(['leader', client.id], 60_000)).toMatchObject({ id: entry.id });
    expect(await space.renew(['nothing'], 60_000)).toBeNull();
    expect(await lease.release()).toBe(true);
    expect(await space.rdp(['leader', any])).toBeNull();

    const unheld = await space.out(['soon gone'], { lease: 2_200 });
    while ((await space.rdp(['soon gone'])) !== null);
    expect(await space.renew(['soon gone'], 60_000)).toBeNull();
    expect((await space.out(['soon gone'])).id).toBeGreaterThan(unheld.id);
    expect(await failure(space.out(['short'], { lease: 2_199 }))).toMatchObject({
      code: 'LEASE_TOO_SHORT',
      fields: { operation: 'out', leaseMinMs: 2_200 },
    });
  });

  it("tells holders of equal tuples that they get in each other's way", async () => {
    const client = await (await cluster()).connect();
    const space = client.space('default');
    const options = { lease: 60_000, hold: true } as const;
    const older = await space.out(['alive', 'me'], options);
    const younger = await space.out(['alive', 'me'], options);
    expect(await failure(younger.lease.release())).toMatchObject({
      code: 'ANOTHER_ENTRY_TAKEN',
      fields: { entry: older.entry.id, fencingToken: younger.entry.id },
    });
    const third = await space.out(['alive', 'me'], { lease: 2_400, hold: true });
    await once(third.lease.lost, 'abort');
    expect(third.lease.lost.reason).toMatchObject({ code: 'LEASE_LOST', fields: { reason: 'gone' } });
  });

  it('a closed client renews nothing any more', async () => {
    const four = await cluster();
    const [holder, other] = [await four.connect(), await four.connect()];
    const { entry, lease } = await holder.space('default').out(['alive', 'me'], { lease: 2_400, hold: true });
    await holder.close();
    while ((await other.space('default').rdp(['alive', 'me'])) !== null);
    expect(lease.isHeld()).toBe(false);
    expect(lease.lost.reason).toMatchObject({ code: 'LEASE_LOST', fields: { fencingToken: entry.id } });
  });

  it('does 2,000 operations at once, each exactly once', async () => {
    const client = await (await cluster()).connect();
    const space = client.space('default');
    const numbers = Array.from({ length: 2_000 }, (_, i) => i);
    const entries = await Promise.all(numbers.map((i) => space.out(['n', i], { timeout: 50_000 })));
    expect(new Set(entries.map(({ id }) => id)).size).toBe(2_000);
    expect(entries.map(({ tuple }) => tuple[1])).toEqual(numbers);
    expect(await space.count(['n', any])).toBe(2_000);
  });

  it('serves two clients of one identity in sessions of their own', async () => {
    const four = await cluster();
    const [one, other] = [await four.connect(), await four.connect()];
    const outs = Array.from({ length: 50 }, (_, i) =>
      (i % 2 === 0 ? one : other).space('default').out(['n', i]),
    );
    expect(new Set((await Promise.all(outs)).map(({ id }) => id)).size).toBe(50);
    expect(await one.space('default').count(['n', any])).toBe(50);
  });

  it('goes on after the loss of the primary, with clients that connect then too (pitfall 9)', async () => {
    const four = await cluster();
    const client = await four.connect();
    const space = client.space('default');
    await space.out(['n', 1]);
    await four.replicas[0]!.close();
    await space.out(['n', 2], { timeout: 30_000 });
    expect(await space.count(['n', any])).toBe(2);
    const status = await client.status();
    expect(status.map(({ id, reachable }) => [id, reachable])).toEqual([
      [0, false],
      [1, true],
      [2, true],
      [3, true],
    ]);
    expect(status[0]).toMatchObject({
      reason: expect.stringMatching(/connection refused|SHUTTING_DOWN|lost/),
    });
    expect(status[1]).toMatchObject({ version: expect.any(String), stateDigest: expect.any(String) });
    const late = await four.connect();
    await late.space('default').out(['n', 3], { timeout: 30_000 });
    expect(await space.count(['n', any])).toBe(3);
  });

  it('tells that the outcome is unknown when too few replicas are left', async () => {
    const four = await cluster();
    const client = await four.connect();
    await client.space('default').out(['n', 1]);
    await Promise.all([1, 2, 3].map((id) => four.replicas[id]!.close()));
    expect(await failure(client.space('default').out(['n', 2], { timeout: 500 }))).toMatchObject({
      name: 'UnknownOutcomeError',
      code: 'OUTCOME_UNKNOWN',
    });
    await four.replicas[0]!.close();
    const reachable = (await client.status({ timeout: 10_000 })).filter((one) => one.reachable);
    expect(reachable).toEqual([]);
  });

  it('ends a call at once when it is aborted or the client is closed', async () => {
    const four = await cluster();
    const client = await four.connect();
    const space = client.space('default');
    await space.out(['n', 1]);
    await Promise.all([1, 2, 3].map((id) => four.replicas[id]!.close()));
    const abort = new AbortController();
    const aborted = failure(space.out(['n', 2], { signal: abort.signal }));
    const closed = failure(space.out(['n', 3]));
    abort.abort(new Error('changed my mind'));
    expect(await aborted).toEqual(new Error('changed my mind'));
    await client.close();
    expect(await closed).toMatchObject({ name: 'UnavailableError', code: 'CLIENT_CLOSED' });
  });
});

describe('operations that wait', () => {
  it('end with a match, in order of arrival, or when their time is over', async () => {
    const four = await cluster();
    const [waiter, other] = [await four.connect(), await four.connect()];
    const space = waiter.space('default');
    const [reader, taker, second] = [space.rd(['job', any]), space.in(['job', any]), space.in(['job', any])];
    expect(await space.rd(['nothing'], { timeout: 300 })).toBeNull();
    expect(await space.in(['nothing'], { timeout: 300 })).toBeNull();
    const entry = await other.space('default').out(['job', 1]);
    expect(await reader).toEqual(entry);
    expect(await taker).toEqual(entry);
    expect(await space.rdp(['job', any])).toBeNull();
    const next = await other.space('default').out(['job', 2]);
    expect(await second).toEqual(next);
    const there = await space.out(['job', 3]);
    expect(await space.rd(['job', any])).toEqual(there);
    expect(await space.in(['job', any])).toEqual(there);
  });

  it('are cancelled when they are aborted, and take nothing afterwards', async () => {
    const client = await (await cluster()).connect();
    const space = client.space('default');
    const abort = new AbortController();
    const reason = new Error('changed my mind');
    const aborted = failure(space.in(['job', any], { signal: abort.signal }));
    expect(await space.rd(['nothing'], { timeout: 200 })).toBeNull();
    abort.abort(reason);
    expect(await aborted).toBe(reason);
    const entry = await space.out(['job', 1]);
    expect(await space.rdp(['job', any])).toEqual(entry);
  });

  it('an aborted in either took the entry or left it', async () => {
    const client = await (await cluster()).connect();
    const space = client.space('default');
    for (let round = 0; round < 20; round++) {
      const abort = new AbortController();
      const taken = space.in(['job', round], { signal: abort.signal });
      const outcome = taken.catch(() => null);
      const inserted = space.out(['job', round]);
      abort.abort();
      const [entry, found] = await Promise.all([inserted, outcome]);
      expect(await space.inp(['job', round])).toEqual(found === null ? entry : null);
    }
  });

  it('survive the loss of the primary', async () => {
    const four = await cluster();
    const client = await four.connect();
    const space = client.space('default');
    const taken = space.in(['job', any]);
    await space.out(['other']);
    await four.replicas[0]!.close();
    const entry = await space.out(['job', 1], { timeout: 30_000 });
    expect(await taken).toEqual(entry);
  });

  it('are cancelled when the client is closed', async () => {
    const four = await cluster();
    const [client, other] = [await four.connect(), await four.connect()];
    const waiting = failure(client.space('default').in(['job', any]));
    expect(await client.space('default').rd(['nothing'], { timeout: 200 })).toBeNull();
    await client.close();
    expect(await waiting).toMatchObject({ code: 'CLIENT_CLOSED' });
    const entry = await other.space('default').out(['job', 1]);
    expect(await other.space('default').rdp(['job', any])).toEqual(entry);
  });
});

describe('subscriptions', () => {
  it('tell what happens, from now on or from an event on', async () => {
    const client = await (await cluster()).connect();
    const space = client.space('default');
    const subscription = space.subscribe(['job', any]);
    const first = await subscription.started;
    const entry = await space.out(['job', 1]);
    await space.out(['other', 1]);
    const replaced = await space.replace(['job', 1], ['job', 2]);
    await space.inp(['job', 2]);
    const seen: { kind: string; sequence: number; id: bigint }[] = [];
    for await (const { kind, sequence, entry } of subscription) {
      seen.push({ kind, sequence, id: entry.id });
      if (kind === 'taken') break;
    }
    expect(replaced).toEqual(entry);
    expect(seen.map(({ kind }) => kind)).toEqual(['inserted', 'replaced', 'inserted', 'taken']);
    expect(seen[0]).toMatchObject({ sequence: first, id: entry.id });
    const again: number[] = [];
    for await (const { sequence } of space.subscribe(['job', any], { from: seen[1]!.sequence })) {
      again.push(sequence);
      if (again.length === 3) break;
    }
    expect(again).toEqual(seen.slice(1).map(({ sequence }) => sequence));
  });

  it('tell thousands of events to somebody slow, without a gap, past the loss of a replica', async () => {
    const four = await cluster();
    const client = await four.connect();
    const space = client.space('default');
    const subscription = space.subscribe(['n', any]);
    await subscription.started;
    const count = 2_000;
    for (let i = 0; i < count; i += 500) {
      const batch = Array.from({ length: 500 }, (_, j) => space.out(['n', i + j], { timeout: 50_000 }));
      await Promise.all(batch);
      if (i === 500) await four.replicas[3]!.close();
    }
    const sequences: number[] = [];
    for await (const { sequence } of subscription) {
      sequences.push(sequence);
      if (sequences.length === count) break;
    }
    expect(sequences).toEqual(Array.from({ length: count }, (_, index) => sequences[0]! + index));
  });

  it('end with the client', async () => {
    const client = await (await cluster()).connect();
    const subscription = client.space('default').subscribe(['job']);
    await subscription.started;
    const iterated = (async () => {
      for await (const event of subscription) throw new Error(`no event was to come: ${event.kind}`);
    })();
    await client.close();
    await iterated;
  });
});

describe('connect', () => {
  it('to nobody: says of each replica why', async () => {
    const none = await cluster(false);
    const error = await failure(connect({ ...none.options(), timeoutMs: 1_000 }));
    expect(error).toMatchObject({
      name: 'UnavailableError',
      code: 'CLUSTER_UNREACHABLE',
      fields: {
        needed: 2,
        replicas: none.description.replicas.map(({ id, address }) => ({
          id,
          address,
          reason: 'connection refused',
        })),
      },
    });
    const status = await clusterStatus({ ...none.options(), timeoutMs: 5_000 });
    expect(status.map((one) => one.reachable)).toEqual([false, false, false, false]);
  });

  it('to replicas whose keys are not those of the cluster file: names the certificate', async () => {
    const four = await cluster();
    const [zero, one, two, three] = four.description.replicas;
    const swapped = {
      ...four.description,
      replicas: [zero!, one!, { ...two!, address: three!.address }, { ...three!, address: two!.address }],
    };
    const status = await clusterStatus({ ...four.options(), cluster: swapped });
    expect(status.map((each) => each.reachable)).toEqual([true, true, false, false]);
    expect(status[2]).toMatchObject({ reason: expect.stringContaining('not the one pinned') });
  });

  it('with a certificate of another CA: is refused', async () => {
    const four = await cluster();
    const other = await makeClusterFiles();
    cleanUps.push(() => other.remove());
    const foreign = tlsMaterial(other, 'clients/admin');
    const keys = {
      identityKey: adminKey(four.files),
      tlsKey: foreign.key,
      tlsCertificate: foreign.certificate,
    };
    const error = await failure(connect({ ...four.options(), keys, timeoutMs: 1_000 }));
    expect(error).toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
  });

  it('as somebody whom the replicas do not know: is refused by f+1 of them', async () => {
    const four = await cluster();
    const read = (path: string): string => readFileSync(join(four.files.directory, path), 'utf8');
    const { publicKey } = await createClientMaterial({
      name: 'bob',
      caKeyPem: read('ca/ca.key'),
      caCertPem: read('ca/ca.crt'),
      now: new Date(),
    });
    const clients = [...four.description.clients, { name: 'bob', publicKey }];
    const { key, certificate } = tlsMaterial(four.files, 'clients/admin');
    // Signs with a key that no replica has in its cluster file.
    const identityKey = { publicKey, sign: () => new Uint8Array(64), agree: () => null };
    const error = await failure(
      connect({
        cluster: { ...four.description, clients },
        identity: 'bob',
        keys: { identityKey, tlsKey: key, tlsCertificate: certificate },
      }),
    );
    expect(error).toMatchObject({ name: 'RefusedError', code: 'HELLO_REFUSED' });
  });

  it('can be aborted', async () => {
    const none = await cluster(false);
    const abort = new AbortController();
    const connecting = failure(connect({ ...none.options(), signal: abort.signal }));
    abort.abort(new Error('changed my mind'));
    expect(await connecting).toEqual(new Error('changed my mind'));
  });
});

it('a closed client leaves nothing behind that keeps the process alive', async () => {
  const four = await cluster();
  const client = await connect(four.options());
  await client.space('default').out(['n', 1]);
  await client.space('default').rdp(['n', any]);
  await client.close();
  await Promise.all(four.replicas.map((replica) => replica.close()));
  const connections = (): string[] =>
    process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Connect/.test(name));
  await vi.waitFor(() => expect(connections()).toEqual([]), 10_000);
});
