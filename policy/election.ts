/**
 * Leaders elected among candidates.
 *
 * Tuples
 *   ['candidate', group, id]   timed; id is the client itself, once in a group
 *   ['leader', group, id]      timed; inserted by `cas` on (leader, group, any) only
 *
 * Guarantees, whatever clients do
 *   - At most one leader of a group, and it was a candidate when it was elected.
 *   - Nobody stands, leads, resigns or renews for another.
 *   - Who stops renewing is neither leader nor candidate once its lease is over.
 * The leader entry's id is the fencing token.
 */
import { any, definePolicy, template } from 'theodora/policy';
import type { PolicyTemplate, RuleArguments } from 'theodora/policy';

const leaseMaxMs = 60_000;

const isOwnTuple = (attempt: RuleArguments['out'] | RuleArguments['cas'], kind: string) => {
  const { invoker, tuple, lease, readers, takers } = attempt;
  const isOwn =
    tuple.length === 3 && tuple[0] === kind && typeof tuple[1] === 'string' && tuple[2] === invoker;
  return isOwn && lease !== null && lease <= leaseMaxMs && readers === null && takers === null;
};

const isOwn = (wanted: PolicyTemplate, invoker: string) =>
  wanted.length === 3 && (wanted[0] === 'candidate' || wanted[0] === 'leader') && wanted[2] === invoker;

export default definePolicy({
  out: (attempt) => {
    const { invoker, tuple, space } = attempt;
    return isOwnTuple(attempt, 'candidate') && !space.exists(template('candidate', tuple[1], invoker));
  },
  cas: (attempt) => {
    const { invoker, template: wanted, tuple, space } = attempt;
    const group = tuple[1];
    const isForAnyLeader =
      wanted.length === 3 && wanted[0] === 'leader' && wanted[1] === group && wanted[2] === any;
    if (!isForAnyLeader || !isOwnTuple(attempt, 'leader')) return false;
    return space.exists(template('candidate', group, invoker));
  },
  inp: ({ invoker, template: wanted }) => isOwn(wanted, invoker),
  renew: ({ invoker, template: wanted, lease }) => isOwn(wanted, invoker) && lease <= leaseMaxMs,
  rdp: true,
  rd: true,
  rdAll: true,
  count: true,
  subscribe: true,
});
