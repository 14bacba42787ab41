/** An entry as the space keeps it. Immutable; the id is a number here and a bigint in results. */
import type { ClientId } from '../base/index.js';
import type { Entry, Tuple } from '../codec/index.js';

export interface StoredEntry {
  /** Global insertion number over all spaces, at least 1. */
  readonly id: number;
  /** Number of the space it lies in. */
  readonly space: number;
  readonly tuple: Tuple;
  readonly owner: ClientId;
}

export function publicEntry(stored: StoredEntry): Entry {
  return { id: BigInt(stored.id), tuple: stored.tuple, owner: stored.owner };
}
