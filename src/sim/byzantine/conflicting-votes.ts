/** Votes twice at each number, for the batch and for another digest, in an order that each peer hears otherwise. */
import { digest } from '../../base/index.js';
import type { BehaviourFactory } from './behaviour.js';

const other = digest('b2'.repeat(32));

export const conflictingVotes: BehaviourFactory = ({ random }) => ({
  toPeer: (_to, message) => {
    if (message.kind !== 'prepare' && message.kind !== 'commit') return [message];
    const opposite = { ...message, digest: other };
    return random.chance(1, 2) ? [message, opposite] : [opposite, message, opposite];
  },
});
