/** As primary, orders envelopes again that it has ordered before. */
import { forgetBeyond, type BehaviourFactory } from './behaviour.js';
import { retelling } from './retelling.js';

const remembered = 64;
const repeatedMax = 3;

export const repeatEnvelopes: BehaviourFactory = (seat) => {
  const { random, config } = seat;
  const old = new Set<Uint8Array>();
  return retelling(seat, (batch) => {
    const count = Math.min(repeatedMax, config.batchOperationsMax - batch.envelopes.length, old.size);
    const repeated = Array.from({ length: Math.max(0, count) }, () => random.pick([...old]));
    for (const envelope of batch.envelopes) old.add(envelope);
    forgetBeyond(old, remembered);
    return { ...batch, envelopes: [...batch.envelopes, ...repeated] };
  });
};
