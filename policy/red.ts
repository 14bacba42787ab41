/**
 * The ReD coordinators' space: which replica of a database is the writer (Posse, Lisbon 2011, chapter 4; the
 * gaps of the policy published there are closed).
 *
 * Tuples
 *   ['REPLICA', id, 'STOPPED' | 'COPIER' | 'WRITER']   timed, one for each id and state; id is a coordinator
 *   ['SYNC', token, '/id/id/…/']                       untimed: which ids hold every acknowledged commit
 *   ['RELEASE', id, token]                             timed: id gives the WRITER entry with that id back
 *   ['ADDRESS', id, text]                              untimed, one for each id: where others reach its database
 *   ['LAG', id, 'id=bytes …']                          timed: how far behind others are, as the writer says
 *
 * Guarantees, whatever coordinators do
 *   - There is at most one WRITER; it was a COPIER, and only its own coordinator inserted it.
 *   - A COPIER was STOPPED, and was admitted by the writer, or by itself while there was no writer.
 *   - Nobody takes another's WRITER, nor its own but the one that it has released, however late the taking
 *     arrives; a COPIER is taken by its own coordinator, once that is the writer.
 *   - Once there is a SYNC, only its members become writer, and only the writer replaces it: with the id of its
 *     WRITER entry as token, and itself a member.
 *   - Every REPLICA is timed, within the cap, and hidden from nobody. Whoever inserted it, its id renews it.
 */
import { any, definePolicy, template } from 'theodora/policy';
import type { Field, PolicySpace, PolicyTemplate, RuleArguments } from 'theodora/policy';

const leaseMaxMs = 60_000;
const writers = template('REPLICA', any, 'WRITER');
const syncs = template('SYNC', any, any);

const replica = (id: Field | undefined, state: string) => template('REPLICA', id, state);
const isWriter = (space: PolicySpace, id: string) => space.exists(replica(id, 'WRITER'));
const isSeenByAll = ({ readers, takers }: Pick<RuleArguments['out'], 'readers' | 'takers'>) =>
  readers === null && takers === null;

const isReplica = (attempt: RuleArguments['out'] | RuleArguments['cas'], state: string) => {
  const { tuple, lease } = attempt;
  const isWellFormed = tuple.length === 3 && tuple[0] === 'REPLICA' && typeof tuple[1] === 'string';
  return isWellFormed && tuple[2] === state && lease !== null && lease <= leaseMaxMs && isSeenByAll(attempt);
};

/** The writer admits a replica; a replica admits itself while there is no writer. */
const mayAdmit = (space: PolicySpace, invoker: string, id: Field | undefined) =>
  isWriter(space, invoker) || (id === invoker && !space.exists(writers));

/** By itself alone, and seen by all. */
const isOwnNote = (attempt: RuleArguments['out'], kind: string) => {
  const { invoker, tuple } = attempt;
  return tuple.length === 3 && tuple[0] === kind && tuple[1] === invoker && isSeenByAll(attempt);
};

const mayNote = (attempt: RuleArguments['out']) => {
  const { invoker, tuple, lease, space } = attempt;
  const isTimed = lease !== null && lease <= leaseMaxMs;
  if (isOwnNote(attempt, 'RELEASE')) return isTimed;
  if (isOwnNote(attempt, 'LAG')) return isTimed && isWriter(space, invoker);
  if (!isOwnNote(attempt, 'ADDRESS') || lease !== null || typeof tuple[2] !== 'string') return false;
  return !space.exists(template('ADDRESS', invoker, any));
};

const mayInsert = (attempt: RuleArguments['out']) => {
  const { invoker, tuple, space } = attempt;
  const id = tuple[1];
  if (mayNote(attempt)) return true;
  if (isReplica(attempt, 'STOPPED')) return id === invoker && !space.exists(replica(id, 'STOPPED'));
  if (!isReplica(attempt, 'COPIER') || space.exists(replica(id, 'COPIER'))) return false;
  return space.exists(replica(id, 'STOPPED')) && mayAdmit(space, invoker, id);
};

const hasReleased = (space: PolicySpace, id: string) => {
  const writer = space.rdp(replica(id, 'WRITER'));
  return writer !== null && space.exists(template('RELEASE', id, writer.id));
};

const mayTake = ({ invoker, template: wanted, space }: RuleArguments['inp']) => {
  const [kind, id, state] = wanted;
  if (wanted.length !== 3 || typeof id !== 'string') return false;
  if (kind === 'ADDRESS') return id === invoker;
  if (kind !== 'REPLICA') return false;
  if (state === 'STOPPED') return space.exists(replica(id, 'COPIER')) && mayAdmit(space, invoker, id);
  if (state === 'COPIER') return id === invoker && isWriter(space, id);
  return state === 'WRITER' && id === invoker && hasReleased(space, id);
};

const mayRenew = ({ invoker, template: wanted, lease }: RuleArguments['renew']) =>
  wanted.length === 3 && wanted[0] === 'REPLICA' && wanted[1] === invoker && lease <= leaseMaxMs;

const isMember = (members: Field | undefined, id: string) =>
  typeof members === 'string' && members.includes(`/${id}/`);

const isInSync = (space: PolicySpace, id: string) => {
  const sync = space.rdp(syncs);
  return sync === null || isMember(sync.tuple[2], id);
};

const asksForTheWriter = (wanted: PolicyTemplate) =>
  wanted.length === 3 && wanted[0] === 'REPLICA' && wanted[1] === any && wanted[2] === 'WRITER';

const mayBecomeWriter = (attempt: RuleArguments['cas']) => {
  const { invoker, template: wanted, tuple, space } = attempt;
  if (!asksForTheWriter(wanted) || !isReplica(attempt, 'WRITER') || tuple[1] !== invoker) return false;
  return space.exists(replica(invoker, 'COPIER')) && isInSync(space, invoker);
};

/** A SYNC put in the place of any other, or of none. */
const maySync = (attempt: RuleArguments['cas'] | RuleArguments['replace']) => {
  const { invoker, template: wanted, tuple, lease, space } = attempt;
  const isForSync = wanted.length === 3 && wanted[0] === 'SYNC' && wanted[1] === any && wanted[2] === any;
  if (!isForSync || tuple.length !== 3 || tuple[0] !== 'SYNC') return false;
  if (lease !== null || !isSeenByAll(attempt) || !isMember(tuple[2], invoker)) return false;
  return space.rdp(replica(invoker, 'WRITER'))?.id === tuple[1];
};

export default definePolicy({
  out: mayInsert,
  inp: mayTake,
  cas: (attempt) => mayBecomeWriter(attempt) || maySync(attempt),
  replace: maySync,
  renew: mayRenew,
  rdp: true,
  rd: true,
  rdAll: true,
  count: true,
  subscribe: true,
});
