/**
 * Pages that have changed and wait to be encoded, but only so many: a checkpoint must not be a long pause, so beyond
 * that the one that has waited longest is encoded along the way. When a page is encoded has no influence on its
 * bytes.
 */

/** Changed pages that may wait for the checkpoint. */
const waitingPagesMax = 256;

export class ChangedPages<Page> {
  readonly #encode: (page: Page) => void;
  /** In the order in which they changed first since they were last encoded. */
  readonly #waiting = new Set<Page>();
  #waitingMax = waitingPagesMax;

  constructor(encode: (page: Page) => void) {
    this.#encode = encode;
  }

  add(page: Page): void {
    this.#waiting.add(page);
    this.#encodeOverdue();
  }

  /** The page is gone: nothing is left to encode. */
  drop(page: Page): void {
    this.#waiting.delete(page);
  }

  /** Makes changes of which many may fall on one page: none is encoded before the last of them. */
  during(changes: () => void): void {
    this.#waitingMax = Number.POSITIVE_INFINITY;
    changes();
    this.#waitingMax = waitingPagesMax;
    this.#encodeOverdue();
  }

  flush(): void {
    for (const page of this.#waiting) this.#encode(page);
    this.#waiting.clear();
  }

  #encodeOverdue(): void {
    if (this.#waiting.size <= this.#waitingMax) return;
    for (const page of this.#waiting) {
      this.#waiting.delete(page);
      this.#encode(page);
      if (this.#waiting.size <= this.#waitingMax) return;
    }
  }
}
