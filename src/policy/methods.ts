/**
 * Methods of the policy language: of strings, of arrays, and of the space. Each charges what it may cost at
 * most before it does it, from lengths alone.
 */
import { TheodoraError, type ClientId } from '../base/index.js';
import { any, double, formal, isHidden, normalizeField, Tag, tupleFieldsMax } from '../codec/index.js';
import type { Entry, Template, TemplateField } from '../codec/index.js';
import { policyTemplate, type PolicyTemplate } from './authoring.js';
import { fault, type Meter } from './meter.js';
import { arrayOf, equal, integerOf, isField, isMarker, record, textOf } from './values.js';

/** An entry as it is in the space; policies see its id as a number. */
export interface LookupEntry extends Omit<Entry, 'owner'> {
  readonly owner: ClientId | string;
}

/**
 * The caller's read-only view of a space. `charge` is called with the number of candidates before they are
 * looked at; it throws when the budget is spent, which must be let through. The number depends on nothing
 * but the entries in the space and the template.
 */
export interface PolicyLookups {
  rdp(template: Template, charge: (candidates: number) => void): LookupEntry | null;
  /** Oldest first; at most `limit`, 0 = all. */
  rdAll(template: Template, limit: number, charge: (candidates: number) => void): readonly LookupEntry[];
  count(template: Template, charge: (candidates: number) => void): number;
}

type Callback = (...values: unknown[]) => unknown;

/** Looking for a needle can compare nearly every pair of characters. */
const pairsPerStep = 64;
const stepsPerLookup = 16;
const stepsPerCandidate = 2;

function includes(object: unknown, wanted: unknown, meter: Meter): boolean {
  if (typeof object === 'string') {
    const text = textOf(wanted);
    meter.charge(1 + Math.floor((object.length * text.length) / pairsPerStep));
    return object.includes(text);
  }
  for (const value of arrayOf(object)) {
    meter.charge(1);
    if (equal(value, wanted, meter)) return true;
  }
  return false;
}

function edge(object: unknown, wanted: unknown, meter: Meter): [text: string, wanted: string] {
  const edge = textOf(wanted);
  meter.charge(1 + Math.floor(edge.length / pairsPerStep));
  return [textOf(object), edge];
}

function slice(object: unknown, start: unknown, end: unknown, meter: Meter): unknown {
  const from = integerOf(start);
  const to = end === undefined ? undefined : integerOf(end);
  if (typeof object === 'string') {
    meter.charge(1 + Math.floor(object.length / pairsPerStep));
    return object.slice(from, to);
  }
  const part = arrayOf(object).slice(from, to);
  meter.charge(1 + part.length);
  return Object.freeze(part);
}

function textAndArrayHelpers(meter: Meter) {
  return {
    m_includes: (object: unknown, wanted: unknown) => includes(object, wanted, meter),
    m_startsWith: (object: unknown, wanted: unknown) => {
      const [text, start] = edge(object, wanted, meter);
      return text.startsWith(start);
    },
    m_endsWith: (object: unknown, wanted: unknown) => {
      const [text, end] = edge(object, wanted, meter);
      return text.endsWith(end);
    },
    m_slice: (object: unknown, start: unknown, end?: unknown) => slice(object, start, end, meter),
  };
}

function predicateHelpers(meter: Meter) {
  const each = (object: unknown): readonly unknown[] => {
    const list = arrayOf(object);
    meter.charge(1 + list.length);
    return list;
  };
  return {
    m_some: (object: unknown, test: Callback) => each(object).some((value, i) => test(value, i)),
    m_every: (object: unknown, test: Callback) => each(object).every((value, i) => test(value, i)),
    m_find: (object: unknown, test: Callback) => each(object).find((value, i) => test(value, i)),
    m_filter: (object: unknown, test: Callback) =>
      Object.freeze(each(object).filter((value, i) => test(value, i))),
    m_map: (object: unknown, make: Callback) => Object.freeze(each(object).map((value, i) => make(value, i))),
    m_reduce: (object: unknown, step: Callback, start: unknown) =>
      each(object).reduce((sum, value, i) => step(sum, value, i), start),
  };
}

/** The fields of a template; codec would also take records that look like its markers. */
function fieldsOf(value: unknown): PolicyTemplate {
  const fields = arrayOf(value);
  for (const field of fields) {
    if (typeof field !== 'object' || field === null) continue;
    if (!isField(field)) fault('an array or a record is no field');
    if (isHidden(field)) fault('what is hidden is no value of a template: write any');
  }
  return fields as PolicyTemplate;
}

