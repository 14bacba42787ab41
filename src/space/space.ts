/**
 * One tuple space: the operations of DESIGN section 4, each on the oldest match or on all of them. An insertion
 * wakes those who wait for it in the same step, in order of arrival, and whatever happens to an entry is an event.
 * Deterministic; every operation either happens as a whole or, refused, not at all. Must not know
 * what time it is: whatever is here is not expired yet. Must not know who may do what: guards and the order
 * of checks are the service's.
 */
import { assert, type ClientName, type SessionId } from '../base/index.js';
import { encodeTemplate, type EventKind, type Result, type Template, type Tuple } from '../codec/index.js';
import type { EntryPages } from './entry-pages.js';
import type { Effects } from './effects.js';
import { EntrySet } from './entry-set.js';
import type { EventLog } from './event-log.js';
import type { Deadlines } from './deadlines.js';
import { refused, type Refused, type SpaceLimits } from './limits.js';
import type { MatchIndex } from './match-index.js';
import { matches } from './matching.js';
import { ResultEntries } from './result-size.js';
import { publicEntry, type StoredEntry } from './stored-entry.js';
import type { Subscriptions } from './subscriptions.js';
import type { Waiters } from './waiters.js';

type ResultOf<K extends Result['kind']> = Extract<Result, { readonly kind: K }>;

function entryResult(entry: StoredEntry | null): ResultOf<'entry'> {
  return { kind: 'entry', entry: entry === null ? null : publicEntry(entry) };
}

function entriesResult(entries: readonly StoredEntry[]): ResultOf<'entries'> {
  return { kind: 'entries', entries: entries.map(publicEntry) };
}

/** What the spaces of a cluster share. */
export interface SharedByAll {
  readonly limits: SpaceLimits;
  readonly pages: EntryPages;
  readonly leases: Deadlines<StoredEntry>;
  readonly waiters: Waiters;
  readonly subscriptions: Subscriptions;
}

/** Who begins to wait or to be told. */
export interface Requester {
  readonly client: ClientName;
  readonly session: SessionId;
  readonly number: number;
}

/** With more deadlines close ahead than this, nobody looks at each of them for the sake of one read. */
const closeDeadlinesMax = 1_000;

export class Space {
  readonly name: string;
  readonly number: number;
  readonly #limits: SpaceLimits;
  readonly #pages: EntryPages;
  /** Invariant: of this space's entries, it holds exactly the timed ones. */
  readonly #leases: Deadlines<StoredEntry>;
  /** Invariant: holds exactly the entries of `#pages` that lie in this space. */
  readonly #index: MatchIndex;
  /** The timed entries by who inserted them. Invariant: no set is empty. */
  readonly #timed = new Map<ClientName, EntrySet>();
  readonly events: EventLog;
  readonly #waiters: Waiters;
  readonly #subscriptions: Subscriptions;
  #size = 0;

