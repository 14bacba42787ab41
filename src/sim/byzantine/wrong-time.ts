/** As primary, proposes times that its clock never showed. */
import type { BehaviourFactory } from './behaviour.js';
import { retelling } from './retelling.js';

export const wrongTime: BehaviourFactory = (seat) =>
  retelling(seat, (batch) => {
    const offset = seat.random.pick([0, -400, 400, -10_000, 10_000, -1_000_000_000]);
    return { ...batch, time: batch.time + offset };
  });
