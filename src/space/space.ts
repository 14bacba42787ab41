/**
 * One tuple space: the operations of DESIGN section 4, each on the oldest match or on all of them. An insertion
 * wakes those who wait for it in the same step, in order of arrival, and whatever happens to an entry is an event.
 * Deterministic; every operation either happens as a whole or, refused, not at all. Must not know
 * what time it is: whatever is here is not expired yet. Must not know who may do what but for the lists of entries
 * (visibility.ts): guards and the order of checks are the service's.
 */
import type { ClientName, SessionId } from '../base/index.js';
import {
  encodeTemplate,
  type Entry,
  type EntryEvent,
  type EventKind,
  type Result,
  type Sealed,
  type Template,
  type Tuple,
} from '../codec/index.js';
import type { Effects } from './effects.js';
import type { EventLog } from './event-log.js';
import { refused, type Refused } from './limits.js';
import type { Lookups } from './lookups.js';
import type { SpaceEntries } from './space-entries.js';
import { insertedEntry, openAccess, publicEntry, type StoredEntry } from './stored-entry.js';
import type { Subscription, Subscriptions } from './subscriptions.js';
import type { SpaceQuotas } from './usage.js';
import { mayRead, mayTake, type Viewer } from './visibility.js';
import type { Waiter, Waiters } from './waiters.js';

type ResultOf<K extends Result['kind']> = Extract<Result, { readonly kind: K }>;

function entryResult(entry: StoredEntry | null): ResultOf<'entry'> {
  return { kind: 'entry', entry: entry === null ? null : publicEntry(entry) };
}

function entriesResult(entries: readonly StoredEntry[]): ResultOf<'entries'> {
  return { kind: 'entries', entries: entries.map(publicEntry) };
}

const readableBy =
  (viewer: Viewer) =>
  ({ access }: StoredEntry): boolean =>
    mayRead(access, viewer);

const takeableBy =
  (viewer: Viewer) =>
  ({ access }: StoredEntry): boolean =>
    mayTake(access, viewer);

/** Asked when a match comes for somebody who waits: why he must not have it, or null. */
export type WakeGuard = (space: Space, waiter: Waiter) => Refused | null;

/** What the space is made of; waiters and subscriptions are those of all spaces. */
export interface SpaceParts {
  readonly name: string;
  readonly number: number;
  readonly quotas: SpaceQuotas;
  readonly entries: SpaceEntries;
  readonly events: EventLog;
  readonly waiters: Waiters;
  readonly subscriptions: Subscriptions;
  readonly wakeGuard: WakeGuard;
}

/** Who begins to wait or to be told. */
export interface Requester {
  readonly client: ClientName;
  readonly session: SessionId;
  readonly number: number;
}

export class Space {
  readonly name: string;
  readonly number: number;
  readonly events: EventLog;
  readonly #quotas: SpaceQuotas;
  readonly #entries: SpaceEntries;
  readonly #waiters: Waiters;
  readonly #subscriptions: Subscriptions;
  readonly #wakeGuard: WakeGuard;

