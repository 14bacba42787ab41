/**
 * The history of one space: what happened to its entries, numbered one after the other, as far back as the limits allow.
 * Replicated state in pages of `eventsPerPage`; whole pages are dropped from the old end. A page is encoded once it
 * is full, so that a checkpoint has at most one to encode. Must not know who listens.
 */
import { assert, type PageTree } from '../base/index.js';
import { decodeEvent, decodeTuple, encodeEvent, encodeTuple, type EntryEvent } from '../codec/index.js';
import { frame, unframe } from './framing.js';
import type { SpaceLimits } from './limits.js';
import { pageNumber } from './sections.js';

const eventsPerPage = 64;
/** Page numbers of a space before they begin again; far more than are ever held. */
export const eventPagesPerSpace = 4_096;

/** The least number that may be a history's first and is past this one, which is not used either. */
export const firstEventAfter = (next: number): number => Math.ceil(next / eventsPerPage) * eventsPerPage + 1;

interface Page {
  /** Of its first event: a multiple of eventsPerPage, plus 1. */
  readonly first: number;
  readonly events: EntryEvent[];
  /** Of the full page; 0 before. */
  bytes: number;
}

export class EventLog {
  readonly #tree: PageTree;
  readonly #space: number;
  readonly #limits: SpaceLimits;
  /** Number of its first event ever. */
  readonly first: number;
  /** Oldest first. Invariant: contiguous; all but the last are full. */
  readonly #pages: Page[] = [];
  /** Of the full pages. */
  #bytes = 0;
  #isTailWritten = true;

  /** `first`: as `firstEventAfter` says, or 1. */
  constructor(tree: PageTree, space: number, limits: SpaceLimits, first: number) {
    this.#tree = tree;
    this.#space = space;
    this.#limits = limits;
    this.first = first;
  }

  /** Sequence number of the oldest event held, or of the next one if none is. */
  get oldest(): number {
    return this.#pages[0]?.first ?? this.first;
  }

  /** Sequence number of the next event. */
  get next(): number {
    const tail = this.#pages.at(-1);
    return tail === undefined ? this.first : tail.first + tail.events.length;
  }

  /** The event must be held. */
  at(sequence: number): EntryEvent {
    const page = this.#pages[Math.floor((sequence - this.oldest) / eventsPerPage)];
    const event = page?.events[sequence - page.first];
    assert(event !== undefined, 'an event that is read is held');
    return event;
  }

  /** The newest event held of the entry of this id, or null. Looks at each that is newer. */
  lastOf(id: bigint): EntryEvent | null {
    for (let page = this.#pages.length - 1; page >= 0; page--) {
      const event = this.#pages[page]!.events.findLast(({ entry }) => entry.id === id);
      if (event !== undefined) return event;
    }
    return null;
  }

  /** Returns the event's sequence number. */
  append(event: EntryEvent): number {
    let tail = this.#pages.at(-1);
    if (tail === undefined || tail.events.length === eventsPerPage) {
      tail = { first: this.next, events: [], bytes: 0 };
      this.#pages.push(tail);
    }
    const sequence = tail.first + tail.events.length;
    tail.events.push(event);
    this.#isTailWritten = false;
    if (tail.events.length === eventsPerPage) {
      this.#write(tail);
      this.#dropOld();
    }
    return sequence;
  }

  /** Brings the page tree up to date. */
  flush(): void {
    const tail = this.#pages.at(-1);
    if (tail !== undefined && !this.#isTailWritten) this.#write(tail);
  }

  /** Takes over a page of a certified state that the page tree already holds; pages come in any order. */
  load(bytes: Uint8Array): void {
    const page = decodePage(bytes);
    assert(page !== null, 'certified events are well-formed');
    if (page.events.length === eventsPerPage) {
      page.bytes = bytes.length;
      this.#bytes += bytes.length;
    }
    this.#pages.push(page);
    this.#pages.sort((a, b) => a.first - b.first);
  }

  /** The space is no more. */
  drop(): void {
    for (const page of this.#pages.splice(0)) this.#tree.remove(this.#pageNumber(page));
    this.#isTailWritten = true;
  }

  #write(page: Page): void {
    const bytes = encodePage(page);
    this.#tree.put(this.#pageNumber(page), bytes);
    this.#isTailWritten = true;
    if (page.events.length < eventsPerPage) return;
    page.bytes = bytes.length;
    this.#bytes += bytes.length;
  }

  /** The newest page stays, so that the next number is never forgotten. */
  #dropOld(): void {
    const { eventsPerSpaceMax, eventBytesPerSpaceMax } = this.#limits;
    for (;;) {
      const [oldest] = this.#pages;
      const isWithin = this.next - this.oldest <= eventsPerSpaceMax && this.#bytes <= eventBytesPerSpaceMax;
      if (oldest === undefined || this.#pages.length === 1 || isWithin) return;
      this.#pages.shift();
      this.#bytes -= oldest.bytes;
      this.#tree.remove(this.#pageNumber(oldest));
    }
  }

  #pageNumber({ first }: Page): number {
    const index = Math.floor(first / eventsPerPage) % eventPagesPerSpace;
    return pageNumber('events', this.#space * eventPagesPerSpace + index);
  }
}

function encodePage({ first, events }: Page): Uint8Array {
  return frame([encodeTuple([first]), ...events.map(encodeEvent)]);
}

function decodePage(bytes: Uint8Array): Page | null {
  const [head, ...records] = unframe(bytes) ?? [];
  const first = head === undefined ? undefined : decodeTuple(head)?.[0];
  if (typeof first !== 'number' || records.length === 0 || records.length > eventsPerPage) return null;
  const events: EntryEvent[] = [];
  for (const record of records) {
    const event = decodeEvent(record);
    if (event === null || event.kind === 'ended') return null;
    events.push(event);
  }
  return { first, events, bytes: 0 };
}
