/**
 * Feeds: what the state machine tells bit by bit after an operation opened it, passed on to the client streams
 * that follow (feeds.ts). The chain of (previous, sequence) is the same at all correct replicas, whenever each of them
 * reads, so that f+1 equal events can be believed. Reads only executed state and changes nothing that is replicated.
 */
import type { OrderingConfig } from './config.js';
import type { Core } from './core.js';
import {
  acknowledge,
  addFollower,
  findFollower,
  noteTold,
  removeFollower,
  type FeedStream,
  type Follower,
} from './feeds.js';
import type { Input } from './interface.js';
import type { FeedName } from './ports.js';
import { findSession, isUsedUp } from './sessions.js';

/** The rest is read in the following steps. */
const readsPerStepMax = 256;
/** What a stream is told between two ticks, in windows of one follower. */
const windowsPerTickMax = 4;

/** Begins to follow, or hears how far the client has come. */
export function onFollow(core: Core, input: Extract<Input, { kind: 'follow' }>): void {
  const { feeds, config, stateMachine } = core;
  const { stream, client, session, number, after } = input;
  const feed = { client, session, number };
  const follower = findFollower(feeds, stream, feed);
  if (follower !== undefined) acknowledge(feeds, follower, after);
  else if (stateMachine.readFeed !== undefined && !isHopeless(core, feed))
    addFollower(feeds, stream, feed, after, config.feedsPerStreamMax);
}

/** Reads on for those that are ready. */
export function pumpFeeds(core: Core): void {
  const { ready } = core.feeds;
  let reads = Math.min(readsPerStepMax, ready.size);
  if (reads === 0) return;
  // Whoever is still ready afterwards stands at the end.
  for (const follower of ready) {
    ready.delete(follower);
    pump(core, follower);
    if (--reads === 0) return;
  }
}

function pump(core: Core, follower: Follower): void {
  const { feeds, config, stateMachine } = core;
  const { stream, feed, position, underWay, underWayBytes } = follower;
  if (isHopeless(core, feed)) {
    removeFollower(feeds, follower);
    return;
  }
  // Becomes ready again by an acknowledgement.
  if (!hasRoom(follower, config)) return;
  if (!hasTickRoom(stream, config)) {
    feeds.ready.add(follower);
    return;
  }
  const eventsMax = config.feedWindowEvents - underWay.length;
  const bytesMax = config.feedWindowBytes - underWayBytes;
  const part = stateMachine.readFeed!(feed, position, { eventsMax, bytesMax });
  if (part === null) {
    if (hadItsChance(core, feed)) removeFollower(feeds, follower);
    return;
  }
  if (part.kind === 'truncated') {
    tellTruncated(core, follower);
    return;
  }
  for (const { sequence, data } of part.events) {
    if (!hasRoom(follower, config)) return;
    tell(core, follower, sequence, data);
  }
  // A replica that lags may be asked for what comes after something that it has not got to.
  const scanned = Math.max(part.scanned, follower.position.scanned);
  follower.position = { after: follower.position.after, scanned };
  if (!part.isAtEnd) feeds.ready.add(follower);
}

/** The last event may go beyond the bytes: a client has to speak up only when it has used half of them. */
const hasRoom = ({ underWay, underWayBytes }: Follower, config: OrderingConfig): boolean =>
  underWay.length < config.feedWindowEvents && underWayBytes < config.feedWindowBytes;

const hasTickRoom = (stream: FeedStream, config: OrderingConfig): boolean =>
  stream.eventsThisTick < windowsPerTickMax * config.feedWindowEvents &&
  stream.bytesThisTick < windowsPerTickMax * config.feedWindowBytes;

function tell(core: Core, follower: Follower, sequence: number, data: Uint8Array): void {
  const { stream, feed, position } = follower;
  const { session, number } = feed;
  const previous = position.after;
  noteTold(follower, sequence, data.length);
  core.outputs.push({ kind: 'feedEvent', stream: stream.id, session, number, previous, sequence, data });
}

function tellTruncated(core: Core, follower: Follower): void {
  const { stream, feed, position } = follower;
  const { session, number } = feed;
  removeFollower(core.feeds, follower);
  core.outputs.push({ kind: 'feedTruncated', stream: stream.id, session, number, after: position.after });
}

/** The session is somebody else's, or has ended: ids are never used again. */
function isHopeless(core: Core, { client, session: id }: FeedName): boolean {
  const session = findSession(core.sessions, id);
  return session === undefined ? id <= core.sessions.lastSession : session.client !== client;
}

/**
 * A feed that does not exist never will, once its operation has been executed; a replica that lags may get there yet.
 */
function hadItsChance(core: Core, feed: FeedName): boolean {
  const session = findSession(core.sessions, feed.session);
  return session !== undefined && isUsedUp(session, feed.number);
}
