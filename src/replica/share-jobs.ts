/** What a replica's share thread is asked, and does: the work of confidential tuples that takes milliseconds (DESIGN section 7). */
import { assert, InvalidInputError, toHex, type ReplicaId } from '../base/index.js';
import {
  judgeRepair,
  openConfidentialCluster,
  ShareKeeper,
  type ConfidentialCluster,
} from '../confidential/index.js';
import { createShareKey, freshBytes, loadGroup } from '../crypto/index.js';
import type { Group, ShareKey, SharingKeys } from '../crypto/index.js';

/** Everything the thread needs to know; structured-cloneable. */
export interface ShareSettings extends SharingKeys {
  readonly replica: ReplicaId;
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
  const { replica, sharingKeys, secret, keyPath } = settings;
  const cluster = openConfidentialCluster(group, settings);
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
  const keeper = new ShareKeeper({ cluster, replica: settings.replica, key, random: freshBytes });
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
