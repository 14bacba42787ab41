/**
 * How a policy looks into a space: at all entries, whoever may read them. Says how many entries each look costs before
 * it is taken; that depends on nothing but the entries and the template, so that it is equal at every replica, restored
 * or not. Must not change anything.
 */
import type { Entry, Template } from '../codec/index.js';
import type { MatchIndex } from './match-index.js';
import { matches } from './matching.js';
import { publicEntry } from './stored-entry.js';

type Charge = (candidates: number) => void;

export class Lookups {
  readonly #index: MatchIndex;

  constructor(index: MatchIndex) {
    this.#index = index;
  }

  /** The oldest match, or null. */
  rdp(template: Template, charge: Charge): Entry | null {
    return this.rdAll(template, 1, charge)[0] ?? null;
  }

  /** Oldest first; at most `limit`, 0 = all. */
  rdAll(template: Template, limit: number, charge: Charge): readonly Entry[] {
    const { cursor, size, isExact } = this.#index.candidates(template, 0);
    const countMax = limit === 0 ? size : limit;
    charge(isExact ? Math.min(size, countMax) : size);
    const found: Entry[] = [];
    for (; cursor.entry !== null && found.length < countMax; cursor.advance()) {
      if (isExact || matches(template, cursor.entry.tuple)) found.push(publicEntry(cursor.entry));
    }
    return found;
  }

  count(template: Template, charge: Charge): number {
    const { cursor, size, isExact } = this.#index.candidates(template, 0);
    charge(isExact ? 1 : size);
    if (isExact) return size;
    let count = 0;
    for (; cursor.entry !== null; cursor.advance()) if (matches(template, cursor.entry.tuple)) count++;
    return count;
  }
}
