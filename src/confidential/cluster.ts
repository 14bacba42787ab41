/** What whoever deals, opens or judges must know of the replicas: their keys for shares, and for which cluster they are. */
import { createShareholders } from '../crypto/index.js';
import type { Group, Shareholders } from '../crypto/index.js';

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
