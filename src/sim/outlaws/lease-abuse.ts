/** Leases too short, as short as they may be, or longer than any: granted, and renewed again and again. */
import type { Operation } from '../../codec/index.js';
import { ask, ownTemplate, ownTuple, space, type OutlawFactory } from './outlaw.js';

const renewals = 8;

export const leaseAbuse: OutlawFactory = (seat) => ({
  everyMs: 80,
  timesMax: 150,
  act: () => {
    const { random } = seat;
    const { leaseMinMs } = seat.leaseLimits;
    const drawLease = (): number =>
      random.pick([1, leaseMinMs - 1, leaseMinMs, leaseMinMs + 1, 2 ** 40, Number.MAX_SAFE_INTEGER]);
    const insert = (): Operation => ({
      kind: 'out',
      space,
      tuple: ownTuple('lease', random.below(4)),
      lease: drawLease(),
    });
    const renew = (): Operation => ({ kind: 'renew', space, template: ownTemplate(3), lease: drawLease() });
    ask(seat, insert(), insert(), ...Array.from({ length: renewals }, renew));
    // Or there would be ever more of them.
    if (random.chance(1, 4)) ask(seat, { kind: 'inAll', space, template: ownTemplate(3), limit: 0 });
  },
});
