/** Sends old messages of its own again, to anyone, at any time. */
import type { PeerMessage } from '../../codec/index.js';
import type { BehaviourFactory } from './behaviour.js';

const remembered = 200;

export const replayOld: BehaviourFactory = ({ random }) => {
  const old: PeerMessage[] = [];
  return {
    toPeer: (_to, message) => {
      if (old.length < remembered) old.push(message);
      else if (random.chance(1, 8)) old[random.below(remembered)] = message;
      return random.chance(1, 8) ? [message, random.pick(old)] : [message];
    },
  };
};
