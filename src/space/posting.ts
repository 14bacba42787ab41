/**
 * The entries that share one field value, in the smallest form that fits: most values occur once, many a
 * few times, some in most entries. A million values must not cost a million sets.
 */
import { ChunkCursor, EntrySet, type Cursor } from './entry-set.js';
import type { StoredEntry } from './stored-entry.js';

/** One entry; a few, ascending by id, never changed in place; or many. */
export type Posting = StoredEntry | readonly StoredEntry[] | EntrySet;

const listEntriesMax = 32;

const isList = (posting: Posting): posting is readonly StoredEntry[] => Array.isArray(posting);

/** The posting with a further entry, whose id must be the greatest. */
export function withEntry(posting: Posting | undefined, entry: StoredEntry): Posting {
  if (posting === undefined) return entry;
  if (posting instanceof EntrySet) {
    posting.add(entry);
    return posting;
  }
  if (!isList(posting)) return [posting, entry];
  if (posting.length < listEntriesMax) return posting.concat(entry);
  const set = new EntrySet();
  for (const member of posting) set.add(member);
  set.add(entry);
  return set;
}

/** The posting without an entry that is in it; undefined if that was the last. */
export function withoutEntry(posting: Posting, entry: StoredEntry): Posting | undefined {
  if (posting instanceof EntrySet) {
    posting.remove(entry);
    return posting.size === 0 ? undefined : posting;
  }
  if (!isList(posting)) return undefined;
  const rest = posting.filter((member) => member !== entry);
  return rest.length === 1 ? rest[0] : rest;
}

export function postingSize(posting: Posting): number {
  if (posting instanceof EntrySet) return posting.size;
  return isList(posting) ? posting.length : 1;
}

export function postingCursor(posting: Posting, after: number): Cursor {
  if (posting instanceof EntrySet) return posting.cursor(after);
  return new ChunkCursor(isList(posting) ? [posting] : [[posting]], 0, after);
}
