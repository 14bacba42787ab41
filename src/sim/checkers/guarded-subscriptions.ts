/**
 * Subscriptions of guarded spaces and what they are told: the events of their space that their client may read, until
 * they are cancelled, their session or their client ends, their space is deleted or another policy denies them. The last
 * two are told.
 */
import type { ClientName, SessionId } from '../../base/index.js';
import { encodeEvent } from '../../codec/index.js';
import type { Template } from '../../codec/index.js';
import { requestKey } from './committed-order.js';
import type { RequestKey } from './committed-order.js';
import { checkTold } from './event-streams.js';
import type { ToldFeed } from './event-streams.js';
import { mayRead } from './guarded-space.js';
import type { GuardedSpace, Refusal } from './guarded-space.js';
import { isMatch } from './tuple-space-model.js';
import { violated } from './violation.js';
import type { WaitLimits } from './waiting.js';

/** What a request began that may last. */
export interface Requested {
  readonly key: RequestKey;
  readonly session: SessionId;
  readonly name: ClientName;
  readonly space: GuardedSpace;
  readonly template: Template;
}

interface Subscription extends Requested {
  readonly from: number;
  /** Why the service ended it, and the number under which it says so. */
  end: { readonly sequence: number; readonly refusal: Refusal } | null;
  /** Whether it ended is not for the model to know. */
  isUncertain: boolean;
  /** The last event there was when it was cancelled or its session ended; null: it is there. */
  closedAt: number | null;
}

export class GuardedSubscriptions {
  readonly #all = new Map<RequestKey, Subscription>();

  add(requested: Requested, from: number): void {
    this.#all.set(requested.key, { ...requested, from, end: null, isUncertain: false, closedAt: null });
  }

  countIn(space: GuardedSpace): number {
    return this.#of(space).length;
  }

  /** False: the client has no such subscription. */
  cancel(key: RequestKey, name: ClientName): boolean {
    const one = this.#all.get(key);
    if (one === undefined || one.closedAt !== null || one.name !== name) return false;
    one.closedAt = one.space.nextEvent - 1;
    return true;
  }

  endSessions(ended: readonly SessionId[]): void {
    for (const one of this.#all.values())
      if (ended.includes(one.session)) one.closedAt ??= one.space.nextEvent - 1;
  }

  /** `possible`: what a subscription may be refused now; null: nothing. */
  recheck(space: GuardedSpace, possible: (one: Requested) => readonly (Refusal | null)[]): void {
    for (const one of this.#of(space)) {
      if (one.end !== null) continue;
      const [first, ...others] = possible(one);
      if (others.length > 0) one.isUncertain = true;
      if (first !== null && first !== undefined)
        one.end = { sequence: Math.max(one.from, space.nextEvent), refusal: first };
    }
  }

  /** Each was told what it may know, in order, and to the end. */
  check(feeds: readonly ToldFeed[], limits: WaitLimits): void {
    for (const feed of feeds) {
      const one = this.#all.get(requestKey(feed.request.session, feed.request.number));
      if (one === undefined) violated('guards', `c${feed.client} is told of what it did not subscribe to`);
      if (!one.isUncertain) checkFeed(feed, one, limits);
    }
  }

  #of(space: GuardedSpace): readonly Subscription[] {
    return [...this.#all.values()].filter((one) => one.space === space && one.closedAt === null);
  }
}

function checkFeed(feed: ToldFeed, one: Subscription, limits: WaitLimits): void {
  const { space, name, template, from, end, closedAt } = one;
  const last = Math.min(closedAt ?? Infinity, (end?.sequence ?? Infinity) - 1);
  const expected = space.events
    .filter(({ sequence }) => sequence >= from && sequence <= last)
    .filter(({ entry }) => isMatch(template, entry.tuple) && mayRead(entry, name))
    .map((event) => ({ sequence: event.sequence, data: encodeEvent(event) }));
  if (end !== null) {
    const { code, subject } = end.refusal;
    const data = encodeEvent({ kind: 'ended', code, ...(subject === undefined ? {} : { subject }) });
    expected.push({ sequence: end.sequence, data });
  }
  // Whoever subscribed once, has left or is no client any more need not be told all of it.
  checkTold({ ...feed, isOpen: feed.isOpen && closedAt === null }, expected, 'guards');
  const after = feed.truncatedAfter;
  if (after !== null && after + 1 >= space.oldestEvent(limits))
    violated('guards', `c${feed.client} was told that events after ${after} are gone, but they are held`);
}
