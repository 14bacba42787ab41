/** Which histories may be taken for one. */
import { describe, expect, it } from 'vitest';
import { continuesIn, isPastEnd, parseHistory, parseLineage } from '../../../src/red/postgres/lineage.js';

const own = (rows: string, lastTimeline: number, pendingToken: string | null = null) => {
  return { lineage: parseLineage(rows), lastTimeline, pendingToken };
};

describe('a history continues in that of a writer', () => {
  const writer = parseLineage('1:0,2:7,3:9');

  it('whose rows have all of its own', () => {
    expect(continuesIn(own('1:0', 1), writer)).toBe(true);
    expect(continuesIn(own('1:0,2:7', 2), writer)).toBe(true);
    expect(continuesIn(own('1:0,2:7,3:9', 3), writer)).toBe(true);
    expect(continuesIn(own('1:0,2:7,3:9', 3, '9'), writer)).toBe(true);
  });

  it('but not with another writer on the same timeline, or a timeline more', () => {
    expect(continuesIn(own('1:0,2:7,3:8', 3), writer)).toBe(false);
    expect(continuesIn(own('1:0,2:7,3:9,4:10', 4), writer)).toBe(false);
  });

  it('nor where it is not known whose its end is', () => {
    expect(continuesIn(own('1:0,2:7', 3), writer)).toBe(false);
    expect(continuesIn(own('1:0,2:7', 2, '8'), writer)).toBe(false);
    expect(continuesIn(own('', 1), writer)).toBe(false);
    expect(continuesIn(own('1:0', 1), parseLineage(''))).toBe(false);
  });
});

describe('who has more of a timeline than another took over', () => {
  const ends = parseHistory(
    '1\t0/3000148\tno recovery target specified\n\n2\t1/A0\tno recovery target specified\n',
  );

  it('is told from the other history file', () => {
    expect([...ends]).toEqual([
      [1, 0x3000148n],
      [2, 0x1000000a0n],
    ]);
    expect(isPastEnd(1, 0x3000148n, { last: 3, ends })).toBe(false);
    expect(isPastEnd(1, 0x3000149n, { last: 3, ends })).toBe(true);
    expect(isPastEnd(2, 0x3000149n, { last: 3, ends })).toBe(false);
    expect(isPastEnd(3, 0xfffffffffn, { last: 3, ends })).toBe(false);
    expect(parseHistory('')).toEqual(new Map());
  });
});
