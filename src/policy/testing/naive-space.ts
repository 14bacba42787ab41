/**
 * A tuple space for tests of policies: a list of entries that never changes, each operation giving the next.
 * The plainest meaning of DESIGN section 4, with the policy asked first; nothing waits (`rd` and `in` find
 * nothing instead), and who may read or take an entry is only handed to the policy.
 */
import { normalizeTemplate, normalizeTuple, fieldType } from '../../codec/index.js';
import type { Field, Template, TemplateField, Tuple } from '../../codec/index.js';
import { policyTemplate, type PolicyTemplate, type RuleName } from '../authoring.js';
import type { LookupEntry, PolicyLookups } from '../methods.js';
import { Meter } from '../meter.js';
import type { Policy, Verdict } from '../policy.js';
import { equal } from '../values.js';

export type TestEntry = LookupEntry;

export interface TestState {
  /** Ordered time, ms. */
  readonly time: number;
  /** Of the next entry. */
  readonly nextId: bigint;
  /** Oldest first. */
  readonly entries: readonly TestEntry[];
}

export const emptyState: TestState = { time: 1_000, nextId: 1n, entries: [] };

/** An operation as a test writes it; a policy sees what is left out as null, or as no limit. */
export interface TestOperation {
  readonly operation: RuleName;
  readonly tuple?: readonly unknown[];
  /** Values, `any` and formals. */
  readonly template?: readonly unknown[];
  readonly lease?: number;
  readonly limit?: number;
  readonly readers?: readonly string[];
  readonly takers?: readonly string[];
}

export interface TestOutcome {
  readonly verdict: Verdict;
  /** Equal to the one before if the operation was denied or changed nothing. */
  readonly state: TestState;
  /** Read, taken, inserted or renewed; for a cas that did not insert, the match. */
  readonly entries: readonly TestEntry[];
  /** Whether something was inserted. */
  readonly inserted: boolean;
}

const unlimited = new Meter();

function matchesField(pattern: TemplateField, field: Field): boolean {
  if (pattern.kind === 'any') return true;
  if (pattern.kind === 'formal') return pattern.type === fieldType(field);
  unlimited.start(Number.MAX_SAFE_INTEGER);
  return equal(pattern.value, field, unlimited);
}

export function matchesTemplate(template: Template, tuple: Tuple): boolean {
  return template.length === tuple.length && tuple.every((field, i) => matchesField(template[i]!, field));
}

/** The state as policies look into it: every entry is a candidate. */
export function lookupsInto({ entries }: TestState): PolicyLookups {
  const all = (template: Template, charge: (candidates: number) => void): readonly TestEntry[] => {
    charge(entries.length);
    return entries.filter(({ tuple }) => matchesTemplate(template, tuple));
  };
  return {
    rdp: (template, charge) => all(template, charge)[0] ?? null,
    rdAll: (template, limit, charge) => all(template, charge).slice(0, limit === 0 ? undefined : limit),
    count: (template, charge) => all(template, charge).length,
  };
}

function without(state: TestState, gone: readonly TestEntry[]): TestState {
  return { ...state, entries: state.entries.filter((entry) => !gone.includes(entry)) };
}

/** Every entry whose deadline has come is gone. */
export function advance(state: TestState, ms: number): TestState {
  const time = state.time + ms;
  const isThere = ({ deadline }: TestEntry) => deadline === null || deadline > time;
  return { ...state, time, entries: state.entries.filter(isThere) };
}

export function expire(state: TestState, entry: TestEntry): TestState {
  return without(state, [entry]);
}

type Change = Omit<TestOutcome, 'verdict'>;

function insert(state: TestState, owner: string, tuple: Tuple, lease: number | undefined): Change {
  const deadline = lease === undefined ? null : state.time + lease;
  const entry: TestEntry = { id: state.nextId, tuple, owner, deadline };
  const entries = [...state.entries, entry];
  return { state: { ...state, nextId: state.nextId + 1n, entries }, entries: [entry], inserted: true };
}

