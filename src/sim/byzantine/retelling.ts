/** Proposals told otherwise than the replica inside made them, to all or to some, with the votes that go along. */
import type { Digest, ReplicaId } from '../../base/index.js';
import { decodeBatch, encodeBatch } from '../../codec/index.js';
import type { Batch, Commit, PeerMessage, Prepare, PrePrepare } from '../../codec/index.js';
import { forgetBeyond, type Behaviour, type Seat } from './behaviour.js';

const remembered = 256;

/** A batch of the primary's own: the null batch has no time. */
export type OwnBatch = Batch & { readonly time: number };

export type Phase = PrePrepare | Prepare | Commit;

export const isPhase = (message: PeerMessage): message is Phase =>
  message.kind === 'prePrepare' || message.kind === 'prepare' || message.kind === 'commit';

/** What one proposal and its votes have in common. */
export const slotKey = ({ view, sequenceNumber }: Phase): string => `${view}/${sequenceNumber}`;

/** The batch as its own primary made it, or null. */
export function ownBatch(bytes: Uint8Array): OwnBatch | null {
  const batch = decodeBatch(bytes);
  return batch === null || batch.time === null ? null : { ...batch, time: batch.time };
}

/** Both votes at once, before anybody has asked for them. */
export const earlyVotes = (
  { view, sequenceNumber }: PrePrepare,
  digest: Digest,
): readonly [Prepare, Commit] => [
  { kind: 'prepare', view, sequenceNumber, digest },
  { kind: 'commit', view, sequenceNumber, digest },
];

/**
 * Tells whoever `hears` what `alter` makes of a proposal; null: the truth. Asked once a proposal. If only some hear it, all
 * get the votes that go with theirs at once, before those who heard otherwise can tell them.
 */
export function retelling(
  { hash }: Pick<Seat, 'hash'>,
  alter: (batch: OwnBatch, message: PrePrepare) => Batch | null,
  hears: ((to: ReplicaId, key: string) => boolean) | null = null,
): Behaviour {
  const stories = new Map<string, { readonly bytes: Uint8Array; readonly digest: Digest } | null>();

  function begin(key: string, message: PrePrepare): void {
    const batch = ownBatch(message.batch);
    const other = batch === null ? null : alter(batch, message);
    const bytes = other === null ? null : encodeBatch(other);
    stories.set(key, bytes === null ? null : { bytes, digest: hash(bytes) });
    forgetBeyond(stories, remembered);
  }

  return {
    toPeer: (to, message) => {
      if (!isPhase(message)) return [message];
      const key = slotKey(message);
      if (message.kind === 'prePrepare' && !stories.has(key)) begin(key, message);
      const story = stories.get(key);
      if (story === undefined || story === null) return [message];
      const isTold = hears === null || hears(to, key);
      if (message.kind !== 'prePrepare') return [isTold ? { ...message, digest: story.digest } : message];
      const told = isTold ? { ...message, batch: story.bytes } : message;
      return hears === null ? [told] : [told, ...earlyVotes(told, hash(told.batch))];
    },
  };
}
