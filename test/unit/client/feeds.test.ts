import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prng, replicaId, sessionId, type Prng } from '../../../src/base/index.js';
import { bytes, FakeCluster, refused, result } from './fake-cluster.js';

const request = { session: sessionId(7), number: 1 };

/** A client that follows the feed of request 1 in session 7 from after 10 on. */
class Follower {
  readonly cluster: FakeCluster;
  readonly feedId = 1_000;

  constructor(n = 4) {
    this.cluster = FakeCluster.withSession(n);
    this.cluster.step({ kind: 'follow', feedId: this.feedId, request, after: 10 });
    this.cluster.flush();
  }

  event(from: number, previous: number, sequence: number, data = bytes(sequence)): void {
    this.cluster.receive(from, { kind: 'feedEvent', ...request, previous, sequence, data });
  }

  events(froms: readonly number[], ...sequences: number[]): void {
    for (const from of froms) {
      sequences.forEach((sequence, index) => {
        if (index > 0) this.event(from, sequences[index - 1]!, sequence);
      });
    }
  }

  truncated(from: number, after: number): void {
    this.cluster.receive(from, { kind: 'feedTruncated', ...request, after });
  }

  consumed(sequence: number): void {
    this.cluster.step({ kind: 'consumed', feedId: this.feedId, sequence });
  }

  /** What is told, by sequence number, and its ends. */
  get told(): (number | string)[] {
    return this.cluster.heard.map((output) => {
      if (output.kind === 'feedEvent') {
        expect(output.data).toEqual(bytes(output.sequence));
        return output.sequence;
      }
      return output.kind === 'feedEnded' ? `${output.cause} after ${output.after}` : output.kind;
    });
  }

