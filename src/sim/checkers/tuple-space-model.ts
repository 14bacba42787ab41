/**
 * The tuple space of DESIGN section 4 as naively as possible: a list searched from its oldest entry.
 * Immutable states, so that the Wing–Gong checker can branch. Knows no limits, guards or leases; shares no
 * code with src/space, which it is held against.
 */
import { equalBytes, toHex } from '../../base/index.js';
import type { ClientId } from '../../base/index.js';
import { Double, encodeEntry } from '../../codec/index.js';
import type { Entry, Field, Operation, Result, Template, TemplateField, Tuple } from '../../codec/index.js';

export interface SpaceState {
  readonly nextId: bigint;
  /** Oldest first. */
  readonly entries: readonly Entry[];
}

export const emptySpace: SpaceState = { nextId: 1n, entries: [] };

/** An operation and who asks for it. */
export interface SpaceCall {
  readonly client: ClientId;
  readonly operation: Operation;
}

type Step = readonly [SpaceState, Result];

export function applyToSpace(state: SpaceState, { client, operation }: SpaceCall): Step {
  switch (operation.kind) {
    case 'out': {
      const [next, entry] = insert(state, operation.tuple, client);
      return [next, { kind: 'entry', entry }];
    }
    case 'rdp':
      return [state, { kind: 'entry', entry: oldest(state, operation.template) }];
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
    case 'cas':
      return compareAndSwap(state, operation.template, operation.tuple, client);
    case 'replace': {
      const entry = oldest(state, operation.template);
      if (entry === null) return [state, { kind: 'entry', entry }];
      return [insert(without(state, entry), operation.tuple, client)[0], { kind: 'entry', entry }];
    }
  }
}

/** Equal exactly for equal states. */
export function spaceStateKey(state: SpaceState): string {
  return `${state.nextId};${state.entries.map((entry) => toHex(encodeEntry(entry))).join(';')}`;
}

function compareAndSwap(state: SpaceState, template: Template, tuple: Tuple, client: ClientId): Step {
  const match = oldest(state, template);
  if (match !== null) return [state, { kind: 'cas', inserted: false, entry: match }];
  const [next, entry] = insert(state, tuple, client);
  return [next, { kind: 'cas', inserted: true, entry }];
}

function insert(state: SpaceState, tuple: Tuple, owner: ClientId): readonly [SpaceState, Entry] {
  const entry: Entry = { id: state.nextId, tuple, owner };
  return [{ nextId: state.nextId + 1n, entries: [...state.entries, entry] }, entry];
}

function without(state: SpaceState, ...gone: readonly (Entry | null)[]): SpaceState {
  return { nextId: state.nextId, entries: state.entries.filter((entry) => !gone.includes(entry)) };
}

const firstOf = (entries: readonly Entry[], limit: number): readonly Entry[] =>
  limit === 0 ? entries : entries.slice(0, limit);

const matches = (state: SpaceState, template: Template): Entry[] =>
  state.entries.filter((entry) => isMatch(template, entry.tuple));

const oldest = (state: SpaceState, template: Template): Entry | null => matches(state, template)[0] ?? null;

function isMatch(template: Template, tuple: Tuple): boolean {
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
  return a instanceof Uint8Array && b instanceof Uint8Array ? equalBytes(a, b) : a === b;
}

function typeName(value: Field): string {
  if (value instanceof Double) return 'double';
  if (value instanceof Uint8Array) return 'bytes';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'int' : 'double';
  if (typeof value === 'bigint') return 'int';
  return typeof value === 'boolean' ? 'bool' : 'string';
}
