import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prng } from '../../../src/base/index.js';
import { EntrySet, type Cursor } from '../../../src/space/entry-set.js';
import { MergeCursor } from '../../../src/space/merge-cursor.js';
import {
  postingCursor,
  postingSize,
  withEntry,
  withoutEntry,
  type Posting,
} from '../../../src/space/posting.js';
import type { StoredEntry } from '../../../src/space/stored-entry.js';
import { stored } from './samples.js';

function idsOf(cursor: Cursor): number[] {
  const ids: number[] = [];
  for (; cursor.entry !== null; cursor.advance()) ids.push(cursor.entry.id);
  cursor.advance();
  expect(cursor.entry).toBe(null);
  return ids;
}

const after = (entries: readonly StoredEntry[], id: number): number[] =>
  entries.map((entry) => entry.id).filter((other) => other > id);

/** A set, a posting and a plain list that are changed alike. */
class Twins {
  readonly set = new EntrySet();
  posting: Posting | undefined;
  list: StoredEntry[] = [];
  #nextId = 1;

  add(gap: number): void {
    const entry = stored(this.#nextId);
    this.#nextId += gap;
    this.set.add(entry);
    this.posting = withEntry(this.posting, entry);
    this.list.push(entry);
  }

  removeAt(index: number): void {
    const [entry] = this.list.splice(index, 1);
    this.set.remove(entry!);
    this.posting = withoutEntry(this.posting!, entry!);
  }

  check(afterId: number): void {
    const expected = after(this.list, afterId);
    expect(this.set.size).toBe(this.list.length);
    expect(idsOf(this.set.cursor(afterId))).toEqual(expected);
    expect(this.posting === undefined ? 0 : postingSize(this.posting)).toBe(this.list.length);
    expect(this.posting === undefined ? [] : idsOf(postingCursor(this.posting, afterId))).toEqual(expected);
  }
}

describe('entry sets', () => {
  it('hold what a sorted list holds, whatever is removed in whatever order', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 700 }),
        fc.integer({ min: 0, max: 9 }),
        (seed, size, bias) => {
          const random = prng(seed);
          const twins = new Twins();
          for (let step = 0; step < 2 * size; step++) {
            if (twins.list.length === 0 || (step < size ? random.below(10) >= bias : random.chance(1, 10))) {
              twins.add(random.between(1, 3));
            } else {
              twins.removeAt(random.below(twins.list.length));
            }
            if (step % 97 === 0) twins.check(random.below(2 * size));
          }
          twins.check(0);
          while (twins.list.length > 0) twins.removeAt(random.below(twins.list.length));
          twins.check(0);
          expect(twins.posting).toBe(undefined);
          twins.add(1);
          twins.check(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('give the oldest first while they are drained from the front and filled at the back', () => {
    const twins = new Twins();
    for (let i = 0; i < 5000; i++) twins.add(1);
    for (let i = 0; i < 6000; i++) {
      expect(twins.set.cursor(0).entry).toBe(twins.list[0]);
      twins.removeAt(0);
      if (i % 2 === 0) twins.add(1);
    }
    twins.check(7000);
  });

  it('refuse to remove what they do not hold', () => {
    const set = new EntrySet();
    expect(() => set.remove(stored(1))).toThrow('in the set');
    set.add(stored(1));
    expect(() => set.remove(stored(1))).toThrow('in the set');
  });

  it('merge in order of id', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 6 }), { maxLength: 200 }),
        fc.nat({ max: 250 }),
        (owners, afterId) => {
          const sets = Array.from({ length: 7 }, () => new EntrySet());
          const list = owners.map((_, i) => stored(i + 1));
          for (const [i, entry] of list.entries()) sets[owners[i]!]!.add(entry);
          const merged = new MergeCursor(sets.map((set) => set.cursor(afterId)));
          expect(idsOf(merged)).toEqual(after(list, afterId));
        },
      ),
    );
  });
});
