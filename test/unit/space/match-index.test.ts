import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digest, type HashFunction } from '../../../src/base/index.js';
import { any, formal, type Template } from '../../../src/codec/index.js';
import { matches } from '../../../src/space/index.js';
import { MatchIndex } from '../../../src/space/match-index.js';
import type { StoredEntry } from '../../../src/space/stored-entry.js';
import {
  fingerprintArbitrary,
  fingerprintTemplateArbitrary,
  sha256,
  stored,
  storedTuple,
  template,
  templateArbitrary,
  tupleArbitrary,
} from './samples.js';

/** Every long value collides with every other. */
const constantHash: HashFunction = () => digest('0'.repeat(64));

function candidateIds(index: MatchIndex, pattern: Template, after: number): number[] {
  const { cursor } = index.candidates(pattern, after);
  const ids: number[] = [];
  for (; cursor.entry !== null; cursor.advance()) ids.push(cursor.entry.id);
  return ids;
}

function indexOf(entries: readonly StoredEntry[]): MatchIndex {
  const index = new MatchIndex(sha256);
  for (const entry of entries) index.add(entry);
  return index;
}

describe('the match index', () => {
  it.each([
    ['SHA-256', sha256, tupleArbitrary, templateArbitrary],
    ['a hash that always collides', constantHash, tupleArbitrary, templateArbitrary],
    ['fingerprints', sha256, fingerprintArbitrary, fingerprintTemplateArbitrary],
  ])('never misses a match, with %s', (_, hash, tuples, templates) => {
    const change = fc.record({ tuple: tuples, isRemoved: fc.boolean(), after: fc.nat({ max: 100 }) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 100 }), fc.array(templates), (changes, asked) => {
        const index = new MatchIndex(hash);
        const entries = changes.map((each, i) => storedTuple(i + 1, each.tuple));
        for (const entry of entries) index.add(entry);
        for (const [i, entry] of entries.entries()) if (changes[i]!.isRemoved) index.remove(entry);
        const left = entries.filter((_entry, i) => !changes[i]!.isRemoved);
        for (const pattern of asked) {
          const after = changes[0]?.after ?? 0;
          const ids = candidateIds(index, pattern, after);
          const matching = left.filter((entry) => matches(pattern, entry.tuple)).map((entry) => entry.id);
          expect(ids).toEqual(expect.arrayContaining(matching.filter((id) => id > after)));
          expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
          const { isExact, size } = index.candidates(pattern, 0);
          if (isExact) expect(candidateIds(index, pattern, 0)).toEqual(matching);
          if (isExact) expect(size).toBe(matching.length);
        }
      }),
    );
  });

  it('looks at the smallest set of candidates', () => {
    const entries = Array.from({ length: 500 }, (_, i) => stored(i + 1, 'job', i, i % 2 === 0 ? 'open' : i));
    const index = indexOf(entries);
    expect(candidateIds(index, template('job', 7, any), 0)).toEqual([8]);
    expect(candidateIds(index, template(any, formal.int, 7), 0)).toEqual([8]);
    expect(candidateIds(index, template('job', any, formal.int), 0)).toHaveLength(250);
    expect(candidateIds(index, template('job', any, formal.bool), 0)).toEqual([]);
    expect(candidateIds(index, template('job', any, 'closed'), 0)).toEqual([]);
    expect(candidateIds(index, template('job', any), 0)).toEqual([]);
  });

  it('finds by type alone without looking at other types', () => {
    const entries = Array.from({ length: 500 }, (_, i) => stored(i + 1, i === 400 ? 'text' : i, i % 3));
    const index = indexOf(entries);
    expect(candidateIds(index, template(formal.string, formal.int), 0)).toEqual([401]);
    expect(candidateIds(index, template(formal.string, any), 0)).toEqual([401]);
    expect(candidateIds(index, template(any, any), 490)).toEqual([
      491, 492, 493, 494, 495, 496, 497, 498, 499, 500,
    ]);
  });

  it('refuses to forget what it does not hold', () => {
    const index = indexOf([stored(1, 'a')]);
    expect(() => index.remove(stored(2, 'b', 'c'))).toThrow('indexed');
    expect(() => index.remove(stored(2, 'a'))).toThrow('in the set');
  });
});
