/** Several cursors as one, in ascending order of id: a binary heap over their current entries. */
import type { Cursor } from './entry-set.js';
import type { StoredEntry } from './stored-entry.js';

export class MergeCursor implements Cursor {
  /** Invariant: a heap by current id, smallest first; every cursor in it has an entry. */
  readonly #heap: Cursor[];

  constructor(cursors: readonly Cursor[]) {
    this.#heap = cursors.filter((cursor) => cursor.entry !== null);
    for (let i = (this.#heap.length >>> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  get entry(): StoredEntry | null {
    return this.#heap[0]?.entry ?? null;
  }

  advance(): void {
    const top = this.#heap[0];
    if (top === undefined) return;
    top.advance();
    if (top.entry === null) {
      const last = this.#heap.pop()!;
      if (this.#heap.length === 0) return;
      this.#heap[0] = last;
    }
    this.#sink(0);
  }

  #idAt(i: number): number {
    return this.#heap[i]?.entry?.id ?? Number.POSITIVE_INFINITY;
  }

  #sink(start: number): void {
    let i = start;
    for (;;) {
      const left = 2 * i + 1;
      const child = this.#idAt(left + 1) < this.#idAt(left) ? left + 1 : left;
      if (this.#idAt(child) >= this.#idAt(i)) return;
      const moved = this.#heap[i]!;
      this.#heap[i] = this.#heap[child]!;
      this.#heap[child] = moved;
      i = child;
    }
  }
}
