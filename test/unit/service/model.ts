/**
 * The tuple space as plain lists, slow and obvious: what the service is compared with. Answers every
 * operation as the service should, refusals included; wakes who waits and keeps all events. Whatever has expired is
 * filtered away. Of a confidential space it keeps who is blacklisted, for whom nothing goes any more.
 */
import { equalBytes } from '../../../src/base/index.js';
import type { ClientId, ClientName, SessionId } from '../../../src/base/index.js';
import {
  encodeResult,
  encodeTemplate,
  encodeTuple,
  type Entry,
  type EventKind,
  type RepairSubject,
  type Access,
  type SpaceOperation,
  type Result,
  type Template,
  type Tuple,
} from '../../../src/codec/index.js';
import { matches, type SpaceLimits } from '../../../src/space/index.js';

const refused = (code: Extract<Result, { kind: 'refused' }>['code'], detail = 0): Result => ({
  kind: 'refused',
  code,
  detail,
});

/** What an insertion answers: its client knows the tuple. */
const withoutTuple = (entry: Entry): Entry => ({ ...entry, tuple: [] });

/** What a tuple and the lists beside it count for. */
function accessBytes({ tuple, readers = [], takers = [] }: Access & { readonly tuple: Tuple }): number {
  const names = [...readers, ...takers];
  return names.reduce((sum, name) => sum + name.length + 4, encodeTuple(tuple).length);
}

const isOn = (names: readonly ClientName[] | undefined, client: ClientName): boolean =>
  names?.includes(client) ?? true;

export interface ModelWaiter {
  readonly kind: 'rd' | 'in';
  readonly client: ClientName;
  readonly session: SessionId;
  readonly number: number;
  readonly template: Template;
  readonly deadline: number | null;
}

export interface ModelSubscription {
  readonly client: ClientName;
  readonly session: SessionId;
  readonly number: number;
  readonly template: Template;
  readonly from: number;
  /** In place of the event of this number it is told that it has ended; absent: it goes on. */
  readonly end?: number;
}

export const vaultName = 'vault';

/** What makes the one space a confidential one. */
export interface ModelVault {
  readonly tagKey: Uint8Array;
  readonly keyOf: (name: ClientName) => ClientId;
}

/** The late result of somebody who waited. */
export interface Woken {
  readonly session: SessionId;
  readonly number: number;
  readonly result: Result;
}

export type Who = Pick<ModelWaiter, 'client' | 'session' | 'number'>;

export class Model {
  entries: Entry[] = [];
  waiters: ModelWaiter[] = [];
  subscriptions: ModelSubscription[] = [];
  /** Event n is at index n − 1. */
  readonly events: { readonly kind: EventKind; readonly entry: Entry }[] = [];
  /** Since it was last emptied. */
  woken: Woken[] = [];
  time = 0;
  #nextId = 1n;
  readonly #limits: SpaceLimits;
  readonly #vault: ModelVault | null;
  readonly #space: string;
  readonly blacklisted = new Set<ClientName>();
  readonly forgedRepairs = new Map<ClientName, number>();

  constructor(limits: SpaceLimits, vault: ModelVault | null = null) {
    this.#limits = limits;
    this.#vault = vault;
    this.#space = vault === null ? 'default' : vaultName;
  }

  get nextDeadline(): number | null {
    const timed = [...this.entries, ...this.waiters];
    const deadlines = timed.flatMap(({ deadline }) => (deadline === null ? [] : [deadline]));
    return deadlines.length === 0 ? null : Math.min(...deadlines);
  }

  advanceTime(time: number): void {
    this.time = time;
    const isDue = ({ deadline }: { deadline: number | null }): boolean =>
      deadline !== null && deadline <= time;
    const expired = this.entries
      .filter(isDue)
      .sort((a, b) => a.deadline! - b.deadline! || Number(a.id - b.id));
    for (const entry of expired) this.#remove([entry], 'expired');
    const late = this.waiters.filter(isDue).sort((a, b) => a.deadline! - b.deadline!);
    for (const waiter of late) this.#wake(waiter, { kind: 'entry', entry: null });
  }

  endSession(session: SessionId): void {
    this.waiters = this.waiters.filter((waiter) => waiter.session !== session);
    this.subscriptions = this.subscriptions.filter((subscription) => subscription.session !== session);
  }

  /** What a subscription is told after `after`. */
  told(
    { client, template, from, end = Infinity }: ModelSubscription,
    after: number,
  ): { sequence: number; kind: EventKind; entry: Entry }[] {
    return this.events.flatMap(({ kind, entry }, index) => {
      const sequence = index + 1;
      const concerns = matches(template, entry.tuple) && isOn(entry.readers, client);
      return sequence > after && sequence >= from && sequence < end && concerns
        ? [{ sequence, kind, entry }]
        : [];
    });
  }

  /** Whether every match is there for longer than until `time`. */
  isSteady(template: Template, time: number): boolean {
    return this.#matching(template).every(({ deadline }) => deadline === null || deadline > time);
  }

