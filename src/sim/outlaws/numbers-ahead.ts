/** Numbers far ahead of what was answered, gaps, and reports of outcomes that have never been given. */
import { encodeOperation } from '../../codec/index.js';
import { ownTemplate, requestsOf, sealed, space, submit, type OutlawFactory } from './outlaw.js';

export const numbersAhead: OutlawFactory = (seat) => ({
  everyMs: 50,
  timesMax: 200,
  act: () => {
    const { random } = seat;
    const next = seat.takeNumbers(1);
    const firstNumber = next + random.pick([2, 100, 1_100, 1 << 20, 2 ** 50]);
    const operation = encodeOperation({ kind: 'count', space, template: ownTemplate(2) });
    // Of small jumps some are said to have been answered up to there.
    const isSkipped = firstNumber < next + 1_000 && random.chance(1, 2);
    const lowestUnanswered = isSkipped ? next + 1 : 1;
    const finished = [next - 1, next + 1].filter((number) => number > 0 && number < firstNumber);
    const changes = { firstNumber, lowestUnanswered, finished };
    submit(seat, sealed(seat, requestsOf(seat, [operation, operation], changes)).bytes);
  },
});
