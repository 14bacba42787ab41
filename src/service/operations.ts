/**
 * What each operation does, one handler a kind: which sizes are checked before anything else, and which
 * operation of the space is run. Every handler names its own operation of the space and no other
 * (pitfall 23). Must not decide whether the operation is allowed.
 */
import type { ClientId } from '../base/index.js';
import type { Operation, OperationKind, Result } from '../codec/index.js';
import { checkTemplate, checkTuple, type Refused, type Space, type SpaceLimits } from '../space/index.js';

type OperationOf<K extends OperationKind> = Extract<Operation, { readonly kind: K }>;

interface Handler<O> {
  /** Changes nothing, so that it may be answered without ordering. */
  readonly isRead: boolean;
  check(limits: SpaceLimits, operation: O): Refused | null;
  run(space: Space, operation: O, client: ClientId): Result;
}

const checkOut = (limits: SpaceLimits, { tuple }: OperationOf<'out'>): Refused | null =>
  checkTuple(limits, tuple);

const checkMatch = (
  limits: SpaceLimits,
  { template }: OperationOf<'rdp' | 'inp' | 'rdAll' | 'inAll' | 'count'>,
): Refused | null => checkTemplate(limits, template);

const checkSwap = (
  limits: SpaceLimits,
  { template, tuple }: OperationOf<'cas' | 'replace'>,
): Refused | null => checkTemplate(limits, template) ?? checkTuple(limits, tuple);

const handlers: { readonly [K in OperationKind]: Handler<OperationOf<K>> } = {
  out: { isRead: false, check: checkOut, run: (space, { tuple }, client) => space.out(tuple, client) },
  rdp: { isRead: true, check: checkMatch, run: (space, { template }) => space.rdp(template) },
  inp: { isRead: false, check: checkMatch, run: (space, { template }) => space.inp(template) },
  rdAll: {
    isRead: true,
    check: checkMatch,
    run: (space, { template, limit, after }) => space.rdAll(template, limit, after),
  },
  inAll: {
    isRead: false,
    check: checkMatch,
    run: (space, { template, limit }) => space.inAll(template, limit),
  },
  count: { isRead: true, check: checkMatch, run: (space, { template }) => space.count(template) },
  cas: {
    isRead: false,
    check: checkSwap,
    run: (space, { template, tuple }, client) => space.cas(template, tuple, client),
  },
  replace: {
    isRead: false,
    check: checkSwap,
    run: (space, { template, tuple }, client) => space.replace(template, tuple, client),
  },
};

export function handlerOf(operation: Operation): Handler<Operation> {
  return handlers[operation.kind] as Handler<Operation>;
}
