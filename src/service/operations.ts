/**
 * What each operation does, one handler a kind: which limits are checked before anything else, and which
 * operation of the space is run. Every handler names its own operation of the space and no other
 * (pitfall 23). Must not decide whether the operation is allowed.
 */
import type { ClientId } from '../base/index.js';
import type { Entry, Operation, OperationKind, Result } from '../codec/index.js';
import {
  checkLease,
  checkTemplate,
  checkTuple,
  deadlineOf,
  type Refused,
  type Space,
  type SpaceLimits,
} from '../space/index.js';

type OperationOf<K extends OperationKind> = Extract<Operation, { readonly kind: K }>;

/** Who asks, when in ordered time, and the limits that hold. */
export interface Invocation {
  readonly client: ClientId;
  readonly time: number;
  readonly limits: SpaceLimits;
}

interface Handler<O> {
  check(limits: SpaceLimits, operation: O): Refused | null;
  run(space: Space, operation: O, invocation: Invocation): Result;
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
  { template }: OperationOf<'rdp' | 'inp' | 'rdAll' | 'inAll' | 'count'>,
): Refused | null => checkTemplate(limits, template);

const checkSwap = (
  limits: SpaceLimits,
  { template, tuple, lease }: OperationOf<'cas' | 'replace'>,
): Refused | null =>
  checkTemplate(limits, template) ?? checkTuple(limits, tuple) ?? checkLease(limits, lease);

const checkRenew = (limits: SpaceLimits, { template, lease }: OperationOf<'renew'>): Refused | null =>
  checkTemplate(limits, template) ?? checkLease(limits, lease);

function deadlineFor(lease: number | null, { limits, time }: Invocation): number | null {
  return lease === null ? null : deadlineOf(limits, lease, time);
}

function isGone(entry: Entry | null, time: number): boolean {
  return entry !== null && entry.deadline !== null && entry.deadline <= time;
}

const handlers: { readonly [K in OperationKind]: Handler<OperationOf<K>> } = {
  out: {
    mayBeGone: null,
    check: checkOut,
    run: (space, { tuple, lease }, by) => space.out(tuple, by.client, deadlineFor(lease, by)),
  },
  rdp: {
    mayBeGone: (_space, _operation, result, time) => result.kind === 'entry' && isGone(result.entry, time),
    check: checkMatch,
    run: (space, { template }) => space.rdp(template),
  },
  inp: { mayBeGone: null, check: checkMatch, run: (space, { template }) => space.inp(template) },
  rdAll: {
    mayBeGone: (_space, _operation, result, time) =>
      result.kind === 'entries' && result.entries.some((entry) => isGone(entry, time)),
    check: checkMatch,
    run: (space, { template, limit, after }) => space.rdAll(template, limit, after),
  },
  inAll: {
    mayBeGone: null,
    check: checkMatch,
    run: (space, { template, limit }) => space.inAll(template, limit),
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
      space.cas(template, tuple, by.client, deadlineFor(lease, by)),
  },
  replace: {
    mayBeGone: null,
    check: checkSwap,
    run: (space, { template, tuple, lease }, by) =>
      space.replace(template, tuple, by.client, deadlineFor(lease, by)),
  },
  renew: {
    mayBeGone: null,
    check: checkRenew,
    run: (space, { template, lease }, { client, limits, time }) =>
      space.renew(template, client, deadlineOf(limits, lease, time)),
  },
};

export function handlerOf(operation: Operation): Handler<Operation> {
  return handlers[operation.kind] as Handler<Operation>;
}
