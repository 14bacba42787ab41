/** What a replica's share thread is asked, and does: the work of confidential tuples that takes milliseconds (DESIGN section 7). */
import { randomBytes } from 'node:crypto';
import { assert, fromHex, InvalidInputError, toHex, type ReplicaId } from '../base/index.js';
import {
  createConfidentialCluster,
  judgeRepair,
  ShareKeeper,
  type ConfidentialCluster,
} from '../confidential/index.js';
import { createShareKey, loadGroup, type Group, type ShareKey } from '../crypto/index.js';

/** Everything the thread needs to know; structured-cloneable. */
export interface ShareSettings {
  readonly replica: ReplicaId;
  readonly clusterId: string;
  readonly keyGeneration: number;
  /** Public keys, by replica; 64 hexadecimal characters each. */
  readonly sharingKeys: readonly string[];
  /** This replica's key, 32 bytes. */
  readonly secret: Uint8Array;
  /** For messages. */
  readonly keyPath: string;
}

export interface ShareJob {
  /** `result`, `event`: shares of what is sealed in it; `repair`: whether this evidence proves its case. */
  readonly kind: 'result' | 'event' | 'repair';
  readonly bytes: Uint8Array;
}

export type ShareWork = (job: ShareJob) => Uint8Array | boolean;

/** @throws InvalidInputError SHARING_KEY_INVALID, KEY_MISMATCH. */
export async function checkSharingKeys(settings: ShareSettings): Promise<void> {
  openKeys(settings, await loadGroup());
}

function openKeys(settings: ShareSettings, group: Group): { cluster: ConfidentialCluster; key: ShareKey } {
  const { replica, clusterId, keyGeneration, sharingKeys, secret, keyPath } = settings;
  const publicKeys = sharingKeys.map((key) => fromHex(key)!);
  const cluster = createConfidentialCluster(group, clusterId, keyGeneration, publicKeys);
  if (cluster === null) {
    const message =
      'a sharingKey in the cluster file is no point of ristretto255. Copy the cluster file again.';
    throw new InvalidInputError('SHARING_KEY_INVALID', message);
  }
  const key = createShareKey(group, secret);
  if (key === null || toHex(key.publicKey) !== sharingKeys[replica]) {
    const message = `${keyPath} is not the sharing key of replica ${replica}. Use the folder made for this replica and cluster.`;
    throw new InvalidInputError('KEY_MISMATCH', message, { path: keyPath, id: replica });
  }
  return { cluster, key };
}

/** @throws as `checkSharingKeys`. */
export async function createShareWork(settings: ShareSettings): Promise<ShareWork> {
  const { cluster, key } = openKeys(settings, await loadGroup());
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  const keeper = new ShareKeeper({ cluster, replica: settings.replica, key, random });
  return ({ kind, bytes }) => {
    switch (kind) {
      case 'result':
        return keeper.sharesOfResult(bytes);
      case 'event':
        return keeper.sharesOfEvent(bytes);
      case 'repair':
        return judgeRepair(cluster, bytes);
    }
  };
}

export function bytesOf(answer: Uint8Array | boolean): Uint8Array {
  assert(answer instanceof Uint8Array, 'shares are bytes');
  return answer;
}
