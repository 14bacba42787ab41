/** As primary, tells some backups another batch than the rest, and votes towards each as it was told. */
import type { Digest, ReplicaId } from '../../base/index.js';
import { decodeBatch, encodeBatch } from '../../codec/index.js';
import type { PeerMessage, PrePrepare } from '../../codec/index.js';
import { sha256 } from '../authenticator.js';
import type { BehaviourFactory } from './behaviour.js';

const remembered = 256;

export const equivocate: BehaviourFactory = ({ random, peers }) => {
  /** The other story by view and number: who hears it, and its digest. */
  const stories = new Map<
    string,
    { readonly hearers: ReadonlySet<ReplicaId>; readonly batch: Uint8Array; readonly digest: Digest }
  >();

  function otherStory(message: PrePrepare): Uint8Array {
    const batch = decodeBatch(message.batch);
    if (batch === null || batch.time === null) return message.batch;
    const isShorter = batch.envelopes.length > 1 && random.chance(1, 2);
    return encodeBatch(
      isShorter ? { ...batch, envelopes: batch.envelopes.slice(1) } : { ...batch, time: batch.time + 1 },
    );
  }

  function begin(key: string, message: PrePrepare): void {
    const batch = otherStory(message);
    const hearers = new Set(peers.filter(() => random.chance(1, 2)));
    stories.set(key, { hearers, batch, digest: sha256(batch) });
    if (stories.size > remembered) for (const oldest of stories.keys()) return void stories.delete(oldest);
  }

  return {
    toPeer: (to, message): readonly PeerMessage[] => {
      if (message.kind !== 'prePrepare' && message.kind !== 'prepare' && message.kind !== 'commit')
        return [message];
      const key = `${message.view}/${message.sequenceNumber}`;
      if (message.kind === 'prePrepare' && !stories.has(key)) begin(key, message);
      const story = stories.get(key);
      if (story === undefined || !story.hearers.has(to)) return [message];
      if (message.kind === 'prePrepare') return [{ ...message, batch: story.batch }];
      return [{ ...message, digest: story.digest }];
    },
  };
};
