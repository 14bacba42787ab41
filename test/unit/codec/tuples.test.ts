/** Tuples as users write them, their one normal form and their canonical bytes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, fromHex, InvalidInputError, toHex } from '../../../src/base/index.js';
import {
  any,
  decodeTemplate,
  decodeTuple,
  Double,
  double,
  encodeField,
  encodeTemplate,
  encodeTuple,
  fieldBytesMax,
  fieldType,
  formal,
  normalizeField,
  normalizeTemplate,
  normalizeTuple,
} from '../../../src/codec/index.js';
import { field, template, tuple } from './arbitraries.js';

fc.configureGlobal({ seed: 20262 });

describe('the normal form', () => {
  test.each([
    ['a string', 'job', 'job', 'string'],
    ['an integer', 42, 42, 'int'],
    ['a small bigint', 42n, 42, 'int'],
    ['a large bigint', 2n ** 53n, 2n ** 53n, 'int'],
    ['the least bigint', -(2n ** 63n), -(2n ** 63n), 'int'],
    ['−0', -0, 0, 'int'],
    ['a fraction', 1.5, 1.5, 'double'],
    ['infinity', Infinity, Infinity, 'double'],
    ['a marked fraction', double(1.5), 1.5, 'double'],
    ['a marked integer', double(1), new Double(1), 'double'],
    ['a marked −0', double(-0), new Double(0), 'double'],
    ['a large double', double(1e300), new Double(1e300), 'double'],
    ['a boolean', true, true, 'bool'],
    ['bytes', Uint8Array.of(1, 2), Uint8Array.of(1, 2), 'bytes'],
    ['a platform buffer', Buffer.of(1, 2), Uint8Array.of(1, 2), 'bytes'],
  ])('of %s', (_, value, normal, type) => {
    expect(normalizeField(value)).toStrictEqual(normal);
    expect(fieldType(normalizeField(value))).toBe(type);
    expect(decodeTuple(encodeTuple(normalizeTuple([value])))).toStrictEqual([normal]);
  });

  test('is reached in one step', () => {
    fc.assert(
      fc.property(tuple, template, (fields, templateFields) => {
        expect(normalizeTuple(fields)).toStrictEqual(fields);
        expect(normalizeTemplate(templateFields)).toStrictEqual(templateFields);
      }),
    );
  });

  test('is independent of the bytes it came from', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const normal = normalizeField(bytes);
    bytes.fill(0);
    expect(normal).toStrictEqual(Uint8Array.of(1, 2, 3));
  });

  test('of a template tells values, any and formals apart', () => {
    expect(normalizeTemplate(['job', any, formal.int, double(1)])).toStrictEqual([
      { kind: 'value', value: 'job' },
      { kind: 'any' },
      { kind: 'formal', type: 'int' },
      { kind: 'value', value: new Double(1) },
    ]);
  });
});

describe('input that has no normal form', () => {
  const refusalOf = (run: () => unknown): InvalidInputError => {
    try {
      run();
    } catch (error) {
      if (error instanceof InvalidInputError) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  };

  test.each([
    ['NaN', NaN],
    ['a marked NaN', double(NaN)],
    ['an integer beyond the safe range', 2 ** 53],
    ['a bigint beyond 64 bits', 2n ** 63n],
    ['a bigint below 64 bits', -(2n ** 63n) - 1n],
    ['a lone high surrogate', 'a\ud800'],
    ['a lone low surrogate', '\udc00b'],
    ['null', null],
    ['undefined', undefined],
    ['an array', [1]],
    ['an object', { a: 1 }],
    ['another typed array', new Uint16Array(2)],
    ['a function', () => 1],
    ['a hole-like marker in disguise', { kind: 'formal', type: 'date' }],
  ])('%s is refused with the index of its field', (_, value) => {
    for (const normalize of [normalizeTuple, normalizeTemplate]) {
      const error = refusalOf(() => normalize(['first', value]));
      expect(error.code).toBe('INVALID_FIELD');
      expect(error.fields).toStrictEqual({ index: 1 });
      expect(error.message).toContain('field 1');
    }
  });

  test('any and formals are no values', () => {
    expect(refusalOf(() => normalizeTuple([any])).code).toBe('INVALID_FIELD');
    expect(refusalOf(() => normalizeTuple([formal.string])).code).toBe('INVALID_FIELD');
  });

  test('too many fields and too large ones are refused by name', () => {
    expect(refusalOf(() => normalizeTuple(new Array(65).fill(1))).code).toBe('TOO_MANY_FIELDS');
    expect(refusalOf(() => normalizeTemplate(new Array(65).fill(any))).code).toBe('TOO_MANY_FIELDS');
    for (const value of [
      'x'.repeat(fieldBytesMax + 1),
      new Uint8Array(fieldBytesMax + 1),
      '€'.repeat(22_000),
    ]) {
      expect(refusalOf(() => normalizeTuple([0, value]))).toMatchObject({
        code: 'FIELD_TOO_LARGE',
        fields: { index: 1, sizeBytesMax: fieldBytesMax },
      });
    }
  });
});

describe('canonical bytes', () => {
  test('differ by type', () => {
    const values = [1, '1', double(1), true, Uint8Array.of(1), Uint8Array.of(49), 1.5, '', new Uint8Array(0)];
    const encodings = values.map((value) => toHex(encodeField(normalizeField(value))));
    expect(new Set(encodings).size).toBe(values.length);
    expect(encodeField(normalizeField(1n))).toStrictEqual(encodeField(1));
  });

  test.each([
    ['', '0103'],
    ['a number of fields that is missing', ''],
    ['a field that is missing', '02 0401'],
    ['a field too many', '01 0401 0401'],
    ['an unknown type', '01 06'],
    ['a tag of no type', `01 20 ${'aa'.repeat(32)}`],
    ['a tag of an unknown type', `01 26 ${'aa'.repeat(32)}`],
    ['a cut tag', `01 22 ${'aa'.repeat(31)}`],
    ['an unknown type after hidden', '01 31'],
    ['type 0', '01 00'],
    ['a boolean 2', '01 0402'],
    ['a cut boolean', '01 04'],
    ['a cut integer', '01 02 00000000000000'],
    ['NaN', '01 03 7ff8000000000000'],
    ['another NaN', '01 03 fff0000000000001'],
    ['−0', '01 03 8000000000000000'],
    ['a stretched length', '01 05 8100 aa'],
    ['a length of three bytes stretched to four', '01 05 81808000 aa'],
    ['a cut string', '01 01 02 61'],
    ['a string that is not UTF-8', '01 01 01 ff'],
    ['a surrogate', '01 01 03 eda080'],
  ])('are refused with %s', (_, hex) => {
    const bytes = fromHex(hex.replaceAll(' ', ''))!;
    expect(decodeTuple(bytes)).toBeNull();
    expect(decodeTemplate(bytes)).toBeNull();
  });

  test('of formals are no tuple', () => {
    const bytes = encodeTemplate([any, formal.int]);
    expect(toHex(bytes)).toBe('021012');
    expect(decodeTemplate(bytes)).toStrictEqual([any, formal.int]);
    expect(decodeTuple(bytes)).toBeNull();
    for (const type of ['17', '16', '1f', 'ff']) expect(decodeTemplate(fromHex(`01${type}`)!)).toBeNull();
  });

  test('of a tuple are its count and its fields', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 5 }), (fields) => {
        expect(encodeTuple(fields)).toStrictEqual(
          concatBytes([Uint8Array.of(fields.length), ...fields.map((each) => encodeField(each))]),
        );
        const asTemplate = fields.map((value) => ({ kind: 'value' as const, value }));
        expect(encodeTemplate(asTemplate)).toStrictEqual(encodeTuple(fields));
      }),
    );
  });

  test('agree with the platform on integers and doubles', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.double({ noNaN: true }), (integer, number) => {
        const expected = Buffer.alloc(9, 2);
        expected.writeBigInt64BE(BigInt(integer), 1);
        expect(toHex(encodeField(integer))).toBe(expected.toString('hex'));
        expected[0] = 3;
        expected.writeDoubleBE(number + 0, 1);
        expect(toHex(encodeField(normalizeField(double(number))))).toBe(expected.toString('hex'));
      }),
    );
  });
});
