/**
 * Feeds as the client follows them (DESIGN section 4: events, each believed at f+1): every replica tells the events in
 * order, each with the one before it, so the next event is whatever f+1 of them put behind the last one alike. A replica
 * that leaves some out, invents some or tells them twice only fails to be counted. What is told and not used is
 * bounded: replicas stop until something is. Must not know what an event means.
 */
import { equalBytes } from '../base/index.js';
import type { ReplicaId, SessionId } from '../base/index.js';
import { mayContainSealed, type FeedEvent, type FeedTruncated } from '../codec/index.js';
import type { Outbox, RequestName } from './protocol.js';
import type { Replicas } from './replicas.js';
import { Tally, type Candidate } from './tally.js';

interface Told {
  readonly sequence: number;
  readonly data: Uint8Array;
}

interface Feed {
  readonly feedId: number;
  readonly request: RequestName;
  /** Of the last event that was believed, or where following began. */
  after: number;
  /** Votes on what comes behind this sequence number; those below `after` are forgotten now and then. */
  readonly next: Map<number, Tally<Told>>;
  /** Votes held of each replica. */
  readonly held: { count: number; bytes: number }[];
  /** Replicas that do not hold all that comes after this sequence number. */
  readonly truncatedAt: Map<ReplicaId, number>;
  /** Replicas that tell it, as far as is known. */
  readonly followed: Set<ReplicaId>;
  /** Believed and not said to be used, oldest first. */
  readonly unused: { readonly sequence: number; readonly bytes: number }[];
  unusedBytes: number;
}

export interface FeedsOptions {
  readonly replicas: Replicas;
  readonly outbox: Outbox;
  /** Sessions do not lapse while a feed of theirs is followed. */
  readonly sessions: { hold(session: SessionId): boolean; release(session: SessionId): void };
}

/**
 * As many events, and as many bytes without the last one, as a correct replica tells before it hears that some are used
 * (feedWindowEvents and feedWindowBytes of the ordering layer).
 */
const heldMax = 256;
const heldBytesMax = 1 << 20;
/** Events, and bytes of them, after which replicas hear that they are used. Invariant: well within their window. */
const usedMax = 64;
const usedBytesMax = 512 << 10;
/** With more that is not used, no replica is asked to begin anew, since it would begin with a whole window. */
const unusedMax = 512;
const unusedBytesMax = 4 << 20;

const hasRoom = ({ count, bytes }: Feed['held'][number]): boolean => count < heldMax && bytes < heldBytesMax;

const isSame = (a: Told, b: Told): boolean => a.sequence === b.sequence && equalBytes(a.data, b.data);

const feedKey = (session: SessionId, number: number): string => `${session}#${number}`;

export class Feeds {
  readonly #options: FeedsOptions;
  readonly #byId = new Map<number, Feed>();
  readonly #byRequest = new Map<string, Feed>();

  constructor(options: FeedsOptions) {
    this.#options = options;
  }

