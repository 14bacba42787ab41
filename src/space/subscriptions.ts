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
import type { Template, Tuple } from '../codec/index.js';
import type { EventLog } from './event-log.js';
import { frame, unframe } from './framing.js';
import { refused, type Refused, type SpaceLimits } from './limits.js';
import { matches } from './matching.js';
import { pageNumber } from './sections.js';
import { TemplateIndex } from './template-index.js';

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
}

const recentMax = 256;
/** Events looked at in one go. */
const scannedMax = 4_096;

export class Subscriptions {
  readonly #tree: PageTree;
  readonly #hash: HashFunction;
  readonly #limits: SpaceLimits;
  readonly #bySpace = new Map<number, TemplateIndex<Subscription>>();
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
  add(subscription: Omit<Subscription, 'id' | 'recent' | 'recentAfter'>, next: number): void {
    const added: Subscription = { ...subscription, id: this.#nextId++, recent: [], recentAfter: next - 1 };
    this.#tree.put(pageNumber('subscriptions', added.id), encodeSubscription(added));
    this.#insert(added);
  }

  find(session: SessionId, number: number): Subscription | null {
    return this.#bySession.get(session)?.get(number) ?? null;
  }

  /** Notes an event of the space; yields those whom it concerns. */
  *note(space: number, sequence: number, tuple: Tuple): Iterable<Subscription> {
    const index = this.#bySpace.get(space);
    if (index === undefined) return;
    for (const subscription of index.matching(tuple)) {
      if (sequence < subscription.from) continue;
      subscription.recent.push(sequence);
      if (subscription.recent.length > recentMax) subscription.recentAfter = subscription.recent.shift()!;
      yield subscription;
    }
  }

  remove(subscription: Subscription): void {
    const { id, space, client, session, number } = subscription;
    const index = this.#bySpace.get(space)!;
    index.remove(subscription);
    if (index.size === 0) this.#bySpace.delete(space);
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

  #insert(subscription: Subscription): void {
    const { space, client, session, number } = subscription;
    let index = this.#bySpace.get(space);
    if (index === undefined) this.#bySpace.set(space, (index = new TemplateIndex(this.#hash)));
    index.add(subscription);
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
  const scanned = Math.max(position.scanned, subscription.from - 1);
  const end = log.next;
  const isRecent = scanned >= subscription.recentAfter;
  const first = isRecent ? subscription.recent.find((sequence) => sequence > scanned) : scanned + 1;
  if (first === undefined)
    return { kind: 'events', events: [], scanned: Math.max(scanned, end - 1), isAtEnd: true };
  if (first < log.oldest) return { kind: 'truncated' };
  const candidates = isRecent
    ? subscription.recent.filter((sequence) => sequence > scanned)
    : range(first, Math.min(end, first + scannedMax));
  const reader = new PartReader(log, subscription.template, limits, scanned);
  for (const sequence of candidates) if (!reader.read(sequence)) return reader.part(false);
  const last = isRecent ? end - 1 : (candidates.at(-1) ?? scanned);
  return { ...reader.part(true), scanned: Math.max(last, scanned), isAtEnd: last >= end - 1 };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);

/** Collects what fits. */
class PartReader {
  readonly #log: EventLog;
  readonly #template: Template;
  readonly #limits: ReadLimits;
  readonly #events: { readonly sequence: number; readonly data: Uint8Array }[] = [];
  #bytes = 0;
  #scanned: number;

  constructor(log: EventLog, template: Template, limits: ReadLimits, scanned: number) {
    this.#scanned = scanned;
    this.#log = log;
    this.#template = template;
    this.#limits = limits;
  }

  /** False: it does not fit any more. */
  read(sequence: number): boolean {
    const event = this.#log.at(sequence);
    if (matches(this.#template, event.entry.tuple)) {
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
  const { space, client, session, number, template, from } = subscription;
  return frame([encodeTuple([space, client, session, number, from]), encodeTemplate(template)]);
}

function decodeSubscription(id: number, bytes: Uint8Array): Subscription | null {
  const [head, templateBytes] = unframe(bytes) ?? [];
  if (head === undefined || templateBytes === undefined) return null;
  const [space, client, session, number, from] = decodeTuple(head) ?? [];
  const template = decodeTemplate(templateBytes);
  if (typeof space !== 'number' || typeof client !== 'string' || typeof session !== 'number') return null;
  if (typeof number !== 'number' || typeof from !== 'number' || template === null) return null;
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
  };
}