  constructor(name: string, number: number, shared: SharedByAll, index: MatchIndex, events: EventLog) {
    this.name = name;
    this.number = number;
    this.#limits = shared.limits;
    this.#pages = shared.pages;
    this.#leases = shared.leases;
    this.#index = index;
    this.events = events;
    this.#waiters = shared.waiters;
    this.#subscriptions = shared.subscriptions;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes over an entry of a certified state; entries come in ascending order of id. */
  load(entry: StoredEntry): void {
    this.#add(entry);
  }

  /** The entry's deadline has come. */
  expire(entry: StoredEntry, effects: Effects): void {
    this.#remove(entry, 'expired', effects);
  }

  /**
   * Inserts; SPACE_FULL if the space has no room. Tuple and template of any operation are within limits, its
   * deadline lies ahead of ordered time; null: the entry stays until taken.
   */
  out(tuple: Tuple, owner: ClientName, deadline: number | null, effects: Effects): ResultOf<'entry'> | Refused {
    return this.#isFull() ? this.#full() : entryResult(this.#insert(tuple, owner, deadline, effects));
  }

  /** Reads the oldest match. */
  rdp(template: Template): ResultOf<'entry'> {
    return entryResult(this.#oldest(template));
  }

  /** Takes the oldest match. */
  inp(template: Template, effects: Effects): ResultOf<'entry'> {
    const entry = this.#oldest(template);
    if (entry !== null) this.#remove(entry, 'taken', effects);
    return entryResult(entry);
  }

  /** Inserts iff nothing matches, else answers the oldest match; considers every entry. */
  cas(
    template: Template,
    tuple: Tuple,
    owner: ClientName,
    deadline: number | null,
    effects: Effects,
  ): ResultOf<'cas'> | Refused {
    const match = this.#oldest(template);
    if (match !== null) return { kind: 'cas', inserted: false, entry: publicEntry(match) };
    if (this.#isFull()) return this.#full();
    return { kind: 'cas', inserted: true, entry: publicEntry(this.#insert(tuple, owner, deadline, effects)) };
  }

  /** Takes the oldest match and inserts the tuple; answers the entry taken, or null and does nothing. */
  replace(
    template: Template,
    tuple: Tuple,
    owner: ClientName,
    deadline: number | null,
    effects: Effects,
  ): ResultOf<'entry'> {
    const entry = this.#oldest(template);
    if (entry !== null) {
      this.#remove(entry, 'replaced', effects);
      this.#insert(tuple, owner, deadline, effects);
    }
    return entryResult(entry);
  }

  /** Gives the oldest match that is timed and the owner's a new deadline; answers it, or null. */
  renew(template: Template, owner: ClientName, deadline: number): ResultOf<'entry'> {
    const entry = this.#oldestRenewable(template, owner);
    if (entry !== null) {
      this.#leases.renew(entry, deadline);
      this.#pages.onRenewal(entry);
    }
    return entryResult(entry);
  }

  /** Reads the first `limit` matches (0 = all) with an id greater than `after`. */
  rdAll(template: Template, limit: number, after: bigint): ResultOf<'entries'> | Refused {
    const found = this.#all(template, limit, after);
    return Array.isArray(found) ? entriesResult(found) : found;
  }

  /** Takes the first `limit` matches (0 = all); if they do not fit into a result, none. */
  inAll(template: Template, limit: number, effects: Effects): ResultOf<'entries'> | Refused {
    const found = this.#all(template, limit, 0n);
    if (!Array.isArray(found)) return found;
    for (const entry of found) this.#remove(entry, 'taken', effects);
    return entriesResult(found);
  }

  /** Reads the oldest match; null: there is none, and the requester waits for one until the deadline. */
  rd(template: Template, by: Requester, deadline: number | null): ResultOf<'entry'> | Refused | null {
    const entry = this.#oldest(template);
    return entry === null ? this.#wait('rd', template, by, deadline) : entryResult(entry);
  }

  /** Takes the oldest match; null as for `rd`. */
  in(
    template: Template,
    by: Requester,
    deadline: number | null,
    effects: Effects,
  ): ResultOf<'entry'> | Refused | null {
    const entry = this.#oldest(template);
    if (entry === null) return this.#wait('in', template, by, deadline);
    this.#remove(entry, 'taken', effects);
    return entryResult(entry);
  }

  /** The requester is told what happens to matching entries, from event `from` on; null: from the next one. */
  subscribe(template: Template, by: Requester, from: number | null): ResultOf<'subscribed'> | Refused {
    const { next, oldest } = this.events;
    const first = from ?? next;
    if (first < oldest) return refused('HISTORY_TRUNCATED', oldest);
    const refusal = this.#subscriptions.checkRoom(by.client);
    if (refusal !== null) return refusal;
    const { client, session, number } = by;
    this.#subscriptions.add({ client, session, number, space: this.number, template, from: first }, next);
    return { kind: 'subscribed', from: first };
  }

  count(template: Template): ResultOf<'count'> {
    const { cursor, size, isExact } = this.#index.candidates(template, 0);
    if (isExact) return { kind: 'count', count: size };
    let count = 0;
    for (; cursor.entry !== null; cursor.advance()) if (matches(template, cursor.entry.tuple)) count++;
    return { kind: 'count', count };
  }

  /** False only if no match is gone once ordered time is `time`; true too if that takes long to tell. */
  mayLoseMatches(template: Template, time: number): boolean {
    const due = this.#leases.dueBy(time, closeDeadlinesMax);
    if (due.length > closeDeadlinesMax) return true;
    return due.some((entry) => entry.space === this.number && matches(template, entry.tuple));
  }

  #oldest(template: Template): StoredEntry | null {
    const { cursor, isExact } = this.#index.candidates(template, 0);
    for (; cursor.entry !== null; cursor.advance()) {
      if (isExact || matches(template, cursor.entry.tuple)) return cursor.entry;
    }
    return null;
  }

  /** Looks only at the owner's timed entries or at the template's candidates, whichever are fewer. */
  #oldestRenewable(template: Template, owner: ClientName): StoredEntry | null {
    const own = this.#timed.get(owner);
    if (own === undefined) return null;
    const candidates = this.#index.candidates(template, 0);
    const cursor = own.size < candidates.size ? own.cursor(0) : candidates.cursor;
    for (; cursor.entry !== null; cursor.advance()) {
      const { entry } = cursor;
      if (entry.deadline !== null && entry.owner === owner && matches(template, entry.tuple)) return entry;
    }
    return null;
  }

  #all(template: Template, limit: number, after: bigint): StoredEntry[] | Refused {
    const { cursor, isExact } = this.#index.candidates(template, Number(after));
    const result = new ResultEntries(this.#limits.resultBytesMax);
    const countMax = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    for (; cursor.entry !== null && result.entries.length < countMax; cursor.advance()) {
      if (!isExact && !matches(template, cursor.entry.tuple)) continue;
      if (!result.add(cursor.entry)) return refused('RESULT_TOO_LARGE', result.entries.length);
    }
    return result.entries;
  }

  #wait(kind: 'rd' | 'in', template: Template, by: Requester, deadline: number | null): Refused | null {
    const templateBytes = encodeTemplate(template);
    const refusal = this.#waiters.checkRoom(by.client, templateBytes);
    if (refusal === null) {
      const { client, session, number } = by;
      const space = this.number;
      this.#waiters.add({ kind, space, client, session, number, template, templateBytes, deadline });
    }
    return refusal;
  }

  #insert(tuple: Tuple, owner: ClientName, deadline: number | null, effects: Effects): StoredEntry {
    const entry = this.#pages.insert(this.number, tuple, owner, deadline);
    this.#add(entry);
    this.#tell('inserted', entry, effects);
    this.#wake(entry, effects);
    return entry;
  }

  /** In order of arrival; the first that takes the entry is the last that sees it. */
  #wake(entry: StoredEntry, effects: Effects): void {
    for (const waiter of this.#waiters.matching(this.number, entry.tuple)) {
      this.#waiters.remove(waiter);
      const isGiven = effects.resolve(waiter.session, waiter.number, entryResult(entry));
      // What its session has no room for must stay here.
      if (waiter.kind !== 'in' || !isGiven) continue;
      this.#remove(entry, 'taken', effects);
      return;
    }
  }

