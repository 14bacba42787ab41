import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../../src/base/index.js';
import { readJson } from '../../../src/cli/json-reader.js';
import type { JsonValue } from '../../../src/cli/json-reader.js';

/** What JSON.parse makes of it; undefined for words, which it refuses. */
function toPlain(json: JsonValue): unknown {
  switch (json.kind) {
    case 'null':
      return null;
    case 'number':
      return Number(json.text);
    case 'array':
      return json.items.map(toPlain);
    case 'object':
      return Object.fromEntries(json.members.map(([name, value]) => [name, toPlain(value)]));
    case 'word':
      throw new InvalidInputError('INVALID_JSON', json.text);
    default:
      return json.value;
  }
}

function attempt(read: () => unknown): { value: unknown } | null {
  try {
    return { value: read() };
  } catch (error) {
    expect(error instanceof SyntaxError || error instanceof InvalidInputError).toBe(true);
    return null;
  }
}

const mutatedJson = fc
  .tuple(
    fc.json({ maxDepth: 4 }),
    fc.nat(),
    fc.constantFrom('', '"', ',', '[', ']', '{', '}', ':', '0', '-', '\\', ' ', '\n', '.', 'e', '+'),
  )
  .map(([text, at, piece]) => {
    const index = at % (text.length + 1);
    return text.slice(0, index) + piece + text.slice(index + 1);
  });

describe('readJson', () => {
  it('reads what JSON.parse reads, alike', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        expect(toPlain(readJson(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('refuses what JSON.parse refuses', () => {
    fc.assert(
      fc.property(mutatedJson, (text) => {
        expect(attempt(() => toPlain(readJson(text)))).toEqual(attempt(() => JSON.parse(text) as unknown));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['[1, 2', 5],
    ['', 0],
    ['[1 2]', 3],
    ['["a]', 1],
    ['["\\x"]', 1],
    ['[01]', 1],
    ['{"a" 1}', 5],
    ['{a: 1}', 1],
    ['[1] x', 4],
    ['[1.]', 1],
  ])('names the position of what is wrong in %s', (text, position) => {
    expect(() => readJson(text)).toThrowError(
      expect.objectContaining({ code: 'INVALID_JSON', fields: { position } }) as InvalidInputError,
    );
  });

  it('keeps positions and the text of numbers', () => {
    expect(readJson(' [ 9007199254740993 , NaN]')).toEqual({
      kind: 'array',
      position: 1,
      items: [
        { kind: 'number', text: '9007199254740993', position: 3 },
        { kind: 'word', text: 'NaN', position: 22 },
      ],
    });
  });

  it('bounds the depth instead of the stack', () => {
    expect(() => readJson('['.repeat(100_000))).toThrowError(/nested more than/);
  });
});
