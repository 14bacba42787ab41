/**
 * Barriers: everybody goes on once enough have arrived (as the partial barrier of DepSpace, EuroSys'08).
 *
 * Tuples
 *   ['barrier', name, needed]   how many have to arrive; the first one for a name stays
 *   ['arrived', name, id]       id is the client itself, once
 *
 * Guarantees, whatever clients do
 *   - `needed` of a name is decided once, by `cas` on (barrier, name, any).
 *   - Nobody arrives for another, twice, or before the barrier exists; nobody takes anything back.
 *   - So (arrived, name, any) is counted to at least `needed` only if that many clients have arrived.
 * Wait by counting, or by subscribing to (arrived, name, any). Use a new name for each round.
 */
import { any, definePolicy, template } from 'theodora/policy';

export default definePolicy({
  cas: ({ template: wanted, tuple, lease, readers, takers }) => {
    const [kind, name, needed] = tuple;
    if (tuple.length !== 3 || kind !== 'barrier' || typeof name !== 'string') return false;
    if (typeof needed !== 'number' || !Number.isSafeInteger(needed) || needed < 1) return false;
    const isForAnyNumber =
      wanted.length === 3 && wanted[0] === kind && wanted[1] === name && wanted[2] === any;
    return isForAnyNumber && lease === null && readers === null && takers === null;
  },
  out: ({ invoker, tuple, lease, readers, takers, space }) => {
    const [kind, name, id] = tuple;
    if (tuple.length !== 3 || kind !== 'arrived' || id !== invoker) return false;
    if (lease !== null || readers !== null || takers !== null) return false;
    return space.exists(template('barrier', name, any)) && !space.exists(template(kind, name, id));
  },
  rdp: true,
  rd: true,
  rdAll: true,
  count: true,
  subscribe: true,
});
