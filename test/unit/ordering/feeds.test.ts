import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sessionId, type ClientId, type SessionId } from '../../../src/base/index.js';
import type { Input, Output } from '../../../src/ordering/index.js';
import { closeFeed, Counter, openFeed } from '../../support/counter.js';
import { addEnvelope, alice, bob, Lockstep, requestsEnvelope, sha256 } from '../../support/lockstep.js';
import { Ordering } from '../../support/ordering.js';

type FeedEvent = Extract<Output, { kind: 'feedEvent' }>;

const follow = (
  session: SessionId,
  after: number,
  { stream = 1, number = 1, client = alice as ClientId } = {},
): Input => ({ kind: 'follow', stream, client, session, number, after });

const chain = (events: readonly FeedEvent[]): number[][] =>
  events.map(({ previous, sequence, data }) => [previous, sequence, data[0]!]);

/** A replica where alice's session has opened a feed as its request 1; bob's adds in a session of his. */
class Feeding extends Ordering {
  readonly session: SessionId;
  readonly #adder: SessionId;
  #added = 0;

  constructor(options: ConstructorParameters<typeof Ordering>[0] = {}) {
    super(options);
    this.session = this.open(1);
    this.#adder = this.open(1, bob);
    this.order(requestsEnvelope(alice, this.session, 1, [openFeed()]));
    this.solo.clear();
  }

