/** Sends old messages again, its own and those of clients that it once passed on, to anyone, at any time. */
import type { PeerMessage } from '../../codec/index.js';
import type { BehaviourFactory, Word } from './behaviour.js';
import { envelopeOf } from './held-envelopes.js';

const remembered = 200;
const intervalMs = 100;

export const replayOld: BehaviourFactory = ({ random, peers }) => {
  const old: PeerMessage[] = [];
  let saidMs = 0;
  const keep = (message: PeerMessage): void => {
    if (old.length < remembered) old.push(message);
    else if (random.chance(1, 8)) old[random.below(remembered)] = message;
  };
  return {
    fromOutside: (input) => {
      const envelope = envelopeOf(input);
      if (envelope !== null)
        keep({ kind: 'forward', envelope: envelope.bytes });
      return [input];
    },
    toPeer: (_to, message) => {
      keep(message);
      return random.chance(1, 8) ? [message, random.pick(old)] : [message];
    },
    besides: (nowMs) => {
      if (old.length === 0 || nowMs - saidMs < intervalMs) return [];
      saidMs = nowMs;
      return peers.map((to): Word => ({ kind: 'send', to, message: random.pick(old) }));
    },
  };
};
