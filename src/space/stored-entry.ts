/** An entry as the space keeps it; the id is a number here and a bigint in results. */
import type { ClientName } from '../base/index.js';
import type { Access, Entry, Sealed, Tuple } from '../codec/index.js';

export interface StoredEntry {
  /** Global insertion number over all spaces, at least 1. */
  readonly id: number;
  /** Number of the space it lies in. */
  readonly space: number;
  readonly tuple: Tuple;
  readonly owner: ClientName;
  readonly access: Access;
  /** There exactly in a confidential space, where the tuple is a fingerprint. */
  readonly sealed: Sealed | null;
  /** The deadline it was inserted with. */
  readonly firstDeadline: number | null;
  /** Ordered time at which it is gone, ms since the epoch; null for ever: an untimed entry stays untimed. */
  deadline: number | null;
  /** Its place among the leases, which alone change it; −1 if it is not among them. */
  deadlineSlot: number;
}

export function storedEntry(
  id: number,
  space: number,
  tuple: Tuple,
  owner: ClientName,
  deadline: number | null,
  access: Access,
  sealed: Sealed | null = null,
): StoredEntry {
  return { id, space, tuple, owner, access, sealed, firstDeadline: deadline, deadline, deadlineSlot: -1 };
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
