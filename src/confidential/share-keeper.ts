/**
 * A replica's shares of all that is sealed in one result or event, as they stand beside it in a reply. Keeps the last
 * shares it gave: an entry is read more often than inserted, and a share does not change.
 */
import type { ReplicaId } from '../base/index.js';
import { decodeEvent, decodeResult, encodeEntryShares } from '../codec/index.js';
import { sealedOfEvent, sealedOfResult } from '../codec/index.js';
import type { EntryShare, SealedItem } from '../codec/index.js';
import type { RandomBytes, ShareKey } from '../crypto/index.js';
import type { ConfidentialCluster } from './cluster.js';
import { shareCacheKey, shareOf } from './share-reply.js';
import type { SealedSubject } from './share-reply.js';

export interface ShareKeeperOptions {
  readonly cluster: ConfidentialCluster;
  readonly replica: ReplicaId;
  readonly key: ShareKey;
  readonly random: RandomBytes;
}

const sharesKept = 16_384;

const tupleSubject = ({ fingerprint, sealed }: SealedItem): SealedSubject => ({
  sealed,
  subject: { kind: 'tuple', fingerprint },
});

/** What is sealed in a result's bytes, in the order in which shares of it are given. */
export function subjectsOfResult(bytes: Uint8Array): readonly SealedSubject[] {
  const result = decodeResult(bytes);
  if (result === null) return [];
  if (result.kind !== 'spaceKey') return sealedOfResult(result).map(tupleSubject);
  const { sealed, tagKey } = result;
  return [{ sealed, subject: { kind: 'spaceKey', tagKey } }];
}

/** The same of an event's. */
export function subjectsOfEvent(bytes: Uint8Array): readonly SealedSubject[] {
  const event = decodeEvent(bytes);
  return event === null ? [] : sealedOfEvent(event).map(tupleSubject);
}

export class ShareKeeper {
  readonly #options: ShareKeeperOptions;
  /** The one used longest ago stands first. */
  readonly #kept = new Map<string, EntryShare>();

  constructor(options: ShareKeeperOptions) {
    this.#options = options;
  }

  /** Encoded, one for each that is sealed in the result's bytes. */
  sharesOfResult(bytes: Uint8Array): Uint8Array {
    return this.#encoded(subjectsOfResult(bytes));
  }

  sharesOfEvent(bytes: Uint8Array): Uint8Array {
    return this.#encoded(subjectsOfEvent(bytes));
  }

  #encoded(subjects: readonly SealedSubject[]): Uint8Array {
    return encodeEntryShares(subjects.map((subject) => this.#shareOf(subject)));
  }

  #shareOf(subject: SealedSubject): EntryShare {
    const { cluster, replica, key, random } = this.#options;
    const name = shareCacheKey(subject);
    const share = this.#kept.get(name) ?? shareOf(cluster, replica, key, subject, random);
    this.#kept.delete(name);
    this.#kept.set(name, share);
    if (this.#kept.size > sharesKept) this.#kept.delete(this.#kept.keys().next().value!);
    return share;
  }
}
