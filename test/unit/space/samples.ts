/** Values for tests of the space: few distinct ones of every type, so that they meet often. */
import * as fc from 'fast-check';
import { createHash } from 'node:crypto';
import { clientName, digest, type ClientName, type HashFunction } from '../../../src/base/index.js';
import {
  any,
  double,
  fieldType,
  formal,
  hidden,
  isHidden,
  normalizeTemplate,
  normalizeTuple,
  Tag,
  type Field,
  type PlainField,
  type Template,
  type TemplateField,
  type Tuple,
  type PlainTuple,
} from '../../../src/codec/index.js';
import type { Space } from '../../../src/space/index.js';
import { openAccess, StoredEntry } from '../../../src/space/stored-entry.js';

export const sha256: HashFunction = (bytes) => digest(createHash('sha256').update(bytes).digest('hex'));

/** As keys, since that is what clients are called where nobody is registered. */
export const alice = clientName('aa'.repeat(32));
export const bob = clientName('bb'.repeat(32));

export const tuple = (...values: unknown[]): PlainTuple => normalizeTuple(values);
export const template = (...values: unknown[]): Template => normalizeTemplate(values);

/** At least one field of every type and form, some of which only differ in type. */
export const fields: readonly PlainField[] = tuple(
  '',
  '1',
  'true',
  'ÿ',
  'x'.repeat(600),
  'x'.repeat(599) + 'y',
  0,
  1,
  -1,
  2n ** 53n,
  -(2n ** 63n),
  double(0),
  double(1),
  0.5,
  double(2 ** 53),
  Number.POSITIVE_INFINITY,
  true,
  false,
  new Uint8Array(0),
  Uint8Array.of(49),
  Uint8Array.of(1),
  new Uint8Array(65),
  new Uint8Array(65).fill(1),
);

export const patterns: readonly TemplateField[] = [
  any,
  formal.string,
  formal.int,
  formal.double,
  formal.bool,
  formal.bytes,
  ...fields.map((value): TemplateField => ({ kind: 'value', value })),
];

export const tupleArbitrary: fc.Arbitrary<PlainTuple> = fc.array(fc.constantFrom(...fields), {
  maxLength: 3,
});

const patternFor = (field: PlainField): fc.Arbitrary<TemplateField> =>
  fc.oneof(
    fc.constant<TemplateField>({ kind: 'value', value: field }),
    fc.constant(any),
    fc.constant(formal[fieldType(field)!]),
  );

/** Templates, most of which match tuples that occur. */
export const templateArbitrary: fc.Arbitrary<Template> = fc.oneof(
  { weight: 3, arbitrary: tupleArbitrary.chain((values) => fc.tuple(...values.map(patternFor))) },
  { weight: 1, arbitrary: fc.array(fc.constantFrom(...patterns), { maxLength: 3 }) },
);

const point = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

/** As a confidential space holds them: values that are public, tags (one like the bytes that are a value), hidden. */
export const concealedFields: readonly Field[] = [
  ...tuple('job', 1, point(49)),
  ...(['string', 'int', 'double', 'bool', 'bytes'] as const).map((type) => new Tag(type, point(49))),
  new Tag('int', point(1)),
  hidden,
];

export const fingerprintArbitrary: fc.Arbitrary<Tuple> = fc.array(fc.constantFrom(...concealedFields), {
  maxLength: 3,
});

const concealedPatterns = [
  any,
  ...Object.values(formal),
  ...concealedFields.flatMap((value): TemplateField[] => (isHidden(value) ? [] : [{ kind: 'value', value }])),
];

export const fingerprintTemplateArbitrary: fc.Arbitrary<Template> = fc.array(
  fc.constantFrom(...concealedPatterns),
  { maxLength: 3 },
);

export function storedTuple(id: number, content: Tuple, deadline: number | null = null): StoredEntry {
  const origin = { space: 1, owner: alice, access: openAccess, sealed: null };
  return new StoredEntry(id, content, origin, deadline);
}

export function stored(id: number, ...values: unknown[]): StoredEntry {
  return storedTuple(id, tuple(...values));
}

export function timed(id: number, deadline: number, ...values: unknown[]): StoredEntry {
  return storedTuple(id, tuple(...values), deadline);
}

/** Renews the oldest match of the client's own. */
export function renew(
  space: Space,
  pattern: Template,
  client: ClientName,
  deadline: number,
): ReturnType<Space['renew']> {
  return space.renew(space.renewable(pattern, client), deadline);
}
