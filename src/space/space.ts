/**
 * One tuple space: the operations of DESIGN section 4 that neither wait nor expire, each on the oldest
 * match or on all of them. Deterministic; every operation either happens as a whole or, refused, not at
 * all. Must not know who may do what: guards and the order of checks are the service's.
 */
import type { ClientId } from '../base/index.js';
import type { Result, Template, Tuple } from '../codec/index.js';
import type { EntryPages } from './entry-pages.js';
import { refused, type Refused, type SpaceLimits } from './limits.js';
import type { MatchIndex } from './match-index.js';
import { matches } from './matching.js';
import { ResultEntries } from './result-size.js';
import { publicEntry, type StoredEntry } from './stored-entry.js';

type ResultOf<K extends Result['kind']> = Extract<Result, { readonly kind: K }>;

function entryResult(entry: StoredEntry | null): ResultOf<'entry'> {
  return { kind: 'entry', entry: entry === null ? null : publicEntry(entry) };
}

function entriesResult(entries: readonly StoredEntry[]): ResultOf<'entries'> {
  return { kind: 'entries', entries: entries.map(publicEntry) };
}

export class Space {
  readonly name: string;
  readonly number: number;
  readonly #limits: SpaceLimits;
  readonly #pages: EntryPages;
  /** Invariant: holds exactly the entries of `#pages` that lie in this space. */
  readonly #index: MatchIndex;
  #size = 0;

  constructor(name: string, number: number, limits: SpaceLimits, pages: EntryPages, index: MatchIndex) {
    this.name = name;
    this.number = number;
    this.#limits = limits;
    this.#pages = pages;
    this.#index = index;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes over an entry of a certified state; entries come in ascending order of id. */
  load(entry: StoredEntry): void {
    this.#index.add(entry);
    this.#size++;
  }

  /** Inserts; SPACE_FULL if the space has no room. Tuple and template of any operation are within limits. */
  out(tuple: Tuple, owner: ClientId): ResultOf<'entry'> | Refused {
    return this.#isFull() ? this.#full() : entryResult(this.#insert(tuple, owner));
  }

  /** Reads the oldest match. */
  rdp(template: Template): ResultOf<'entry'> {
    return entryResult(this.#oldest(template));
  }

  /** Takes the oldest match. */
  inp(template: Template): ResultOf<'entry'> {
    const entry = this.#oldest(template);
    if (entry !== null) this.#remove(entry);
    return entryResult(entry);
  }

  /** Inserts iff nothing matches, else answers the oldest match; considers every entry. */
  cas(template: Template, tuple: Tuple, owner: ClientId): ResultOf<'cas'> | Refused {
    const match = this.#oldest(template);
    if (match !== null) return { kind: 'cas', inserted: false, entry: publicEntry(match) };
    if (this.#isFull()) return this.#full();
    return { kind: 'cas', inserted: true, entry: publicEntry(this.#insert(tuple, owner)) };
  }

  /** Takes the oldest match and inserts the tuple; answers the entry taken, or null and does nothing. */
  replace(template: Template, tuple: Tuple, owner: ClientId): ResultOf<'entry'> {
    const entry = this.#oldest(template);
    if (entry !== null) {
      this.#remove(entry);
      this.#insert(tuple, owner);
    }
    return entryResult(entry);
  }

  /** Reads the first `limit` matches (0 = all) with an id greater than `after`. */
  rdAll(template: Template, limit: number, after: bigint): ResultOf<'entries'> | Refused {
    const found = this.#all(template, limit, after);
    return Array.isArray(found) ? entriesResult(found) : found;
  }

  /** Takes the first `limit` matches (0 = all); if they do not fit into a result, none. */
  inAll(template: Template, limit: number): ResultOf<'entries'> | Refused {
    const found = this.#all(template, limit, 0n);
    if (!Array.isArray(found)) return found;
    for (const entry of found) this.#remove(entry);
    return entriesResult(found);
  }

  count(template: Template): ResultOf<'count'> {
    const { cursor, size, isExact } = this.#index.candidates(template, 0);
    if (isExact) return { kind: 'count', count: size };
    let count = 0;
    for (; cursor.entry !== null; cursor.advance()) if (matches(template, cursor.entry.tuple)) count++;
    return { kind: 'count', count };
  }

  #oldest(template: Template): StoredEntry | null {
    const { cursor, isExact } = this.#index.candidates(template, 0);
    for (; cursor.entry !== null; cursor.advance()) {
      if (isExact || matches(template, cursor.entry.tuple)) return cursor.entry;
    }
    return null;
  }

  #all(template: Template, limit: number, after: bigint): StoredEntry[] | Refused {
    const { cursor, isExact } = this.#index.candidates(template, Number(after));
    const result = new ResultEntries(this.#limits.resultBytesMax);
    const countMax = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    for (; cursor.entry !== null && result.entries.length < countMax; cursor.advance()) {
      if (!isExact && !matches(template, cursor.entry.tuple)) continue;
      if (!result.add(cursor.entry)) return refused('RESULT_TOO_LARGE', result.entries.length);
    }
    return result.entries;
  }

  #insert(tuple: Tuple, owner: ClientId): StoredEntry {
    const entry = this.#pages.insert(this.number, tuple, owner);
    this.#index.add(entry);
    this.#size++;
    return entry;
  }

  #remove(entry: StoredEntry): void {
    this.#pages.remove(entry);
    this.#index.remove(entry);
    this.#size--;
  }

  #isFull(): boolean {
    return this.#size >= this.#limits.entriesPerSpaceMax;
  }

  #full(): Refused {
    return refused('SPACE_FULL', 0);
  }
}
