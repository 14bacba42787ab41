/** Replicas whose disks fill up, and a client of them. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect, RefusedError, UnknownOutcomeError, type Client } from '../../src/client/index.js';
import type { RunningReplica } from '../../src/replica/index.js';
import { adminKey, makeClusterFiles, startCluster, tlsMaterial } from '../support/cluster-files.js';
import type { ClusterFiles } from '../support/cluster-files.js';

const plenty = 1 << 30;
let free: number[];
let files: ClusterFiles;
let replicas: readonly RunningReplica[] = [];
let client: Client;

beforeEach(async () => {
  free = [plenty, plenty, plenty, plenty];
  files = await makeClusterFiles();
  let started = 0;
  replicas = await startCluster(files, () => {
    const id = started++;
    return { freeBytes: () => Promise.resolve(free[id]!) };
  });
  const { description } = files;
  const { key, certificate } = tlsMaterial(files, 'clients/admin');
  client = await connect({
    cluster: {
      ...description,
      replicas: description.replicas.map((replica, id) => ({ ...replica, address: replicas[id]!.address })),
    },
    identity: 'admin',
    keys: { identityKey: adminKey(files), tlsKey: key, tlsCertificate: certificate },
  });
});
afterEach(async () => {
  await client.close();
  await Promise.all(replicas.map((replica) => replica.close()));
  files.remove();
});

const out = (number: number): Promise<unknown> => client.space('default').out(['step', number]);

/** Tries until the outcome is this one. */
const until = (outcome: 'refused' | 'done'): Promise<unknown> =>
  vi.waitUntil(
    () =>
      out(0).then(
        () => outcome === 'done',
        (error: unknown) => {
          // What was sent while some replicas knew and others did not.
          if (error instanceof UnknownOutcomeError) return false;
          expect(error).toBeInstanceOf(RefusedError);
          expect(error).toMatchObject({ code: 'DISK_FULL' });
          return outcome === 'refused';
        },
      ),
    { timeout: 20_000, interval: 20 },
  );

describe('disks that fill up', () => {
  it('turn writes into refusals, but not fast reads, until there is room again', async () => {
    await out(1);
    free.fill(1_000);
    await until('refused');
    expect(await client.space('default').rdp(['step', 1])).not.toBeNull();
    free.fill(plenty);
    await until('done');
    expect(replicas.every((replica) => !replica.status().isObserver)).toBe(true);
  });

  it('stop nothing at f replicas, the primary among them', async () => {
    await out(1);
    free[0] = 1_000;
    await vi.waitUntil(
      async () => {
        await out(2);
        return (replicas[0]!.status().drops['DISK_FULL'] ?? 0) > 0;
      },
      { timeout: 20_000, interval: 20 },
    );
    for (let i = 3; i < 6; i++) await out(i);
    expect(replicas[0]!.status().view).toBe(0);
  });
});
