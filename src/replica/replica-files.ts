/**
 * What a replica is started with: the cluster file and its own keys, checked to belong together before
 * anything listens or any file changes. A wrong folder or file must be found here, by name, not later by
 * peers that refuse to talk.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { InvalidInputError, type ReplicaId } from '../base/index.js';
import { parseClusterFile, readIdentityKey, readSharingKey, sharingKeysOf } from '../crypto/index.js';
import type { ClusterDescription, IdentityKey, ReplicaDescription } from '../crypto/index.js';
import type { ShareSettings } from './share-jobs.js';
import { readTlsIdentity, type TlsIdentity } from './transport/tls-files.js';

export interface ReplicaFiles {
  readonly cluster: ClusterDescription;
  readonly self: ReplicaDescription;
  readonly key: IdentityKey;
  readonly tls: TlsIdentity;
  /** Null: the cluster has no sharing keys, and no confidential spaces. */
  readonly sharing: ShareSettings | null;
}

const expiryWarningMs = 30 * 86_400_000;

function readClusterFile(path: string): ClusterDescription {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new InvalidInputError(
      'CLUSTER_FILE_MISSING',
      `${path}: cannot be read. Make a cluster with \`theodora init\`, or name its cluster file.`,
      { path },
      cause,
    );
  }
  return parseClusterFile(text, path);
}

function checkDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new InvalidInputError(
    'DATA_DIR_MISSING',
    `${path}: no such directory. Use the folder replica-N that \`theodora init\` made, or restore it.`,
    { path },
  );
}

/** Whether the keys are points, and this one's secret fits, is for `checkSharingKeys`. */
function readSharing(cluster: ClusterDescription, replica: ReplicaId, dataDir: string): ShareSettings | null {
  const keys = sharingKeysOf(cluster);
  if (keys === null) return null;
  const keyPath = join(dataDir, 'sharing.key');
  const { generation, secret } = readSharingKey(keyPath);
  if (generation !== keys.keyGeneration) {
    const message = `${keyPath} is of generation ${generation}, the cluster file's keys are of ${keys.keyGeneration}. Use the file that belongs to them.`;
    throw new InvalidInputError('KEY_MISMATCH', message, { path: keyPath, generation });
  }
  return { ...keys, replica, secret, keyPath };
}

/**
 * @throws InvalidInputError DATA_DIR_MISSING, CLUSTER_FILE_MISSING, CLUSTER_FILE_INVALID, UNKNOWN_REPLICA,
 * KEY_FILE_*, KEY_MISMATCH, and what readTlsIdentity throws.
 */
export function readReplicaFiles(
  { clusterFile, id, dataDir }: { clusterFile: string; id: number; dataDir: string },
  nowMs: number,
  log: Logger,
): ReplicaFiles {
  checkDirectory(dataDir);
  const cluster = readClusterFile(clusterFile);
  const { replicas } = cluster;
  const self = replicas[id];
  if (self === undefined) {
    throw new InvalidInputError(
      'UNKNOWN_REPLICA',
      `${clusterFile} has replicas 0 to ${replicas.length - 1}, but no replica ${id}.`,
      { path: clusterFile, id },
    );
  }
  const keyPath = join(dataDir, 'replica.key');
  const key = readIdentityKey(keyPath);
  if (key.publicKey !== self.publicKey) {
    throw new InvalidInputError(
      'KEY_MISMATCH',
      `${keyPath} is not the key of replica ${id} in ${clusterFile}. Use the folder made for this replica and cluster.`,
      { path: keyPath, id },
    );
  }
  const tls = readTlsIdentity(dataDir, self.tlsFingerprint, new Date(nowMs));
  if (tls.expiresAt.getTime() - nowMs < expiryWarningMs) {
    log.warn({ expiresAt: tls.expiresAt.toISOString() }, 'the TLS certificate expires soon; renew it');
  }
  return { cluster, self, key, tls, sharing: readSharing(cluster, self.id, dataDir) };
}
