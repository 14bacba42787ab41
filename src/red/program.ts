/**
 * Programs of a coordinator: generators that yield what they wait for, so that the algorithm stands there line by line, and
 * is as pure as any state machine. Whoever runs one may drop it at any point.
 */
import type { Entry, TemplateInput } from '../client/index.js';
import type { CoordinatorMessage, Lag, MemberId } from './messages.js';
import type { Answer, CoordinatorSettings, RedOperation, Role } from './protocol.js';
import { registryOf, releaseTuple, replicas, replicaTuple, type Registry, type State } from './registry.js';

export type Effect =
  | { readonly kind: 'call'; readonly operation: RedOperation; readonly isPatient: boolean }
  /** Until then, or until that has happened; `changed` since the last look began. */
  | { readonly kind: 'sleep'; readonly untilMs: number; readonly wakes: 'changed' | 'acknowledged' | null };

/** A call's answer; of a sleep nothing. */
export type Program<T> = Generator<Effect, T, Answer | undefined>;

/** What programs know and do at once. */
export interface Core {
  readonly settings: CoordinatorSettings;
  readonly nowMs: number;
  /** Whether the replica has said `ACK` since it was last told of a new copier. */
  readonly isAcknowledged: boolean;
  readonly isExtended: boolean;
  /** Where others reach the replica; null: it has not said. */
  readonly address: string | null;
  /** Null: nothing that is not on record. */
  takeWantedSync(): readonly MemberId[] | null;
  /** It could not be put on record yet. */
  giveBackWantedSync(ids: readonly MemberId[]): void;
  /** Null: nothing that has not been published. */
  takeLags(): readonly Lag[] | null;
  tell(message: CoordinatorMessage): void;
  /** Tells the replica of a new copier. */
  announce(id: MemberId): void;
  become(role: Role, token?: bigint): void;
  /** Renews that entry from now on; it was inserted or renewed by what was sent at `sentAtMs`. */
  hold(state: State, entryId: bigint, sentAtMs: number): void;
  /** Whether this coordinator was told of that WRITER itself, so that its replica alone may have acted on it. */
  hasHeld(token: bigint): boolean;
  /** Renews it no longer. */
  letGo(state: State): void;
  /** Says that whatever changes from now on has not been seen. */
  beginLook(): void;
}

/** After something that was refused or failed. */
const retryMs = 250;

export function* call(operation: RedOperation): Program<Answer> {
  return (yield { kind: 'call', operation, isPatient: false })!;
}

/** Waits for its answer however long that takes: what was given up could still be done, after what was done in its place. */
export function* callPatiently(operation: RedOperation): Program<Answer> {
  return (yield { kind: 'call', operation, isPatient: true })!;
}

/** Until something has changed, or the next look is due. */
export function* pause(core: Core): Program<void> {
  yield { kind: 'sleep', untilMs: core.nowMs + core.settings.pollMs, wakes: 'changed' };
}

/** Whether the replica knows of that copier by then. */
export function* announce(core: Core, id: MemberId, untilMs: number): Program<boolean> {
  core.announce(id);
  yield { kind: 'sleep', untilMs, wakes: 'acknowledged' };
  return core.isAcknowledged;
}

export function* backOff(core: Core): Program<void> {
  yield { kind: 'sleep', untilMs: core.nowMs + retryMs, wakes: null };
}

/** A read that must not be left unanswered. */
function* persist(core: Core, operation: RedOperation): Program<Answer> {
  for (;;) {
    const answer = yield* call(operation);
    if (answer.kind !== 'refused' && answer.kind !== 'failed') return answer;
    yield* backOff(core);
  }
}

export function* look(core: Core): Program<Registry> {
  core.beginLook();
  const answer = yield* persist(core, { kind: 'rdAll', template: replicas });
  return registryOf(answer.kind === 'entries' ? answer.entries : []);
}

/** Whether the WRITER tuple of this member, whose replica is certainly stopped, was given back before its time. */
export function* giveBack(core: Core, token: bigint): Program<boolean> {
  const { id, leaseMs } = core.settings;
  const said = yield* call({ kind: 'out', tuple: releaseTuple(id, token), leaseMs });
  if (said.kind !== 'entry') return false;
  const taken = yield* call({ kind: 'inp', template: replicaTuple(id, 'WRITER') });
  return taken.kind === 'entry';
}

export function* readOnce(core: Core, template: TemplateInput): Program<Entry | null> {
  const answer = yield* persist(core, { kind: 'rdp', template });
  return answer.kind === 'entry' ? answer.entry : null;
}