  /** Replicas asked since the last time, and from where. */
  asked(): [number, number][] {
    const asked = this.cluster.sentOf('follow').map(({ to, message }): [number, number] => {
      expect(message).toMatchObject(request);
      return [to, message.after];
    });
    this.cluster.sent.length = 0;
    return asked;
  }
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('a feed', () => {
  it('is asked of every replica, and believed at f+1', () => {
    const follower = new Follower();
    expect(follower.asked()).toEqual([0, 1, 2, 3].map((id) => [id, 10]));
    follower.event(2, 10, 12);
    follower.event(2, 10, 12);
    expect(follower.told).toEqual([]);
    follower.event(0, 10, 12);
    expect(follower.told).toEqual([12]);
    follower.event(1, 10, 12);
    follower.events([0, 1], 12, 13, 17);
    expect(follower.told).toEqual([12, 13, 17]);
  });

  it('tells what several replicas said ahead as soon as its turn comes', () => {
    const follower = new Follower();
    follower.events([0], 10, 11, 12, 13);
    follower.events([1], 11, 12, 13);
    expect(follower.told).toEqual([]);
    follower.event(3, 10, 11);
    expect(follower.told).toEqual([11, 12, 13]);
    expect(follower.cluster.core.sizes['feedVotes']).toBe(0);
  });

  it('is not followed any more when nobody wants it', () => {
    const follower = new Follower();
    follower.events([0], 10, 11, 12);
    follower.cluster.step({ kind: 'unfollow', feedId: follower.feedId });
    follower.events([1], 10, 11, 12);
    expect(follower.told).toEqual([]);
    expect(follower.cluster.core.sizes).toMatchObject({ feeds: 0, feedVotes: 0 });
    follower.cluster.step({ kind: 'unfollow', feedId: follower.feedId });
    follower.cluster.step({ kind: 'consumed', feedId: follower.feedId, sequence: 11 });
  });

  it('ends at once in a session that is gone', () => {
    const cluster = FakeCluster.withSession();
    const session = sessionId(6);
    cluster.step({ kind: 'follow', feedId: 5, request: { session, number: 1 }, after: 3 });
    expect(cluster.heard).toEqual([{ kind: 'feedEnded', feedId: 5, after: 3, cause: 'session' }]);
    expect(cluster.core.sizes['feeds']).toBe(0);
  });
});

it('a feed ends at once in a session that is given up, although a call is still in flight there', () => {
  const cluster = FakeCluster.withSession();
  cluster.call(bytes(1));
  cluster.call(bytes(2));
  cluster.replyFromAll(7, 3, [refused('SESSION_EXPIRED')]);
  expect(cluster.core.sizes).toMatchObject({ sessions: 1, unanswered: 1 });
  cluster.step({ kind: 'follow', feedId: 5, request, after: 3 });
  expect(cluster.heard).toEqual([{ kind: 'feedEnded', feedId: 5, after: 3, cause: 'session' }]);
});

describe('what is used', () => {
  it('is told to the replicas every 64 events', () => {
    const follower = new Follower();
    follower.asked();
    follower.events([0, 1], ...range(10, 200));
    for (let sequence = 11; sequence < 11 + 63; sequence++) follower.consumed(sequence);
    expect(follower.asked()).toEqual([]);
    follower.consumed(74);
    expect(follower.asked()).toEqual([0, 1, 2, 3].map((id) => [id, 74]));
    follower.consumed(138);
    expect(follower.asked()).toEqual([0, 1, 2, 3].map((id) => [id, 138]));
  });

  it('is told after half a window of bytes', () => {
    const follower = new Follower();
    follower.asked();
    const data = new Uint8Array(200 << 10);
    for (const from of [0, 1])
      for (const sequence of [11, 12, 13]) follower.event(from, sequence - 1, sequence, data);
    follower.consumed(12);
    expect(follower.asked()).toEqual([]);
    follower.consumed(13);
    expect(follower.asked()).toEqual([0, 1, 2, 3].map((id) => [id, 13]));
  });

  it('may be nothing at all: then no more is kept than replicas tell of themselves', () => {
    const follower = new Follower();
    for (let round = 0; round < 20; round++) {
      const first = follower.told.length === 0 ? 10 : (follower.told.at(-1) as number);
      follower.events([0, 1], ...range(first, first + 100));
      for (const id of [0, 1]) follower.cluster.disconnect(id);
      for (const id of [0, 1]) follower.cluster.connect(id);
    }
    // Told more than asked for; no more is asked for.
    expect(follower.told.length).toBe(2_000);
    const asked = follower.asked();
    expect(asked.at(-1)![1]).toBeLessThan(10 + 700);
    follower.consumed(follower.told.at(-1) as number);
    const last = follower.told.at(-1) as number;
    expect(follower.asked()).toEqual([0, 1, 2, 3].map((id) => [id, last]));
  });
});

describe('new streams', () => {
  it('are asked from the last event that was believed on', () => {
    const follower = new Follower();
    follower.events([0, 1], 10, 11, 12);
    follower.events([2], 10, 11);
    follower.asked();
    follower.cluster.disconnect(2);
    follower.cluster.connect(2);
    expect(follower.asked()).toEqual([[2, 12]]);
    follower.events([2, 3], 12, 15);
    expect(follower.told).toEqual([11, 12, 15]);
  });

  it('may tell again what was told: it counts once', () => {
    const follower = new Follower();
    follower.event(0, 10, 11);
    follower.cluster.disconnect(0);
    follower.cluster.connect(0);
    follower.event(0, 10, 11);
    expect(follower.told).toEqual([]);
    expect(follower.cluster.core.sizes['feedVotes']).toBe(1);
  });

  it('that come up later take part', () => {
    const cluster = FakeCluster.withSession();
    for (const id of [1, 2, 3]) cluster.disconnect(id);
    cluster.step({ kind: 'follow', feedId: 1, request, after: 10 });
    cluster.connect(3);
    expect(cluster.sentOf('follow').map(({ to }) => to)).toEqual([0, 3]);
  });
});

describe('the session of a feed', () => {
  it('is kept', () => {
    const { cluster } = new Follower();
    for (let number = 2; number < 8; number++) {
      cluster.advance(10_000);
      cluster.replyFromAll(7, number, [result()]);
    }
    expect(cluster.core.sizes).toMatchObject({ feeds: 1, sessions: 1 });
    cluster.step({ kind: 'unfollow', feedId: 1_000 });
    cluster.sent.length = 0;
    cluster.advance(60_000);
    expect(cluster.sent).toEqual([]);
  });

  it('may be over: the feed ends after the last event that was told', () => {
    const follower = new Follower();
    follower.events([0, 1], 10, 11);
    follower.events([0], 11, 12);
    follower.cluster.advance(10_000);
    follower.cluster.replyFromAll(7, 2, [refused('SESSION_EXPIRED')]);
    expect(follower.told).toEqual([11, 'session after 11']);
    follower.events([0, 1], 11, 12);
    expect(follower.told).toHaveLength(2);
    expect(follower.cluster.core.sizes).toMatchObject({ feeds: 0, feedVotes: 0, sessions: 0 });
  });

  it('may be lost to this client', () => {
    const follower = new Follower();
    for (let id = 0; id < 4; id++) follower.cluster.disconnect(id);
    follower.cluster.advance(20_000);
    expect(follower.told).toEqual([]);
    for (let id = 0; id < 4; id++) follower.cluster.connect(id);
    follower.cluster.advance(31_000);
    expect(follower.told).toEqual(['session after 10']);
  });
});

describe('a history that is not held any more', () => {
  it('ends the feed when f+1 replicas say so of what comes next', () => {
    const follower = new Follower();
    follower.truncated(3, 10);
    follower.truncated(3, 10);
    expect(follower.told).toEqual([]);
    follower.truncated(0, 10);
    expect(follower.told).toEqual(['truncated after 10']);
    expect(follower.cluster.core.sizes).toMatchObject({ feeds: 0 });
  });

  it('at one replica matters no more when the others go on: it is asked again', () => {
    const follower = new Follower();
    follower.truncated(3, 10);
    follower.asked();
    follower.events([0, 1], 10, 11);
    expect(follower.asked()).toEqual([[3, 11]]);
    follower.truncated(2, 10);
    expect(follower.asked()).toEqual([[2, 11]]);
    follower.truncated(3, 11);
    expect(follower.told).toEqual([11]);
  });

  it('further on: what was told on the way there still counts', () => {
    const follower = new Follower();
    follower.events([0], 10, 11, 12, 13);
    follower.truncated(0, 13);
    follower.truncated(1, 10);
    expect(follower.told).toEqual([]);
    follower.events([2], 10, 11, 12);
    follower.truncated(2, 12);
    expect(follower.told).toEqual([11, 12]);
    // Replica 1 is behind and asked again; it and replica 2 do not hold what comes after 12.
    follower.truncated(1, 12);
    expect(follower.told).toEqual([11, 12, 'truncated after 12']);
  });
});

describe('liars', () => {
  it('cannot leave out, invent, repeat or reorder', () => {
    const follower = new Follower();
    follower.event(3, 10, 12);
    follower.event(3, 11, 13);
    follower.event(3, 10, 11, bytes(66));
    follower.event(3, 5, 6);
    follower.event(3, 12, 11);
    follower.events([0, 1], 10, 11, 12);
    expect(follower.told).toEqual([11, 12]);
    follower.event(3, 10, 11);
    follower.event(3, 12, 12);
    follower.event(0, 12, 12);
    expect(follower.told).toEqual([11, 12]);
  });

  it('fill no memory: events far ahead, of no feed, or huge', () => {
    const follower = new Follower();
    for (let i = 0; i < 2_000; i++) follower.event(3, 1_000 + i, 2_000 + i);
    expect(follower.cluster.core.sizes['feedVotes']).toBe(256);
    for (let i = 0; i < 2_000; i++)
      follower.cluster.receive(3, {
        kind: 'feedEvent',
        session: sessionId(i),
        number: 2,
        previous: 10,
        sequence: 11,
        data: bytes(1),
      });
    expect(follower.cluster.core.sizes['feedVotes']).toBe(256);
    const big = new Follower();
    for (let i = 0; i < 100; i++) big.event(3, 10 + i, 11 + i, new Uint8Array(600 << 10));
    expect(big.cluster.core.sizes['feedVotes']).toBe(2);
    big.events([0, 1], 10, 11, 12);
    expect(big.told).toEqual([11, 12]);
  });

  it('get their room back when what they said is passed', () => {
    const follower = new Follower();
    follower.events([3], ...range(10, 10 + 300).map((i) => (i === 10 ? 10 : i + 0.5)));
    expect(follower.cluster.core.sizes['feedVotes']).toBe(256);
    for (let last = 10; last < 400; last++) follower.events([0, 1], last, last + 1);
    follower.consumed(390);
    expect(follower.cluster.core.sizes['feedVotes']).toBe(0);
    follower.events([3, 2], 400, 401);
    expect(follower.told.at(-1)).toBe(401);
  });
});

/** Correct replicas tell the same feed at their own pace, over streams that break; f liars say anything. */
class World {
  readonly follower: Follower;
  readonly #random: Prng;
  readonly #feed: number[];
  readonly #liars: ReadonlySet<number>;
  /** What each replica tells next, by index into the feed; null: not asked. */
  readonly #next: (number | null)[];
  /** Index of the first event that is not told before more is used. */
  readonly #window: number[];

