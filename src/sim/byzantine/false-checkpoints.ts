/** Signs CHECKPOINTs of states that it does not have. */
import { digest } from '../../base/index.js';
import type { BehaviourFactory } from './behaviour.js';
import { signedCheckpoint } from './signed.js';

const rotten = digest('ef'.repeat(32));

export const falseCheckpoints: BehaviourFactory = (seat) => ({
  toPeer: (_to, message) =>
    message.kind === 'checkpoint' && !seat.random.chance(1, 4)
      ? [signedCheckpoint(seat, { ...message, stateDigest: rotten })]
      : [message],
});
