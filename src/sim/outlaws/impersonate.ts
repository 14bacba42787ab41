/**
 * Speaks for others: envelopes in their names and sessions under its own signature, envelopes of its own for their sessions,
 * their replies and feeds asked for, their waits cancelled.
 */
import { encodeClientMessage, encodeOperation } from '../../codec/index.js';
import { ask, ownTuple, requestsOf, sealed, space, submit, type OutlawFactory } from './outlaw.js';

export const impersonate: OutlawFactory = (seat) => ({
  everyMs: 50,
  timesMax: 200,
  act: () => {
    const { random, replicas } = seat;
    const others = seat.overheard();
    if (others.length === 0) return;
    const { client, session, number } = random.pick(others);
    const operation = encodeOperation({ kind: 'out', space, tuple: ownTuple('in the name of'), lease: null });
    const changes = { session, firstNumber: number + random.below(3), lowestUnanswered: 1 };
    submit(seat, sealed(seat, requestsOf(seat, [operation], { ...changes, client })).bytes);
    submit(seat, sealed(seat, requestsOf(seat, [operation], changes)).bytes);
    for (const to of replicas) {
      seat.say(to, encodeClientMessage({ kind: 'attach', session }));
      seat.say(to, encodeClientMessage({ kind: 'follow', session, number, after: 0 }));
    }
    ask(seat, { kind: 'cancel', space, session, number });
  },
});
