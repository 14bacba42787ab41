import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidInputError, utf8Length } from '../../../src/base/index.js';
import {
  fieldToJson,
  idToJson,
  parseTemplate,
  parseTuple,
  tupleToJson,
} from '../../../src/cli/json-tuples.js';
import { toJsonLine } from '../../../src/cli/output.js';
import {
  any,
  Double,
  formal,
  hidden,
  normalizeTemplate,
  normalizeTuple,
  Tag,
} from '../../../src/codec/index.js';
import type { Field, TemplateField } from '../../../src/codec/index.js';

const field: fc.Arbitrary<Field> = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }).filter((text) => utf8Length(text) >= 0),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => new Double(value)),
    fc.boolean(),
    fc.uint8Array(),
  )
  .map((value) => normalizeTuple([value])[0]!);

const templateField: fc.Arbitrary<Field | TemplateField> = fc.oneof(
  field,
  fc.constant(any),
  fc.constantFrom(...Object.values(formal)),
);

function templateToJson(template: readonly (Field | TemplateField)[]): unknown[] {
  return template.map((part) => {
    if (typeof part !== 'object' || !('kind' in part)) return fieldToJson(part);
    return part.kind === 'formal' ? { formal: part.type } : null;
  });
}

function failureOf(parse: () => unknown): InvalidInputError {
  try {
    parse();
  } catch (error) {
    if (error instanceof InvalidInputError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('tuples as JSON', () => {
  it('come back as they were, types included', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 8 }), (tuple) => {
        expect(normalizeTuple(parseTuple(toJsonLine(tupleToJson(tuple))))).toEqual(tuple);
      }),
    );
  });

  it('show what fingerprints have in place of values, which cannot be typed', () => {
    const tag = new Tag('int', new Uint8Array(32).fill(1));
    const shown = [{ tag: `int:${Buffer.from(tag.point).toString('base64')}` }, { hidden: true }];
    expect(tupleToJson([tag, hidden])).toEqual(shown);
    for (const field of shown) {
      const refusal = failureOf(() => parseTemplate(toJsonLine([field])));
      expect(refusal).toMatchObject({ code: 'INVALID_TEMPLATE', fields: { field: 0 } });
    }
  });

  it('come back as templates too', () => {
    fc.assert(
      fc.property(fc.array(templateField, { maxLength: 8 }), (template) => {
        const parsed = parseTemplate(toJsonLine(templateToJson(template)));
        expect(normalizeTemplate(parsed)).toEqual(normalizeTemplate(template));
      }),
    );
  });

  it.each<[string, Field]>([
    ['"text"', 'text'],
    ['42', 42],
    ['-0', 0],
    ['9007199254740991', 9007199254740991],
    ['{"int":"9223372036854775807"}', 9223372036854775807n],
    ['{"int":"7"}', 7],
    ['1.5', 1.5],
    ['1e-7', 1e-7],
    ['{"double":1}', new Double(1)],
    ['{"double":-0.0}', new Double(0)],
    ['{"double":1e300}', new Double(1e300)],
    ['{"double":0.5}', 0.5],
    ['true', true],
    ['{"bytes":"AQID"}', Uint8Array.of(1, 2, 3)],
    ['{"bytes":""}', new Uint8Array(0)],
  ])('%s is one value and no other', (text, value) => {
    expect(parseTuple(`[${text}]`)).toEqual([value]);
  });

  it('are written with ids as numbers while those are exact', () => {
    expect(idToJson(17n)).toBe(17);
    expect(idToJson(2n ** 60n)).toEqual({ int: '1152921504606846976' });
  });
});

describe('what cannot be meant for sure', () => {
  it.each([
    ['[1, 9007199254740993]', 1, 4, '{"int":"9007199254740993"}'],
    ['[-9007199254740993]', 0, 1, '{"int":"-9007199254740993"}'],
    ['[NaN]', 0, 1, 'NaN is not a value'],
    ['["a", Infinity]', 1, 6, 'Infinity is not a value'],
    ['[-Infinity]', 0, 1, '-Infinity is not a value'],
    ['[{"double":NaN}]', 0, 11, 'NaN is not a value'],
    ['[queued]', 0, 1, 'strings need double quotes'],
    ['[1.0]', 0, 1, 'write 1 for the integer or {"double":1.0}'],
    ['[1e3]', 0, 1, 'write 1000 for the integer or {"double":1e3}'],
    ['[1e300]', 0, 1, '{"double":1e300}'],
    ['[1e999]', 0, 1, 'too large for a double'],
    ['[{"double":1e999}]', 0, 11, 'too large for a double'],
    ['[{"double":"1"}]', 0, 11, '{"double":…} takes a number'],
    ['[{"int":7}]', 0, 8, '{"int":…} takes a decimal integer in quotes'],
    ['[{"int":"0x10"}]', 0, 8, '{"int":…} takes a decimal integer in quotes'],
    ['[{"int":"9223372036854775808"}]', 0, 8, 'does not fit 64 bits'],
    ['[{"bytes":"AQI"}]', 0, 10, 'padded base64'],
    ['[{"bytes":"A*=="}]', 0, 10, 'padded base64'],
    ['[null]', 0, 1, 'null means any'],
    ['[{"formal":"int"}]', 0, 11, 'a formal belongs in a template'],
    ['[[1]]', 0, 1, 'not an array'],
    ['[{}]', 0, 1, 'an object here is one of'],
    ['[{"int":"1","double":1}]', 0, 1, 'an object here is one of'],
    ['["\\ud800"]', 0, 1, 'surrogate'],
  ])('%s is refused, naming field and position', (text, index, position, problem) => {
    const error = failureOf(() => parseTuple(text));
    expect(error).toMatchObject({ code: 'INVALID_TUPLE', fields: { field: index, position } });
    expect(error.message).toContain(`field ${index} of the tuple (position ${position})`);
    expect(error.message).toContain(problem);
  });

  it('has its own code and words in a template', () => {
    const error = failureOf(() => parseTemplate('[null, {"formal":"integer"}]'));
    expect(error).toMatchObject({ code: 'INVALID_TEMPLATE', fields: { field: 1, position: 17 } });
    expect(error.message).toContain('string, int, double, bool, bytes');
  });

  it.each(['{"a":1}', '"text"', '7'])('%s is no tuple', (text) => {
    expect(failureOf(() => parseTuple(text)).message).toContain('a tuple is a JSON array');
  });
});
