/** A cluster's files in a temporary directory, and replicas of it on ports that the system chooses. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino, type Logger } from 'pino';
import { createClusterMaterial, readIdentityKey } from '../../src/crypto/index.js';
import type { ClusterDescription, IdentityKey } from '../../src/crypto/index.js';
import { startReplica } from '../../src/replica/index.js';
import type { RunningReplica, StartReplicaOptions } from '../../src/replica/index.js';
import type { TlsMaterial } from '../../src/replica/transport/dial.js';

export const silent: Logger = pino({ level: 'silent' });

export interface ClusterFiles {
  readonly directory: string;
  readonly clusterFile: string;
  readonly description: ClusterDescription;
  remove(): void;
}

/** The addresses in the file are placeholders: tests listen on port 0. */
export async function makeClusterFiles(n = 4, now = new Date()): Promise<ClusterFiles> {
  const directory = mkdtempSync(join(tmpdir(), 'theodora-'));
  const hosts = Array.from({ length: n }, (_, i) => `127.0.0.1:${i + 1}`);
  const { description, files } = await createClusterMaterial({ hosts, now });
  for (const { path, content, mode } of files) {
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content, { mode });
  }
  return {
    directory,
    clusterFile: join(directory, 'cluster.yaml'),
    description,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export function tlsMaterial({ directory, description }: ClusterFiles, folder: string): TlsMaterial {
  return {
    certificateAuthority: description.certificateAuthority,
    key: readFileSync(join(directory, folder, 'tls.key'), 'utf8'),
    certificate: readFileSync(join(directory, folder, 'tls.crt'), 'utf8'),
  };
}

export function adminKey({ directory }: ClusterFiles): IdentityKey {
  return readIdentityKey(join(directory, 'clients/admin/identity.key'));
}

/** Starts every replica of a cluster in this process; `options` are asked for once a replica. */
export async function startCluster(
  files: ClusterFiles,
  options: () => Partial<StartReplicaOptions> = () => ({}),
): Promise<readonly RunningReplica[]> {
  const addresses = new Map<number, string>();
  const replicas: RunningReplica[] = [];
  for (const { id } of files.description.replicas) {
    const replica = await startReplica({
      clusterFile: files.clusterFile,
      id,
      dataDir: join(files.directory, `replica-${id}`),
      listen: '127.0.0.1:0',
      peerAddress: (peer) => addresses.get(peer) ?? null,
      log: silent,
      ...options(),
    });
    addresses.set(id, replica.address);
    replicas.push(replica);
  }
  return replicas;
}
