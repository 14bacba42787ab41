/**
 * All entries of all spaces by insertion id, `entriesPerPage` ids a page, and the bytes of these pages for
 * checkpoints. Pages that changed wait to be encoded, but only so many: a checkpoint must not be a long
 * pause, so beyond that the one that has waited longest is encoded along the way. When a page is encoded
 * has no influence on its bytes. Must not know spaces by name, templates or operations.
 */
import { assert, type ClientId, type PageTree } from '../base/index.js';
import type { Tuple } from '../codec/index.js';
import { decodePage, encodePage, entriesPerPage, slotBit } from './page-format.js';
import { pageNumber } from './sections.js';
import type { StoredEntry } from './stored-entry.js';

interface Page {
  readonly number: number;
  /** Ascending by id. */
  readonly entries: StoredEntry[];
  /** As last encoded; null if never. The same bytes as in the page tree. */
  bytes: Uint8Array | null;
  /** The slots of entries renewed since `bytes`, or of some that have gone. */
  renewed: number;
}

/** Changed pages that may wait for the checkpoint. */
const waitingPagesMax = 256;

export class EntryPages {
  readonly #tree: PageTree;
  /** Invariant: holds a page exactly if it has an entry. */
  readonly #pages = new Map<number, Page>();
  /** Pages whose `bytes` are out of date, in the order in which they became so. */
  readonly #changed = new Set<Page>();
  #waitingMax = waitingPagesMax;
  /** One string object per owner instead of one per entry. */
  readonly #owners = new Map<ClientId, ClientId>();
  /** The id of the next entry. Invariant: greater than every id given out. */
  #nextId = 1;

  constructor(tree: PageTree) {
    this.#tree = tree;
  }

  get nextId(): number {
    return this.#nextId;
  }

  insert(space: number, tuple: Tuple, owner: ClientId, deadline: number | null): StoredEntry {
    const id = this.#nextId++;
    assert(Number.isSafeInteger(this.#nextId), 'entry ids are safe integers');
    const entry = this.#stored({ id, space, tuple, owner, deadline, deadlineSlot: -1 });
    const number = Math.floor(id / entriesPerPage);
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = { number, entries: [], bytes: null, renewed: 0 };
      this.#pages.set(number, page);
    }
    page.entries.push(entry);
    this.#onChange(page);
    return entry;
  }

  /** The entry must be here. */
  remove(entry: StoredEntry): void {
    const page = this.#pages.get(Math.floor(entry.id / entriesPerPage));
    const index = page === undefined ? -1 : page.entries.indexOf(entry);
    assert(index >= 0, 'a removed entry has a page');
    page!.entries.splice(index, 1);
    if (page!.entries.length > 0) {
      this.#onChange(page!);
      return;
    }
    this.#pages.delete(page!.number);
    this.#changed.delete(page!);
    this.#tree.remove(pageNumber('entries', page!.number));
  }

  /** The entry, which must be here, has got another deadline. */
  onRenewal(entry: StoredEntry): void {
    const page = this.#pages.get(Math.floor(entry.id / entriesPerPage));
    assert(page !== undefined, 'a renewed entry has a page');
    page.renewed |= slotBit(entry);
    this.#onChange(page);
  }

  /** Makes changes of which many may fall on one page: none is encoded before the last of them. */
  changeMany(changes: () => void): void {
    this.#waitingMax = Number.POSITIVE_INFINITY;
    changes();
    this.#waitingMax = waitingPagesMax;
    this.#encodeOverdue();
  }

  /** Brings the page tree up to date. */
  flush(): void {
    for (const page of this.#changed) this.#encode(page);
    this.#changed.clear();
  }

  /** Takes over a page of a certified state that the page tree already holds; pages come in ascending order. */
  load(number: number, bytes: Uint8Array): readonly StoredEntry[] {
    const decoded = decodePage(number, bytes);
    assert(decoded !== null, 'certified pages are well-formed');
    const entries = decoded.map((entry) => this.#stored(entry));
    this.#pages.set(number, { number, entries, bytes, renewed: 0 });
    this.#nextId = entries.at(-1)!.id + 1;
    return entries;
  }

  /** Sets the counter of a certified state, after its pages have been loaded. */
  resumeAt(nextId: number): void {
    assert(nextId >= this.#nextId, 'the certified counter is past every entry');
    this.#nextId = nextId;
  }

  #onChange(page: Page): void {
    this.#changed.add(page);
    this.#encodeOverdue();
  }

  #encodeOverdue(): void {
    if (this.#changed.size <= this.#waitingMax) return;
    for (const page of this.#changed) {
      this.#changed.delete(page);
      this.#encode(page);
      if (this.#changed.size <= this.#waitingMax) return;
    }
  }

  #encode(page: Page): void {
    page.bytes = encodePage(page.entries, page.bytes, page.renewed);
    page.renewed = 0;
    this.#tree.put(pageNumber('entries', page.number), page.bytes);
  }

  /** What stays in memory: a tuple without the room it grew with, and the one string of its owner. */
  #stored({ id, space, tuple, owner, deadline, deadlineSlot }: StoredEntry): StoredEntry {
    let shared = this.#owners.get(owner);
    if (shared === undefined) this.#owners.set(owner, (shared = owner));
    return { id, space, tuple: tuple.slice(), owner: shared, deadline, deadlineSlot };
  }
}
