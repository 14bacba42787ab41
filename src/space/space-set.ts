/**
 * All tuple spaces of a cluster with what they share: the counter of insertion ids, the leases, the entries'
 * pages and the page tree over the whole state. Equal histories give equal roots; so do a state and the one restored
 * from its pages.
 */
import { assert, PageTree, type HashFunction, type PageSnapshot } from '../base/index.js';
import { decodeTuple, encodeTuple } from '../codec/index.js';
import { EntryPages } from './entry-pages.js';
import { assertLimits, type SpaceLimits } from './limits.js';
import { Leases } from './leases.js';
import { MatchIndex } from './match-index.js';
import { numberWithin, pageNumber } from './sections.js';
import { Space } from './space.js';

export class SpaceSet {
  readonly #hash: HashFunction;
  readonly #limits: SpaceLimits;
  readonly #tree: PageTree;
  readonly #entries: EntryPages;
  readonly #leases = new Leases();
  readonly #byName = new Map<string, Space>();
  readonly #byNumber = new Map<number, Space>();
  /** The counter as it stands in the page tree; 0 if it does not. */
  #encodedNextId = 0;

  constructor(hash: HashFunction, limits: SpaceLimits) {
    assertLimits(limits);
    this.#hash = hash;
    this.#limits = limits;
    this.#tree = new PageTree(hash);
    this.#entries = new EntryPages(this.#tree);
  }

  /** The state that the pages of a `checkpoint` describe; throws InvariantError if they describe none. */
  static restored(hash: HashFunction, limits: SpaceLimits, pages: ReadonlyMap<number, Uint8Array>): SpaceSet {
    const spaces = new SpaceSet(hash, limits);
    spaces.#load(pages);
    return spaces;
  }

  get(name: string): Space | null {
    return this.#byName.get(name) ?? null;
  }

  /** The name must be free and the number, at least 1, never used before. */
  create(name: string, number: number): Space {
    const space = this.#add(name, number);
    this.#tree.put(pageNumber('spaces', number), encodeTuple([name]));
    return space;
  }

  /** The earliest deadline of any entry, or null. */
  get nextDeadline(): number | null {
    return this.#leases.nextDeadline;
  }

  /** Ordered time is `time`: whatever has its deadline by then goes, in order of deadline, then id. */
  expireUntil(time: number): void {
    if (this.#leases.firstDue(time) === null) return;
    this.#entries.changeMany(() => {
      for (let due = this.#leases.firstDue(time); due !== null; due = this.#leases.firstDue(time)) {
        const space = this.#byNumber.get(due.space);
        assert(space !== undefined, 'a timed entry lies in a space');
        space.expire(due);
      }
    });
  }

  checkpoint(): PageSnapshot {
    this.#entries.flush();
    const { nextId } = this.#entries;
    if (nextId !== this.#encodedNextId) this.#tree.put(pageNumber('counters', 0), encodeTuple([nextId]));
    this.#encodedNextId = nextId;
    return this.#tree.snapshot();
  }

  #add(name: string, number: number): Space {
    assert(!this.#byName.has(name) && !this.#byNumber.has(number), 'names and numbers of spaces are unique');
    const shared = { limits: this.#limits, pages: this.#entries, leases: this.#leases };
    const space = new Space(name, number, shared, new MatchIndex(this.#hash));
    this.#byName.set(name, space);
    this.#byNumber.set(number, space);
    return space;
  }

  #load(pages: ReadonlyMap<number, Uint8Array>): void {
    this.#tree.reset(pages);
    // Ascending page numbers: spaces before entries, and entries by id.
    for (const page of [...pages.keys()].sort((a, b) => a - b)) this.#loadPage(page, pages.get(page)!);
    assert(this.#encodedNextId > 0, 'a certified state has a counter');
    this.#entries.resumeAt(this.#encodedNextId);
  }

  #loadPage(page: number, bytes: Uint8Array): void {
    if (page === pageNumber('counters', 0)) {
      const nextId = decodeTuple(bytes)?.[0];
      assert(
        typeof nextId === 'number' && Number.isSafeInteger(nextId),
        'a certified counter is well-formed',
      );
      this.#encodedNextId = nextId;
      return;
    }
    const space = numberWithin('spaces', page);
    if (space !== null) {
      const name = decodeTuple(bytes)?.[0];
      assert(typeof name === 'string', 'a certified space is well-formed');
      this.#add(name, space);
      return;
    }
    const number = numberWithin('entries', page);
    assert(number !== null, 'certified pages lie in known sections');
    for (const entry of this.#entries.load(number, bytes)) {
      const owner = this.#byNumber.get(entry.space);
      assert(owner !== undefined, 'a certified entry lies in a space');
      owner.load(entry);
    }
  }
}
