import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineBytesMax, LineReader, type Line } from '../../../src/red/index.js';

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const linesOf = (...pieces: readonly string[]): readonly Line[] => {
  const reader = new LineReader();
  return pieces.flatMap((piece) => reader.take(bytesOf(piece)));
};
const full = 'x'.repeat(lineBytesMax);
const tooLong: Line = { problem: 'LINE_TOO_LONG' };
const notText: Line = { problem: 'CHARACTERS_WRONG' };

describe('lines', () => {
  it('end at \\n; an \\r before it is no part of them', () => {
    expect(linesOf('BOOTED r1\nACK\r\n\n\r\nBOO')).toEqual([
      { text: 'BOOTED r1' },
      { text: 'ACK' },
      { text: '' },
      { text: '' },
    ]);
    expect(linesOf('AC', 'K\r', '\nST', '', 'OPPED\n')).toEqual([{ text: 'ACK' }, { text: 'STOPPED' }]);
  });

  it('are no text if anything in them is not printable ASCII', () => {
    for (const bad of ['\x00', '\t', '\x1b[2J', '\x7f', '\x80', 'é', '\xc3\x28', '\xff\xfe', 'a\rb', '\r'])
      expect(linesOf(`ACK${bad} x\nACK\n`)).toEqual([notText, { text: 'ACK' }]);
    expect(linesOf('ACK\r\r\n')).toEqual([notText]);
  });

  it('may be as long as the bound, whatever their end', () => {
    expect(linesOf(`${full}\n${full}\r\n`)).toEqual([{ text: full }, { text: full }]);
    expect(linesOf(full, '\r', '\n')).toEqual([{ text: full }]);
  });

  it('that are longer are reported once, before their end, and skipped up to it', () => {
    expect(linesOf(`${full}x`)).toEqual([tooLong]);
    expect(linesOf(`${full}x\nACK\n`)).toEqual([tooLong, { text: 'ACK' }]);
    expect(linesOf(full, 'x', full, full, '\r\n', 'ACK\n')).toEqual([tooLong, { text: 'ACK' }]);
    expect(linesOf(`${full}\rx\nACK\n`)).toEqual([tooLong, { text: 'ACK' }]);
    expect(linesOf(full, '\r', '\r', '\n', 'ACK\n')).toEqual([tooLong, { text: 'ACK' }]);
    expect(linesOf(`${full}x\n${full}x\n`)).toEqual([tooLong, tooLong]);
  });

  it('are the same however the stream is cut', () => {
    const piece = fc.oneof(
      fc.constantFrom('\n', '\r', '\r\n', 'ACK', ' ', '\xff'),
      fc.integer({ min: lineBytesMax - 2, max: lineBytesMax + 2 }).map((length) => 'x'.repeat(length)),
    );
    const stream = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    const cuts = fc.array(fc.nat({ max: 3 * lineBytesMax }), { maxLength: 12 });
    fc.assert(
      fc.property(stream, cuts, (text, places) => {
        const ends = [...places, 0, text.length].sort((a, b) => a - b);
        const pieces = ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
        expect(linesOf(...pieces)).toEqual(linesOf(text));
        expect(linesOf(...text.slice(0, 2 * lineBytesMax))).toEqual(linesOf(text.slice(0, 2 * lineBytesMax)));
      }),
      { numRuns: 60 },
    );
  });
});
