/** Votes for the batch, and before and after that for another digest, again and again. */
import { digest } from '../../base/index.js';
import type { BehaviourFactory, Word } from './behaviour.js';
import { earlyVotes } from './retelling.js';

const other = digest('b2'.repeat(32));

export const conflictingVotes: BehaviourFactory = ({ n, peers, random }) => {
  let due: Word[] = [];
  return {
    fromOutside: (input) => {
      if (input.kind !== 'message' || input.message.kind !== 'prePrepare') return [input];
      const votes = earlyVotes(input.message, other);
      for (const to of peers.filter(() => random.chance(2, 3)))
        for (let times = 0; times < n; times++)
          due.push(...votes.map((message): Word => ({ kind: 'send', to, message })));
      return [input];
    },
    toPeer: (_to, message) =>
      message.kind === 'prepare' || message.kind === 'commit'
        ? [message, { ...message, digest: other }]
        : [message],
    besides: () => {
      const words = due;
      due = [];
      return words;
    },
  };
};
