/** Its clock goes, but shows another time than all others. */
import type { BehaviourFactory } from './behaviour.js';

export const wrongClock: BehaviourFactory = ({ random, config }) => {
  const skewMs = config.clockSkewMaxMs * random.pick([-20, -2, 2, 20]);
  return {
    fromOutside: (input) => [input.kind === 'tick' ? { ...input, nowMs: input.nowMs + skewMs } : input],
  };
};
