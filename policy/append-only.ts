/**
 * A log that only grows.
 *
 * Tuples
 *   ['log', position, author, record]   positions 0, 1, 2 … without a gap; author is who appended it
 *
 * Guarantees, whatever clients do
 *   - One record at a position, for ever: inserted by `cas` on (log, position, any, any), never taken, replaced,
 *     timed or hidden.
 *   - A record stands at a position only if all positions before it are taken.
 *   - Nobody writes in another's name.
 * Append at the position after the last one read; not inserted: another was first, read on.
 */
import { any, definePolicy, template } from 'theodora/policy';

export default definePolicy({
  cas: ({ invoker, template: wanted, tuple, lease, readers, takers, space }) => {
    const [kind, position, author] = tuple;
    if (tuple.length !== 4 || kind !== 'log' || author !== invoker) return false;
    if (typeof position !== 'number' || !Number.isSafeInteger(position) || position < 0) return false;
    if (wanted.length !== 4 || wanted[0] !== kind || wanted[1] !== position) return false;
    if (wanted[2] !== any || wanted[3] !== any) return false;
    if (lease !== null || readers !== null || takers !== null) return false;
    return position === 0 || space.exists(template('log', position - 1, any, any));
  },
  rdp: true,
  rd: true,
  rdAll: true,
  count: true,
  subscribe: true,
});
