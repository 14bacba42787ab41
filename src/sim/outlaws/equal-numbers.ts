/** Gives one request number to different operations, and tells each replica of another one, or several of several. */
import { encodeOperation } from '../../codec/index.js';
import { ownTuple, requestsOf, sealed, space, submit, type OutlawFactory } from './outlaw.js';

const numbersMax = 3;

export const equalNumbers: OutlawFactory = (seat) => ({
  everyMs: 50,
  timesMax: 200,
  act: () => {
    const { random, replicas } = seat;
    const firstNumber = seat.takeNumbers(numbersMax);
    // Nothing may be forgotten before the last of them has come.
    const lowestUnanswered = Math.max(1, firstNumber - 8 * numbersMax);
    for (const to of replicas) {
      const operations = Array.from({ length: random.between(1, numbersMax) }, () =>
        encodeOperation({
          kind: 'out',
          space,
          tuple: ownTuple(to, random.below(1_000)),
          lease: seat.leaseLimits.leaseMinMs,
        }),
      );
      const changes = { firstNumber: firstNumber + random.below(2), lowestUnanswered };
      submit(seat, sealed(seat, requestsOf(seat, operations, changes)).bytes, [to]);
    }
  },
});
