/** As primary, orders what comes between two ticks the other way round, latest first. */
import type { BehaviourFactory, OutsideInput } from './behaviour.js';
import { envelopeOf, heldInputsMax } from './held-envelopes.js';

export const reorder: BehaviourFactory = () => {
  let held: OutsideInput[] = [];
  return {
    fromOutside: (input) => {
      if (input.kind === 'tick') {
        const turned = held.reverse();
        held = [];
        return [...turned, input];
      }
      if (envelopeOf(input) === null || held.length >= heldInputsMax) return [input];
      held.push(input);
      return [];
    },
  };
};
