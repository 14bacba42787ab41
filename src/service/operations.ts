/**
 * What each operation does, one handler a kind: which limits are checked before anything else, and which
 * operation of the space is run. Every handler names its own operation of the space and no other
 * (pitfall 23). Says what has to be allowed; must not decide whether it is.
 */
import type { ClientName, SessionId } from '../base/index.js';
import type { Access, Entry, Result, Sealed, SpaceOperation, Template } from '../codec/index.js';
import type { PolicyAttempt } from '../policy/index.js';
import {
  checkAccess,
  checkLease,
  checkSealed,
  checkTemplate,
  checkTuple,
  checkWait,
  deadlineOf,
  openAccess,
  refused,
  type Effects,
  type Refused,
  type Space,
  type SpaceLimits,
  type StoredEntry,
} from '../space/index.js';
import type { Guard, ListName } from './guard.js';

/** Operations on one space; a cancel only names what it ends, and what is of confidential spaces alone is done elsewhere. */
export type GuardedOperation = Exclude<SpaceOperation, { readonly kind: 'cancel' | 'spaceKey' | 'repair' }>;
type GuardedKind = GuardedOperation['kind'];
type OperationOf<K extends GuardedKind> = Extract<GuardedOperation, { readonly kind: K }>;

/** Who asks, when in ordered time, the limits that hold, and what the operation may do to others. */
export interface Invocation {
  readonly client: ClientName;
  readonly session: SessionId;
  /** Request number within the session. */
  readonly number: number;
  readonly time: number;
  /** Whether the session has room for one more operation that waits. */
  readonly mayWait: boolean;
  /** What the operation seals in the entry that it inserts. */
  readonly sealed: Sealed | null;
  readonly limits: SpaceLimits;
  readonly effects: Effects;
  /** Of the space. */
  readonly guard: Guard;
}

interface Handler<O> {
  /** What of the operation is held against limits. */
  check(limits: SpaceLimits, operation: O): Refused | null;
  /** The lists of the space that its client has to be on. */
  readonly needs: readonly ListName[];
  /** Null: the operation waits. */
  run(space: Space, operation: O, invocation: Invocation): Result | null;
  /**
   * For reads, which change nothing and so may be answered without ordering: whether part of what was read may
   * be gone once ordered time is `time`. Null for whatever else.
   */
  readonly mayBeGone: ((space: Space, operation: O, result: Result, time: number) => boolean) | null;
}

const checkOut = (limits: SpaceLimits, operation: OperationOf<'out'>): Refused | null =>
  checkTuple(limits, operation.tuple) ??
  checkAccess(limits, operation) ??
  checkSealed(limits, operation) ??
  checkLease(limits, operation.lease);

const checkMatch = (
  limits: SpaceLimits,
  { template }: OperationOf<'rdp' | 'inp' | 'rdAll' | 'inAll' | 'count' | 'subscribe'>,
): Refused | null => checkTemplate(limits, template);

const checkSwap = (limits: SpaceLimits, operation: OperationOf<'cas' | 'replace'>): Refused | null =>
  checkTemplate(limits, operation.template) ??
  checkTuple(limits, operation.tuple) ??
  checkAccess(limits, operation) ??
  checkSealed(limits, operation) ??
  checkLease(limits, operation.lease);

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

function accessOf({ readers, takers }: Access): Access {
  if (readers === undefined && takers === undefined) return openAccess;
  return { ...(readers && { readers }), ...(takers && { takers }) };
}

/**
 * Where a rule decides, the entry is the one that it was asked about: the oldest timed match, whoever inserted it;
 * else the oldest of the caller's own.
 */
function renewedBy(space: Space, template: Template, { client, guard }: Invocation): StoredEntry | null {
  return guard.policy?.decides('renew') === true
    ? space.oldestTimed(template, client)
    : space.renewable(template, client);
}

