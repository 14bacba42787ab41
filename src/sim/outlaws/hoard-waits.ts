/** Waits without end and subscribes to everything, follows it all and uses nothing, more than anybody may. */
import { encodeClientMessage, type Operation } from '../../codec/index.js';
import { ask, ownTemplate, ownTuple, space, type OutlawFactory } from './outlaw.js';

const eachTime = 6;

export const hoardWaits: OutlawFactory = (seat) => ({
  everyMs: 100,
  timesMax: 100,
  act: () => {
    const { random, replicas } = seat;
    const template = ownTemplate(random.between(2, 6));
    const wait = (kind: 'rd' | 'in'): Operation => ({ kind, space, template, timeout: null });
    const everything: Operation = { kind: 'subscribe', space, template: ownTemplate(3), from: null };
    ask(seat, ...Array.from({ length: eachTime }, () => random.pick([wait('rd'), wait('in'), everything])));
    // Now and then something for them to wake up for.
    if (random.chance(1, 4))
      ask(seat, { kind: 'out', space, tuple: ownTuple('wake', 1), lease: seat.leaseLimits.leaseMinMs });
    const session = seat.session();
    const last = seat.takeNumbers(1);
    for (const to of replicas)
      for (let number = Math.max(1, last - 2 * eachTime); number < last; number++)
        seat.say(to, encodeClientMessage({ kind: 'follow', session, number, after: 0 }));
  },
});
