/** Never hears of some clients: neither what they send nor what is passed on for them. */
import type { ClientId } from '../../base/index.js';
import { forgetBeyond, type BehaviourFactory } from './behaviour.js';
import { clientOf } from './held-envelopes.js';

const remembered = 1_024;

export const censor: BehaviourFactory = ({ random }) => {
  const isVictim = new Map<ClientId, boolean>();
  return {
    fromOutside: (input) => {
      const client = clientOf(input);
      if (client === null) return [input];
      if (!isVictim.has(client)) isVictim.set(client, isVictim.size === 0 || random.chance(1, 4));
      forgetBeyond(isVictim, remembered);
      return isVictim.get(client) === true ? [] : [input];
    },
  };
};