  sizes(): { readonly feeds: number; readonly feedVotes: number } {
    let feedVotes = 0;
    for (const { held } of this.#byId.values()) for (const { count } of held) feedVotes += count;
    return { feeds: this.#byId.size, feedVotes };
  }

  follow(feedId: number, request: RequestName, after: number): void {
    const { outbox, replicas, sessions } = this.#options;
    if (!sessions.hold(request.session)) {
      outbox.feedEnded(feedId, after, 'session');
      return;
    }
    const feed: Feed = {
      feedId,
      request,
      after,
      next: new Map(),
      held: Array.from({ length: replicas.n }, () => ({ count: 0, bytes: 0 })),
      truncatedAt: new Map(),
      followed: new Set(),
      unused: [],
      unusedBytes: 0,
    };
    this.#byId.set(feedId, feed);
    this.#byRequest.set(feedKey(request.session, request.number), feed);
    for (const replica of replicas.connected()) this.#ask(feed, replica);
  }

  /** Whoever uses the events slowly is told no faster. */
  consumed(feedId: number, sequence: number): void {
    const feed = this.#byId.get(feedId);
    if (feed === undefined) return;
    let count = 0;
    let bytes = 0;
    for (const told of feed.unused) {
      if (told.sequence > sequence) break;
      count += 1;
      bytes += told.bytes;
    }
    if (count < usedMax && bytes < usedBytesMax) return;
    feed.unused.splice(0, count);
    feed.unusedBytes -= bytes;
    this.#forgetPassed(feed);
    const { request } = feed;
    for (const replica of this.#options.replicas.connected()) {
      if (!feed.followed.has(replica)) this.#ask(feed, replica);
      else this.#options.outbox.send(replica, { kind: 'follow', ...request, after: sequence });
    }
  }

  unfollow(feedId: number): void {
    const feed = this.#byId.get(feedId);
    if (feed !== undefined) this.#remove(feed);
  }

  onSessionLost(session: SessionId): void {
    for (const feed of [...this.#byId.values()]) {
      if (feed.request.session === session) this.#end(feed, 'session');
    }
  }

  onConnected(replica: ReplicaId): void {
    for (const feed of this.#byId.values()) this.#ask(feed, replica);
  }

  onDisconnected(replica: ReplicaId): void {
    for (const feed of this.#byId.values()) feed.followed.delete(replica);
  }

  onEvent(from: ReplicaId, event: FeedEvent): void {
    const { session, number, previous, sequence, data, shares } = event;
    const feed = this.#byRequest.get(feedKey(session, number));
    // What comes behind an earlier event than the last one believed is decided already.
    if (feed === undefined || previous < feed.after) return;
    const held = feed.held[from]!;
    if (!hasRoom(held)) return;
    let tally = feed.next.get(previous);
    if (tally === undefined) feed.next.set(previous, (tally = new Tally(isSame)));
    if (tally.hasVoted(from)) return;
    tally.add(from, { sequence, data }, shares);
    held.count += 1;
    held.bytes += data.length + (shares?.length ?? 0);
    this.#advance(feed);
  }

  onTruncated(from: ReplicaId, { session, number, after }: FeedTruncated): void {
    const feed = this.#byRequest.get(feedKey(session, number));
    if (feed === undefined) return;
    feed.followed.delete(from);
    feed.truncatedAt.set(from, after);
    this.#reviewTruncated(feed);
  }

  /**
   * A replica that has come to its end of the feed: behind what is believed now, that matters no more, and it may go on
   * from here; exactly here, it is a vote; further on, its events on the way there still count.
   */
  #reviewTruncated(feed: Feed): void {
    let votes = 0;
    for (const [replica, after] of feed.truncatedAt) {
      if (after === feed.after) votes += 1;
      if (after >= feed.after) continue;
      feed.truncatedAt.delete(replica);
      this.#ask(feed, replica);
    }
    if (votes >= this.#options.replicas.weakQuorumSize) this.#end(feed, 'truncated');
  }

  /** Asks a replica that does not tell it yet to do so from here on. */
  #ask(feed: Feed, replica: ReplicaId): void {
    if (feed.unused.length > unusedMax || feed.unusedBytes > unusedBytesMax) return;
    feed.followed.add(replica);
    this.#options.outbox.send(replica, { kind: 'follow', ...feed.request, after: feed.after });
  }

  /** Believes what enough replicas put behind the last event, as long as there is such. */
  #advance(feed: Feed): void {
    const { outbox } = this.#options;
    const before = feed.after;
    for (;;) {
      const tally = feed.next.get(feed.after);
      const decided = tally?.candidates.find((candidate) => this.#isDecided(candidate));
      if (decided === undefined) break;
      const { sequence, data } = decided.value;
      this.#forget(feed, feed.after);
      feed.after = sequence;
      feed.unused.push({ sequence, bytes: data.length });
      feed.unusedBytes += data.length;
      outbox.feedEvent(feed.feedId, sequence, data, decided.shares);
    }
    if (feed.after !== before) this.#reviewTruncated(feed);
  }

  /** DESIGN section 7: f+1 good shares are among those of a quorum. */
  #isDecided({ value, voters }: Candidate<Told>): boolean {
    const { weakQuorumSize, quorumSize } = this.#options.replicas;
    if (voters.length < weakQuorumSize) return false;
    return voters.length >= quorumSize || !mayContainSealed(value.data);
  }

  #forget(feed: Feed, previous: number): void {
    for (const { value, voters, shares } of feed.next.get(previous)?.candidates ?? []) {
      for (const voter of voters) {
        const held = feed.held[voter]!;
        held.count -= 1;
        held.bytes -= value.data.length + (shares.get(voter)?.length ?? 0);
      }
    }
    feed.next.delete(previous);
  }

  /** Only faulty replicas put events behind what was no event. */
  #forgetPassed(feed: Feed): void {
    for (const previous of feed.next.keys()) if (previous < feed.after) this.#forget(feed, previous);
  }

  #end(feed: Feed, cause: 'session' | 'truncated'): void {
    this.#remove(feed);
    this.#options.outbox.feedEnded(feed.feedId, feed.after, cause);
  }

  #remove({ feedId, request }: Feed): void {
    this.#byId.delete(feedId);
    this.#byRequest.delete(feedKey(request.session, request.number));
    this.#options.sessions.release(request.session);
  }
}
