/** Snapshots of four replicas in this process, one of which lies about its state. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PageTree, sequenceNumber } from '../../src/base/index.js';
import { connect, readSnapshot, saveSnapshot, type Client } from '../../src/client/index.js';
import type { SaveSnapshotOptions } from '../../src/client/index.js';
import { createAuthenticator, readIdentityKey, sha256 } from '../../src/crypto/index.js';
import {
  OrderingReplica,
  type OrderingConfig,
  type Start,
  type StateToSave,
} from '../../src/ordering/index.js';
import type { RunningReplica } from '../../src/replica/index.js';
import { createService } from '../../src/service/index.js';
import { contentsOf } from '../../src/cli/snapshot-contents.js';
import { adminKey, makeClusterFiles, startCluster, tlsMaterial } from '../support/cluster-files.js';
import type { ClusterFiles } from '../support/cluster-files.js';

let directory: string;
let cleanUps: (() => Promise<unknown> | void)[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'theodora-snapshot-'));
  cleanUps = [() => rmSync(directory, { recursive: true, force: true })];
});
afterEach(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

type Lie = (state: StateToSave) => StateToSave;

/** Replica 0 shows another state than it has. */
class Liar extends OrderingReplica {
  lie: Lie = (state) => state;

  override stableState(): StateToSave | null {
    const state = super.stableState();
    return state === null ? null : this.lie(state);
  }
}

function coreOf(files: ClusterFiles, lie: Lie) {
  return (config: OrderingConfig, start: Start): OrderingReplica => {
    const cluster = files.description;
    const key = readIdentityKey(join(files.directory, `replica-${config.id}`, 'replica.key'));
    const authenticator = createAuthenticator({ cluster, key });
    const stateMachine = createService({ hash: sha256, clients: cluster.clients });
    const core = new Liar({ config, authenticator, stateMachine, start });
    if (config.id === 0) core.lie = lie;
    return core;
  };
}

interface World {
  readonly replicas: readonly RunningReplica[];
  readonly client: Client;
  readonly options: SaveSnapshotOptions;
  readonly description: ClusterFiles['description'];
}

async function world(lie: Lie = (state) => state): Promise<World> {
  const files = await makeClusterFiles();
  cleanUps.push(() => files.remove());
  const replicas = await startCluster(files, () => ({ createCore: coreOf(files, lie) }));
  cleanUps.push(() => Promise.all(replicas.map((replica) => replica.close())));
  const description = {
    ...files.description,
    replicas: files.description.replicas.map((one, id) => ({ ...one, address: replicas[id]!.address })),
  };
  const { key: tlsKey, certificate: tlsCertificate } = tlsMaterial(files, 'clients/admin');
  const keys = { identityKey: adminKey(files), tlsKey, tlsCertificate };
  const identity = { cluster: description, identity: 'admin', keys, timeoutMs: 20_000 };
  const client = await connect(identity);
  cleanUps.push(() => client.close());
  return { replicas, client, options: { ...identity, path: join(directory, 'a.snapshot') }, description };
}

async function entriesOf({ options, description }: World): Promise<number> {
  const snapshot = await readSnapshot(options.path, description);
  return contentsOf(snapshot, description, options.path).entries;
}

function altered({ certificate, ordering, application }: StateToSave): StateToSave {
  const tree = PageTree.of(sha256, application);
  tree.put([...application.pages.keys()].at(-1)!, Uint8Array.of(6, 6, 6));
  return { certificate, ordering, application: tree.snapshot() };
}

const lies: readonly (readonly [string, Lie])[] = [
  ['another state under the certificate', altered],
  [
    'a certificate of its own making',
    (state) => ({
      ...altered(state),
      certificate: { ...state.certificate, sequenceNumber: sequenceNumber(1_000_000) },
    }),
  ],
];

describe('a snapshot of a running cluster', () => {
  it.each(lies)('is right although a replica shows %s', async (_, lie) => {
    const at = await world(lie);
    const space = at.client.space('default');
    for (let i = 0; i < 50; i++) await space.out(['entry', i]);
    await saveSnapshot(at.options);
    expect(await entriesOf(at)).toBe(50);
  });

  it('has what was acknowledged before it, under load and with a replica down', async () => {
    const at = await world();
    const space = at.client.space('default');
    let isOver = false;
    let count = 0;
    const load = async (): Promise<void> => {
      while (!isOver) await space.out(['entry', ++count, 'x'.repeat(2_000)]);
    };
    const loads = Array.from({ length: 8 }, load);
    await space.out(['known']);
    await at.replicas[3]!.close();
    const known =
      (await space.count(['known'])) + (await space.rdAll(['entry', 1, 'x'.repeat(2_000)])).length;
    const { sequenceNumber: first } = await saveSnapshot(at.options);
    expect(await entriesOf(at)).toBeGreaterThanOrEqual(known);
    const before = count;
    const { sequenceNumber: second } = await saveSnapshot(at.options);
    isOver = true;
    await Promise.all(loads);
    expect(second).toBeGreaterThan(first);
    // Of each load one may have been under way.
    expect(await entriesOf(at)).toBeGreaterThanOrEqual(before - loads.length);
  });

  it('of the last checkpoint needs one replica, and a checkpoint', async () => {
    const at = await world();
    await at.client.space('default').out(['entry']);
    const options = { ...at.options, lastCheckpoint: true };
    await expect(saveSnapshot(options)).rejects.toMatchObject({ code: 'NO_STABLE_CHECKPOINT' });
    expect(existsSync(options.path)).toBe(false);
    const complete = await saveSnapshot(at.options);
    for (const replica of at.replicas.slice(0, 3)) await replica.close();
    const { stateDigest } = await saveSnapshot(options);
    expect([await entriesOf(at), stateDigest]).toEqual([1, complete.stateDigest]);
    await expect(saveSnapshot({ ...at.options, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
    });
  });
});
