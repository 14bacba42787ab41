/**
 * All tuple spaces of a cluster with what they share: the counter of insertion ids, the leases, the entries'
 * pages and the page tree over the whole state. Equal histories give equal roots; so do a state and the one restored
 * from its pages.
 */
import {
  assert,
  PageTree,
  type ClientName,
  type HashFunction,
  type PageSnapshot,
  type SessionId,
} from '../base/index.js';
import { decodeTuple, encodeTuple, type Result } from '../codec/index.js';
import type { Effects } from './effects.js';
import { EntryPages } from './entry-pages.js';
import { EventLog, eventPagesPerSpace } from './event-log.js';
import { assertLimits, refused, type SpaceLimits } from './limits.js';
import { Deadlines } from './deadlines.js';
import { MatchIndex } from './match-index.js';
import type { StoredEntry } from './stored-entry.js';
import { numberWithin, pageNumber } from './sections.js';
import { Space } from './space.js';
import {
  readEvents,
  Subscriptions,
  type EventsPart,
  type ReadLimits,
  type ReadPosition,
} from './subscriptions.js';
import { Waiters } from './waiters.js';

export class SpaceSet {
  readonly #hash: HashFunction;
  readonly #limits: SpaceLimits;
  readonly #tree: PageTree;
  readonly #entries: EntryPages;
  readonly #leases = new Deadlines<StoredEntry>();
  readonly #byName = new Map<string, Space>();
  readonly #byNumber = new Map<number, Space>();
  readonly #waiters: Waiters;
  readonly #subscriptions: Subscriptions;
  /** The next ids of entries, waiters and subscriptions as they stand in the page tree; zeros if they do not. */
  #counters: readonly number[] = [0, 0, 0];

  constructor(hash: HashFunction, limits: SpaceLimits) {
    assertLimits(limits);
    this.#hash = hash;
    this.#limits = limits;
    this.#tree = new PageTree(hash);
    this.#entries = new EntryPages(this.#tree);
    this.#waiters = new Waiters(this.#tree, hash, limits);
    this.#subscriptions = new Subscriptions(this.#tree, hash, limits);
  }

  /** The state that the pages of a `checkpoint` describe; throws InvariantError if they describe none. */
  static restored(hash: HashFunction, limits: SpaceLimits, pages: ReadonlyMap<number, Uint8Array>): SpaceSet {
    const spaces = new SpaceSet(hash, limits);
    spaces.#load(pages);
    return spaces;
  }

  get(name: string): Space | null {
    return this.#byName.get(name) ?? null;
  }

  /** The name must be free and the number, at least 1, never used before. */
  create(name: string, number: number): Space {
    const space = this.#add(name, number);
    this.#tree.put(pageNumber('spaces', number), encodeTuple([name]));
    return space;
  }

