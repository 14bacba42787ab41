/** PREPAREs and COMMITs for digests that nobody proposed, or for views and numbers out of the blue. */
import { digest, sequenceNumber, viewNumber } from '../../base/index.js';
import type { BehaviourFactory } from './behaviour.js';

const nonsense = digest('ab'.repeat(32));

export const corruptVotes: BehaviourFactory = ({ random }) => ({
  toPeer: (_to, message) => {
    if ((message.kind !== 'prepare' && message.kind !== 'commit') || random.chance(1, 2)) return [message];
    switch (random.below(4)) {
      case 0:
        return [{ ...message, digest: nonsense }];
      case 1:
        return [{ ...message, view: viewNumber(message.view + random.below(3)) }, message];
      case 2:
        return [{ ...message, sequenceNumber: sequenceNumber(message.sequenceNumber + random.below(1000)) }];
      default:
        return [{ ...message, kind: message.kind === 'prepare' ? 'commit' : 'prepare' }, message];
    }
  },
});