  #tell(kind: EventKind, entry: StoredEntry, effects: Effects): void {
    const sequence = this.events.append({ kind, entry: publicEntry(entry) });
    for (const { session, number } of this.#subscriptions.note(this.number, sequence, entry.tuple)) {
      effects.notify(session, number);
    }
  }

  #add(entry: StoredEntry): void {
    this.#index.add(entry);
    this.#size++;
    if (entry.deadline === null) return;
    this.#leases.add(entry);
    let own = this.#timed.get(entry.owner);
    if (own === undefined) this.#timed.set(entry.owner, (own = new EntrySet()));
    own.add(entry);
  }

  #remove(entry: StoredEntry, how: EventKind, effects: Effects): void {
    this.#pages.remove(entry);
    this.#index.remove(entry);
    this.#size--;
    if (entry.deadline !== null) this.#removeTimed(entry);
    this.#tell(how, entry, effects);
  }

  #removeTimed(entry: StoredEntry): void {
    this.#leases.remove(entry);
    const own = this.#timed.get(entry.owner);
    assert(own !== undefined, "a timed entry is among its owner's");
    own.remove(entry);
    if (own.size === 0) this.#timed.delete(entry.owner);
  }

  #isFull(): boolean {
    return this.#size >= this.#limits.entriesPerSpaceMax;
  }

  #full(): Refused {
    return refused('SPACE_FULL', 0);
  }
}
