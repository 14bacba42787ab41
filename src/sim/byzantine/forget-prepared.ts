/** VIEW-CHANGEs without P and Q: it never prepared and never accepted anything. */
import type { BehaviourFactory } from './behaviour.js';
import { signedViewChange } from './signed.js';

export const forgetPrepared: BehaviourFactory = (seat) => ({
  toPeer: (_to, message) =>
    message.kind === 'viewChange' && message.replica === seat.replica
      ? [signedViewChange(seat, { ...message, prepared: [], prePrepared: [] })]
      : [message],
});
