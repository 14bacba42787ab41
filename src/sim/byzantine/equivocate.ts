/** As primary, tells some backups another batch than the rest, drawn anew for each, and votes towards each as it was told. */
import type { ReplicaId } from '../../base/index.js';
import { forgetBeyond, type BehaviourFactory } from './behaviour.js';
import { retelling } from './retelling.js';

const remembered = 256;

export const equivocate: BehaviourFactory = (seat) => {
  const { random, peers } = seat;
  /** Who hears the other story, by proposal. */
  const hearers = new Map<string, ReadonlySet<ReplicaId>>();
  const draw = (key: string): ReadonlySet<ReplicaId> => {
    const drawn = new Set(peers.filter(() => random.chance(1, 2)));
    hearers.set(key, drawn);
    forgetBeyond(hearers, remembered);
    return drawn;
  };
  return retelling(
    seat,
    (batch) =>
      batch.envelopes.length > 1 && random.chance(1, 2)
        ? { ...batch, envelopes: batch.envelopes.slice(1) }
        : { ...batch, time: batch.time + 1 },
    (to, key) => (hearers.get(key) ?? draw(key)).has(to),
  );
};
