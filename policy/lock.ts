/**
 * Named locks with leases.
 *
 * Tuples
 *   ['lock', name, holder]   timed; holder is the client that inserted it
 *
 * Guarantees, whatever clients do
 *   - At most one entry for each name: it is inserted by `cas` on (lock, name, any) only.
 *   - Nobody takes a lock in another's name, and nobody takes or renews another's lock.
 *   - No lock outlives its lease, which is capped, and none is hidden from those who wait for it.
 * The entry's id is the fencing token: it grows from holder to holder.
 */
import { any, definePolicy } from 'theodora/policy';
import type { PolicyTemplate } from 'theodora/policy';

const leaseMaxMs = 300_000;

const isOwn = (wanted: PolicyTemplate, invoker: string) =>
  wanted.length === 3 && wanted[0] === 'lock' && typeof wanted[1] === 'string' && wanted[2] === invoker;

export default definePolicy({
  cas: ({ invoker, template, tuple, lease, readers, takers }) => {
    const [kind, name, holder] = tuple;
    if (tuple.length !== 3 || kind !== 'lock' || typeof name !== 'string' || holder !== invoker) return false;
    const isForAnyHolder =
      template.length === 3 && template[0] === kind && template[1] === name && template[2] === any;
    return isForAnyHolder && lease !== null && lease <= leaseMaxMs && readers === null && takers === null;
  },
  inp: ({ invoker, template }) => isOwn(template, invoker),
  renew: ({ invoker, template, lease }) => isOwn(template, invoker) && lease <= leaseMaxMs,
  rdp: true,
  rd: true,
  rdAll: true,
  count: true,
  subscribe: true,
});
