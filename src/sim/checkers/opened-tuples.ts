/**
 * What readers of a confidential space get: a tuple that its owner inserted, the same for all of them, or, of a
 * dishonest owner, nothing; and no error but those that a service with faults has to give.
 */
import { TheodoraError, toHex } from '../../base/index.js';
import type { Entry } from '../../client/index.js';
import { encodeTuple, type Entry as StoredEntry, type Tuple } from '../../codec/index.js';
import { violated } from './violation.js';

/** What may become of a call while replicas and links fail. */
const documentedCodes: readonly string[] = [
  'OUTCOME_UNKNOWN',
  'SERVICE_UNAVAILABLE',
  'SESSION_EXPIRED',
  'TOO_MANY_SESSIONS',
  'TOO_MANY_WAITS',
  'TOO_MANY_SUBSCRIPTIONS',
  'RESULT_TOO_LARGE',
  'HISTORY_TRUNCATED',
  'ENTRIES_DAMAGED',
];

const textOf = (tuple: Tuple): string => toHex(encodeTuple(tuple));

export class OpenedTuples {
  readonly #dishonest: ReadonlySet<string>;
  /** What owners inserted or tried to; a dishonest one in each of the ways in which it might open. */
  readonly #inserted = new Map<string, string>();
  /** The one other tuple that a dishonest owner may have in an entry that opens nevertheless. */
  readonly #tolerated: string;
  readonly #read = new Map<bigint, string>();

  constructor(dishonest: ReadonlySet<string>, tolerated: Tuple) {
    this.#dishonest = dishonest;
    this.#tolerated = textOf(tolerated);
  }

  get count(): number {
    return this.#read.size;
  }

  /** Before it is inserted; no two are alike. */
  inserts(owner: string, tuple: Tuple): void {
    this.#inserted.set(textOf(tuple), owner);
  }

  reads(reader: string, { id, owner, tuple }: Pick<Entry, 'id' | 'owner' | 'tuple'>): void {
    const text = textOf(tuple);
    const what = `entry ${id} of ${owner}, read by ${reader},`;
    if (tuple.length === 0) {
      if (!this.#dishonest.has(owner)) violated('opened-tuples', `${what} has no tuple`);
      return;
    }
    const isTolerated = this.#dishonest.has(owner) && text === this.#tolerated;
    const isGood = isTolerated || this.#inserted.get(text) === owner;
    if (!isGood) violated('opened-tuples', `${what} is not what was inserted`);
    const first = this.#read.get(id) ?? text;
    this.#read.set(id, first);
    if (first !== text) violated('opened-tuples', `${what} is another tuple than before`);
  }

  /** It was there, and a reader that came after did not get it, by that time; nobody took anything meanwhile. */
  lacks(
    { id, owner, deadline }: Pick<StoredEntry, 'id' | 'owner' | 'deadline'>,
    orderedTimeMs: number,
  ): void {
    const isExpired = deadline !== null && deadline <= orderedTimeMs;
    if (!isExpired && !this.#dishonest.has(owner))
      violated('opened-tuples', `entry ${id} of honest ${owner} is not to be read`);
  }

  fails(reader: string, operation: string, error: unknown): void {
    if (error instanceof TheodoraError && documentedCodes.includes(error.code)) return;
    const text = error instanceof TheodoraError ? `${error.code} (${error.message})` : String(error);
    violated('opened-tuples', `${operation} of honest ${reader} ended with ${text}`);
  }
}
