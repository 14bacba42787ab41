/** An entry as the space keeps it; the id is a number here and a bigint in results. */
import { assert, type ClientName } from '../base/index.js';
import type { Access, Entry, Sealed, Tuple } from '../codec/index.js';

/** What entries of one owner in one space mostly have in common, so that they share it. */
export interface Origin {
  /** Number of the space it lies in. */
  readonly space: number;
  readonly owner: ClientName;
  readonly access: Access;
  /** There exactly in a confidential space, where the tuple is a fingerprint. */
  readonly sealed: Sealed | null;
}

interface Lease {
  readonly firstDeadline: number;
  deadline: number;
  slot: number;
}

/** Few fields: a space has a million of them. */
export class StoredEntry {
  /** Global insertion number over all spaces, at least 1. */
  readonly id: number;
  readonly tuple: Tuple;
  readonly origin: Origin;
  /** Null for ever: an untimed entry stays untimed. */
  readonly #lease: Lease | null;

  constructor(id: number, tuple: Tuple, origin: Origin, firstDeadline: number | null) {
    this.id = id;
    this.tuple = tuple;
    this.origin = origin;
    this.#lease = firstDeadline === null ? null : { firstDeadline, deadline: firstDeadline, slot: -1 };
  }

  get space(): number {
    return this.origin.space;
  }

  get owner(): ClientName {
    return this.origin.owner;
  }

  get access(): Access {
    return this.origin.access;
  }

  get sealed(): Sealed | null {
    return this.origin.sealed;
  }

  /** The deadline it was inserted with. */
  get firstDeadline(): number | null {
    return this.#lease === null ? null : this.#lease.firstDeadline;
  }

  /** Ordered time at which it is gone, ms since the epoch; null: never. */
  get deadline(): number | null {
    return this.#lease === null ? null : this.#lease.deadline;
  }

  set deadline(deadline: number | null) {
    assert(this.#lease !== null && deadline !== null, 'a timed entry stays timed');
    this.#lease.deadline = deadline;
  }

  /** Its place among the leases, which alone change it; −1 if it is not among them. */
  get deadlineSlot(): number {
    return this.#lease === null ? -1 : this.#lease.slot;
  }

  set deadlineSlot(slot: number) {
    assert(this.#lease !== null, 'only timed entries are among the leases');
    this.#lease.slot = slot;
  }
}

/** Most entries are narrowed to nobody: they share this, so that comparing is cheap. */
export const openAccess: Access = {};

export function isOpen({ readers, takers }: Access): boolean {
  return readers === undefined && takers === undefined;
}

/** As its client is told of an insertion: without what that sealed itself. */
export function insertedEntry({ id, tuple, owner, deadline, access }: StoredEntry): Entry {
  const entry = { id: BigInt(id), tuple, owner, deadline };
  return access === openAccess ? entry : { ...entry, ...access };
}

export function publicEntry(stored: StoredEntry): Entry {
  const entry = insertedEntry(stored);
  return stored.sealed === null ? entry : { ...entry, sealed: stored.sealed };
}
