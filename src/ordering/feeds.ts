/**
 * Who follows which feed at this replica, and how far each has come. Feeds themselves are the state machine's,
 * replicated; this is volatile, plain data: a client follows again at each new stream and says from where. What is
 * told to followers is decided in follow.ts.
 */
import { assert, type SessionId } from '../base/index.js';
import type { OrderingConfig } from './config.js';
import type { FeedName, FeedPosition } from './ports.js';

export interface Follower {
  readonly stream: FeedStream;
  readonly feed: FeedName;
  position: FeedPosition;
  /** Told and not known to be used, ascending. Invariant: without the last one within the window. */
  readonly underWay: { readonly sequence: number; readonly sizeBytes: number }[];
  underWayBytes: number;
}

/** A client's stream and what it follows. */
export interface FeedStream {
  readonly id: number;
  readonly followers: Map<string, Follower>;
  /** Told since the last tick: a stream must not be flooded, however many feeds it follows. */
  eventsThisTick: number;
  bytesThisTick: number;
}

export interface Feeds {
  /** Invariant: those that follow something. */
  readonly streams: Map<number, FeedStream>;
  /** Invariant: the same followers, by session and number; nothing in it is empty. */
  readonly bySession: Map<SessionId, Map<number, Set<Follower>>>;
  /** Those for which there may be something to read, the longest so first. Invariant: all of them follow. */
  readonly ready: Set<Follower>;
  followerCount: number;
}

export const createFeeds = (): Feeds => ({
  streams: new Map(),
  bySession: new Map(),
  ready: new Set(),
  followerCount: 0,
});

const keyOf = ({ session, number }: { session: SessionId; number: number }): string => `${session}:${number}`;

export const findFollower = (feeds: Feeds, stream: number, feed: FeedName): Follower | undefined =>
  feeds.streams.get(stream)?.followers.get(keyOf(feed));

/** Does nothing if the stream follows `max` already. */
export function addFollower(feeds: Feeds, id: number, feed: FeedName, after: number, max: number): void {
  const stream = feeds.streams.get(id) ?? {
    id,
    followers: new Map<string, Follower>(),
    eventsThisTick: 0,
    bytesThisTick: 0,
  };
  if (stream.followers.size >= max) return;
  const position = { after, scanned: after };
  const follower: Follower = { stream, feed, position, underWay: [], underWayBytes: 0 };
  feeds.streams.set(id, stream);
  stream.followers.set(keyOf(feed), follower);
  let ofSession = feeds.bySession.get(feed.session);
  if (ofSession === undefined) feeds.bySession.set(feed.session, (ofSession = new Map()));
  let ofFeed = ofSession.get(feed.number);
  if (ofFeed === undefined) ofSession.set(feed.number, (ofFeed = new Set()));
  ofFeed.add(follower);
  feeds.followerCount += 1;
  feeds.ready.add(follower);
}

export function removeFollower(feeds: Feeds, follower: Follower): void {
  const { stream, feed } = follower;
  stream.followers.delete(keyOf(feed));
  if (stream.followers.size === 0) feeds.streams.delete(stream.id);
  const ofSession = feeds.bySession.get(feed.session)!;
  const ofFeed = ofSession.get(feed.number)!;
  ofFeed.delete(follower);
  if (ofFeed.size === 0) ofSession.delete(feed.number);
  if (ofSession.size === 0) feeds.bySession.delete(feed.session);
  feeds.followerCount -= 1;
  feeds.ready.delete(follower);
}

export function onStreamClosed(feeds: Feeds, id: number): void {
  const followers = feeds.streams.get(id)?.followers;
  if (followers !== undefined) for (const follower of followers.values()) removeFollower(feeds, follower);
}

/** The client has used the feed up to `after`, which other replicas may have told it before this one did. */
export function acknowledge(feeds: Feeds, follower: Follower, after: number): void {
  const { underWay, position } = follower;
  let used = 0;
  while (used < underWay.length && underWay[used]!.sequence <= after) used += 1;
  for (const { sizeBytes } of underWay.splice(0, used)) follower.underWayBytes -= sizeBytes;
  if (after > position.after) follower.position = { after, scanned: Math.max(after, position.scanned) };
  feeds.ready.add(follower);
}

/** Notes an event that is told. */
export function noteTold(follower: Follower, sequence: number, sizeBytes: number): void {
  assert(sequence > follower.position.scanned, 'a feed tells its events in order');
  follower.position = { after: sequence, scanned: sequence };
  follower.underWay.push({ sequence, sizeBytes });
  follower.underWayBytes += sizeBytes;
  follower.stream.eventsThisTick += 1;
  follower.stream.bytesThisTick += sizeBytes;
}

/** The feed of this operation has more to tell, has ended, or may exist from now on. */
export function touchFeed(feeds: Feeds, session: SessionId, number: number): void {
  const followers = feeds.bySession.get(session)?.get(number);
  if (followers !== undefined) for (const follower of followers) feeds.ready.add(follower);
}

/** The session has ended. */
export function touchFeedsOf(feeds: Feeds, session: SessionId): void {
  for (const number of feeds.bySession.get(session)?.keys() ?? []) touchFeed(feeds, session, number);
}

/** The state has been replaced. */
export function touchAllFeeds(feeds: Feeds): void {
  for (const session of feeds.bySession.keys()) touchFeedsOf(feeds, session);
}

export function tickFeeds(feeds: Feeds): void {
  for (const stream of feeds.streams.values()) stream.eventsThisTick = stream.bytesThisTick = 0;
}

/** Asserts the invariants; for tests and simulation. */
export function validateFeeds(feeds: Feeds, config: OrderingConfig): void {
  let count = 0;
  for (const { followers } of feeds.streams.values()) {
    assert(
      followers.size > 0 && followers.size <= config.feedsPerStreamMax,
      'a stream follows too many feeds',
    );
    for (const follower of followers.values()) {
      const { feed, underWay, underWayBytes, position } = follower;
      assert(feeds.bySession.get(feed.session)?.get(feed.number)?.has(follower) === true, 'a lost follower');
      let bytes = 0;
      for (const { sizeBytes } of underWay) bytes += sizeBytes;
      assert(bytes === underWayBytes, 'what is under way is not counted');
      assert(underWay.length <= config.feedWindowEvents, 'too many events under way');
      const last = underWay.at(-1)?.sizeBytes ?? 0;
      assert(underWay.length === 0 || bytes - last < config.feedWindowBytes, 'too many bytes under way');
      assert(position.after <= position.scanned, 'a feed is read backwards');
      count += 1;
    }
  }
  assert(count === feeds.followerCount, 'followers are not counted');
  for (const follower of feeds.ready) {
    const known = findFollower(feeds, follower.stream.id, follower.feed);
    assert(known === follower, 'a follower that is gone is ready');
  }
}
