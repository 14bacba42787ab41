/**
 * A queue of jobs with roles, quotas and leases.
 *
 * Tuples
 *   ['role', client, 'manager' | 'producer' | 'worker']   what a client may do; it may have several roles
 *   ['quota', client, n]                 how many jobs and results of a producer may be here, and how many claims a
 *                                        worker may hold; without one: as many as the space takes
 *   ['job', name, producer, payload]     to be done
 *   ['claim', name, worker]              timed: who is doing it; the entry's id is the fencing token
 *   ['result', name, producer, outcome]  put in the place of the job by the worker that claimed it
 *
 * Guarantees, whatever clients do
 *   - The admin appoints managers, managers appoint the others and set quotas; nobody else gives or takes either.
 *   - A name is that of at most one job or result, and free again only when its claim is gone too.
 *   - The producer in a job inserted it; a result has the producer of the job whose place it took.
 *   - A job has at most one claim, of a worker, for a capped time. Nobody takes or renews another's.
 *   - A job leaves only as the result of the worker that holds its claim, or unclaimed, taken by its producer, who alone
 *     takes the result.
 *   - Nobody inserts beyond his quota, nothing is hidden from those who have a role, and nobody else reads.
 */
import { any, definePolicy, template } from 'theodora/policy';
import type { Field, PolicySpace, PolicyTemplate, RuleArguments } from 'theodora/policy';

const leaseMaxMs = 3_600_000;
const admin = 'admin';

const hasRole = (space: PolicySpace, client: string, role: Field | undefined) =>
  space.exists(template('role', client, role));

const manages = (space: PolicySpace, client: string) => client === admin || hasRole(space, client, 'manager');

const isMember = ({ invoker, space }: RuleArguments['count' | 'rd' | 'rdp' | 'rdAll' | 'subscribe']) =>
  invoker === admin || space.exists(template('role', invoker, any));

const isUntimedAndSeen = ({ lease, readers, takers }: RuleArguments['out' | 'replace']) =>
  lease === null && readers === null && takers === null;

/** Managers appoint all but managers. */
const mayAppoint = (space: PolicySpace, invoker: string, role: Field | undefined) =>
  role === 'manager'
    ? invoker === admin
    : (role === 'producer' || role === 'worker') && manages(space, invoker);

const isQuota = (tuple: readonly (Field | undefined)[]) => {
  const [kind, client, most] = tuple;
  const isCounted = typeof most === 'number' && Number.isSafeInteger(most) && most >= 0;
  return tuple.length === 3 && kind === 'quota' && typeof client === 'string' && isCounted;
};

const quotaOf = (space: PolicySpace, client: string) => space.rdp(template('quota', client, any))?.tuple[2];

const used = (space: PolicySpace, producer: string) =>
  space.count(template('job', any, producer, any)) + space.count(template('result', any, producer, any));

const isNameFree = (space: PolicySpace, name: string) =>
  !space.exists(template('job', name, any, any)) &&
  !space.exists(template('result', name, any, any)) &&
  !space.exists(template('claim', name, any));

const maySubmit = ({ invoker, tuple, space }: RuleArguments['out']) => {
  const [kind, name, producer] = tuple;
  if (tuple.length !== 4 || kind !== 'job' || typeof name !== 'string' || producer !== invoker) return false;
  if (!hasRole(space, invoker, 'producer') || !isNameFree(space, name)) return false;
  const most = quotaOf(space, invoker);
  return typeof most !== 'number' || used(space, invoker) < most;
};

const mayInsert = (attempt: RuleArguments['out']) => {
  const { invoker, tuple, space } = attempt;
  const [kind, client, last] = tuple;
  if (!isUntimedAndSeen(attempt)) return false;
  if (kind === 'job') return maySubmit(attempt);
  if (tuple.length !== 3 || typeof client !== 'string') return false;
  if (kind === 'role') return mayAppoint(space, invoker, last) && !hasRole(space, client, last);
  return isQuota(tuple) && manages(space, invoker) && !space.exists(template('quota', client, any));
};

const asksForClaim = (wanted: PolicyTemplate, name: Field | undefined) =>
  wanted.length === 3 && wanted[0] === 'claim' && wanted[1] === name && wanted[2] === any;

const mayClaim = (attempt: RuleArguments['cas']) => {
  const { invoker, template: wanted, tuple, lease, readers, takers, space } = attempt;
  const [kind, name, worker] = tuple;
  if (tuple.length !== 3 || kind !== 'claim' || typeof name !== 'string' || worker !== invoker) return false;
  if (!asksForClaim(wanted, name) || readers !== null || takers !== null) return false;
  if (lease === null || lease > leaseMaxMs || !hasRole(space, invoker, 'worker')) return false;
  if (!space.exists(template('job', name, any, any))) return false;
  const most = quotaOf(space, invoker);
  return typeof most !== 'number' || space.count(template('claim', any, invoker)) < most;
};

const isOwnClaim = (wanted: PolicyTemplate, invoker: string) =>
  wanted.length === 3 && wanted[0] === 'claim' && typeof wanted[1] === 'string' && wanted[2] === invoker;

const mayFinish = ({ invoker, template: wanted, tuple, space }: RuleArguments['replace']) => {
  const [kind, name, producer] = tuple;
  if (tuple.length !== 4 || kind !== 'result' || typeof name !== 'string') return false;
  if (wanted.length !== 4 || wanted[0] !== 'job' || wanted[1] !== name) return false;
  if (space.rdp(template('job', name, any, any))?.tuple[2] !== producer) return false;
  return hasRole(space, invoker, 'worker') && space.exists(template('claim', name, invoker));
};

const mayReplace = (attempt: RuleArguments['replace']) => {
  const { invoker, template: wanted, tuple, space } = attempt;
  if (!isUntimedAndSeen(attempt)) return false;
  if (!isQuota(tuple)) return mayFinish(attempt);
  const isOfSame = wanted.length === 3 && wanted[0] === 'quota' && wanted[1] === tuple[1];
  return isOfSame && manages(space, invoker);
};

const mayTake = ({ invoker, template: wanted, space }: RuleArguments['inp']) => {
  const [kind, name, last] = wanted;
  if (typeof name !== 'string') return false;
  if (kind === 'claim') return isOwnClaim(wanted, invoker);
  if (kind === 'role' && wanted.length === 3)
    return typeof last === 'string' && mayAppoint(space, invoker, last);
  if (kind === 'quota' && wanted.length === 3) return manages(space, invoker);
  if (wanted.length !== 4 || last !== invoker) return false;
  return kind === 'result' || (kind === 'job' && !space.exists(template('claim', name, any)));
};

export default definePolicy({
  out: mayInsert,
  inp: mayTake,
  cas: mayClaim,
  replace: mayReplace,
  renew: ({ invoker, template: wanted, lease, space }) =>
    isOwnClaim(wanted, invoker) && lease <= leaseMaxMs && hasRole(space, invoker, 'worker'),
  rdp: isMember,
  rd: isMember,
  rdAll: isMember,
  count: isMember,
  subscribe: isMember,
});
