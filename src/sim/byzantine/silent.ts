/** Says nothing any more, to nobody, from some moment on; it hears everything. */
import type { BehaviourFactory } from './behaviour.js';

export const silent: BehaviourFactory = ({ random }) => {
  const afterMs = random.pick([0, 0, 1_000, 5_000]);
  let fromMs: number | null = null;
  let isSilent = false;
  return {
    fromOutside: (input) => {
      if (input.kind === 'tick') {
        fromMs ??= input.nowMs + afterMs;
        isSilent = input.nowMs >= fromMs;
      }
      return [input];
    },
    toPeer: (_to, message) => (isSilent ? [] : [message]),
    toClients: (output) => (isSilent ? [] : [output]),
  };
};
