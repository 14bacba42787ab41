/**
 * All entries of all spaces by insertion id, `entriesPerPage` ids a page, and the bytes of these pages for
 * checkpoints; deadlines that changed lie in pages of their own. Must not know spaces by name, templates or
 * operations.
 */
import { assert, type ClientName, type PageTree } from '../base/index.js';
import type { Access, Sealed, Tuple } from '../codec/index.js';
import { ChangedPages } from './changed-pages.js';
import { KeptContent } from './kept-content.js';
import { decodePage, encodePage, entriesPerPage } from './page-format.js';
import { Renewals } from './renewals.js';
import { pageNumber } from './sections.js';
import { StoredEntry, type Origin } from './stored-entry.js';

interface Page {
  readonly number: number;
  /** Ascending by id. */
  readonly entries: StoredEntry[];
  /** As last encoded; null if never. The same bytes as in the page tree. */
  bytes: Uint8Array | null;
}

export class EntryPages {
  readonly #tree: PageTree;
  /** Invariant: holds a page exactly if it has an entry. */
  readonly #pages = new Map<number, Page>();
  readonly #changed = new ChangedPages<Page>((page) => this.#encode(page));
  readonly #renewals: Renewals;
  readonly #kept = new KeptContent();
  /** The id of the next entry. Invariant: greater than every id given out. */
  #nextId = 1;

  constructor(tree: PageTree) {
    this.#tree = tree;
    this.#renewals = new Renewals(tree);
  }

  get nextId(): number {
    return this.#nextId;
  }

  insert(
    space: number,
    tuple: Tuple,
    owner: ClientName,
    deadline: number | null,
    access: Access,
    sealed: Sealed | null,
  ): StoredEntry {
    const id = this.#nextId++;
    assert(Number.isSafeInteger(this.#nextId), 'entry ids are safe integers');
    const entry = this.#stored(id, tuple, { space, owner, access, sealed }, deadline);
    const number = Math.floor(id / entriesPerPage);
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = { number, entries: [], bytes: null };
      this.#pages.set(number, page);
    }
    page.entries.push(entry);
    this.#changed.add(page);
    return entry;
  }

  /** The entry of this id, in whatever space; or null. */
  find(id: number): StoredEntry | null {
    const page = this.#pages.get(Math.floor(id / entriesPerPage));
    return page?.entries.find((entry) => entry.id === id) ?? null;
  }

  /** The entry must be here. */
  remove(entry: StoredEntry): void {
    const page = this.#pages.get(Math.floor(entry.id / entriesPerPage));
    const index = page === undefined ? -1 : page.entries.indexOf(entry);
    assert(index >= 0, 'a removed entry has a page');
    page!.entries.splice(index, 1);
    if (entry.deadline !== entry.firstDeadline) this.#renewals.remove(entry.id);
    if (page!.entries.length > 0) return this.#changed.add(page!);
    this.#pages.delete(page!.number);
    this.#changed.drop(page!);
    this.#tree.remove(pageNumber('entries', page!.number));
  }

  /** The entry, which must be here, has another deadline. */
  onRenewal({ id, firstDeadline, deadline }: StoredEntry): void {
    assert(deadline !== null, 'a renewed entry is timed');
    if (deadline === firstDeadline) this.#renewals.remove(id);
    else this.#renewals.set(id, deadline);
  }

  /** Makes changes of which many may fall on one page: none is encoded before the last of them. */
  changeMany(changes: () => void): void {
    this.#changed.during(() => this.#renewals.changeMany(changes));
  }

  /** Brings the page tree up to date. */
  flush(): void {
    this.#changed.flush();
    this.#renewals.flush();
  }

  /** Takes over a page of a certified state that the page tree already holds; pages come in ascending order. */
  load(number: number, bytes: Uint8Array): readonly StoredEntry[] {
    const decoded = decodePage(number, bytes);
    assert(decoded !== null, 'certified pages are well-formed');
    const entries = decoded.map(({ id, tuple, origin, deadline }) =>
      this.#stored(id, tuple, origin, deadline),
    );
    this.#pages.set(number, { number, entries, bytes });
    this.#nextId = entries.at(-1)!.id + 1;
    return entries;
  }

  /** As `load` for a page of renewals, once all entries are there: calls `renew` with each renewed entry and its deadline. */
  loadRenewals(
    number: number,
    bytes: Uint8Array,
    renew: (entry: StoredEntry, deadline: number) => void,
  ): void {
    for (const { id, deadline } of this.#renewals.load(number, bytes)) {
      const entry = this.find(id);
      assert(entry !== null && entry.deadline !== null, 'a certified renewal is of a timed entry');
      renew(entry, deadline);
    }
  }

  /** Sets the counter of a certified state, after its pages have been loaded. */
  resumeAt(nextId: number): void {
    assert(nextId >= this.#nextId, 'the certified counter is past every entry');
    this.#nextId = nextId;
  }

  #encode(page: Page): void {
    page.bytes = encodePage(page.entries, page.bytes);
    this.#tree.put(pageNumber('entries', page.number), page.bytes);
  }

  #stored(id: number, tuple: Tuple, origin: Origin, deadline: number | null): StoredEntry {
    return new StoredEntry(id, this.#kept.tuple(tuple), this.#kept.origin(origin), deadline);
  }
}
