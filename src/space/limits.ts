/**
 * Size limits of tuples, templates and results (DESIGN section 4). They are part of the replicated
 * behaviour: every replica of a cluster must hold the same record. A value over a limit is a refusal with
 * the limit as its detail, never an exception.
 */
import { assert, utf8Length } from '../base/index.js';
import type { Field, Result, Template, Tuple } from '../codec/index.js';
import { encodeTemplate, encodeTuple, fieldBytesMax, tupleBytesMax, tupleFieldsMax } from '../codec/index.js';

export type Refused = Extract<Result, { readonly kind: 'refused' }>;

export interface SpaceLimits {
  /** Fields of a tuple or template. */
  readonly fieldsMax: number;
  /** UTF-8 bytes of a string, or length of a byte string. */
  readonly fieldBytesMax: number;
  /** Canonical bytes of a whole tuple or template. */
  readonly tupleBytesMax: number;
  /** Bytes of an encoded result. Invariant: a result with one entry always fits. */
  readonly resultBytesMax: number;
  readonly entriesPerSpaceMax: number;
}

/** A cluster may tighten the first four; wider ones are beyond what the codec lets through. */
export const defaultSpaceLimits: SpaceLimits = {
  fieldsMax: tupleFieldsMax,
  fieldBytesMax,
  tupleBytesMax,
  resultBytesMax: 2 << 20,
  entriesPerSpaceMax: 8_000_000,
};

/** A Map of V8 fails beyond 2^24 slots, of which half may be removed ones that still take room. */
const entriesPerSpaceBound = 2 ** 23;
/** More than the id, owner and framing of one entry take beside its tuple. */
const entryOverheadBytes = 96;

/** Throws InvariantError if the limits are out of range or contradict each other. */
export function assertLimits(limits: SpaceLimits): void {
  const bounds: SpaceLimits = { ...defaultSpaceLimits, entriesPerSpaceMax: entriesPerSpaceBound };
  for (const [name, bound] of Object.entries(bounds)) {
    const limit = limits[name as keyof SpaceLimits];
    assert(Number.isSafeInteger(limit) && limit >= 1 && limit <= bound, `${name} is from 1 to ${bound}`);
  }
  assert(limits.resultBytesMax >= limits.tupleBytesMax + entryOverheadBytes, 'one entry fits into a result');
}

/** More than the type and length of one field take beside its content. */
const fieldOverheadBytes = 16;

export function refused(code: Refused['code'], detail: number): Refused {
  return { kind: 'refused', code, detail };
}

/** At least the content bytes of a field; cheap, since most fields are far below every limit. */
function contentBytesBound(field: Field): number {
  if (typeof field === 'string') return 3 * field.length;
  return field instanceof Uint8Array ? field.length : 0;
}

function contentBytes(field: Field): number {
  return typeof field === 'string' ? utf8Length(field) : contentBytesBound(field);
}

function checkFields(
  limits: SpaceLimits,
  fields: readonly (Field | null)[],
  canonicalBytes: () => number,
): Refused | null {
  if (fields.length > limits.fieldsMax) return refused('TOO_MANY_FIELDS', limits.fieldsMax);
  let bound = fieldOverheadBytes;
  for (const field of fields) {
    bound += fieldOverheadBytes;
    if (field === null) continue;
    const fieldBound = contentBytesBound(field);
    bound += fieldBound;
    if (fieldBound > limits.fieldBytesMax && contentBytes(field) > limits.fieldBytesMax) {
      return refused('FIELD_TOO_LARGE', limits.fieldBytesMax);
    }
  }
  if (bound <= limits.tupleBytesMax || canonicalBytes() <= limits.tupleBytesMax) return null;
  return refused('TUPLE_TOO_LARGE', limits.tupleBytesMax);
}

export function checkTuple(limits: SpaceLimits, tuple: Tuple): Refused | null {
  return checkFields(limits, tuple, () => encodeTuple(tuple).length);
}

export function checkTemplate(limits: SpaceLimits, template: Template): Refused | null {
  const values = template.map((field) => (field.kind === 'value' ? field.value : null));
  return checkFields(limits, values, () => encodeTemplate(template).length);
}
