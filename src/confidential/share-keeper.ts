/**
 * A replica's shares of all that is sealed in one result or event, as they stand beside it in a reply. Keeps the last
 * shares it gave: an entry is read more often than inserted, and a share does not change.
 */
import type { ReplicaId } from '../base/index.js';
import { decodeEvent, decodeResult, encodeEntryShares, sealedOfResult } from '../codec/index.js';
import type { EntryShare, Result } from '../codec/index.js';
import type { RandomBytes, ShareKey } from '../crypto/index.js';
import type { ConfidentialCluster } from './cluster.js';
import { sealedSubject, shareCacheKey, shareOf } from './share-reply.js';
import type { SealedSubject } from './share-reply.js';

export interface ShareKeeperOptions {
  readonly cluster: ConfidentialCluster;
  readonly replica: ReplicaId;
  readonly key: ShareKey;
  readonly random: RandomBytes;
}

const sharesKept = 16_384;

/** What is sealed in a result, in the order in which shares of it are given. */
export function sealedSubjects(result: Result): readonly SealedSubject[] {
  if (result.kind === 'spaceKey') {
    const { sealed, tagKey } = result;
    return [{ sealed, subject: { kind: 'spaceKey', tagKey } }];
  }
  return sealedOfResult(result).map(({ fingerprint, sealed }) => {
    return { sealed, subject: { kind: 'tuple', fingerprint } };
  });
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
    const result = decodeResult(bytes);
    return this.#encoded(result === null ? [] : sealedSubjects(result));
  }

  sharesOfEvent(bytes: Uint8Array): Uint8Array {
    const event = decodeEvent(bytes);
    const subject = event === null || event.kind === 'ended' ? null : sealedSubject(event.entry);
    return this.#encoded(subject === null ? [] : [subject]);
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