const handlers: { readonly [K in GuardedKind]: Handler<OperationOf<K>> } = {
  out: {
    mayBeGone: null,
    check: checkOut,
    needs: ['insert'],
    run: (space, operation, by) =>
      space.out(
        operation.tuple,
        by.client,
        deadlineFor(operation.lease, by),
        by.effects,
        accessOf(operation),
        by.sealed,
      ),
  },
  rdp: {
    mayBeGone: (_space, _operation, result, time) => result.kind === 'entry' && isGone(result.entry, time),
    check: checkMatch,
    needs: ['readers'],
    run: (space, { template }, { client }) => space.rdp(template, client),
  },
  inp: {
    mayBeGone: null,
    check: checkMatch,
    needs: ['takers'],
    run: (space, { template }, { client, effects }) => space.inp(template, effects, client),
  },
  rdAll: {
    mayBeGone: (_space, _operation, result, time) =>
      result.kind === 'entries' && result.entries.some((entry) => isGone(entry, time)),
    check: checkMatch,
    needs: ['readers'],
    run: (space, { template, limit, after }, { client }) => space.rdAll(template, limit, after, client),
  },
  inAll: {
    mayBeGone: null,
    check: checkMatch,
    needs: ['takers'],
    run: (space, { template, limit }, { client, effects }) => space.inAll(template, limit, effects, client),
  },
  count: {
    mayBeGone: (space, { template }, _result, time) => space.mayLoseMatches(template, time),
    check: checkMatch,
    needs: ['readers'],
    run: (space, { template }, { client }) => space.count(template, client),
  },
  cas: {
    mayBeGone: null,
    check: checkSwap,
    needs: ['insert'],
    run: (space, operation, by) => {
      const { template, tuple, lease } = operation;
      const deadline = deadlineFor(lease, by);
      return space.cas(template, tuple, by.client, deadline, by.effects, accessOf(operation), by.sealed);
    },
  },
  replace: {
    mayBeGone: null,
    check: checkSwap,
    needs: ['insert', 'takers'],
    run: (space, operation, by) => {
      const { template, tuple, lease } = operation;
      const deadline = deadlineFor(lease, by);
      return space.replace(template, tuple, by.client, deadline, by.effects, accessOf(operation), by.sealed);
    },
  },
  renew: {
    mayBeGone: null,
    check: checkRenew,
    needs: ['insert'],
    run: (space, { template, lease }, by) =>
      space.renew(renewedBy(space, template, by), deadlineOf(by.limits, lease, by.time)),
  },
  rd: {
    mayBeGone: null,
    check: checkWaiting,
    needs: ['readers'],
    run: (space, { template, timeout }, by) =>
      by.mayWait
        ? space.rd(template, by, waitUntil(timeout, by))
        : mayNotWait(by, space.rdp(template, by.client)),
  },
  in: {
    mayBeGone: null,
    check: checkWaiting,
    needs: ['takers'],
    run: (space, { template, timeout }, by) =>
      by.mayWait
        ? space.in(template, by, waitUntil(timeout, by), by.effects)
        : mayNotWait(by, space.inp(template, by.effects, by.client)),
  },
  subscribe: {
    mayBeGone: null,
    check: checkMatch,
    needs: ['readers'],
    run: (space, { template, from }, by) => space.subscribe(template, by, from),
  },
};

export function handlerOf(operation: GuardedOperation): Handler<GuardedOperation> {
  return handlers[operation.kind] as Handler<GuardedOperation>;
}

type Attempt = { -readonly [K in keyof PolicyAttempt]-?: PolicyAttempt[K] };

/** What a policy is told of an operation; of the same shape for each of them, since that is fast. */
export function attemptOf(space: Space, operation: GuardedOperation, invocation: Invocation): PolicyAttempt {
  const { client: invoker, time } = invocation;
  const attempt: Attempt = {
    operation: operation.kind,
    invoker,
    time,
    tuple: null,
    template: null,
    limit: null,
    lease: null,
    owner: null,
    readers: null,
    takers: null,
  };
  if (operation.kind !== 'out') attempt.template = operation.template;
  switch (operation.kind) {
    case 'out':
    case 'cas':
    case 'replace':
      attempt.tuple = operation.tuple;
      attempt.lease = operation.lease;
      attempt.readers = operation.readers ?? null;
      attempt.takers = operation.takers ?? null;
      return attempt;
    case 'renew': {
      const entry = renewedBy(space, operation.template, invocation);
      attempt.lease = operation.lease;
      attempt.tuple = entry?.tuple ?? null;
      attempt.owner = entry?.owner ?? null;
      return attempt;
    }
    case 'rdAll':
    case 'inAll':
      attempt.limit = operation.limit;
      return attempt;
    default:
      return attempt;
  }
}
