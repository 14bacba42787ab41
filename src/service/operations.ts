/**
 * What each operation does, one handler a kind: which limits are checked before anything else, and which
 * operation of the space is run. Every handler names its own operation of the space and no other
 * (pitfall 23). Must not decide whether the operation is allowed.
 */
import type { ClientName, SessionId } from '../base/index.js';
import type { Entry, Result, SpaceOperation } from '../codec/index.js';
import {
  checkLease,
  checkTemplate,
  checkTuple,
  checkWait,
  deadlineOf,
  refused,
  type Effects,
  type Refused,
  type Space,
  type SpaceLimits,
  type SpaceSet,
} from '../space/index.js';

type SpaceOperationKind = SpaceOperation['kind'];
type OperationOf<K extends SpaceOperationKind> = Extract<SpaceOperation, { readonly kind: K }>;

/** Who asks, when in ordered time, the limits that hold, and what the operation may do to others. */
export interface Invocation {
  readonly client: ClientName;
  readonly session: SessionId;
  /** Request number within the session. */
  readonly number: number;
  readonly time: number;
  /** Whether the session has room for one more operation that waits. */
  readonly mayWait: boolean;
  readonly limits: SpaceLimits;
  readonly effects: Effects;
  /** For what is not of one space: `cancel`. */
  readonly spaces: SpaceSet;
}

interface Handler<O> {
  check(limits: SpaceLimits, operation: O): Refused | null;
  /** Null: the operation waits. */
  run(space: Space, operation: O, invocation: Invocation): Result | null;
  /**
   * For reads, which change nothing and so may be answered without ordering: whether part of what was read may
   * be gone once ordered time is `time`. Null for whatever else.
   */
  readonly mayBeGone: ((space: Space, operation: O, result: Result, time: number) => boolean) | null;
}

const checkOut = (limits: SpaceLimits, { tuple, lease }: OperationOf<'out'>): Refused | null =>
  checkTuple(limits, tuple) ?? checkLease(limits, lease);

const checkMatch = (
  limits: SpaceLimits,
  { template }: OperationOf<'rdp' | 'inp' | 'rdAll' | 'inAll' | 'count' | 'subscribe'>,
): Refused | null => checkTemplate(limits, template);

const checkSwap = (
  limits: SpaceLimits,
  { template, tuple, lease }: OperationOf<'cas' | 'replace'>,
): Refused | null =>
  checkTemplate(limits, template) ?? checkTuple(limits, tuple) ?? checkLease(limits, lease);

const checkRenew = (limits: SpaceLimits, { template, lease }: OperationOf<'renew'>): Refused | null =>
  checkTemplate(limits, template) ?? checkLease(limits, lease);

const checkWaiting = (limits: SpaceLimits, { template, timeout }: OperationOf<'rd' | 'in'>): Refused | null =>
  checkTemplate(limits, template) ?? checkWait(limits, timeout);

function deadlineFor(lease: number | null, { limits, time }: Invocation): number | null {
  return lease === null ? null : deadlineOf(limits, lease, time);
}

/** Null: never. */
function waitUntil(timeout: number | null, { time }: Invocation): number | null {
  return timeout === null ? null : time + timeout;
}

/** The session has no room for a late result: what there is now, or a refusal. */
function mayNotWait({ limits }: Invocation, now: Result): Result {
  const isThere = now.kind === 'entry' && now.entry !== null;
  return isThere ? now : refused('TOO_MANY_WAITS', limits.waitsPerClientMax);
}

function isGone(entry: Entry | null, time: number): boolean {
  return entry !== null && entry.deadline !== null && entry.deadline <= time;
}

const handlers: { readonly [K in SpaceOperationKind]: Handler<OperationOf<K>> } = {
  out: {
    mayBeGone: null,
    check: checkOut,
    run: (space, { tuple, lease }, by) => space.out(tuple, by.client, deadlineFor(lease, by), by.effects),
  },
  rdp: {
    mayBeGone: (_space, _operation, result, time) => result.kind === 'entry' && isGone(result.entry, time),
    check: checkMatch,
    run: (space, { template }) => space.rdp(template),
  },
  inp: {
    mayBeGone: null,
    check: checkMatch,
    run: (space, { template }, { effects }) => space.inp(template, effects),
  },
  rdAll: {
    mayBeGone: (_space, _operation, result, time) =>
      result.kind === 'entries' && result.entries.some((entry) => isGone(entry, time)),
    check: checkMatch,
    run: (space, { template, limit, after }) => space.rdAll(template, limit, after),
  },
  inAll: {
    mayBeGone: null,
    check: checkMatch,
    run: (space, { template, limit }, { effects }) => space.inAll(template, limit, effects),
  },
  count: {
    mayBeGone: (space, { template }, _result, time) => space.mayLoseMatches(template, time),
    check: checkMatch,
    run: (space, { template }) => space.count(template),
  },
  cas: {
    mayBeGone: null,
    check: checkSwap,
    run: (space, { template, tuple, lease }, by) =>
      space.cas(template, tuple, by.client, deadlineFor(lease, by), by.effects),
  },
  replace: {
    mayBeGone: null,
    check: checkSwap,
    run: (space, { template, tuple, lease }, by) =>
      space.replace(template, tuple, by.client, deadlineFor(lease, by), by.effects),
  },
  renew: {
    mayBeGone: null,
    check: checkRenew,
    run: (space, { template, lease }, { client, limits, time }) =>
      space.renew(template, client, deadlineOf(limits, lease, time)),
  },
  rd: {
    mayBeGone: null,
    check: checkWaiting,
    run: (space, { template, timeout }, by) =>
      by.mayWait ? space.rd(template, by, waitUntil(timeout, by)) : mayNotWait(by, space.rdp(template)),
  },
  in: {
    mayBeGone: null,
    check: checkWaiting,
    run: (space, { template, timeout }, by) =>
      by.mayWait
        ? space.in(template, by, waitUntil(timeout, by), by.effects)
        : mayNotWait(by, space.inp(template, by.effects)),
  },
  cancel: {
    mayBeGone: null,
    check: () => null,
    run: (_space, { session, number }, { client, spaces, effects }) =>
      spaces.cancel(client, session, number, effects),
  },
  subscribe: {
    mayBeGone: null,
    check: checkMatch,
    run: (space, { template, from }, by) => space.subscribe(template, by, from),
  },
};

export function handlerOf(operation: SpaceOperation): Handler<SpaceOperation> {
  return handlers[operation.kind] as Handler<SpaceOperation>;
}
