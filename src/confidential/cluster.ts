/** What whoever deals, opens or judges must know of the replicas: their keys for shares, and for which cluster they are. */
import { fromHex, InvalidInputError } from '../base/index.js';
import { createShareholders } from '../crypto/index.js';
import type { Group, Shareholders, SharingKeys } from '../crypto/index.js';

export interface ConfidentialCluster {
  readonly group: Group;
  /** As in the cluster file, 32 lower-case hexadecimal characters. */
  readonly clusterId: string;
  /** Of the keys, at least 1; a later generation replaces all keys. */
  readonly keyGeneration: number;
  /** Replica r is shareholder r + 1. */
  readonly shareholders: Shareholders;
}

/**
 * For n replicas with these keys, of which f + 1 open a tuple, f = ⌊(n − 1)/3⌋. Null if a key (32 bytes each) is no point
 * or two replicas have the same.
 */
export function createConfidentialCluster(
  group: Group,
  clusterId: string,
  keyGeneration: number,
  publicKeys: readonly Uint8Array[],
): ConfidentialCluster | null {
  const threshold = Math.floor((publicKeys.length - 1) / 3) + 1;
  const shareholders = createShareholders(group, threshold, publicKeys);
  return shareholders === null ? null : { group, clusterId, keyGeneration, shareholders };
}

/** As the cluster file has the keys. @throws InvalidInputError SHARING_KEY_INVALID. */
export function openConfidentialCluster(
  group: Group,
  { clusterId, keyGeneration, sharingKeys }: SharingKeys,
): ConfidentialCluster {
  const publicKeys = sharingKeys.map((key) => fromHex(key)!);
  const cluster = createConfidentialCluster(group, clusterId, keyGeneration, publicKeys);
  if (cluster !== null) return cluster;
  const message =
    'a sharingKey in the cluster file is no point of ristretto255. Copy the cluster file again.';
  throw new InvalidInputError('SHARING_KEY_INVALID', message);
}
