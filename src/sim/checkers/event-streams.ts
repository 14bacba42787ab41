/**
 * What subscribers were told (DESIGN section 4; pitfall 22): exactly the events of the space that match, from the first
 * one promised on, in order, none left out and none twice; and once nothing hinders any more, all of them.
 */
import { decodeEvent, encodeEvent } from '../../codec/index.js';
import { equalBytes, type SessionId } from '../../base/index.js';
import type { Template } from '../../codec/index.js';
import { isMatch } from './tuple-space-model.js';
import { violated } from './violation.js';
import { oldestHeld } from './waiting.js';
import type { ModelEvent, WaitLimits } from './waiting.js';

/** What one subscription was told. */
export interface ToldFeed {
  readonly client: number;
  /** The subscription. */
  readonly request: { readonly session: SessionId; readonly number: number };
  readonly template: Template;
  /** The first event that it was promised. */
  readonly from: number;
  readonly told: { readonly sequence: number; readonly data: Uint8Array }[];
  /** Followed to the end: nothing may be missing. */
  isOpen: boolean;
  /** It ended since what comes after this number was held no more; null: it did not end so. */
  truncatedAfter: number | null;
}

/** An event as it must be told. */
export interface ExpectedEvent {
  readonly sequence: number;
  readonly data: Uint8Array;
}

export function checkEventStreams(
  feeds: readonly ToldFeed[],
  events: readonly ModelEvent[],
  limits: WaitLimits,
): void {
  for (const feed of feeds) {
    const expected = events
      .filter(({ sequence, entry }) => sequence >= feed.from && isMatch(feed.template, entry.tuple))
      .map((event) => ({ sequence: event.sequence, data: encodeEvent(event) }));
    checkTold(feed, expected, 'event-streams');
    const after = feed.truncatedAfter;
    if (after !== null && after + 1 >= oldestHeld(events.length, limits))
      violated(
        'event-streams',
        `c${feed.client} was told that events after ${after} are gone, but they are held`,
      );
  }
}

/** `expected`: all that it may be told, in order. */
export function checkTold(feed: ToldFeed, expected: readonly ExpectedEvent[], checker: string): void {
  const who = `c${feed.client}`;
  for (const [index, { sequence, data }] of feed.told.entries()) {
    const event = expected[index];
    if (decodeEvent(data) === null) violated(checker, `${who} was told bytes that are no event`);
    if (event === undefined || event.sequence !== sequence)
      violated(checker, `${who} was told event ${sequence} instead of ${event?.sequence ?? 'none'}`);
    if (!equalBytes(data, event.data))
      violated(checker, `${who} was told something else about event ${sequence}`);
  }
  const missing = expected[feed.told.length];
  if (feed.isOpen && missing !== undefined)
    violated(checker, `${who} was never told event ${missing.sequence}`);
}
