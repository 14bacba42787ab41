/**
 * The writer's coordinator (ReD, the Byzantine-tolerant algorithm, `writer` and `dealWithStopped`): admits whoever has started,
 * tells the writer of copiers that failed, and puts on record who holds every acknowledged commit. Failures are told from the
 * entries that are there, not from their number: a copier that failed and came back has another entry.
 */
import { idsMax, type MemberId } from './messages.js';
import {
  announce,
  backOff,
  call,
  callPatiently,
  look,
  pause,
  readOnce,
  type Core,
  type Program,
} from './program.js';
import { anySync, lagTuple, membersAt, replicaTuple, syncOf, syncTuple, type Registry } from './registry.js';

/** Why it is not the writer any more: the replica does not answer, or the service says so. */
export type WriterEnd = 'ACK_MISSING' | 'STEPDOWN';

/** The copiers that the replica knows, by the ids of their entries. */
type Known = Map<MemberId, bigint>;

/** With the writer they fit into the lines of the protocol. */
const copiersMax = idsMax - 1;

export function* write(core: Core, token: bigint): Program<WriterEnd> {
  core.letGo('COPIER');
  yield* call({ kind: 'inp', template: replicaTuple(core.settings.id, 'COPIER') });
  const first = yield* look(core);
  const known: Known = new Map(membersAt(first, 'COPIER').filter(([id]) => id !== core.settings.id));
  if (!(yield* admit(core, first, known))) return 'ACK_MISSING';
  const sync = core.isExtended ? syncOf(yield* readOnce(core, anySync)) : null;
  const copiers = [...known.keys()];
  core.tell({ kind: 'makeWriter', copiers, ...(core.isExtended ? { fenced: { token, sync } } : {}) });
  core.become('writer', token);
  for (;;) {
    const registry = yield* look(core);
    tellFailed(core, registry, known);
    if (!(yield* admit(core, registry, known))) return 'ACK_MISSING';
    const ids = core.takeWantedSync();
    if (ids === null) {
      yield* publishLags(core);
      yield* pause(core);
    } else if (!(yield* putOnRecord(core, token, ids))) return 'STEPDOWN';
  }
}

function tellFailed(core: Core, registry: Registry, known: Known): void {
  const there = new Map(membersAt(registry, 'COPIER'));
  for (const [id, entry] of known) {
    if (there.get(id) === entry) continue;
    known.delete(id);
    core.tell({ kind: 'failed', id });
  }
}

/** False: the replica does not answer. */
function* admit(core: Core, registry: Registry, known: Known): Program<boolean> {
  const { id: own, leaseMs } = core.settings;
  const acknowledged = (id: MemberId): Program<boolean> => announce(core, id, core.nowMs + leaseMs);
  // Inserted by what had no answer.
  for (const [id, entry] of membersAt(registry, 'COPIER')) {
    if (id === own || known.get(id) === entry) continue;
    if (!(yield* acknowledged(id))) return false;
    known.set(id, entry);
  }
  for (const [id] of membersAt(registry, 'STOPPED')) {
    // The rest waits until one of them has failed.
    if (id === own || known.size >= copiersMax) continue;
    if (!(yield* acknowledged(id))) return false;
    const answer = yield* call({ kind: 'out', tuple: replicaTuple(id, 'COPIER'), leaseMs });
    if (answer.kind === 'entry' && answer.entry !== null) known.set(id, answer.entry.id);
    // It is gone, or it may come yet and is then met among the copiers.
    else core.tell({ kind: 'failed', id });
    if (answer.kind === 'entry') yield* call({ kind: 'inp', template: replicaTuple(id, 'STOPPED') });
  }
  return true;
}

/** For people only, so nothing hangs on the answer. */
function* publishLags(core: Core): Program<void> {
  const lags = core.takeLags();
  if (lags === null) return;
  const { id, leaseMs } = core.settings;
  yield* call({ kind: 'out', tuple: lagTuple(id, lags), leaseMs });
}

/** False: somebody else is the writer. */
function* putOnRecord(core: Core, token: bigint, ids: readonly MemberId[]): Program<boolean> {
  const members = [...new Set([core.settings.id, ...ids])];
  const tuple = syncTuple(token, members);
  const replaced = yield* callPatiently({ kind: 'replace', template: anySync, tuple });
  let isDone = replaced.kind === 'entry' && replaced.entry !== null;
  let answer = replaced;
  if (replaced.kind === 'entry' && replaced.entry === null) {
    answer = yield* callPatiently({ kind: 'cas', template: anySync, tuple, leaseMs: null });
    isDone = answer.kind === 'cas' && answer.isInserted;
  }
  if (isDone) core.tell({ kind: 'synced', ids: members });
  else {
    if (answer.kind === 'refused' && answer.code === 'POLICY_DENIED') return false;
    core.giveBackWantedSync(ids);
    yield* backOff(core);
  }
  return true;
}
