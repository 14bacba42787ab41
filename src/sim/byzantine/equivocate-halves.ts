/** As primary, tells the same half of the backups another batch than the other half, every time. */
import type { BehaviourFactory } from './behaviour.js';
import { retelling } from './retelling.js';

export const equivocateHalves: BehaviourFactory = (seat) => {
  const { random, peers } = seat;
  const first = random.below(peers.length);
  const half = Math.ceil(peers.length / 2);
  const others = new Set(peers.map((_, index) => peers[(first + index) % peers.length]!).slice(0, half));
  return retelling(
    seat,
    (batch) => ({ ...batch, time: batch.time + 1 }),
    (to) => others.has(to),
  );
};
