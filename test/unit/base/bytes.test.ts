/** Byte strings: order, hexadecimal and strict UTF-8, with the platform's own functions as oracles. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareBytes,
  concatBytes,
  decodeUtf8,
  encodeUtf8,
  equalBytes,
  fromHex,
  toHex,
  utf8Length,
  writeUtf8,
} from '../../../src/base/index.js';

fc.configureGlobal({ seed: 20263 });

const bytes = fc.uint8Array({ maxLength: 40 });
/** Any UTF-16 code units, lone surrogates included. */
const units = fc
  .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd700, max: 0xe000 }), fc.nat(0x7f)), { maxLength: 12 })
  .map((codes) => String.fromCharCode(...codes));
const loneSurrogate = /\p{Surrogate}/u;
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function oracle(input: Uint8Array): string | null {
  try {
    return strictDecoder.decode(input);
  } catch {
    return null;
  }
}

describe('order', () => {
  test('is lexicographic, as the platform has it', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
        expect(equalBytes(a, a.slice())).toBe(true);
      }),
    );
  });

  test('puts a prefix first', () => {
    expect(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBeLessThan(0);
    expect(compareBytes(Uint8Array.of(), Uint8Array.of())).toBe(0);
    expect(compareBytes(Uint8Array.of(2), Uint8Array.of(1, 255))).toBeGreaterThan(0);
  });

  test('concatenation keeps every part', () => {
    fc.assert(
      fc.property(fc.array(bytes), (parts) => {
        expect(concatBytes(parts)).toStrictEqual(Uint8Array.from(Buffer.concat(parts)));
      }),
    );
  });
});

describe('hexadecimal', () => {
  test('agrees with the platform', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (input) => {
        expect(toHex(input)).toBe(Buffer.from(input).toString('hex'));
        expect(fromHex(toHex(input))).toStrictEqual(input);
      }),
    );
  });

  test.each(['a', 'AB', '0g', '0x', ' 0', '/0', ':0', '`0', 'é0'])('%s is refused', (text) => {
    expect(fromHex(text)).toBeNull();
  });
});

describe('UTF-8', () => {
  test('is written as the platform writes it, and lone surrogates are refused', () => {
    fc.assert(
      fc.property(units, (text) => {
        const expected = loneSurrogate.test(text) ? null : Uint8Array.from(new TextEncoder().encode(text));
        expect(encodeUtf8(text)).toStrictEqual(expected);
        expect(utf8Length(text)).toBe(expected === null ? -1 : expected.length);
      }),
      { numRuns: 2000 },
    );
  });

  test('is written at an offset', () => {
    const out = new Uint8Array(6).fill(9);
    expect(writeUtf8('€a', out, 1)).toBe(5);
    expect(out).toStrictEqual(Uint8Array.of(9, 0xe2, 0x82, 0xac, 0x61, 9));
  });

  test('is read as the platform reads it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const encoded = encodeUtf8(text)!;
        expect(decodeUtf8(encoded)).toBe(text);
        const framed = concatBytes([Uint8Array.of(0xe2), encoded, Uint8Array.of(0x80)]);
        expect(decodeUtf8(framed, 1, framed.length - 1)).toBe(text);
      }),
    );
  });

  test('is refused wherever the platform refuses it', () => {
    const tricky = fc.constantFrom(0, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf);
    const leads = fc.constantFrom(
      0xe0,
      0xe1,
      0xec,
      0xed,
      0xee,
      0xef,
      0xf0,
      0xf1,
      0xf3,
      0xf4,
      0xf5,
      0xf8,
      0xff,
    );
    const input = fc.array(fc.oneof(tricky, leads, fc.nat(255)), { maxLength: 7 });
    let accepted = 0;
    fc.assert(
      fc.property(input, (codes) => {
        const encoded = Uint8Array.from(codes);
        const expected = oracle(encoded);
        if (expected !== null) accepted++;
        expect(decodeUtf8(encoded)).toBe(expected);
      }),
      { numRuns: 20_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  test('every sequence of two bytes and every three-byte lead agrees with the platform', () => {
    let differences = 0;
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        for (const tail of [[], [0x80], [0xbf, 0x80]]) {
          const encoded = Uint8Array.of(first, second, ...tail);
          if (decodeUtf8(encoded) !== oracle(encoded)) differences++;
        }
      }
    }
    expect(differences).toBe(0);
  });

  test('keeps a byte order mark', () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf))).toBe('\ufeff');
  });
});