  /** The earliest deadline of any entry or wait, or null. */
  get nextDeadline(): number | null {
    const deadlines = [this.#leases.nextDeadline, this.#waiters.nextDeadline];
    const earliest = Math.min(...deadlines.map((deadline) => deadline ?? Infinity));
    return earliest === Infinity ? null : earliest;
  }

  /**
   * Ordered time is `time`: whatever has its deadline by then goes, in order of deadline, then id; entries before
   * waits, which are not concerned by them.
   */
  expireUntil(time: number, effects: Effects): void {
    this.#expireEntries(time, effects);
    for (let due = this.#waiters.firstDue(time); due !== null; due = this.#waiters.firstDue(time)) {
      this.#waiters.remove(due);
      effects.resolve(due.session, due.number, { kind: 'entry', entry: null });
    }
  }

  /** Ends the client's wait or subscription that this request began. */
  cancel(client: ClientName, session: SessionId, number: number, effects: Effects): Result {
    const waiter = this.#waiters.find(session, number);
    const subscription = this.#subscriptions.find(session, number);
    if ((waiter ?? subscription)?.client !== client) return refused('NO_SUCH_WAIT', 0);
    if (waiter !== null) {
      this.#waiters.remove(waiter);
      effects.resolve(session, number, { kind: 'cancelled' });
    }
    if (subscription !== null) {
      this.#subscriptions.remove(subscription);
      effects.notify(session, number);
    }
    return { kind: 'cancelled' };
  }

  /** The session is over: its waits and subscriptions end without a word. */
  endSession(session: SessionId): void {
    this.#waiters.endSession(session);
    this.#subscriptions.endSession(session);
  }

  /** The next events of the client's subscription that this request began; null: there is none. */
  readEvents(
    by: { readonly client: ClientName; readonly session: SessionId; readonly number: number },
    position: ReadPosition,
    limits: ReadLimits,
  ): EventsPart | null {
    const subscription = this.#subscriptions.find(by.session, by.number);
    if (subscription === null || subscription.client !== by.client) return null;
    const space = this.#byNumber.get(subscription.space);
    assert(space !== undefined, 'a subscription is of a space');
    return readEvents(space.events, subscription, position, limits);
  }

  #expireEntries(time: number, effects: Effects): void {
    if (this.#leases.firstDue(time) === null) return;
    this.#entries.changeMany(() => {
      for (let due = this.#leases.firstDue(time); due !== null; due = this.#leases.firstDue(time)) {
        this.#spaceOf(due.space).expire(due, effects);
      }
    });
  }

  checkpoint(): PageSnapshot {
    this.#entries.flush();
    this.#waiters.flush();
    for (const space of this.#byNumber.values()) space.events.flush();
    const counters = [this.#entries.nextId, this.#waiters.nextId, this.#subscriptions.nextId];
    if (counters.some((counter, index) => counter !== this.#counters[index])) {
      this.#tree.put(pageNumber('counters', 0), encodeTuple(counters));
    }
    this.#counters = counters;
    return this.#tree.snapshot();
  }

  #add(name: string, number: number): Space {
    assert(!this.#byName.has(name) && !this.#byNumber.has(number), 'names and numbers of spaces are unique');
    const shared = {
      limits: this.#limits,
      pages: this.#entries,
      leases: this.#leases,
      waiters: this.#waiters,
      subscriptions: this.#subscriptions,
    };
    const events = new EventLog(this.#tree, number, this.#limits);
    const space = new Space(name, number, shared, new MatchIndex(this.#hash), events);
    this.#byName.set(name, space);
    this.#byNumber.set(number, space);
    return space;
  }

  #load(pages: ReadonlyMap<number, Uint8Array>): void {
    this.#tree.reset(pages);
    // Ascending page numbers: spaces before what is in them, and everything by id.
    for (const page of [...pages.keys()].sort((a, b) => a - b)) this.#loadPage(page, pages.get(page)!);
    const [nextEntry, nextWaiter, nextSubscription] = this.#counters;
    assert(nextEntry! > 0, 'a certified state has counters');
    this.#entries.resumeAt(nextEntry!);
    this.#waiters.resumeAt(nextWaiter!);
    this.#subscriptions.resumeAt(nextSubscription!, (space) => this.#spaceOf(space).events.next);
  }

  #loadPage(page: number, bytes: Uint8Array): void {
    if (page === pageNumber('counters', 0)) return this.#loadCounters(bytes);
    const space = numberWithin('spaces', page);
    if (space !== null) {
      const name = decodeTuple(bytes)?.[0];
      assert(typeof name === 'string', 'a certified space is well-formed');
      this.#add(name, space);
      return;
    }
    const entries = numberWithin('entries', page);
    if (entries !== null) {
      for (const entry of this.#entries.load(entries, bytes)) this.#spaceOf(entry.space).load(entry);
      return;
    }
    const waiter = numberWithin('waiters', page);
    if (waiter !== null) return this.#waiters.load(waiter, bytes);
    const subscription = numberWithin('subscriptions', page);
    if (subscription !== null) return this.#subscriptions.load(subscription, bytes);
    const events = numberWithin('events', page);
    if (events !== null) return this.#spaceOf(Math.floor(events / eventPagesPerSpace)).events.load(bytes);
    const renewals = numberWithin('renewals', page);
    assert(renewals !== null, 'certified pages lie in known sections');
    this.#entries.loadRenewals(renewals, bytes, (entry, deadline) => this.#leases.renew(entry, deadline));
  }

  #loadCounters(bytes: Uint8Array): void {
    const counters: number[] = [];
    for (const counter of decodeTuple(bytes) ?? []) {
      assert(
        typeof counter === 'number' && Number.isSafeInteger(counter),
        'a certified counter is well-formed',
      );
      counters.push(counter);
    }
    assert(counters.length === this.#counters.length, 'a certified state has all counters');
    this.#counters = counters;
  }

  #spaceOf(number: number): Space {
    const space = this.#byNumber.get(number);
    assert(space !== undefined, 'what lies in a certified state lies in a space');
    return space;
  }
}
