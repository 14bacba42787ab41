import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignTable, Output, toJsonLine, toPrintable } from '../../../src/cli/output.js';
import { fakeTerminal } from './fake-terminal.js';

describe('output', () => {
  it('aligns columns and leaves no blanks at line ends', () => {
    expect(alignTable(['id', 'tuple'], [['1', '[]'], ['100', ''], ['7']])).toEqual([
      'id   tuple',
      '1    []',
      '100',
      '7',
    ]);
  });

  it('lets the last cell of a short row run over', () => {
    expect(
      alignTable(
        ['id', 'up', 'view'],
        [
          ['1', 'yes', '12'],
          ['2', 'no, nobody answers'],
        ],
      ),
    ).toEqual(['id  up   view', '1   yes  12', '2   no, nobody answers']);
  });

  it('keeps stdout to one JSON object a line with --json', () => {
    const terminal = fakeTerminal();
    const output = new Output(terminal, true);
    output.say('for people');
    output.note('progress');
    output.result({ count: 3 }, () => '3');
    expect(terminal.out).toEqual(['{"count":3}\n']);
    expect(terminal.err).toEqual(['progress\n']);
  });

  it('writes text without --json', () => {
    const terminal = fakeTerminal();
    new Output(terminal, false).result({ count: 3 }, () => '3');
    expect(terminal.out).toEqual(['3\n']);
  });

  it.each([
    ['a terminal', { isStdoutTty: true }, true],
    ['a pipe', {}, false],
    ['NO_COLOR', { isStdoutTty: true, env: { NO_COLOR: '1' } }, false],
    ['a dumb terminal', { isStdoutTty: true, env: { TERM: 'dumb' } }, false],
  ])('colours on %s', (_, options, isColoured) => {
    const styled = new Output(fakeTerminal(options), false).style('red', 'x');
    expect(styled !== 'x').toBe(isColoured);
  });

  it('never colours JSON', () => {
    expect(new Output(fakeTerminal({ isStdoutTty: true }), true).style('red', 'x')).toBe('x');
  });

  it('writes nothing that a terminal would obey, and the same value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = toJsonLine(text);
        expect(JSON.parse(line)).toBe(text);
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
        expect(toPrintable(text)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      }),
    );
    expect(toPrintable('a\u001b[31mb\nc')).toBe('a\\x1b[31mb\nc');
  });
});
