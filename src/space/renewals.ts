/**
 * The deadlines of renewed entries, by insertion id, `deadlinesPerPage` ids a page: 8 bytes (big-endian) for each id,
 * 0 for one that was not renewed or is gone. Pages of their own, because a deadline is all that ever changes in an entry:
 * a renewal scattered among a million entries costs a small page and not one of whole tuples. Must not know what
 * the deadlines are of.
 */
import { assert, type PageTree } from '../base/index.js';
import { allocate } from '../codec/index.js';
import { ChangedPages } from './changed-pages.js';
import { pageNumber } from './sections.js';

const deadlinesPerPage = 64;
const deadlineBytes = 8;
const pageBytes = deadlinesPerPage * deadlineBytes;

interface Page {
  readonly number: number;
  bytes: Uint8Array;
  /** Whether the page tree holds `bytes`, which must then not change. */
  isShared: boolean;
  /** How many deadlines are not 0. */
  count: number;
}

function readDeadline(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + deadlineBytes; i++) value = value * 256 + bytes[i]!;
  return value;
}

function writeDeadline(bytes: Uint8Array, at: number, deadline: number): void {
  let rest = deadline;
  for (let i = at + deadlineBytes - 1; i >= at; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

function isWritten(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + deadlineBytes; i++) if (bytes[i] !== 0) return true;
  return false;
}

export class Renewals {
  readonly #tree: PageTree;
  /** Invariant: holds a page exactly if it has a deadline. */
  readonly #pages = new Map<number, Page>();
  readonly #changed: ChangedPages<Page>;

  constructor(tree: PageTree) {
    this.#tree = tree;
    this.#changed = new ChangedPages((page) => {
      page.isShared = true;
      tree.put(pageNumber('renewals', page.number), page.bytes);
    });
  }

  /** The entry of this id has a new deadline, greater than 0. */
  set(id: number, deadline: number): void {
    assert(deadline > 0, 'a renewed deadline lies after the epoch');
    const page = this.#pageFor(Math.floor(id / deadlinesPerPage));
    const at = (id % deadlinesPerPage) * deadlineBytes;
    if (!isWritten(page.bytes, at)) page.count++;
    this.#write(page, at, deadline);
  }

  /** The entry of this id, renewed or not, is gone. */
  remove(id: number): void {
    const page = this.#pages.get(Math.floor(id / deadlinesPerPage));
    const at = (id % deadlinesPerPage) * deadlineBytes;
    if (page === undefined || !isWritten(page.bytes, at)) return;
    page.count--;
    if (page.count > 0) return this.#write(page, at, 0);
    this.#pages.delete(page.number);
    this.#changed.drop(page);
    this.#tree.remove(pageNumber('renewals', page.number));
  }

  changeMany(changes: () => void): void {
    this.#changed.during(changes);
  }

  /** Brings the page tree up to date. */
  flush(): void {
    this.#changed.flush();
  }

  /** Takes over a page of a certified state that the page tree already holds; answers ids and deadlines. */
  load(number: number, bytes: Uint8Array): readonly { readonly id: number; readonly deadline: number }[] {
    assert(bytes.length === pageBytes, 'a certified page of renewals is well-formed');
    const renewed: { id: number; deadline: number }[] = [];
    for (let slot = 0; slot < deadlinesPerPage; slot++) {
      const deadline = readDeadline(bytes, slot * deadlineBytes);
      assert(Number.isSafeInteger(deadline), 'a certified deadline is well-formed');
      if (deadline > 0) renewed.push({ id: number * deadlinesPerPage + slot, deadline });
    }
    assert(renewed.length > 0, 'a certified page of renewals is not empty');
    this.#pages.set(number, { number, bytes, isShared: true, count: renewed.length });
    return renewed;
  }

  #pageFor(number: number): Page {
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = { number, bytes: new Uint8Array(pageBytes), isShared: false, count: 0 };
      this.#pages.set(number, page);
    }
    return page;
  }

  #write(page: Page, at: number, deadline: number): void {
    if (page.isShared) {
      const own = allocate(pageBytes);
      own.set(page.bytes);
      page.bytes = own;
      page.isShared = false;
    }
    writeDeadline(page.bytes, at, deadline);
    this.#changed.add(page);
  }
}