/** Wrong fields are the policy's fault; a defect of ours is not, and passes. */
function fromUser<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof TheodoraError) return fault(error.message);
    throw error;
  }
}

/** As `normalizeTemplate`, but much faster for fields that are known to be values and markers. */
function normalOf(fields: PolicyTemplate): Template {
  if (fields.length > tupleFieldsMax) fault(`a template has at most ${tupleFieldsMax} fields`);
  return fromUser(() => {
    const normal: TemplateField[] = [];
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!;
      if (isMarker(field)) normal.push(field);
      else normal.push({ kind: 'value', value: field instanceof Tag ? field : normalizeField(field, i) });
    }
    return normal;
  });
}

function entryRecord(entry: LookupEntry, meter: Meter): object {
  meter.charge(1 + entry.tuple.length);
  const { tuple, owner, deadline } = entry;
  return record([
    'id',
    Number(entry.id),
    'tuple',
    Object.freeze(tuple),
    'owner',
    owner,
    'deadline',
    deadline,
  ]);
}

export class Lookups {
  /** The space as a value: it has no members, the helpers know it. */
  readonly handle = Object.freeze(Object.create(null) as object);
  readonly #meter: Meter;
  readonly #charge: (candidates: number) => void;
  #view: PolicyLookups | null = null;
  /**
   * Normal forms of the templates that are constants of the module, and of the one that was made last, which most
   * often is looked for next. Templates never change, so this only saves time: steps are charged as without it.
   */
  readonly #constants = new Map<unknown, Template>();
  #latest: PolicyTemplate | null = null;
  #latestNormal: Template = [];

  constructor(meter: Meter) {
    this.#meter = meter;
    this.#charge = (candidates) => meter.charge(candidates * stepsPerCandidate);
  }

  /** For one evaluation; null: there is no space, as when the module is loaded. */
  use(view: PolicyLookups | null): void {
    this.#view = view;
    this.#latest = null;
  }

  helpers() {
    const template = (fields: unknown): Template => {
      const isLatest = fields !== null && fields === this.#latest;
      const list = isLatest ? this.#latest! : fieldsOf(fields);
      this.#meter.charge(stepsPerLookup + list.length);
      return isLatest ? this.#latestNormal : (this.#constants.get(list) ?? normalOf(list));
    };
    const oldest = (handle: unknown, fields: unknown): LookupEntry | null =>
      this.#of(handle).rdp(template(fields), this.#charge);
    return {
      tmpl: (fields: readonly unknown[]) => {
        this.#meter.charge(1 + fields.length);
        return this.#made(normalOf(fieldsOf(fields)));
      },
      m_rdp: (handle: unknown, fields: unknown) => {
        const entry = oldest(handle, fields);
        return entry === null ? null : entryRecord(entry, this.#meter);
      },
      m_rdAll: (handle: unknown, fields: unknown, limit: unknown = 0) => {
        const found = this.#of(handle).rdAll(template(fields), limitOf(limit), this.#charge);
        return Object.freeze(found.map((entry) => entryRecord(entry, this.#meter)));
      },
      m_count: (handle: unknown, fields: unknown) => this.#of(handle).count(template(fields), this.#charge),
      m_exists: (handle: unknown, fields: unknown) => oldest(handle, fields) !== null,
    };
  }

  #made(normal: Template): PolicyTemplate {
    const made = policyTemplate(normal);
    if (this.#view === null) this.#constants.set(made, normal);
    this.#latest = made;
    this.#latestNormal = normal;
    return made;
  }

  #of(handle: unknown): PolicyLookups {
    if (handle !== this.handle) fault('only the rule’s space can be looked into');
    return this.#view ?? fault('there is no space while the module is loaded');
  }
}

function limitOf(value: unknown): number {
  const limit = integerOf(value);
  return limit < 0 ? fault('a limit is not negative') : limit;
}

function templateHelpers() {
  return {
    any,
    formal_string: formal.string,
    formal_int: formal.int,
    formal_double: formal.double,
    formal_bool: formal.bool,
    formal_bytes: formal.bytes,
    dbl: (value: unknown) => {
      if (typeof value !== 'number') return fault('double(…) takes a number');
      return Object.freeze(fromUser(() => normalizeField(double(value))));
    },
  };
}

export function methodHelpers(meter: Meter, lookups: Lookups) {
  return {
    ...textAndArrayHelpers(meter),
    ...predicateHelpers(meter),
    ...lookups.helpers(),
    ...templateHelpers(),
  };
}
