/** As primary, leaves numbers out between the watermarks: what follows the gap can never be executed (pitfall 6). */
import { sequenceNumber } from '../../base/index.js';
import type { BehaviourFactory } from './behaviour.js';
import { isPhase } from './retelling.js';

export const sequenceJumps: BehaviourFactory = ({ random, config }) => {
  const jump = random.between(1, Math.max(1, Math.floor(config.watermarkWindow / 2)));
  const oneIn = random.pick([1, 4, 16]);
  /** From where on it counts wrong, in each view that it leads. */
  let from: { readonly view: number; readonly sequenceNumber: number } | null = null;
  return {
    toPeer: (_to, message) => {
      if (!isPhase(message)) return [message];
      const isNewView = message.view !== from?.view;
      if (message.kind === 'prePrepare' && isNewView && random.chance(1, oneIn)) from = message;
      if (message.view !== from?.view || message.sequenceNumber < from.sequenceNumber) return [message];
      return [{ ...message, sequenceNumber: sequenceNumber(message.sequenceNumber + jump) }];
    },
  };
};
