/** As primary, holds back each proposal nearly as long as a backup waits before it suspects (pitfall 12). */
import type { BehaviourFactory } from './behaviour.js';
import { HeldWords } from './held-words.js';

export const slowPrimary: BehaviourFactory = ({ random, config }) => {
  const delayMs = Math.floor((config.requestTimeoutMs * random.pick([50, 70, 80])) / 100);
  const held = new HeldWords();
  let nowMs = 0;
  return {
    fromOutside: (input) => {
      if (input.kind === 'tick') nowMs = input.nowMs;
      return [input];
    },
    toPeer: (to, message) =>
      message.kind === 'prePrepare' && held.hold({ kind: 'send', to, message }, nowMs + delayMs)
        ? []
        : [message],
    besides: (now) => held.release(now),
  };
};
