/**
 * Limits of tuples, templates, results (DESIGN section 4) and leases (section 3). They are part of the replicated
 * behaviour: every replica of a cluster must hold the same record. A value over a limit is a refusal with
 * the limit as its detail, never an exception.
 */
import { assert, utf8Length } from '../base/index.js';
import type { Access, Field, Result, Template, Tuple } from '../codec/index.js';
import {
  Tag,
  encodeTemplate,
  encodeTuple,
  fieldBytesMax,
  sealedBytesMax,
  tupleBytesMax,
  tupleFieldsMax,
} from '../codec/index.js';

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
  /** A shorter lease is refused: its holder could not count on it at all. */
  readonly leaseMinMs: number;
  /** A longer lease is cut down to this. Invariant: at least `leaseMinMs`. */
  readonly leaseMaxMs: number;
  /** Operations of one client that wait at the same time, over all spaces, and the bytes of their templates. */
  readonly waitsPerClientMax: number;
  readonly waitBytesPerClientMax: number;
  /** A longer wait is refused. */
  readonly waitMaxMs: number;
  readonly subscriptionsPerClientMax: number;
  /** Events of a space that are kept for those who come back, and their bytes; old ones go 64 at a time. */
  readonly eventsPerSpaceMax: number;
  readonly eventBytesPerSpaceMax: number;
}

/**
 * A cluster may tighten the first four; wider ones are beyond what the codec lets through. The least lease
 * is 4 · (clockSkewMax + ε), with 500 ms and 50 ms.
 */
export const defaultSpaceLimits: SpaceLimits = {
  fieldsMax: tupleFieldsMax,
  fieldBytesMax,
  tupleBytesMax,
  resultBytesMax: 2 << 20,
  entriesPerSpaceMax: 8_000_000,
  leaseMinMs: 2_200,
  leaseMaxMs: 24 * 60 * 60 * 1000,
  waitsPerClientMax: 16_384,
  waitBytesPerClientMax: 16 << 20,
  waitMaxMs: 24 * 60 * 60 * 1000,
  subscriptionsPerClientMax: 1_024,
  eventsPerSpaceMax: 65_536,
  eventBytesPerSpaceMax: 16 << 20,
};

/** A Map of V8 fails beyond 2^24 slots, of which half may be removed ones that still take room. */
const entriesPerSpaceBound = 2 ** 23;
/** 34 years: far from where deadlines stop being safe integers. */
const leaseMsBound = 2 ** 40;
const waitsBound = 2 ** 20;
const bytesBound = 2 ** 30;
/** Half of what page numbers allow (event-log.ts). */
const eventsBound = 2 ** 17;
/** In either of an entry's lists. */
const accessNamesMax = 32;
/** More than the framing of a name takes beside it. */
const nameOverheadBytes = 4;
/** More than the id, owner, deadline and framing of one entry take beside its tuple and lists. */
const entryOverheadBytes = 160;

/** More than what is sealed takes in an entry beside its bytes: origin, framing and mark. */
const sealedOverheadBytes = 512;
/** As sealedBytesMax in codec: what a dealing takes beside the tuple in it. */
const dealingBytesMax = sealedBytesMax - tupleBytesMax;

/** Throws InvariantError if the limits are out of range or contradict each other. */
export function assertLimits(limits: SpaceLimits): void {
  const bounds: SpaceLimits = {
    ...defaultSpaceLimits,
    entriesPerSpaceMax: entriesPerSpaceBound,
    leaseMinMs: leaseMsBound,
    leaseMaxMs: leaseMsBound,
    waitsPerClientMax: waitsBound,
    waitBytesPerClientMax: bytesBound,
    waitMaxMs: leaseMsBound,
    subscriptionsPerClientMax: waitsBound,
    eventsPerSpaceMax: eventsBound,
    eventBytesPerSpaceMax: bytesBound,
  };
  for (const [name, bound] of Object.entries(bounds)) {
    const limit = limits[name as keyof SpaceLimits];
    assert(Number.isSafeInteger(limit) && limit >= 1 && limit <= bound, `${name} is from 1 to ${bound}`);
  }
  assert(limits.resultBytesMax >= limits.tupleBytesMax + entryOverheadBytes, 'one entry fits into a result');
  assert(limits.leaseMinMs <= limits.leaseMaxMs, 'the least lease is not above the longest');
}

/** More than the type and length of one field take beside its content. */
const fieldOverheadBytes = 16;

export function refused(code: Refused['code'], detail: number, subject = ''): Refused {
  return subject === '' ? { kind: 'refused', code, detail } : { kind: 'refused', code, detail, subject };
}

/** At least the content bytes of a field; cheap, since most fields are far below every limit. */
function contentBytesBound(field: Field): number {
  if (typeof field === 'string') return 3 * field.length;
  if (field instanceof Tag) return field.point.length;
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

/** Of an entry's lists; they count against the size of its tuple. */
export function checkAccess(
  limits: SpaceLimits,
  { tuple, readers, takers }: Access & { readonly tuple: Tuple },
): Refused | null {
  if (readers === undefined && takers === undefined) return null;
  const lists = [readers ?? [], takers ?? []];
  if (lists.some((list) => list.length > accessNamesMax)) return refused('TOO_MANY_NAMES', accessNamesMax);
  let bytes = encodeTuple(tuple).length;
  for (const name of lists.flat()) bytes += utf8Length(name) + nameOverheadBytes;
  return bytes > limits.tupleBytesMax ? refused('TUPLE_TOO_LARGE', limits.tupleBytesMax) : null;
}

export function checkTemplate(limits: SpaceLimits, template: Template): Refused | null {
  const values = template.map((field) => (field.kind === 'value' ? field.value : null));
  return checkFields(limits, values, () => encodeTemplate(template).length);
}

/** Of what is sealed: on its own, and so that the entry fits into a result. */
export function checkSealed(
  limits: SpaceLimits,
  {
    tuple,
    sealed,
    readers = [],
    takers = [],
  }: Access & { readonly tuple: Tuple; readonly sealed?: Uint8Array },
): Refused | null {
  if (sealed === undefined) return null;
  let besideBytes = encodeTuple(tuple).length + entryOverheadBytes + sealedOverheadBytes;
  for (const name of [...readers, ...takers]) besideBytes += utf8Length(name) + nameOverheadBytes;
  const room = limits.resultBytesMax - besideBytes;
  const bytesMax = Math.max(0, Math.min(limits.tupleBytesMax + dealingBytesMax, room));
  return sealed.length > bytesMax ? refused('SEALED_TOO_LARGE', bytesMax) : null;
}

/** `lease` in ms; null: none, which is fine. */
export function checkLease({ leaseMinMs }: SpaceLimits, lease: number | null): Refused | null {
  return lease !== null && lease < leaseMinMs ? refused('LEASE_TOO_SHORT', leaseMinMs) : null;
}

/** `timeout` in ms; null: none, which is fine. */
export function checkWait({ waitMaxMs }: SpaceLimits, timeout: number | null): Refused | null {
  return timeout !== null && timeout > waitMaxMs ? refused('WAIT_TOO_LONG', waitMaxMs) : null;
}

/** The deadline, in ordered time, of a lease that `checkLease` lets pass and that starts at `time`. */
export function deadlineOf({ leaseMaxMs }: SpaceLimits, lease: number, time: number): number {
  return time + Math.min(lease, leaseMaxMs);
}
