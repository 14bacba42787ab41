/**
 * As primary, tells all but f backups one batch, and once somebody has sent a COMMIT for it, some of those and the rest
 * another one, with votes towards each as it serves: a second thought after PREPARE.
 */
import type { Digest, ReplicaId } from '../../base/index.js';
import { encodeBatch } from '../../codec/index.js';
import type { PrePrepare } from '../../codec/index.js';
import { faultsTolerated } from '../../ordering/index.js';
import { forgetBeyond, type BehaviourFactory, type Send, type Word } from './behaviour.js';
import { isPhase, ownBatch, slotKey } from './retelling.js';

const remembered = 256;

interface Story {
  readonly first: PrePrepare;
  isChanged: boolean;
}

export const equivocateLate: BehaviourFactory = ({ peers, n, hash, random }) => {
  const stories = new Map<string, Story>();
  let due: Word[] = [];
  const start = random.below(peers.length);
  const turned = peers.map((_, index) => peers[(start + index) % peers.length]!);
  const f = faultsTolerated(n);
  /** Heard only the first batch; heard the first, then the second; heard only the second. */
  const rest = turned.slice(peers.length - f);
  const convinced = turned.slice(0, f);
  const isLate = (to: ReplicaId): boolean => !convinced.includes(to);

  function changeMind({ first }: Story): void {
    const batch = ownBatch(first.batch);
    if (batch === null) return;
    const other = encodeBatch({ ...batch, time: batch.time + 1 });
    const digest: Digest = hash(other);
    const { view, sequenceNumber } = first;
    for (const to of peers.filter(isLate)) {
      const words = [
        { ...first, batch: other },
        { kind: 'prepare', view, sequenceNumber, digest },
        { kind: 'commit', view, sequenceNumber, digest },
      ] as const;
      due.push(...words.map((message): Send => ({ kind: 'send', to, message })));
    }
  }

  return {
    fromOutside: (input) => {
      if (input.kind === 'message' && input.message.kind === 'commit') {
        const story = stories.get(slotKey(input.message));
        if (story?.isChanged === false) {
          story.isChanged = true;
          changeMind(story);
        }
      }
      return [input];
    },
    toPeer: (to, message) => {
      if (!isPhase(message)) return [message];
      const key = slotKey(message);
      if (message.kind === 'prePrepare' && !stories.has(key)) {
        stories.set(key, { first: message, isChanged: false });
        forgetBeyond(stories, remembered);
      }
      if (!stories.has(key)) return [message];
      if (rest.includes(to)) return [];
      // Those who are to change their minds must not see the first batch committed.
      return message.kind === 'commit' && isLate(to) ? [] : [message];
    },
    besides: () => {
      const words = due;
      due = [];
      return words;
    },
  };
};
