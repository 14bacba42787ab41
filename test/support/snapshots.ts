/** Clusters of keys alone, states that their replicas have signed, and files of them. */
import { PageTree, clientId, replicaId, sequenceNumber, type ReplicaId } from '../../src/base/index.js';
import { encodeCheckpointBody, stateDigestOf } from '../../src/codec/index.js';
import { generateIdentityKey, purposeBytes, sha256 } from '../../src/crypto/index.js';
import type { ClusterDescription, IdentityKey } from '../../src/crypto/index.js';
import { SnapshotWriter } from '../../src/client/snapshot-file.js';
import type { StateToSave } from '../../src/ordering/index.js';

export interface KeyedCluster {
  readonly cluster: ClusterDescription;
  readonly keys: readonly IdentityKey[];
}

export function keyedCluster(clusterId = 'c1'.repeat(16), n = 4): KeyedCluster {
  const keys = Array.from({ length: n }, () => generateIdentityKey().key);
  const replicas = keys.map(({ publicKey }, index) => ({
    id: replicaId(index),
    address: `127.0.0.1:${index + 1}`,
    publicKey,
    tlsFingerprint: '00'.repeat(32),
  }));
  const clients = [{ name: 'admin', publicKey: clientId('ad'.repeat(32)) }];
  const cluster = {
    version: 1,
    clusterId,
    replicas,
    certificateAuthority: '',
    clients,
    settings: {},
  } as const;
  return { cluster, keys };
}

type Pages = Readonly<Record<number, Uint8Array>>;

function treeOf(pages: Pages): PageTree {
  const tree = new PageTree(sha256);
  for (const [number, bytes] of Object.entries(pages)) tree.put(Number(number), bytes);
  return tree;
}

/** A state of these pages, signed by these replicas. */
export function signedState(
  { cluster, keys }: KeyedCluster,
  at: number,
  [orderingPages, applicationPages]: readonly [Pages, Pages],
  signers: readonly number[] = [0, 1, 2],
): StateToSave {
  const ordering = treeOf(orderingPages).snapshot();
  const application = treeOf(applicationPages).snapshot();
  const stateDigest = stateDigestOf(sha256, ordering.root, application.root);
  const body = { sequenceNumber: sequenceNumber(at), stateDigest };
  const bytes = purposeBytes('checkpoint', cluster.clusterId, encodeCheckpointBody(body));
  const signatures = signers.map((id): { replica: ReplicaId; signature: Uint8Array } => ({
    replica: replicaId(id),
    signature: keys[id]!.sign(bytes),
  }));
  return { certificate: { ...body, signatures }, ordering, application };
}

export async function writeSnapshot(path: string, clusterId: string, state: StateToSave): Promise<void> {
  const writer = await SnapshotWriter.create(path);
  await writer.begin(clusterId, state.certificate);
  for (const section of [0, 1] as const) {
    const { pages } = section === 0 ? state.ordering : state.application;
    for (const number of [...pages.keys()].sort((a, b) => a - b))
      await writer.page(section, number, pages.get(number)!);
  }
  await writer.finish();
}
