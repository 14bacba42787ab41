import { describe, expect, it } from 'vitest';
import { any, double, formal, hidden, Tag, type TemplateField } from '../../../src/codec/index.js';
import { equalFields, matches } from '../../../src/space/index.js';
import { fields, template, tuple } from './samples.js';

const types = ['string', 'int', 'double', 'bool', 'bytes'] as const;

/** One value of each type that reads like "one". */
const ones = { string: '1', int: 1, double: double(1), bool: true, bytes: Uint8Array.of(1) };

describe('matching', () => {
  it('tells the types of a value apart: the whole table of values, formals and any', () => {
    for (const fieldType of types) {
      const field = tuple(ones[fieldType]);
      expect(matches([any], field), fieldType).toBe(true);
      for (const type of types) {
        expect(matches([formal[type]], field), `formal ${type} of ${fieldType}`).toBe(type === fieldType);
        expect(matches(template(ones[type]), field), `${type} of ${fieldType}`).toBe(type === fieldType);
      }
    }
  });

  it('gives a tag the type of its value and nothing else of it; hidden matches any alone', () => {
    const point = Uint8Array.from({ length: 32 }, (_, i) => i);
    for (const type of types) {
      const tag = new Tag(type, point);
      expect(matches([any], [tag])).toBe(true);
      for (const other of types) {
        const same: TemplateField = { kind: 'value', value: new Tag(other, point.slice()) };
        expect(matches([formal[other]], [tag]), `formal ${other} of a tag of ${type}`).toBe(type === other);
        expect(matches([same], [tag]), `tag of ${other} of a tag of ${type}`).toBe(type === other);
        expect(matches([formal[other]], [hidden])).toBe(false);
        expect(matches([same], [hidden])).toBe(false);
      }
      for (const value of [ones[type], point]) {
        const [plain] = tuple(value);
        expect(matches([{ kind: 'value', value: tag }], [plain!])).toBe(false);
        expect(matches([{ kind: 'value', value: plain! }], [tag])).toBe(false);
      }
      const another: TemplateField = { kind: 'value', value: new Tag(type, new Uint8Array(32)) };
      expect(matches([another], [tag])).toBe(false);
    }
    expect(matches([any], [hidden])).toBe(true);
  });

  it('compares every sample value with every other by value and type', () => {
    for (const [i, value] of fields.entries()) {
      for (const [j, other] of fields.entries()) {
        const pattern: TemplateField = { kind: 'value', value };
        expect(equalFields(value, other)).toBe(i === j);
        expect(matches([pattern], [other])).toBe(i === j);
      }
    }
  });

  it.each([
    ['1 and 1n are the same integer', template(1n), tuple(1), true],
    ['-0 is 0', template(-0), tuple(0), true],
    ['double(-0) is double(0)', template(double(-0)), tuple(double(0)), true],
    ['1.5 needs no mark', template(double(1.5)), tuple(1.5), true],
    ['bytes by content', template(Uint8Array.of(1, 2)), tuple(Uint8Array.of(1, 2)), true],
    ['a prefix of bytes', template(Uint8Array.of(1)), tuple(Uint8Array.of(1, 2)), false],
    ['strings are not normalised', template('é'), tuple('e\u0301'), false],
    ['too few fields', template(any), tuple(1, 2), false],
    ['too many fields', template(any, any), tuple(1), false],
    ['no fields', template(), tuple(), true],
    ['all fields have to match', template('a', formal.int, 3), tuple('a', 2, 4), false],
    ['mixed kinds', template('a', formal.int, any), tuple('a', 2, false), true],
  ])('%s', (_, pattern, candidate, expected) => {
    expect(matches(pattern, candidate)).toBe(expected);
  });
});