  constructor(seed: number, n: number) {
    this.#random = prng(seed);
    let last = 10;
    this.#feed = Array.from({ length: 600 }, () => (last += this.#random.between(1, 3)) & 0xffff);
    const liars = new Set<number>();
    while (liars.size < Math.floor((n - 1) / 3)) liars.add(this.#random.below(n));
    this.#liars = liars;
    this.#next = new Array<number | null>(n).fill(null);
    this.#window = new Array<number>(n).fill(0);
    this.follower = new Follower(n);
  }

  /** Uses all but a few of the events as they come. */
  run(): (number | string)[] {
    const { cluster } = this.follower;
    const told = (): number => cluster.heard.length;
    let used = 0;
    for (let round = 0; round < 4_000; round++) {
      for (const [to, after] of this.follower.asked()) this.#onFollow(to, after);
      const id = this.#random.below(cluster.n);
      if (this.#random.chance(1, 100)) this.#reconnect(id);
      if (this.#liars.has(id)) this.#lie(id);
      else this.#tell(id);
      if (used < told() && this.#random.chance(3, 4)) {
        used = Math.min(told(), used + this.#random.between(1, 8));
        this.follower.consumed(this.#feed[used - 1]!);
      }
      if (told() === this.#feed.length) break;
    }
    expect(cluster.core.sizes['feedVotes']).toBeLessThanOrEqual(256 * cluster.n);
    return this.follower.told;
  }

  get feed(): readonly number[] {
    return this.#feed;
  }

  #onFollow(to: number, after: number): void {
    const index = this.#feed.findIndex((sequence) => sequence > after);
    const from = index < 0 ? this.#feed.length : index;
    this.#next[to] = Math.max(this.#next[to] ?? 0, from);
    this.#window[to] = from + 256;
  }

  #reconnect(id: number): void {
    this.#next[id] = null;
    this.follower.cluster.disconnect(id);
    this.follower.cluster.connect(id);
  }

  #tell(id: number): void {
    for (let count = this.#random.below(12); count > 0; count--) {
      const next = this.#next[id] ?? null;
      if (next === null || next >= this.#window[id]! || next >= this.#feed.length) return;
      // After a new beginning the one before is the last event that the client has.
      const sequence = this.#feed[next]!;
      this.follower.event(id, next === 0 ? 10 : this.#feed[next - 1]!, sequence);
      this.#next[id] = next + 1;
    }
  }

  #lie(id: number): void {
    const near = this.#random.pick(this.#feed);
    switch (this.#random.below(4)) {
      case 0:
        return this.follower.event(id, near, near + this.#random.between(1, 4));
      case 1:
        return this.follower.event(id, near, near + 1, bytes(1, 2, 3));
      case 2:
        return this.follower.truncated(id, near);
      default:
        return this.follower.event(replicaId(id), this.#random.below(2_000), this.#random.below(2_000));
    }
  }
}

describe('with f liars and streams that break', () => {
  it.each([4, 7])('n = %i: the whole feed comes, in order and once', (n) => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const world = new World(seed, n);
        expect(world.run()).toEqual(world.feed);
      }),
      { numRuns: 15, seed: 2 },
    );
  });

  it('f+1 liars do deceive: the check above bites', () => {
    const follower = new Follower();
    follower.events([2, 3], 10, 12);
    expect(follower.told).toEqual([12]);
  });
});
