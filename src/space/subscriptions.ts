/**
 * Those who are told what happens in a space: replicated state, a page each. Beside that each keeps the numbers of the
 * last events that concern it, which any replica can find out again; so telling somebody who keeps up costs what
 * concerns him, and only a straggler's past is searched. Must not know streams or followers.
 */
import {
  assert,
  clientName,
  sessionId,
  type ClientName,
  type HashFunction,
  type PageTree,
  type SessionId,
} from '../base/index.js';
import { decodeTemplate, decodeTuple, encodeEvent, encodeTemplate, encodeTuple } from '../codec/index.js';
import type { Entry, RefusalCode, Template } from '../codec/index.js';
import type { EventLog } from './event-log.js';
import { frame, unframe } from './framing.js';
import { refused, type Refused, type SpaceLimits } from './limits.js';
import { matches } from './matching.js';
import { pageNumber } from './sections.js';
import { TemplateIndex } from './template-index.js';
import { mayRead } from './visibility.js';

/** How far a reader has come, and what it takes at once; as the ordering layer's FeedPosition and FeedLimits. */
export interface ReadPosition {
  readonly after: number;
  readonly scanned: number;
}

export interface ReadLimits {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

export type EventsPart =
  | {
      readonly kind: 'events';
      readonly events: readonly { readonly sequence: number; readonly data: Uint8Array }[];
      readonly scanned: number;
      readonly isAtEnd: boolean;
    }
  | { readonly kind: 'truncated' };

export interface Subscription {
  readonly id: number;
  readonly space: number;
  readonly client: ClientName;
  readonly session: SessionId;
  readonly number: number;
  readonly template: Template;
  /** The first event that it is told. */
  readonly from: number;
  /** Ascending. Invariant: every event above `recentAfter` that concerns it. */
  readonly recent: number[];
  recentAfter: number;
  /** Why nothing is told from event `sequence` on, in place of which this is told; null: it goes on. */
  end: SubscriptionEnd | null;
}

export interface SubscriptionEnd {
  readonly sequence: number;
  readonly code: RefusalCode;
  readonly subject: string;
}

const recentMax = 256;
/** Events looked at in one go. */
const scannedMax = 4_096;

export class Subscriptions {
  readonly #tree: PageTree;
  readonly #hash: HashFunction;
  readonly #limits: SpaceLimits;
  /** Those that have not ended. */
  readonly #bySpace = new Map<number, TemplateIndex<Subscription>>();
  /** Invariant: no set is empty. */
  readonly #inSpace = new Map<number, Set<Subscription>>();
  /** By session, then request number. Invariant: no inner map is empty. */
  readonly #bySession = new Map<SessionId, Map<number, Subscription>>();
  /** Invariant: no count is 0. */
  readonly #counts = new Map<ClientName, number>();
  #nextId = 1;

  constructor(tree: PageTree, hash: HashFunction, limits: SpaceLimits) {
    this.#tree = tree;
    this.#hash = hash;
    this.#limits = limits;
  }

  get nextId(): number {
    return this.#nextId;
  }

