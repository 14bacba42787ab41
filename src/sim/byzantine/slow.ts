/** Says everything late, to peers and clients, but in order. */
import type { BehaviourFactory } from './behaviour.js';
import { HeldWords } from './held-words.js';

export const slow: BehaviourFactory = ({ random, config }) => {
  const delayMs = random.pick([50, 200, Math.floor(config.requestTimeoutMs * 0.8)]);
  const held = new HeldWords();
  let nowMs = 0;
  return {
    fromOutside: (input) => {
      if (input.kind === 'tick') nowMs = input.nowMs;
      return [input];
    },
    toPeer: (to, message) => (held.hold({ kind: 'send', to, message }, nowMs + delayMs) ? [] : [message]),
    toClients: (output) => (held.hold(output, nowMs + delayMs) ? [] : [output]),
    besides: (now) => held.release(now),
  };
};
