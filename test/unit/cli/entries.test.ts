import { describe, expect, it } from 'vitest';
import { entryTable, entryToJson } from '../../../src/cli/commands/entries.js';
import { formatTime } from '../../../src/cli/duration.js';
import { Output } from '../../../src/cli/output.js';
import { fakeTerminal } from './fake-terminal.js';

const plain = { id: 7n, tuple: ['a', 1], owner: 'alice' } as const;
const narrowed = { ...plain, id: 2n ** 60n, readers: ['alice', 'bob'], takers: [] };

describe('an entry', () => {
  it('says who may read and take it only if that was narrowed', () => {
    expect(entryToJson(plain)).toEqual({ id: 7, tuple: ['a', 1], owner: 'alice' });
    expect(entryToJson({ ...narrowed, deadline: 9 })).toEqual({
      id: { int: '1152921504606846976' },
      tuple: ['a', 1],
      owner: 'alice',
      deadline: 9,
      readers: ['alice', 'bob'],
      takers: [],
    });
  });

  it('has columns for that only where an entry needs them', () => {
    const output = new Output(fakeTerminal(), false);
    expect(entryTable(output, [plain])).toBe('id  owner  tuple\n7   alice  ["a",1]');
    expect(entryTable(output, [{ ...plain, readers: ['bob'] }, plain])).toBe(
      ['id  owner  readers  tuple', '7   alice  bob      ["a",1]', '7   alice           ["a",1]'].join('\n'),
    );
    expect(entryTable(output, [narrowed])).toContain('alice, bob  nobody  ["a",1]');
  });
});

it('a moment is shown in UTC, whatever number it is', () => {
  expect(formatTime(1_790_000_000_999)).toBe('2026-09-21 14:13:20 UTC');
  expect(formatTime(2 ** 53 - 1)).toBe('9007199254740991 ms');
});
