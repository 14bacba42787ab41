/**
 * All tuple spaces of a cluster with what they share: the counters, the leases, the entries'
 * pages and the page tree over the whole state, in which others may have sections of their own. A space has a record that it
 * does not look into. A deleted one stays, without a name, until its last subscriber has gone. Equal histories give equal roots; so do a state and the one restored
 * from its pages.
 */
import {
  assert,
  PageTree,
  emptyBytes,
  type ClientName,
  type HashFunction,
  type PageSnapshot,
  type SessionId,
} from '../base/index.js';
import { decodeTuple, encodeTuple, type Result } from '../codec/index.js';
import type { Effects } from './effects.js';
import { EntryPages } from './entry-pages.js';
import { EventLog, eventPagesPerSpace, firstEventAfter } from './event-log.js';
import { assertLimits, refused, type SpaceLimits } from './limits.js';
import { Deadlines } from './deadlines.js';
import { frame, unframe } from './framing.js';
import { MatchIndex } from './match-index.js';
import type { StoredEntry } from './stored-entry.js';
import { numberWithin, pageNumber } from './sections.js';
import { SpaceEntries } from './space-entries.js';
import { Space, type WakeGuard } from './space.js';
import {
  readEvents,
  Subscriptions,
  type EventsPart,
  type ReadLimits,
  type ReadPosition,
} from './subscriptions.js';
import { noQuotas, type SpaceQuotas } from './usage.js';
import { Waiters } from './waiters.js';

/** What the spaces' owner adds. */
export interface SpaceSetPorts {
  /** Default: whoever waits gets what comes. */
  readonly wakeGuard: WakeGuard;
  /** What a space's record says of its quotas; default: there are none. */
  readonly quotasOf: (record: Uint8Array) => SpaceQuotas;
  /** Takes over a page of a section that is not of spaces; false: of none that it knows. */
  readonly loadOther: (page: number, bytes: Uint8Array) => boolean;
}

const noPorts: SpaceSetPorts = { wakeGuard: () => null, quotasOf: () => noQuotas, loadOther: () => false };

export class SpaceSet {
  readonly #hash: HashFunction;
  readonly #limits: SpaceLimits;
  readonly #tree: PageTree;
  readonly #entries: EntryPages;
  readonly #leases = new Deadlines<StoredEntry>();
  readonly #ports: SpaceSetPorts;
  /** Invariant: those of `#byNumber` that are not deleted. */
  readonly #byName = new Map<string, Space>();
  readonly #byNumber = new Map<number, Space>();
  readonly #records = new Map<number, Uint8Array>();
  readonly #deleted = new Set<Space>();
  #nextSpace = 1;
  /**
   * First event number of spaces to come: past those of all that were deleted, so that whoever goes on where he stopped
   * in a space that has come back is told that its history is gone.
   */
  #nextFirstEvent = 1;
  readonly #waiters: Waiters;
  readonly #subscriptions: Subscriptions;
  /** The next ids of entries, waiters, subscriptions, spaces and first events as they stand in the page tree; or zeros. */
  #counters: readonly number[] = [0, 0, 0, 0, 0];

  constructor(
    hash: HashFunction,
    limits: SpaceLimits,
    ports: Partial<SpaceSetPorts> = {},
    tree = new PageTree(hash),
  ) {
    assertLimits(limits);
    this.#hash = hash;
    this.#limits = limits;
    this.#ports = { ...noPorts, ...ports };
    this.#tree = tree;
    this.#entries = new EntryPages(this.#tree);
    this.#waiters = new Waiters(this.#tree, hash, limits);
    this.#subscriptions = new Subscriptions(this.#tree, hash, limits);
  }

  /** The state that the pages of a `checkpoint` describe; throws InvariantError if they describe none. */
  static restored(
    hash: HashFunction,
    limits: SpaceLimits,
    pages: ReadonlyMap<number, Uint8Array>,
    ports: Partial<SpaceSetPorts> = {},
    tree = new PageTree(hash),
  ): SpaceSet {
    const spaces = new SpaceSet(hash, limits, ports, tree);
    spaces.#load(pages);
    return spaces;
  }

  get(name: string): Space | null {
    return this.#byName.get(name) ?? null;
  }

