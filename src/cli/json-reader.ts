/**
 * A JSON reader (RFC 8259) that keeps what JSON.parse throws away: the position of every value and the
 * text of every number. Tuples need both, since an integer beyond 2^53 must not be rounded silently and a
 * wrong field has to be named. It knows nothing of tuples.
 */
import { InvalidInputError } from '../base/index.js';

interface Positioned {
  /** Offset of the first character, from 0. */
  readonly position: number;
}

/** A word is what looks like a value and is none in JSON, such as NaN: who knows the place tells. */
export type JsonValue =
  | (Positioned & { readonly kind: 'word'; readonly text: string })
  | (Positioned & { readonly kind: 'null' })
  | (Positioned & { readonly kind: 'boolean'; readonly value: boolean })
  | (Positioned & { readonly kind: 'number'; readonly text: string })
  | (Positioned & { readonly kind: 'string'; readonly value: string })
  | (Positioned & { readonly kind: 'array'; readonly items: readonly JsonValue[] })
  | (Positioned & { readonly kind: 'object'; readonly members: readonly (readonly [string, JsonValue])[] });

const depthMax = 32;
const spacePattern = /[ \t\r\n]*/y;
const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// A string's raw text; whether its escapes are right is left to JSON.parse.
const stringPattern = /"(?:[^"\\\u0000-\u001f]|\\[^\u0000-\u001f])*"/y;
const wordPattern = /-?[A-Za-z_][A-Za-z0-9_]*/y;

class Reader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonValue {
    const value = this.#value(0);
    this.#space();
    if (this.#position < this.#text.length) this.#fail('unexpected text after the end');
    return value;
  }

  #fail(wrong: string, position = this.#position): never {
    const problem = position < this.#text.length ? wrong : `it ends too early (${wrong})`;
    throw new InvalidInputError('INVALID_JSON', `malformed JSON at position ${position}: ${problem}`, {
      position,
    });
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#position += found.length;
    return found;
  }

  #space(): void {
    this.#match(spacePattern);
  }

  /** Skips white space and, if `character` comes next, that too. */
  #skip(character: string): boolean {
    this.#space();
    if (this.#text[this.#position] !== character) return false;
    this.#position++;
    return true;
  }

  #value(depth: number): JsonValue {
    if (depth > depthMax) this.#fail(`nested more than ${depthMax} deep`);
    this.#space();
    const position = this.#position;
    const first = this.#text[position];
    if (first === undefined) this.#fail('a value expected');
    if (first === '[') return this.#array(depth);
    if (first === '{') return this.#object(depth);
    if (first === '"') return { kind: 'string', value: this.#string(), position };
    const word = this.#match(wordPattern);
    if (word === 'null') return { kind: 'null', position };
    if (word === 'true' || word === 'false') return { kind: 'boolean', value: word === 'true', position };
    if (word !== null) return { kind: 'word', text: word, position };
    const text = this.#match(numberPattern);
    if (text === null) this.#fail(`unexpected character ${JSON.stringify(first)}`);
    if (/[0-9.A-Za-z_]/.test(this.#text[this.#position] ?? '')) this.#fail('malformed number', position);
    return { kind: 'number', text, position };
  }

  #string(): string {
    const position = this.#position;
    const raw = this.#match(stringPattern);
    if (raw === null) this.#fail('a string is not closed or holds a raw control character');
    try {
      return JSON.parse(raw) as string;
    } catch {
      return this.#fail('a string holds a wrong escape sequence', position);
    }
  }

  #array(depth: number): JsonValue {
    const position = this.#position++;
    const items: JsonValue[] = [];
    if (this.#skip(']')) return { kind: 'array', items, position };
    for (;;) {
      items.push(this.#value(depth + 1));
      if (this.#skip(']')) return { kind: 'array', items, position };
      if (!this.#skip(',')) this.#fail('"," or "]" expected');
    }
  }

  #object(depth: number): JsonValue {
    const position = this.#position++;
    const members: [string, JsonValue][] = [];
    if (this.#skip('}')) return { kind: 'object', members, position };
    for (;;) {
      this.#space();
      if (this.#text[this.#position] !== '"') this.#fail('a name in double quotes expected');
      const name = this.#string();
      if (!this.#skip(':')) this.#fail('":" expected');
      members.push([name, this.#value(depth + 1)]);
      if (this.#skip('}')) return { kind: 'object', members, position };
      if (!this.#skip(',')) this.#fail('"," or "}" expected');
    }
  }
}

/** Throws InvalidInputError INVALID_JSON {position}. */
export function readJson(text: string): JsonValue {
  return new Reader(text).document();
}
