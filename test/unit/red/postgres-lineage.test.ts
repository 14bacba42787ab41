/** Which histories may be taken for one. */
import { describe, expect, it } from 'vitest';
import { continuesIn, parseLineage } from '../../../src/red/postgres/lineage.js';

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