  add(count = 1): void {
    for (let i = 0; i < count; i++) this.order(addEnvelope(bob, this.#adder, ++this.#added, [1]));
  }

  follow(after: number, options: Parameters<typeof follow>[2] = {}): void {
    this.solo.give(follow(this.session, after, options));
  }

  /** What a stream has been told since the last call. */
  take(stream = 1): number[][] {
    const told = this.solo.of('feedEvent');
    this.solo.outputs = this.solo.outputs.filter((output) => !told.includes(output as FeedEvent));
    return chain(told.filter((event) => event.stream === stream));
  }

  get followers(): number {
    return this.solo.status.sizes['followers']!;
  }
}

const counterWith = (traits: Partial<Pick<Counter, 'sumsMax' | 'eventBytes' | 'readsMax'>>): Counter =>
  Object.assign(new Counter(sha256), traits);

describe('a follower', () => {
  test('is told what comes after its position, past and future, in a chain', () => {
    const feeding = new Feeding();
    feeding.add(3);
    feeding.follow(1);
    expect(feeding.take()).toEqual([
      [1, 2, 2],
      [2, 3, 3],
    ]);
    feeding.add(2);
    expect(feeding.take()).toEqual([
      [3, 4, 4],
      [4, 5, 5],
    ]);
  });

  test('has a position of its own at each stream', () => {
    const feeding = new Feeding();
    feeding.add(2);
    feeding.follow(0, { stream: 1 });
    feeding.follow(1, { stream: 2 });
    expect(feeding.take(1)).toEqual([
      [0, 1, 1],
      [1, 2, 2],
    ]);
    feeding.follow(0, { stream: 2 });
    feeding.add();
    expect(feeding.take(1)).toEqual([[2, 3, 3]]);
    expect(feeding.followers).toBe(2);
  });

  test('is told nothing any more when its stream is closed; the others are', () => {
    const feeding = new Feeding();
    feeding.follow(0, { stream: 1 });
    feeding.follow(0, { stream: 2 });
    feeding.solo.give({ kind: 'streamClosed', stream: 1 });
    feeding.solo.give({ kind: 'streamClosed', stream: 7 });
    feeding.add();
    expect([feeding.followers, feeding.take(2)]).toEqual([1, [[0, 1, 1]]]);
    feeding.solo.give({ kind: 'streamClosed', stream: 2 });
    expect(feeding.followers).toBe(0);
  });

  test('of a feed that is closed, or whose session ends, is forgotten', () => {
    const feeding = new Feeding();
    feeding.order(requestsEnvelope(alice, feeding.session, 2, [openFeed(), closeFeed(1)]));
    feeding.solo.clear();
    feeding.follow(0, { number: 2 });
    expect(feeding.followers).toBe(1);
    feeding.follow(0, { number: 1 });
    expect(feeding.followers).toBe(1);
    feeding.order(requestsEnvelope(alice, feeding.session, 4, [closeFeed(2)]));
    expect(feeding.followers).toBe(0);
    feeding.order(requestsEnvelope(alice, feeding.session, 5, [openFeed()]));
    feeding.follow(0, { number: 5 });
    expect(feeding.followers).toBe(1);
    feeding.solo.jump(30_000);
    feeding.add();
    expect(feeding.followers).toBe(0);
    expect(feeding.take()).toEqual([]);
    expect(feeding.solo.of('feedTruncated')).toEqual([]);
  });

  test('of what is not all held any more is told so and forgotten', () => {
    const feeding = new Feeding({ counter: counterWith({ sumsMax: 2 }) });
    feeding.add(5);
    feeding.follow(3);
    feeding.follow(2, { stream: 2 });
    expect(feeding.take()).toEqual([
      [3, 4, 4],
      [4, 5, 5],
    ]);
    expect(feeding.solo.of('feedTruncated')).toEqual([
      { kind: 'feedTruncated', stream: 2, session: feeding.session, number: 1, after: 2 },
    ]);
    expect(feeding.followers).toBe(1);
  });

  test('that is too slow is told so as well', () => {
    const config = { feedWindowEvents: 2 };
    const feeding = new Feeding({ counter: counterWith({ sumsMax: 3 }), config });
    feeding.follow(0);
    feeding.add(6);
    feeding.follow(1);
    expect(feeding.take()).toHaveLength(2);
    expect(feeding.solo.of('feedTruncated')).toMatchObject([{ after: 2 }]);
  });
});

describe('the window', () => {
  test('holds so many events; what the client has used makes room', () => {
    const feeding = new Feeding({ config: { feedWindowEvents: 3 } });
    feeding.add(5);
    feeding.follow(0);
    expect(feeding.take().map(([, sequence]) => sequence)).toEqual([1, 2, 3]);
    feeding.add(1);
    feeding.follow(0);
    expect(feeding.take()).toEqual([]);
    feeding.follow(2);
    expect(feeding.take()).toEqual([
      [3, 4, 4],
      [4, 5, 5],
    ]);
    feeding.follow(1);
    expect(feeding.take()).toEqual([]);
    feeding.follow(5);
    expect(feeding.take()).toEqual([[5, 6, 6]]);
  });

  test('holds so many bytes, and the event with which they are reached', () => {
    const feeding = new Feeding({
      counter: counterWith({ eventBytes: 40 }),
      config: { feedWindowBytes: 100 },
    });
    feeding.add(9);
    feeding.follow(0);
    expect(feeding.take().map(([, sequence]) => sequence)).toEqual([1, 2, 3]);
    feeding.follow(1);
    expect(feeding.take().map(([, sequence]) => sequence)).toEqual([4]);
  });

  test('lets one event through however large it is', () => {
    const feeding = new Feeding({
      counter: counterWith({ eventBytes: 500 }),
      config: { feedWindowBytes: 100 },
    });
    feeding.add(3);
    feeding.follow(0);
    for (const sequence of [1, 2, 3]) {
      expect(feeding.take().map(([, each]) => each)).toEqual([sequence]);
      feeding.follow(sequence);
      feeding.solo.tick(10);
    }
  });

  test('goes on where the client is, if other replicas were quicker', () => {
    const feeding = new Feeding({ config: { feedWindowEvents: 2 } });
    feeding.add(3);
    feeding.follow(0);
    feeding.take();
    // Events 3 to 5 reached the client from elsewhere; this replica has not executed the last two of them yet.
    feeding.follow(5);
    expect(feeding.take()).toEqual([]);
    feeding.add(4);
    expect(feeding.take()).toEqual([
      [5, 6, 6],
      [6, 7, 7],
    ]);
  });

  test('a stream that follows much is told so much until the next tick', () => {
    const feeding = new Feeding({ config: { feedWindowEvents: 2 } });
    const feeds = Array.from({ length: 7 }, openFeed);
    feeding.order(requestsEnvelope(alice, feeding.session, 2, feeds));
    feeding.add(2);
    feeding.solo.clear();
    for (let number = 2; number <= 8; number++) feeding.follow(0, { number });
    expect(feeding.take()).toHaveLength(8);
    feeding.follow(0, { stream: 2, number: 2 });
    expect(feeding.take(2)).toHaveLength(2);
    feeding.solo.tick(10);
    expect(feeding.take()).toHaveLength(6);
  });
});

describe('reading', () => {
  test('what is not at its end goes on at the next step', () => {
    const feeding = new Feeding({ counter: counterWith({ readsMax: 2 }) });
    feeding.add(5);
    feeding.follow(0);
    expect(feeding.take()).toHaveLength(2);
    feeding.solo.tick(10);
    expect(feeding.take()).toHaveLength(2);
    feeding.solo.tick(10);
    expect(feeding.take()).toHaveLength(1);
  });

  test('is spread over several steps when very many follow', () => {
    const feeding = new Feeding();
    for (let stream = 1; stream <= 600; stream++) feeding.follow(0, { stream });
    feeding.solo.clear();
    feeding.add();
    const first = feeding.solo.of('feedEvent').length;
    expect(first).toBeLessThan(600);
    feeding.solo.tick(30);
    expect(new Set(feeding.solo.of('feedEvent').map(({ stream }) => stream)).size).toBe(600);
    expect(feeding.solo.of('feedEvent')).toHaveLength(600);
  });

  test('does not happen when the state machine has no feeds', () => {
    const counter = new Counter(sha256);
    Object.defineProperty(counter, 'readFeed', { value: undefined });
    const feeding = new Feeding({ counter });
    feeding.follow(0);
    expect(feeding.followers).toBe(0);
  });
});

describe('following is harmless', () => {
  test('of a foreign session, of one that has ended, of what opened no feed', () => {
    const feeding = new Feeding();
    feeding.add();
    feeding.follow(0, { client: bob });
    feeding.solo.give(follow(sessionId(1), 0));
    feeding.solo.give(follow(sessionId(0), 0));
    feeding.order(addEnvelope(alice, feeding.session, 2, [1]));
    feeding.follow(0, { number: 2 });
    expect([feeding.followers, feeding.take()]).toEqual([0, []]);
  });

  test('of a foreign session, also if the state machine does not look who follows', () => {
    const counter = new Counter(sha256);
    const readFeed = counter.readFeed.bind(counter);
    counter.readFeed = (feed, ...rest) => readFeed({ ...feed, client: alice }, ...rest);
    const feeding = new Feeding({ counter });
    feeding.add();
    feeding.follow(0, { client: bob });
    expect([feeding.followers, feeding.take()]).toEqual([0, []]);
  });

  test('beyond the limit of a stream; another stream has its own', () => {
    const feeding = new Feeding({ config: { feedsPerStreamMax: 2 } });
    for (let number = 50; number < 60; number++) feeding.follow(0, { number });
    expect(feeding.followers).toBe(2);
    feeding.follow(0, { stream: 2 });
    expect(feeding.followers).toBe(3);
  });

  test('of a session that does not exist yet and is somebody else’s then', () => {
    const feeding = new Feeding();
    const next = ((feeding.solo.nowMs + 10) * 1024) as SessionId;
    feeding.solo.give(follow(next, 0));
    expect(feeding.followers).toBe(1);
    feeding.solo.tick(10);
    expect(feeding.open(2, bob)).toBe(next);
    feeding.order(requestsEnvelope(bob, next, 1, [openFeed()]));
    feeding.add();
    expect([feeding.followers, feeding.take()]).toEqual([0, []]);
  });

  test('whatever position it claims', () => {
    const feeding = new Feeding();
    feeding.add(2);
    feeding.follow(Number.MAX_SAFE_INTEGER);
    feeding.follow(0, { stream: 2 });
    feeding.follow(Number.MAX_SAFE_INTEGER, { stream: 2 });
    feeding.take();
    feeding.add(3);
    expect(feeding.take(1)).toEqual([]);
    expect(feeding.take(2)).toEqual([]);
  });
});

describe('a replica that lags', () => {
  const told = (cluster: Lockstep, id: number): number[][] => chain(cluster.outputs(id, 'feedEvent'));

  test('follows before it has executed what opens the feed, by votes or with the state', () => {
    for (const historyBatchesMax of [0, 1_000]) {
      const cluster = new Lockstep(4, { checkpointInterval: 16, watermarkWindow: 32, historyBatchesMax });
      cluster.node(3).isDown = true;
      const session = cluster.open(alice);
      cluster.submit(requestsEnvelope(alice, session, 1, [openFeed()]));
      for (let number = 2; number <= 40; number++)
        cluster.submit(addEnvelope(alice, session, number, [1]), [0]);
      cluster.node(3).isDown = false;
      for (const id of [0, 3]) cluster.give(id, follow(session, 30));
      expect([told(cluster, 0).length, told(cluster, 3).length]).toEqual([9, 0]);
      cluster.tick(2500);
      cluster.submit(addEnvelope(alice, session, 41, [1]), [0]);
      expect(told(cluster, 3)).toEqual(told(cluster, 0));
      expect(told(cluster, 3)).toHaveLength(10);
      const transfers = cluster.outputs(3, 'event').filter(({ event }) => event === 'state-transferred');
      expect(transfers.length > 0).toBe(historyBatchesMax === 0);
    }
  });

  test('tells what there is as soon as it has executed what opens the feed', () => {
    const feeding = new Feeding();
    feeding.add(2);
    feeding.follow(1, { number: 2 });
    expect([feeding.take(), feeding.followers]).toEqual([[], 1]);
    feeding.order(requestsEnvelope(alice, feeding.session, 2, [openFeed()]));
    expect(feeding.take()).toEqual([[1, 2, 2]]);
  });

  test('forgets what has ended in the part that it did not execute', () => {
    const cluster = new Lockstep(4, { checkpointInterval: 16, watermarkWindow: 32, historyBatchesMax: 0 });
    const [session, short] = [cluster.open(alice), cluster.open(alice, 2)];
    cluster.submit(requestsEnvelope(alice, session, 1, [openFeed()]));
    cluster.submit(requestsEnvelope(alice, short, 1, [openFeed()]));
    for (const each of [session, short]) cluster.give(3, follow(each, 0));
    expect(cluster.node(3).replica.status().sizes).toMatchObject({ followers: 2 });
    cluster.node(3).isDown = true;
    cluster.submit(requestsEnvelope(alice, session, 2, [closeFeed(1)]));
    cluster.tick(20_000);
    cluster.submit(addEnvelope(alice, session, 3, [1]));
    cluster.tick(11_000);
    for (let number = 4; number <= 40; number++)
      cluster.submit(addEnvelope(alice, session, number, [1]), [0]);
    cluster.node(3).isDown = false;
    cluster.tick(2500);
    expect(cluster.node(3).replica.status().sizes).toMatchObject({ followers: 0, sessions: 1 });
    expect(told(cluster, 3)).toEqual([]);
  });
});

test('whenever each replica reads and is acknowledged, its events are a part of the one chain', () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('add' as const), count: fc.integer({ min: 1, max: 4 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('used' as const), after: fc.nat(60) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'tick' as const }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const), after: fc.nat(20) }) },
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 200 }),
      (steps, feedWindowEvents, readsMax, feedWindowBytes) => {
        const feeding = new Feeding({
          counter: counterWith({ readsMax, eventBytes: 30 }),
          config: { feedWindowEvents, feedWindowBytes },
        });
        let stream = 1;
        let last = 0;
        feeding.follow(0, { stream });
        for (const each of steps) {
          if (each.kind === 'add') feeding.add(each.count);
          if (each.kind === 'tick') feeding.solo.tick(10);
          if (each.kind === 'used') {
            last = Math.max(last, each.after);
            feeding.follow(each.after, { stream });
          }
          if (each.kind === 'reopen') {
            feeding.solo.give({ kind: 'streamClosed', stream });
            feeding.take(stream);
            last = each.after;
            feeding.follow(last, { stream: ++stream });
          }
          for (const [previous, sequence, data] of feeding.take(stream)) {
            expect([previous, sequence, data]).toEqual([last, last + 1, last + 1]);
            last = sequence!;
          }
        }
        // A client that keeps using what it is told is told all.
        const sums = feeding.solo.counter.value;
        for (let i = 0; i < 4 * sums + 4; i++) {
          feeding.follow(last, { stream });
          last = feeding.take(stream).at(-1)?.[1] ?? last;
          feeding.solo.tick(10);
        }
        expect(last).toBeGreaterThanOrEqual(sums);
      },
    ),
    { numRuns: 60 },
  );
});
