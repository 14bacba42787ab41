/** Sends its envelopes again and again, to anyone, long after they were answered. */
import { encodeOperation } from '../../codec/index.js';
import { ownTuple, requestsOf, sealed, space, submit, type OutlawFactory } from './outlaw.js';

const remembered = 64;

export const oldEnvelopes: OutlawFactory = (seat) => {
  const old: Uint8Array[] = [];
  return {
    everyMs: 40,
    timesMax: 250,
    act: () => {
      const { random, replicas } = seat;
      if (old.length < remembered) {
        const tuple = ownTuple('old', old.length);
        const lease = seat.leaseLimits.leaseMinMs;
        const operation = encodeOperation({ kind: 'out', space, tuple, lease });
        const changes = { lowestUnanswered: 1 };
        old.push(sealed(seat, requestsOf(seat, [operation], changes)).bytes);
      }
      for (let count = 0; count < 4; count++) submit(seat, random.pick(old), [random.pick(replicas)]);
      submit(seat, old.at(-1)!);
    },
  };
};
