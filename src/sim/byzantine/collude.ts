/**
 * One plan of all who are faulty, without a word between them: a primary of theirs tells two sides two batches, the same
 * sides to whoever knows what they all draw alike, and each of them votes for both, towards each side for its own.
 */
import type { Digest, ReplicaId } from '../../base/index.js';
import { encodeBatch } from '../../codec/index.js';
import type { PrePrepare } from '../../codec/index.js';
import { forgetBeyond, type Behaviour, type BehaviourFactory, type Send, type Word } from './behaviour.js';
import { isPhase, ownBatch, slotKey } from './retelling.js';

const remembered = 256;

interface Told {
  readonly timeMs: number;
  readonly digest: Digest;
}

export const collude: BehaviourFactory = ({ replica, n, peers, friends, hash, shared }): Behaviour => {
  const isFriend = (id: ReplicaId): boolean => friends.includes(id);
  /** What each side hears, the earlier batch first; by proposal. */
  const stories = new Map<string, Told[]>();
  let due: Word[] = [];

  /** 0 or 1, as even as can be. */
  const sideOf = (key: string, to: ReplicaId): 0 | 1 =>
    (shared.stream(key).below(n) + to) % 2 === 0 ? 0 : 1;

  function note(message: PrePrepare): readonly Told[] {
    const key = slotKey(message);
    const told = stories.get(key) ?? [];
    const batch = ownBatch(message.batch);
    const digest = hash(message.batch);
    if (batch === null || told.length === 2 || told.some((one) => one.digest === digest)) return told;
    told.push({ timeMs: batch.time, digest });
    told.sort((a, b) => a.timeMs - b.timeMs);
    stories.set(key, told);
    forgetBeyond(stories, remembered);
    return told;
  }

  /** Votes for both batches of a friend. */
  function agree({ view, sequenceNumber }: PrePrepare, key: string, told: readonly Told[]): void {
    for (const to of peers) {
      const { digest } = told[sideOf(key, to)]!;
      for (const kind of ['prepare', 'commit'] as const)
        due.push({ kind: 'send', to, message: { kind, view, sequenceNumber, digest } } satisfies Send);
    }
  }

  function propose(to: ReplicaId, message: PrePrepare): readonly PrePrepare[] {
    const batch = ownBatch(message.batch);
    if (batch === null) return [message];
    const other = { ...message, batch: encodeBatch({ ...batch, time: batch.time + 1 }) };
    note(message);
    note(other);
    if (isFriend(to)) return [message, other];
    return [sideOf(slotKey(message), to) === 0 ? message : other];
  }

  return {
    fromOutside: (input) => {
      if (input.kind !== 'message' || input.message.kind !== 'prePrepare' || !isFriend(input.from))
        return [input];
      const key = slotKey(input.message);
      const isOld = stories.get(key)?.length === 2;
      const told = note(input.message);
      if (!isOld && told.length === 2) agree(input.message, key, told);
      return [input];
    },
    toPeer: (to, message) => {
      if (!isPhase(message)) return [message];
      if (message.kind === 'prePrepare')
        return message.view % n === replica ? propose(to, message) : [message];
      const told = stories.get(slotKey(message));
      return told?.length === 2
        ? [{ ...message, digest: told[sideOf(slotKey(message), to)]!.digest }]
        : [message];
    },
    besides: () => {
      const words = due;
      due = [];
      return words;
    },
  };
};
