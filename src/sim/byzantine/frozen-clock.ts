/** Its clock stands still from some moment on. */
import type { BehaviourFactory } from './behaviour.js';

export const frozenClock: BehaviourFactory = ({ random }) => {
  const afterMs = random.pick([0, 1_500, 4_000]);
  let frozenMs: number | null = null;
  return {
    fromOutside: (input) => {
      if (input.kind !== 'tick') return [input];
      frozenMs ??= input.nowMs + afterMs;
      return [{ ...input, nowMs: Math.min(input.nowMs, frozenMs) }];
    },
  };
};