  /** Those that are not deleted, in order of creation. */
  get all(): readonly Space[] {
    return [...this.#byName.values()];
  }

  recordOf(space: Space): Uint8Array {
    const record = this.#records.get(space.number);
    assert(record !== undefined, 'a space has a record');
    return record;
  }

  /** The name must be free. */
  create(name: string, record: Uint8Array = emptyBytes): Space {
    const space = this.#add(name, this.#nextSpace++, this.#nextFirstEvent, record);
    this.#writeSpace(space);
    return space;
  }

  /** Its quotas must be those of before. */
  setRecord(space: Space, record: Uint8Array): void {
    this.#records.set(space.number, record);
    this.#writeSpace(space);
  }

  /** Its name is free from now on. */
  delete(space: Space, effects: Effects): void {
    this.#byName.delete(space.name);
    this.#deleted.add(space);
    space.close(effects);
    this.#nextFirstEvent = Math.max(this.#nextFirstEvent, firstEventAfter(space.events.next));
    this.#writeSpace(space);
    this.#dropDeserted();
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
      this.#dropDeserted();
    }
    return { kind: 'cancelled' };
  }

  /** The session is over: its waits and subscriptions end without a word. */
  endSession(session: SessionId): void {
    this.#waiters.endSession(session);
    this.#subscriptions.endSession(session);
    this.#dropDeserted();
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
    const { nextId } = this.#entries;
    const [nextWaiter, nextSubscription] = [this.#waiters.nextId, this.#subscriptions.nextId];
    const counters = [nextId, nextWaiter, nextSubscription, this.#nextSpace, this.#nextFirstEvent];
    if (counters.some((counter, index) => counter !== this.#counters[index])) {
      this.#tree.put(pageNumber('counters', 0), encodeTuple(counters));
    }
    this.#counters = counters;
    return this.#tree.snapshot();
  }

  /** Whom nobody is told of any more. */
  #dropDeserted(): void {
    for (const space of this.#deleted) {
      if (space.subscribers > 0) continue;
      this.#deleted.delete(space);
      this.#byNumber.delete(space.number);
      this.#records.delete(space.number);
      space.events.drop();
      this.#tree.remove(pageNumber('spaces', space.number));
    }
  }

  #writeSpace(space: Space): void {
    const head = encodeTuple([space.name, this.#deleted.has(space), space.events.first]);
    this.#tree.put(pageNumber('spaces', space.number), frame([head, this.recordOf(space)]));
  }

  #add(name: string, number: number, firstEvent: number, record: Uint8Array, isDeleted = false): Space {
    assert(!this.#byNumber.has(number), 'numbers of spaces are unique');
    const quotas = this.#ports.quotasOf(record);
    const shared = { limits: this.#limits, pages: this.#entries, leases: this.#leases };
    const space = new Space({
      name,
      number,
      quotas,
      entries: new SpaceEntries(number, shared, new MatchIndex(this.#hash), quotas),
      events: new EventLog(this.#tree, number, this.#limits, firstEvent),
      waiters: this.#waiters,
      subscriptions: this.#subscriptions,
      wakeGuard: this.#ports.wakeGuard,
    });
    this.#byNumber.set(number, space);
    this.#records.set(number, record);
    if (isDeleted) {
      this.#deleted.add(space);
    } else {
      assert(!this.#byName.has(name), 'names of spaces are unique');
      this.#byName.set(name, space);
    }
    return space;
  }

  #load(pages: ReadonlyMap<number, Uint8Array>): void {
    this.#tree.reset(pages);
    // Ascending page numbers: spaces before what is in them, and everything by id.
    for (const page of [...pages.keys()].sort((a, b) => a - b)) this.#loadPage(page, pages.get(page)!);
    const [nextEntry, nextWaiter, nextSubscription, nextSpace, nextFirstEvent] = this.#counters;
    assert(nextEntry! > 0, 'a certified state has counters');
    this.#entries.resumeAt(nextEntry!);
    this.#nextSpace = nextSpace!;
    this.#nextFirstEvent = nextFirstEvent!;
    this.#waiters.resumeAt(nextWaiter!);
    this.#subscriptions.resumeAt(nextSubscription!, (space) => this.#spaceOf(space).events.next);
  }

  #loadPage(page: number, bytes: Uint8Array): void {
    if (page === pageNumber('counters', 0)) return this.#loadCounters(bytes);
    const space = numberWithin('spaces', page);
    if (space !== null) return this.#loadSpace(space, bytes);
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
    if (renewals === null)
      return assert(this.#ports.loadOther(page, bytes), 'certified pages lie in known sections');
    this.#entries.loadRenewals(renewals, bytes, (entry, deadline) => this.#leases.renew(entry, deadline));
  }

  #loadSpace(number: number, bytes: Uint8Array): void {
    const [head, record] = unframe(bytes) ?? [];
    const [name, isDeleted, first] = (head === undefined ? null : decodeTuple(head)) ?? [];
    assert(
      typeof name === 'string' &&
        typeof isDeleted === 'boolean' &&
        typeof first === 'number' &&
        record !== undefined,
      'a certified space is well-formed',
    );
    this.#add(name, number, first, record, isDeleted);
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