  /** Whether the client may have one more. */
  checkRoom(client: ClientName): Refused | null {
    const { subscriptionsPerClientMax } = this.#limits;
    const isFull = (this.#counts.get(client) ?? 0) >= subscriptionsPerClientMax;
    return isFull ? refused('TOO_MANY_SUBSCRIPTIONS', subscriptionsPerClientMax) : null;
  }

  /** `next`: the space's next event. */
  add(subscription: Omit<Subscription, 'id' | 'recent' | 'recentAfter' | 'end'>, next: number): void {
    const noted = { recent: [], recentAfter: next - 1 };
    const added: Subscription = { ...subscription, id: this.#nextId++, ...noted, end: null };
    this.#write(added);
    this.#insert(added);
  }

  /** Those of a space in order of their ids, ended ones included. */
  inSpace(space: number): readonly Subscription[] {
    return [...(this.#inSpace.get(space) ?? [])];
  }

  countInSpace(space: number): number {
    return this.#inSpace.get(space)?.size ?? 0;
  }

  /** It must not have ended yet. */
  end(subscription: Subscription, end: SubscriptionEnd): void {
    assert(subscription.end === null, 'a subscription ends once');
    this.#unindex(subscription);
    subscription.end = end;
    this.#write(subscription);
  }

  find(session: SessionId, number: number): Subscription | null {
    return this.#bySession.get(session)?.get(number) ?? null;
  }

  /** Notes an event of the space; yields those whom it concerns. */
  *note(space: number, sequence: number, entry: Entry): Iterable<Subscription> {
    const index = this.#bySpace.get(space);
    if (index === undefined) return;
    for (const subscription of index.matching(entry.tuple)) {
      if (sequence < subscription.from || !mayRead(entry, subscription.client)) continue;
      subscription.recent.push(sequence);
      if (subscription.recent.length > recentMax) subscription.recentAfter = subscription.recent.shift()!;
      yield subscription;
    }
  }

  remove(subscription: Subscription): void {
    const { id, space, client, session, number } = subscription;
    if (subscription.end === null) this.#unindex(subscription);
    const members = this.#inSpace.get(space)!;
    members.delete(subscription);
    if (members.size === 0) this.#inSpace.delete(space);
    const own = this.#bySession.get(session)!;
    own.delete(number);
    if (own.size === 0) this.#bySession.delete(session);
    const count = this.#counts.get(client)! - 1;
    if (count === 0) this.#counts.delete(client);
    else this.#counts.set(client, count);
    this.#tree.remove(pageNumber('subscriptions', id));
  }

  endSession(session: SessionId): void {
    for (const subscription of [...(this.#bySession.get(session)?.values() ?? [])]) this.remove(subscription);
  }

  /** Takes over a page of a certified state that the page tree already holds; pages come in ascending order. */
  load(id: number, bytes: Uint8Array): void {
    const subscription = decodeSubscription(id, bytes);
    assert(subscription !== null, 'certified subscriptions are well-formed');
    this.#insert(subscription);
  }

  /** Sets the counter of a certified state, after all its pages have been loaded; of what was before, nothing is noted. */
  resumeAt(nextId: number, nextEventOf: (space: number) => number): void {
    this.#nextId = nextId;
    for (const own of this.#bySession.values()) {
      for (const subscription of own.values()) subscription.recentAfter = nextEventOf(subscription.space) - 1;
    }
  }

  #write(subscription: Subscription): void {
    this.#tree.put(pageNumber('subscriptions', subscription.id), encodeSubscription(subscription));
  }

  #unindex(subscription: Subscription): void {
    const index = this.#bySpace.get(subscription.space)!;
    index.remove(subscription);
    if (index.size === 0) this.#bySpace.delete(subscription.space);
  }

  #index(subscription: Subscription): void {
    let index = this.#bySpace.get(subscription.space);
    if (index === undefined) this.#bySpace.set(subscription.space, (index = new TemplateIndex(this.#hash)));
    index.add(subscription);
  }

  #insert(subscription: Subscription): void {
    const { space, client, session, number } = subscription;
    if (subscription.end === null) this.#index(subscription);
    let members = this.#inSpace.get(space);
    if (members === undefined) this.#inSpace.set(space, (members = new Set()));
    members.add(subscription);
    let own = this.#bySession.get(session);
    if (own === undefined) this.#bySession.set(session, (own = new Map()));
    assert(!own.has(number), 'a request subscribes once');
    own.set(number, subscription);
    this.#counts.set(client, (this.#counts.get(client) ?? 0) + 1);
  }
}

/** The next events that concern the subscription; equal at every replica, however it is cut into parts. */
export function readEvents(
  log: EventLog,
  subscription: Subscription,
  position: ReadPosition,
  limits: ReadLimits,
): EventsPart {
  const part = readLog(log, subscription, position, limits);
  const { end } = subscription;
  if (end === null || part.kind === 'truncated' || !part.isAtEnd || position.scanned >= end.sequence)
    return part;
  if (part.events.length >= limits.eventsMax) return { ...part, isAtEnd: false };
  const { sequence, code, subject } = end;
  const data = encodeEvent({ kind: 'ended', code, ...(subject === '' ? {} : { subject }) });
  return { ...part, events: [...part.events, { sequence, data }], scanned: sequence };
}

function readLog(
  log: EventLog,
  subscription: Subscription,
  position: ReadPosition,
  limits: ReadLimits,
): EventsPart {
  const scanned = Math.max(position.scanned, subscription.from - 1);
  const end = subscription.end?.sequence ?? log.next;
  const isRecent = scanned >= subscription.recentAfter;
  const first = isRecent ? subscription.recent.find((sequence) => sequence > scanned) : scanned + 1;
  if (first === undefined)
    return { kind: 'events', events: [], scanned: Math.max(scanned, end - 1), isAtEnd: true };
  if (first < log.oldest) return { kind: 'truncated' };
  const candidates = isRecent
    ? subscription.recent.filter((sequence) => sequence > scanned)
    : range(first, Math.min(end, first + scannedMax));
  const reader = new PartReader(log, subscription, limits, scanned);
  for (const sequence of candidates) if (!reader.read(sequence)) return reader.part(false);
  const last = isRecent ? end - 1 : (candidates.at(-1) ?? scanned);
  return { ...reader.part(true), scanned: Math.max(last, scanned), isAtEnd: last >= end - 1 };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);

/** Collects what fits. */
class PartReader {
  readonly #log: EventLog;
  readonly #subscription: Subscription;
  readonly #limits: ReadLimits;
  readonly #events: { readonly sequence: number; readonly data: Uint8Array }[] = [];
  #bytes = 0;
  #scanned: number;

  constructor(log: EventLog, subscription: Subscription, limits: ReadLimits, scanned: number) {
    this.#scanned = scanned;
    this.#log = log;
    this.#subscription = subscription;
    this.#limits = limits;
  }

  /** False: it does not fit any more. */
  read(sequence: number): boolean {
    const event = this.#log.at(sequence);
    const { template, client } = this.#subscription;
    if (matches(template, event.entry.tuple) && mayRead(event.entry, client)) {
      const data = encodeEvent(event);
      const isFull = this.#events.length >= this.#limits.eventsMax;
      if (isFull || (this.#events.length > 0 && this.#bytes + data.length > this.#limits.bytesMax))
        return false;
      this.#bytes += data.length;
      this.#events.push({ sequence, data });
    }
    this.#scanned = sequence;
    return true;
  }

  part(isAtEnd: boolean): EventsPart & { readonly kind: 'events' } {
    return { kind: 'events', events: this.#events, scanned: this.#scanned, isAtEnd };
  }
}

function encodeSubscription(subscription: Subscription): Uint8Array {
  const { space, client, session, number, template, from, end } = subscription;
  const head = [space, client, session, number, from];
  const ending = end === null ? [] : [end.sequence, end.code, end.subject];
  return frame([encodeTuple([...head, ...ending]), encodeTemplate(template)]);
}

function decodeSubscription(id: number, bytes: Uint8Array): Subscription | null {
  const [head, templateBytes] = unframe(bytes) ?? [];
  if (head === undefined || templateBytes === undefined) return null;
  const [space, client, session, number, from, ...ending] = decodeTuple(head) ?? [];
  const end = endOf(ending);
  const template = decodeTemplate(templateBytes);
  if (typeof space !== 'number' || typeof client !== 'string' || typeof session !== 'number') return null;
  if (typeof number !== 'number' || typeof from !== 'number' || template === null || end === undefined)
    return null;
  return {
    id,
    space,
    client: clientName(client),
    session: sessionId(session),
    number,
    template,
    from,
    recent: [],
    recentAfter: 0,
    end,
  };
}

/** Null: it goes on; undefined: this is no end. */
function endOf(ending: readonly unknown[]): SubscriptionEnd | null | undefined {
  if (ending.length === 0) return null;
  const [sequence, code, subject] = ending;
  if (typeof sequence !== 'number' || typeof code !== 'string' || typeof subject !== 'string')
    return undefined;
  return { sequence, code: code as RefusalCode, subject };
}
