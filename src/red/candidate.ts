/**
 * From a stopped replica to the writer (ReD, the Byzantine-tolerant algorithm, `start` and `copier`). The new tuple is inserted
 * before the old one is taken, so that nobody looks absent in between. Must not take what others may count on: a tuple of an
 * earlier life of this replica goes by its lease, a WRITER of this coordinator's at once, for the replica has said that it is stopped.
 */
import type { Entry } from '../client/index.js';
import type { MemberId } from './messages.js';
import { backOff, call, giveBack, look, pause, readOnce, type Core, type Program } from './program.js';
import {
  addressIn,
  addressOf,
  addressTuple,
  anySync,
  membersAt,
  replicaTuple,
  syncOf,
  writers,
  type Registry,
  type State,
} from './registry.js';

/** Ends when the replica is to be the writer; its token. */
export function* becomeWriter(core: Core): Program<bigint> {
  yield* outliveFormerSelf(core);
  yield* publishAddress(core);
  yield* becomeCopier(core);
  core.become('copier');
  return yield* waitForTheWriter(core);
}

/** A COPIER of an earlier life would be taken for an admission to this one. */
function* outliveFormerSelf(core: Core): Program<void> {
  const { id } = core.settings;
  for (;;) {
    const standing = (yield* look(core)).members.get(id);
    if (standing === undefined) return;
    // That of another process may be of one that still runs, by mistake, with a replica of its own.
    if (standing.WRITER === undefined || !core.hasHeld(standing.WRITER)) yield* pause(core);
    else if (!(yield* giveBack(core, standing.WRITER))) yield* backOff(core);
  }
}

/** Before anything else is said of the replica: whoever learns of it knows where it is. */
function* publishAddress(core: Core): Program<void> {
  const { id } = core.settings;
  const { address } = core;
  if (address === null) return;
  for (;;) {
    const known = addressIn(yield* readOnce(core, addressOf(id)));
    if (known === address) return;
    if (known !== null) yield* call({ kind: 'inp', template: addressOf(id) });
    const answer = yield* call({ kind: 'out', tuple: addressTuple(id, address), leaseMs: null });
    if (answer.kind !== 'entry') yield* backOff(core);
  }
}

/** Null: it was refused, or perhaps inserted. */
function* insert(core: Core, state: State): Program<Entry | null> {
  const { id, leaseMs } = core.settings;
  const sentAtMs = core.nowMs;
  const answer = yield* call({ kind: 'out', tuple: replicaTuple(id, state), leaseMs });
  if (answer.kind !== 'entry' || answer.entry === null) return null;
  core.hold(state, answer.entry.id, sentAtMs);
  return answer.entry;
}

function* becomeStopped(core: Core): Program<void> {
  if ((yield* insert(core, 'STOPPED')) === null) yield* backOff(core);
}

/** The writer admits it, or it admits itself while there is none. */
function* becomeCopier(core: Core): Program<void> {
  const { id } = core.settings;
  for (;;) {
    const registry = yield* look(core);
    const standing = registry.members.get(id);
    if (standing?.COPIER !== undefined) {
      if (yield* adopt(core, 'COPIER')) break;
      // Nobody renewed it for a while, and nobody has let the replica in meanwhile.
    } else if (standing?.STOPPED === undefined) yield* becomeStopped(core);
    else if (registry.writer !== null) yield* pause(core);
    else if ((yield* insert(core, 'COPIER')) !== null) {
      yield* call({ kind: 'inp', template: replicaTuple(id, 'STOPPED') });
      break;
      // A writer has appeared meanwhile, or what was sent may yet arrive.
    } else yield* backOff(core);
  }
  core.letGo('STOPPED');
}

/** Goes on with what another inserted for this replica, or what was inserted without an answer; its token, or null. */
function* adopt(core: Core, state: State): Program<bigint | null> {
  const { id, leaseMs } = core.settings;
  const sentAtMs = core.nowMs;
  const answer = yield* call({ kind: 'renew', template: replicaTuple(id, state), leaseMs });
  if (answer.kind !== 'entry' || answer.entry === null) return null;
  core.hold(state, answer.entry.id, sentAtMs);
  return answer.entry.id;
}

function* waitForTheWriter(core: Core): Program<bigint> {
  const { id, leaseMs } = core.settings;
  let followed = 0n;
  /** Whether a WRITER of this replica may be what was asked for here. */
  let isUnanswered = false;
  for (;;) {
    const registry = yield* look(core);
    const { writer } = registry;
    if (writer === null) {
      if (!(yield* mayStand(core, registry))) {
        yield* pause(core);
        continue;
      }
      const sentAtMs = core.nowMs;
      const tuple = replicaTuple(id, 'WRITER');
      const answer = yield* call({ kind: 'cas', template: writers, tuple, leaseMs });
      if (answer.kind === 'cas' && answer.isInserted && answer.entry !== null) {
        core.hold('WRITER', answer.entry.id, sentAtMs);
        return answer.entry.id;
      }
      isUnanswered ||= answer.kind === 'failed';
      if (answer.kind !== 'cas') yield* backOff(core);
    } else if (writer.id === id && isUnanswered) {
      const token = yield* adopt(core, 'WRITER');
      if (token !== null) return token;
    } else {
      if (core.isExtended && writer.token > followed) {
        followed = writer.token;
        const address = addressIn(yield* readOnce(core, addressOf(writer.id)));
        core.tell({ kind: 'follow', ...writer, address });
        continue;
      }
      yield* pause(core);
    }
  }
}

/** What is on record decides who has all data; the policy of the space says the same to those who do not ask. */
function* mayStand(core: Core, registry: Registry): Program<boolean> {
  const { id, election } = core.settings;
  const sync = syncOf(yield* readOnce(core, anySync));
  const mayWrite = (member: MemberId): boolean => sync === null || sync.includes(member);
  if (!mayWrite(id)) return false;
  if (election === 'race') return true;
  const first = membersAt(registry, 'COPIER').find(([member]) => mayWrite(member));
  return first?.[0] === id;
}
