/**
 * The tuple space of DESIGN sections 3 and 4 as naively as possible: a list searched from its oldest entry,
 * purged by ordered time before every operation. Immutable states, so that the Wing–Gong checker can branch.
 * Knows no limits but those of leases, and no guards; shares no code with src/space, which it is held against.
 */
import { clientName, equalBytes, toHex } from '../../base/index.js';
import type { ClientId, ClientName } from '../../base/index.js';
import { Double, encodeEntry, isAdminOperation, isHidden, Tag, withoutOwnTuple } from '../../codec/index.js';
import type { Entry, Field, Result, Operation, Template, TemplateField, Tuple } from '../../codec/index.js';

export interface SpaceState {
  /** Ordered time so far. */
  readonly time: number;
  readonly nextId: bigint;
  /** Oldest first. */
  readonly entries: readonly Entry[];
}

export const emptySpace: SpaceState = { time: 0, nextId: 1n, entries: [] };

/** An operation, who asks for it, and its ordered time; null: it was not ordered. */
export interface SpaceCall {
  readonly client: ClientId;
  readonly operation: Operation;
  readonly time: number | null;
}

export interface LeaseLimits {
  readonly leaseMinMs: number;
  readonly leaseMaxMs: number;
}

export const defaultLeaseLimits: LeaseLimits = { leaseMinMs: 2_200, leaseMaxMs: 24 * 3_600_000 };

type Step = readonly [SpaceState, Result];

/** Ordered time has come to `time`: whatever is due by then is gone. */
export function advanceSpace(state: SpaceState, time: number): SpaceState {
  const isAlive = ({ deadline }: Entry): boolean => deadline === null || deadline > time;
  return { ...state, time, entries: state.entries.filter(isAlive) };
}

export function applyToSpace(
  before: SpaceState,
  { client: caller, operation, time }: SpaceCall,
  limits: LeaseLimits = defaultLeaseLimits,
): Step {
  if (isAdminOperation(operation)) return [before, { kind: 'refused', code: 'ADMIN_ONLY', detail: 0 }];
  // Nobody is registered, so everybody is called by his key.
  const client = clientName(caller);
  const state = time === null ? before : advanceSpace(before, time);
  const lease = 'lease' in operation ? operation.lease : null;
  if (lease !== null && lease < limits.leaseMinMs)
    return [state, { kind: 'refused', code: 'LEASE_TOO_SHORT', detail: limits.leaseMinMs }];
  const deadline = lease === null ? null : state.time + Math.min(lease, limits.leaseMaxMs);
  switch (operation.kind) {
    case 'out': {
      const [next, entry] = insert(state, operation.tuple, client, deadline);
      return [next, withoutOwnTuple(operation, { kind: 'entry', entry })];
    }
    // A wait takes effect when it ends, as what it would be without waiting.
    case 'rd':
    case 'rdp':
      return [state, { kind: 'entry', entry: oldest(state, operation.template) }];
    case 'in':
    case 'inp': {
      const entry = oldest(state, operation.template);
      return [without(state, entry), { kind: 'entry', entry }];
    }
    case 'rdAll': {
      const later = matches(state, operation.template).filter((entry) => entry.id > operation.after);
      return [state, { kind: 'entries', entries: firstOf(later, operation.limit) }];
    }
    case 'inAll': {
      const taken = firstOf(matches(state, operation.template), operation.limit);
      return [without(state, ...taken), { kind: 'entries', entries: taken }];
    }
    case 'count':
      return [state, { kind: 'count', count: matches(state, operation.template).length }];
    case 'cas': {
      const match = oldest(state, operation.template);
      if (match !== null) return [state, { kind: 'cas', inserted: false, entry: match }];
      const [next, entry] = insert(state, operation.tuple, client, deadline);
      return [next, withoutOwnTuple(operation, { kind: 'cas', inserted: true, entry })];
    }
    case 'replace': {
      const entry = oldest(state, operation.template);
      if (entry === null) return [state, { kind: 'entry', entry }];
      return [insert(without(state, entry), operation.tuple, client, deadline)[0], { kind: 'entry', entry }];
    }
    case 'renew':
      return renew(state, operation.template, client, deadline);
    case 'cancel':
      return [state, { kind: 'cancelled' }];
    case 'subscribe':
      return [state, { kind: 'subscribed', from: operation.from ?? 1 }];
    case 'spaceKey':
    case 'repair':
      return [state, { kind: 'refused', code: 'SPACE_NOT_CONFIDENTIAL', detail: 0 }];
  }
}

/** Equal exactly for equal states. */
export function spaceStateKey(state: SpaceState): string {
  const entries = state.entries.map((entry) => toHex(encodeEntry(entry))).join(';');
  return `${state.time};${state.nextId};${entries}`;
}

function insert(
  state: SpaceState,
  tuple: Tuple,
  owner: ClientName,
  deadline: number | null,
): readonly [SpaceState, Entry] {
  const entry: Entry = { id: state.nextId, tuple, owner, deadline };
  return [{ ...state, nextId: state.nextId + 1n, entries: [...state.entries, entry] }, entry];
}

/** The oldest match that has a deadline and was inserted by the caller gets another one. */
function renew(state: SpaceState, template: Template, client: ClientName, deadline: number | null): Step {
  const own = matches(state, template).find((entry) => entry.deadline !== null && entry.owner === client);
  if (own === undefined) return [state, { kind: 'entry', entry: null }];
  const renewed: Entry = { ...own, deadline };
  const entries = state.entries.map((entry) => (entry === own ? renewed : entry));
  return [
    { ...state, entries },
    { kind: 'entry', entry: renewed },
  ];
}

function without(state: SpaceState, ...gone: readonly (Entry | null)[]): SpaceState {
  return { ...state, entries: state.entries.filter((entry) => !gone.includes(entry)) };
}

const firstOf = (entries: readonly Entry[], limit: number): readonly Entry[] =>
  limit === 0 ? entries : entries.slice(0, limit);

const matches = (state: SpaceState, template: Template): Entry[] =>
  state.entries.filter((entry) => isMatch(template, entry.tuple));

const oldest = (state: SpaceState, template: Template): Entry | null => matches(state, template)[0] ?? null;

/** Compares field by field; arities must agree. */
export function isMatch(template: Template, tuple: Tuple): boolean {
  return template.length === tuple.length && template.every((field, index) => accepts(field, tuple[index]!));
}

function accepts(field: TemplateField, value: Field): boolean {
  if (field.kind === 'any') return true;
  return field.kind === 'formal' ? typeName(value) === field.type : isSameField(field.value, value);
}

function isSameField(a: Field, b: Field): boolean {
  if (typeName(a) !== typeName(b)) return false;
  if (a instanceof Double) return b instanceof Double ? a.value === b.value : a.value === b;
  if (b instanceof Double) return a === b.value;
  if (a instanceof Tag) return b instanceof Tag && equalBytes(a.point, b.point);
  return a instanceof Uint8Array && b instanceof Uint8Array
    ? equalBytes(a, b)
    : a === b && !(b instanceof Tag);
}

function typeName(value: Field): string {
  if (isHidden(value)) return 'hidden';
  if (value instanceof Tag) return value.type;
  if (value instanceof Double) return 'double';
  if (value instanceof Uint8Array) return 'bytes';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'int' : 'double';
  if (typeof value === 'bigint') return 'int';
  return typeof value === 'boolean' ? 'bool' : 'string';
}