  /** Null: whoever asks waits. */
  answer(operation: SpaceOperation, who: Who): Result | null {
    const { client } = who;
    if (this.blacklisted.has(client) && operation.kind !== 'cancel') return refused('CLIENT_BLACKLISTED');
    const sizes: number[] = [];
    if ('template' in operation) sizes.push(encodeTemplate(operation.template).length);
    if ('tuple' in operation) sizes.push(encodeTuple(operation.tuple).length);
    const { tupleBytesMax } = this.#limits;
    if (sizes.some((bytes) => bytes > tupleBytesMax)) return refused('TUPLE_TOO_LARGE', tupleBytesMax);
    if ('tuple' in operation && accessBytes(operation) > tupleBytesMax)
      return refused('TUPLE_TOO_LARGE', tupleBytesMax);
    const lease = 'lease' in operation ? operation.lease : null;
    const { leaseMinMs } = this.#limits;
    if (lease !== null && lease < leaseMinMs) return refused('LEASE_TOO_SHORT', leaseMinMs);
    const { waitMaxMs } = this.#limits;
    if ('timeout' in operation && (operation.timeout ?? 0) > waitMaxMs)
      return refused('WAIT_TOO_LONG', waitMaxMs);
    if (operation.kind === 'cancel') return this.#cancel(operation.session, operation.number, client);
    if (operation.space !== this.#space) return refused('NO_SUCH_SPACE');
    if (operation.kind === 'spaceKey' || operation.kind === 'repair')
      return refused('SPACE_NOT_CONFIDENTIAL');
    if (this.#vault !== null && 'tuple' in operation && operation.sealed === undefined)
      return refused('SEALED_MISSING');
    if (operation.kind === 'subscribe') return this.#subscribe(operation.template, operation.from, who);
    const isFull = this.entries.length >= this.#limits.entriesPerSpaceMax;
    if (operation.kind === 'out') {
      return isFull
        ? refused('SPACE_FULL')
        : { kind: 'entry', entry: withoutTuple(this.#insert(operation, who)) };
    }
    const takes = ['in', 'inp', 'inAll', 'replace'].includes(operation.kind);
    const all = this.#matching(operation.template);
    const found = all.filter(({ readers, takers }) => isOn(takes ? takers : readers, client));
    const oldest = found[0] ?? null;
    switch (operation.kind) {
      case 'rd':
      case 'in':
        if (oldest === null) return this.#wait(operation, who);
        if (operation.kind === 'in') this.#remove([oldest], 'taken');
        return { kind: 'entry', entry: oldest };
      case 'rdp':
        return { kind: 'entry', entry: oldest };
      case 'inp':
        this.#remove(found.slice(0, 1), 'taken');
        return { kind: 'entry', entry: oldest };
      case 'rdAll':
        return this.#fitting(
          found.filter((entry) => entry.id > operation.after),
          operation.limit,
        );
      case 'inAll': {
        const result = this.#fitting(found, operation.limit);
        if (result.kind === 'entries') this.#remove(result.entries, 'taken');
        return result;
      }
      case 'count':
        return { kind: 'count', count: found.length };
      case 'cas':
        if (all.length > 0) {
          const [match] = all;
          return { kind: 'cas', inserted: false, entry: match === found[0] ? match! : null };
        }
        if (isFull) return refused('SPACE_FULL');
        return { kind: 'cas', inserted: true, entry: withoutTuple(this.#insert(operation, who)) };
      case 'replace':
        this.#remove(found.slice(0, 1), 'replaced');
        if (oldest !== null) this.#insert(operation, who);
        return { kind: 'entry', entry: oldest };
      case 'renew': {
        const own = all.find(({ owner, deadline }) => owner === client && deadline !== null);
        if (own === undefined) return { kind: 'entry', entry: null };
        const renewed: Entry = { ...own, deadline: this.#deadline(operation.lease) };
        this.entries[this.entries.indexOf(own)] = renewed;
        return { kind: 'entry', entry: renewed };
      }
    }
  }

  #matching(template: Template): Entry[] {
    return this.entries.filter((entry) => matches(template, entry.tuple));
  }

  /** By somebody who is on a list. */
  repair(subject: RepairSubject, isVerified: boolean, client: ClientName): Result {
    if (this.blacklisted.has(client)) return refused('CLIENT_BLACKLISTED');
    const last = this.events.findLast(({ entry }) => entry.id === subject.id);
    if (isVerified && last === undefined) return refused('NOTHING_TO_REPAIR');
    if (!isVerified || last === undefined || !this.#isAbout(subject, last.entry)) {
      this.forgedRepairs.set(client, (this.forgedRepairs.get(client) ?? 0) + 1);
      return refused('REPAIR_UNPROVEN');
    }
    const { entry } = last;
    const result: Result = { kind: 'repaired', id: entry.id, owner: entry.owner };
    if (last.kind === 'repaired') return result;
    const here = this.entries.filter(({ id }) => id === entry.id);
    this.#remove(here.length > 0 ? here : [entry], 'repaired');
    if (!this.blacklisted.has(entry.owner)) this.#blacklist(entry.owner);
    return result;
  }

  #isAbout({ fingerprint, sealed, tagKey }: RepairSubject, { tuple, sealed: own }: Entry): boolean {
    const isSame = (key: 'space' | 'inserter' | 'session' | 'number'): boolean => sealed[key] === own![key];
    const isOrigin = isSame('space') && isSame('inserter') && isSame('session') && isSame('number');
    const isContent =
      equalBytes(sealed.bytes, own!.bytes) && equalBytes(encodeTuple(fingerprint), encodeTuple(tuple));
    return isOrigin && isContent && equalBytes(tagKey, this.#vault!.tagKey);
  }

  #blacklist(name: ClientName): void {
    this.blacklisted.add(name);
    for (const waiter of this.waiters.filter(({ client }) => client === name))
      this.#wake(waiter, refused('CLIENT_BLACKLISTED'));
    this.subscriptions = this.subscriptions.map((subscription) =>
      subscription.client !== name || subscription.end !== undefined
        ? subscription
        : { ...subscription, end: Math.max(this.events.length + 1, subscription.from) },
    );
  }

  /** Answers what its client is told of it. */
  #insert(
    inserting: { tuple: Tuple; lease: number | null; sealed?: Uint8Array } & Access,
    { client: owner, session, number }: Who,
  ): Entry {
    const { tuple, lease, readers, takers, sealed: bytes } = inserting;
    const access = { ...(readers && { readers }), ...(takers && { takers }) };
    const plain: Entry = { id: this.#nextId++, tuple, owner, deadline: this.#deadline(lease), ...access };
    const entry: Entry =
      bytes === undefined
        ? plain
        : {
            ...plain,
            sealed: { bytes, space: this.#space, inserter: this.#vault!.keyOf(owner), session, number },
          };
    this.entries.push(entry);
    this.events.push({ kind: 'inserted', entry });
    for (const waiter of this.waiters.filter(({ template }) => matches(template, tuple))) {
      if (!isOn(waiter.kind === 'rd' ? readers : takers, waiter.client)) continue;
      this.#wake(waiter, { kind: 'entry', entry });
      if (waiter.kind === 'rd') continue;
      this.#remove([entry], 'taken');
      break;
    }
    return plain;
  }

  #wait({ kind, template, timeout }: SpaceOperation & { kind: 'rd' | 'in' }, who: Who): Result | null {
    const { waitsPerClientMax } = this.#limits;
    const own = this.waiters.filter(({ client }) => client === who.client);
    if (own.length >= waitsPerClientMax) return refused('TOO_MANY_WAITS', waitsPerClientMax);
    this.waiters.push({ ...who, kind, template, deadline: timeout === null ? null : this.time + timeout });
    return null;
  }

  #wake(waiter: ModelWaiter, result: Result): void {
    this.waiters = this.waiters.filter((other) => other !== waiter);
    this.woken.push({ session: waiter.session, number: waiter.number, result });
  }

  #cancel(session: SessionId, number: number, client: ClientName): Result {
    const isMeant = (who: Who): boolean =>
      who.session === session && who.number === number && who.client === client;
    const waiter = this.waiters.find(isMeant);
    const subscription = this.subscriptions.find(isMeant);
    if (waiter === undefined && subscription === undefined) return refused('NO_SUCH_WAIT');
    if (waiter !== undefined) this.#wake(waiter, { kind: 'cancelled' });
    this.subscriptions = this.subscriptions.filter((other) => other !== subscription);
    return { kind: 'cancelled' };
  }

  /** The oldest event that is held: whole pages of 64 go once there are more than the limit. */
  get oldestEvent(): number {
    const full = Math.floor(this.events.length / 64) * 64;
    let oldest = 1;
    while (full + 1 - oldest > this.#limits.eventsPerSpaceMax) oldest += 64;
    return oldest;
  }

  #subscribe(template: Template, asked: number | null, { client, session, number }: Who): Result {
    const from = asked ?? this.events.length + 1;
    if (from < this.oldestEvent) return refused('HISTORY_TRUNCATED', this.oldestEvent);
    const { subscriptionsPerClientMax } = this.#limits;
    const own = this.subscriptions.filter((subscription) => subscription.client === client);
    if (own.length >= subscriptionsPerClientMax)
      return refused('TOO_MANY_SUBSCRIPTIONS', subscriptionsPerClientMax);
    this.subscriptions.push({ client, session, number, template, from });
    return { kind: 'subscribed', from };
  }

  #deadline(lease: number | null): number | null {
    return lease === null ? null : this.time + Math.min(lease, this.#limits.leaseMaxMs);
  }

  #remove(gone: readonly Entry[], kind: EventKind): void {
    this.entries = this.entries.filter((entry) => !gone.includes(entry));
    for (const entry of gone) this.events.push({ kind, entry });
  }

  #fitting(found: readonly Entry[], limit: number): Result {
    const entries = limit === 0 ? found : found.slice(0, limit);
    let fit = entries.length;
    while (
      encodeResult({ kind: 'entries', entries: entries.slice(0, fit) }).length > this.#limits.resultBytesMax
    ) {
      fit--;
    }
    return fit < entries.length ? refused('RESULT_TOO_LARGE', fit) : { kind: 'entries', entries };
  }
}