  constructor(parts: SpaceParts) {
    this.name = parts.name;
    this.number = parts.number;
    this.events = parts.events;
    this.#quotas = parts.quotas;
    this.#entries = parts.entries;
    this.#waiters = parts.waiters;
    this.#subscriptions = parts.subscriptions;
    this.#wakeGuard = parts.wakeGuard;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Of canonical tuples; null: not counted. */
  get bytes(): number | null {
    return this.#entries.bytes;
  }

  get waits(): number {
    return this.#waiters.countInSpace(this.number);
  }

  get subscribers(): number {
    return this.#subscriptions.countInSpace(this.number);
  }

  /** All entries, whoever may read them: for policies. */
  get lookups(): Lookups {
    return this.#entries.lookups;
  }

  /** Takes over an entry of a certified state; entries come in ascending order of id. */
  load(entry: StoredEntry): void {
    this.#entries.load(entry);
  }

  /** The entry's deadline has come. */
  expire(entry: StoredEntry, effects: Effects): void {
    this.#remove(entry, 'expired', effects);
  }

  /**
   * Inserts, if there is room. Tuple, template and lists of any operation are within limits, its deadline lies ahead of
   * ordered time; null: the entry stays until taken. `sealed`: not null exactly in a confidential space.
   */
  out(
    tuple: Tuple,
    owner: ClientName,
    deadline: number | null,
    effects: Effects,
    access = openAccess,
    sealed: Sealed | null = null,
  ): ResultOf<'entry'> | Refused {
    const content = { tuple, sealed };
    const refusal = this.#entries.checkRoom(content, owner, null);
    if (refusal !== null) return refusal;
    const entry = this.#entries.insert(content, owner, deadline, access);
    this.#inserted(entry, effects);
    return { kind: 'entry', entry: insertedEntry(entry) };
  }

  /** Reads the oldest match that the viewer may read. */
  rdp(template: Template, viewer: Viewer = null): ResultOf<'entry'> {
    return entryResult(this.#entries.oldest(template, readableBy(viewer)));
  }

  /** Takes the oldest match that the viewer may take. */
  inp(template: Template, effects: Effects, viewer: Viewer = null): ResultOf<'entry'> {
    const entry = this.#entries.oldest(template, takeableBy(viewer));
    if (entry !== null) this.#remove(entry, 'taken', effects);
    return entryResult(entry);
  }

  /** Inserts iff nothing matches, else answers the oldest match, unless it is hidden; considers every entry. */
  cas(
    template: Template,
    tuple: Tuple,
    owner: ClientName,
    deadline: number | null,
    effects: Effects,
    access = openAccess,
    sealed: Sealed | null = null,
  ): ResultOf<'cas'> | Refused {
    const match = this.#entries.oldest(template, () => true);
    if (match !== null) {
      const entry = mayRead(match.access, owner) ? publicEntry(match) : null;
      return { kind: 'cas', inserted: false, entry };
    }
    const result = this.out(tuple, owner, deadline, effects, access, sealed);
    return result.kind === 'refused' ? result : { kind: 'cas', inserted: true, entry: result.entry };
  }

  /**
   * Takes the oldest match that the owner of the tuple may take and inserts the tuple; answers the entry taken, or null
   * and does nothing.
   */
  replace(
    template: Template,
    tuple: Tuple,
    owner: ClientName,
    deadline: number | null,
    effects: Effects,
    access = openAccess,
    sealed: Sealed | null = null,
  ): ResultOf<'entry'> | Refused {
    const entry = this.#entries.oldest(template, takeableBy(owner));
    if (entry === null) return entryResult(null);
    const content = { tuple, sealed };
    const refusal = this.#entries.checkRoom(content, owner, entry);
    if (refusal !== null) return refusal;
    this.#remove(entry, 'replaced', effects);
    this.#inserted(this.#entries.insert(content, owner, deadline, access), effects);
    return entryResult(entry);
  }

  /** The oldest match that is timed and the owner's, or null. */
  renewable(template: Template, owner: ClientName): StoredEntry | null {
    return this.#entries.oldestRenewable(template, owner);
  }

  /** The oldest match that is timed and that the viewer may read, whoever inserted it; or null. */
  oldestTimed(template: Template, viewer: Viewer): StoredEntry | null {
    return this.#entries.oldest(
      template,
      ({ deadline, access }) => deadline !== null && mayRead(access, viewer),
    );
  }

  /** Gives the entry found (null: none) a new deadline. */
  renew(entry: StoredEntry | null, deadline: number): ResultOf<'entry'> {
    if (entry !== null) this.#entries.renew(entry, deadline);
    return entryResult(entry);
  }

  /** Reads the first `limit` matches (0 = all) with an id greater than `after` that the viewer may read. */
  rdAll(
    template: Template,
    limit: number,
    after: bigint,
    viewer: Viewer = null,
  ): ResultOf<'entries'> | Refused {
    const found = this.#entries.matching(template, limit, after, readableBy(viewer));
    return Array.isArray(found) ? entriesResult(found) : found;
  }

  /** Takes the first `limit` matches (0 = all) that the viewer may take; if they do not fit into a result, none. */
  inAll(
    template: Template,
    limit: number,
    effects: Effects,
    viewer: Viewer = null,
  ): ResultOf<'entries'> | Refused {
    const found = this.#entries.matching(template, limit, 0n, takeableBy(viewer));
    if (!Array.isArray(found)) return found;
    for (const entry of found) this.#remove(entry, 'taken', effects);
    return entriesResult(found);
  }

  /** Reads the oldest match; null: there is none, and the requester waits for one until the deadline. */
  rd(template: Template, by: Requester, deadline: number | null): ResultOf<'entry'> | Refused | null {
    const entry = this.#entries.oldest(template, readableBy(by.client));
    return entry === null ? this.#wait('rd', template, by, deadline) : entryResult(entry);
  }

  /** Takes the oldest match; null as for `rd`. */
  in(
    template: Template,
    by: Requester,
    deadline: number | null,
    effects: Effects,
  ): ResultOf<'entry'> | Refused | null {
    const entry = this.#entries.oldest(template, takeableBy(by.client));
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

  /** Of the matches that the viewer may read. */
  count(template: Template, viewer: Viewer = null): ResultOf<'count'> {
    return { kind: 'count', count: this.#entries.count(template, viewer) };
  }

  /** False only if no match (null: nothing at all) is gone once ordered time is `time`. */
  mayLoseMatches(template: Template | null, time: number): boolean {
    return this.#entries.mayLoseMatches(template, time);
  }

  /** The last that happened to the entry of this id; null: that is not known any more. */
  lastEvent(id: number): EntryEvent | null {
    const entry = this.#entries.find(id);
    return entry === null ? this.events.lastOf(BigInt(id)) : { kind: 'inserted', entry: publicEntry(entry) };
  }

  /** The entry, known by its last event, is no good: if it is here, it goes. */
  repair({ entry }: EntryEvent, effects: Effects): void {
    const here = this.#entries.find(Number(entry.id));
    if (here === null) this.#tell('repaired', entry, effects);
    else this.#remove(here, 'repaired', effects);
  }

  /** Ends the client's waits and subscriptions, who is told why. */
  endAllOf(client: ClientName, refusal: Refused, effects: Effects): void {
    this.#endWaits(client, refusal, effects);
    this.recheckSubscriptions((subscription) => (subscription.client === client ? refusal : null), effects);
  }

  /** Ends every subscription that `check` refuses. */
  recheckSubscriptions(check: (subscription: Subscription) => Refused | null, effects: Effects): void {
    for (const subscription of this.#subscriptions.inSpace(this.number)) {
      const refusal = subscription.end === null ? check(subscription) : null;
      if (refusal === null) continue;
      const { code, subject = '' } = refusal;
      // Whoever waits for a later event than the next is told as well: under the number that he waits for.
      const sequence = Math.max(this.events.next, subscription.from);
      this.#subscriptions.end(subscription, { sequence, code, subject });
      effects.notify(subscription.session, subscription.number);
    }
  }

  /** The space is no more: its entries are gone without events, those who wait and are told learn of it. */
  close(effects: Effects): void {
    const deleted = refused('SPACE_DELETED', 0);
    this.#endWaits(null, deleted, effects);
    this.recheckSubscriptions(() => deleted, effects);
    this.#entries.removeAll();
  }

  /** Of one client, if not null. */
  #endWaits(client: ClientName | null, refusal: Refused, effects: Effects): void {
    for (const waiter of this.#waiters.inSpace(this.number, client)) {
      this.#waiters.remove(waiter);
      effects.resolve(waiter.session, waiter.number, refusal);
    }
  }

  #wait(kind: 'rd' | 'in', template: Template, by: Requester, deadline: number | null): Refused | null {
    const templateBytes = encodeTemplate(template);
    const refusal = this.#waiters.checkRoom(by.client, templateBytes) ?? this.#checkWaits(by.client);
    if (refusal === null) {
      const { client, session, number } = by;
      const space = this.number;
      this.#waiters.add({ kind, space, client, session, number, template, templateBytes, deadline });
    }
    return refusal;
  }

  #checkWaits(client: ClientName): Refused | null {
    const [all, own] = [this.#quotas.quota.waits, this.#quotas.clientQuota.waits];
    if (all !== null && this.waits >= all) return refused('QUOTA_EXCEEDED', all, 'waits');
    if (own === null || this.#waiters.inSpace(this.number, client).length < own) return null;
    return refused('QUOTA_EXCEEDED', own, 'client-waits');
  }

  #inserted(entry: StoredEntry, effects: Effects): void {
    this.#tell('inserted', publicEntry(entry), effects);
    this.#wake(entry, effects);
  }

  /** In order of arrival; the first that takes the entry is the last that sees it. */
  #wake(entry: StoredEntry, effects: Effects): void {
    for (const waiter of this.#waiters.matching(this.number, entry.tuple)) {
      const may = waiter.kind === 'rd' ? mayRead : mayTake;
      if (!may(entry.access, waiter.client)) continue;
      const refusal = this.#wakeGuard(this, waiter);
      this.#waiters.remove(waiter);
      const isGiven = effects.resolve(waiter.session, waiter.number, refusal ?? entryResult(entry));
      // What its session has no room for must stay here.
      if (refusal !== null || waiter.kind !== 'in' || !isGiven) continue;
      this.#remove(entry, 'taken', effects);
      return;
    }
  }

  #tell(kind: EventKind, entry: Entry, effects: Effects): void {
    const sequence = this.events.append({ kind, entry });
    for (const { session, number } of this.#subscriptions.note(this.number, sequence, entry)) {
      effects.notify(session, number);
    }
  }

  #remove(entry: StoredEntry, how: EventKind, effects: Effects): void {
    this.#entries.remove(entry);
    this.#tell(how, publicEntry(entry), effects);
  }
}
