/**
 * Operations as costly as they can be for a policy, in each space that there is and may have one: many fields, long strings,
 * results to look at.
 */
import { normalizeTuple, type Operation } from '../../codec/index.js';
import { ask, space as defaultSpace, type OutlawFactory } from './outlaw.js';

const fieldsMax = 64;

export const burnBudget: OutlawFactory = (seat) => ({
  everyMs: 100,
  timesMax: 100,
  act: () => {
    const { random } = seat;
    const spaces = seat.spaces().filter((name) => name !== defaultSpace);
    if (spaces.length === 0 || random.chance(1, 10)) ask(seat, { kind: 'spaceList', space: '' });
    if (spaces.length === 0) return;
    const arity = random.pick([1, 3, fieldsMax]);
    const long = 'x'.repeat(random.pick([1, 1_000, 8_000]));
    const tuple = normalizeTuple(Array.from({ length: arity }, (_, at) => (at % 2 === 0 ? long : at)));
    const template = Array.from({ length: arity }, () => ({ kind: 'any' }) as const);
    const lease = seat.leaseLimits.leaseMinMs;
    const space = random.pick(spaces);
    const ways: readonly Operation[] = [
      { kind: 'out', space, tuple, lease },
      { kind: 'cas', space, template, tuple, lease },
      { kind: 'replace', space, template, tuple, lease },
      { kind: 'rdAll', space, template, limit: 0, after: 0n },
      { kind: 'renew', space, template, lease },
      { kind: 'count', space, template },
    ];
    ask(seat, ...Array.from({ length: 3 }, () => random.pick(ways)));
  },
});