function renew(state: TestState, entry: TestEntry | undefined, lease: number): Change {
  if (entry === undefined) return { state, entries: [], inserted: false };
  const renewed = { ...entry, deadline: state.time + lease };
  const entries = state.entries.map((one) => (one === entry ? renewed : one));
  return { state: { ...state, entries }, entries: [renewed], inserted: false };
}

interface Given {
  readonly client: string;
  readonly tuple: Tuple;
  readonly found: readonly TestEntry[];
  readonly lease: number | undefined;
}

function change(state: TestState, kind: RuleName, { client, tuple, found, lease }: Given): Change {
  const first = found.slice(0, 1);
  switch (kind) {
    case 'out':
      return insert(state, client, tuple, lease);
    case 'cas':
      return first.length === 0
        ? insert(state, client, tuple, lease)
        : { state, entries: first, inserted: false };
    case 'replace':
      if (first.length === 0) return { state, entries: [], inserted: false };
      return { ...insert(without(state, first), client, tuple, lease), entries: first };
    case 'renew':
      return renew(state, first[0], lease ?? 0);
    case 'inp':
    case 'in':
      return { state: without(state, first), entries: first, inserted: false };
    case 'inAll':
      return { state: without(state, found), entries: found, inserted: false };
    case 'rdp':
    case 'rd':
      return { state, entries: first, inserted: false };
    default:
      return { state, entries: found, inserted: false };
  }
}

/** One operation of one client. Throws InvalidInputError for fields that no tuple or template has. */
export function attempt(
  policy: Policy,
  state: TestState,
  client: string,
  wanted: TestOperation,
): TestOutcome {
  const { operation, lease, limit } = wanted;
  const template = wanted.template === undefined ? null : normalizeTemplate(wanted.template);
  const tuple = wanted.tuple === undefined ? null : normalizeTuple(wanted.tuple);
  // Where no rule decides, one renews one's own.
  const isOwn = ({ owner }: TestEntry) => policy.decides('renew') || owner === client;
  const isCandidate = (one: TestEntry) => operation !== 'renew' || (one.deadline !== null && isOwn(one));
  const matching =
    template === null ? [] : state.entries.filter((one) => matchesTemplate(template, one.tuple));
  const found = matching.filter(isCandidate).slice(0, limit || undefined);
  const renewed = operation === 'renew' ? found[0] : undefined;
  const verdict = policy.evaluate(
    {
      ...{ operation, invoker: client, time: state.time, template, lease: lease ?? null },
      tuple: renewed?.tuple ?? tuple,
      owner: renewed?.owner ?? null,
      limit: limit ?? (operation === 'rdAll' || operation === 'inAll' ? 0 : null),
      ...{ readers: wanted.readers ?? null, takers: wanted.takers ?? null },
    },
    lookupsInto(state),
  );
  if (verdict.kind === 'denied') return { verdict, state, entries: [], inserted: false };
  return { verdict, ...change(state, operation, { client, tuple: tuple ?? [], found, lease }) };
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'object' || value === null) return String(value);
  if ('kind' in value) return 'type' in value ? `formal.${String(value.type)}` : String(value.kind);
  return 'value' in value ? `double(${String(value.value)})` : `bytes(${String(value)})`;
}

export function showFields(fields: PolicyTemplate): string {
  return `[${fields.map(show).join(', ')}]`;
}

/** `cas(['lock', any], ['lock', 'alice'], lease 5000)` */
export function showOperation({ operation, template, tuple, lease, limit }: TestOperation): string {
  const parts = [
    ...(template === undefined ? [] : [showFields(policyTemplate(normalizeTemplate(template)))]),
    ...(tuple === undefined ? [] : [showFields(normalizeTuple(tuple))]),
    ...(lease === undefined ? [] : [`lease ${lease}`]),
    ...(limit === undefined ? [] : [`limit ${limit}`]),
  ];
  return `${operation}(${parts.join(', ')})`;
}
