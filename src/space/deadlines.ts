/**
 * Deadlines in ordered time, of timed entries (DESIGN section 3) or of waits: a heap by deadline, then id,
 * in which every item knows its place. Renewing and taking therefore cost log n and leave nothing behind, and no
 * operation ever pays for a clean-up. Must not know clocks: the time it is asked about is the caller's.
 */
import { assert } from '../base/index.js';

export interface Timed {
  readonly id: number;
  /** Ordered time, ms since the epoch; null: never. */
  deadline: number | null;
  /** Its place among the deadlines, which alone change it; −1 if it is not among them. */
  deadlineSlot: number;
}

/** Children of a node of the heap: more of them are fewer levels, so fewer items to touch in a large heap. */
const arity = 8;

export class Deadlines<T extends Timed> {
  /** Invariant: a heap; `#entries[i].deadlineSlot` is i. */
  readonly #entries: T[] = [];
  /** Invariant: the deadlines of `#entries`, so that few entries are touched on the way through the heap. */
  readonly #deadlines: number[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** The earliest deadline, or null. */
  get nextDeadline(): number | null {
    return this.#deadlines[0] ?? null;
  }

  /** The item must be timed and not be here yet. */
  add(entry: T): void {
    assert(entry.deadline !== null && entry.deadlineSlot < 0, 'a lease is added once');
    this.#settle(this.#entries.length, entry, entry.deadline);
  }

  remove(entry: T): void {
    const slot = entry.deadlineSlot;
    assert(this.#entries[slot] === entry, 'a removed lease was in the heap');
    const last = this.#entries.pop()!;
    const deadline = this.#deadlines.pop()!;
    entry.deadlineSlot = -1;
    if (last !== entry) this.#settle(slot, last, deadline);
  }

  renew(entry: T, deadline: number): void {
    const slot = entry.deadlineSlot;
    assert(this.#entries[slot] === entry, 'a renewed lease was in the heap');
    entry.deadline = deadline;
    this.#settle(slot, entry, deadline);
  }

  /** The first entry in order of deadline, then id, if its deadline is at most `time`. */
  firstDue(time: number): T | null {
    const deadline = this.#deadlines[0];
    return deadline === undefined || deadline > time ? null : this.#entries[0]!;
  }

  /** Up to `countMax` + 1 entries with a deadline of at most `time`, in no particular order. */
  dueBy(time: number, countMax: number): readonly T[] {
    const found: T[] = [];
    const slots = [0];
    for (let slot = slots.pop(); slot !== undefined && found.length <= countMax; slot = slots.pop()) {
      if (slot >= this.#entries.length || this.#deadlines[slot]! > time) continue;
      found.push(this.#entries[slot]!);
      for (let child = arity * slot + 1; child <= arity * slot + arity; child++) slots.push(child);
    }
    return found;
  }

  /** Puts the entry where it belongs, given that `slot` is free and the rest is a heap. */
  #settle(slot: number, entry: T, deadline: number): void {
    const risen = this.#rise(slot, entry, deadline);
    this.#put(risen === slot ? this.#sink(slot, entry, deadline) : risen, entry, deadline);
  }

  /** Moves the free slot up as far as the entry belongs; answers where that is. */
  #rise(slot: number, entry: T, deadline: number): number {
    let free = slot;
    while (free > 0) {
      const parent = Math.floor((free - 1) / arity);
      if (!this.#isLater(parent, entry, deadline)) break;
      this.#put(free, this.#entries[parent]!, this.#deadlines[parent]!);
      free = parent;
    }
    return free;
  }

  /** Moves the free slot down as far as the entry belongs; answers where that is. */
  #sink(slot: number, entry: T, deadline: number): number {
    let free = slot;
    for (;;) {
      const child = this.#earliestChild(free);
      if (child < 0 || this.#isLater(child, entry, deadline)) return free;
      this.#put(free, this.#entries[child]!, this.#deadlines[child]!);
      free = child;
    }
  }

  /** −1 if there is none. */
  #earliestChild(slot: number): number {
    const first = arity * slot + 1;
    const { length } = this.#entries;
    if (first >= length) return -1;
    const end = Math.min(first + arity, length);
    let earliest = first;
    for (let child = first + 1; child < end; child++) {
      if (this.#isLater(earliest, this.#entries[child]!, this.#deadlines[child]!)) earliest = child;
    }
    return earliest;
  }

  #isLater(slot: number, entry: T, deadline: number): boolean {
    const other = this.#deadlines[slot]!;
    return other === deadline ? this.#entries[slot]!.id > entry.id : other > deadline;
  }

  #put(slot: number, entry: T, deadline: number): void {
    this.#entries[slot] = entry;
    this.#deadlines[slot] = deadline;
    entry.deadlineSlot = slot;
  }
}
