/** Operations that wait, exactly once, and the keep-alive of a session (DESIGN section 2; pitfalls 13 and 19). */
import { describe, expect, test } from 'vitest';
import { addEnvelope, alice, bob, Lockstep, requestsEnvelope } from '../support/lockstep.js';
import { waitFor } from '../support/counter.js';
import { Ordering, plain } from '../support/ordering.js';

describe('an operation that waits', () => {
  test('DESIGN §2: says so at once, and gets its outcome later, under the same number', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    ordering.order(requestsEnvelope(alice, id, 1, [waitFor(3)]));
    ordering.order(addEnvelope(alice, id, 2, [1]));
    ordering.order(addEnvelope(alice, id, 3, [4]));
    expect(ordering.replies).toEqual([
      [1, 'waiting'],
      [2, 1],
      [3, 5],
      [1, 5],
    ]);
  });

  test('DESIGN §2: is executed once, however often it is ordered', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    const envelope = requestsEnvelope(alice, id, 1, [waitFor(3)]);
    ordering.order(envelope, envelope);
    ordering.order(envelope);
    ordering.order(addEnvelope(alice, id, 2, [3], 1));
    ordering.order(envelope);
    expect(ordering.executed).toEqual([1, 2]);
    expect(ordering.solo.counter.resolved).toEqual([[id, 1, true]]);
    expect(ordering.replies).toEqual([
      [1, 'waiting'],
      [1, 'waiting'],
      [1, 'waiting'],
      [2, 3],
      [1, 3],
      [1, 3],
    ]);
  });

  test('DESIGN §2: answers a repetition from the cache, once it has its late outcome with that', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    const envelope = requestsEnvelope(alice, id, 1, [waitFor(3)]);
    ordering.order(envelope);
    ordering.solo.clear();
    ordering.solo.submit(envelope);
    ordering.order(addEnvelope(alice, id, 2, [3], 1));
    ordering.solo.submit(envelope);
    expect(ordering.replies).toEqual([
      [1, 'waiting'],
      [2, 3],
      [1, 3],
      [1, 3],
    ]);
    expect(ordering.solo.status.pending).toBe(0);
  });

  test('DESIGN §2: waits on although the client has its reply, and its number is not used again', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    const envelope = requestsEnvelope(alice, id, 1, [waitFor(9)], { lowestUnanswered: 1 });
    ordering.order(envelope);
    ordering.order(addEnvelope(alice, id, 2, [1], 2));
    ordering.order(envelope);
    ordering.order(addEnvelope(alice, id, 3, [8], 2));
    expect(ordering.executed).toEqual([1, 2, 3]);
    expect(ordering.replies).toEqual([
      [1, 'waiting'],
      [2, 1],
      [3, 9],
      [1, 9],
    ]);
  });

  test('DESIGN §2: keeps its late outcome until the client says that it has arrived', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    const attached = { kind: 'attached', client: alice, session: id } as const;
    ordering.order(requestsEnvelope(alice, id, 1, [waitFor(3), waitFor(9)]));
    ordering.order(addEnvelope(alice, id, 3, [3]));
    ordering.solo.clear();
    ordering.solo.give(attached);
    expect(ordering.replies).toEqual([[1, 3]]);
    ordering.order(requestsEnvelope(alice, id, 4, [waitFor(1)], { finished: [1, 2, 3] }));
    ordering.solo.clear();
    ordering.solo.give(attached);
    expect(ordering.replies).toEqual([]);
    // The second one waits still, whatever the client said.
    ordering.order(addEnvelope(alice, id, 5, [6]));
    expect(ordering.replies).toEqual([
      [5, 9],
      [2, 9],
    ]);
  });

  test('DESIGN §2: is told again to a stream of its client only', () => {
    const ordering = new Ordering();
    const [id, other] = [ordering.open(1), ordering.open(1, bob)];
    ordering.order(requestsEnvelope(alice, id, 1, [waitFor(1)]), addEnvelope(bob, other, 1, [1]));
    ordering.solo.clear();
    ordering.solo.give({ kind: 'attached', client: bob, session: id });
    ordering.solo.give({ kind: 'attached', client: alice, session: other });
    ordering.solo.give({ kind: 'attached', client: alice, session: (id + 5_000_000) as typeof id });
    expect(ordering.solo.outputs).toEqual([]);
  });

  test('DESIGN §4: ends with its session, without a word', () => {
    const ordering = new Ordering();
    const [id, other] = [ordering.open(1), ordering.open(1, bob)];
    ordering.order(requestsEnvelope(alice, id, 1, [waitFor(5), waitFor(9, 30)]));
    ordering.solo.jump(29_999);
    ordering.order(addEnvelope(bob, other, 1, [1]));
    ordering.solo.clear();
    ordering.solo.jump(1);
    // At this moment the session ends, the wait is over, and the sum is reached.
    ordering.order(addEnvelope(bob, other, 2, [8]));
    ordering.order(requestsEnvelope(alice, id, 1, [waitFor(5)]));
    expect(ordering.solo.counter.ended).toEqual([id]);
    expect(ordering.solo.counter.resolved).toEqual([]);
    expect(ordering.replies).toEqual([
      [2, 9],
      [1, 'SESSION_EXPIRED'],
    ]);
    expect(ordering.solo.status.sizes).toMatchObject({ waiting: 0 });
  });
});

describe('an empty operation', () => {
  test('DESIGN §2: keeps the session alive and is none of the state machine', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    ordering.order(requestsEnvelope(alice, id, 1, [waitFor(5)]));
    for (let number = 2; number <= 6; number++) {
      ordering.solo.jump(29_999);
      ordering.order(requestsEnvelope(alice, id, number, [new Uint8Array(0)]));
      expect(ordering.last).toEqual(['empty']);
    }
    ordering.order(addEnvelope(alice, id, 7, [5]));
    expect(ordering.last).toEqual([5]);
    expect(ordering.executed).toEqual([1, 7]);
  });

  test('DESIGN §2: keeps it alive also while the kept replies fill their limit', () => {
    const ordering = new Ordering({ config: { sessionReplyBytesMax: 1 } });
    const id = ordering.open();
    const empty = new Uint8Array(0);
    ordering.order(requestsEnvelope(alice, id, 1, [Uint8Array.of(1), Uint8Array.of(1), empty]));
    expect(ordering.last).toEqual([1, 'REPLIES_FULL', 'empty']);
  });

  test('DESIGN §2: ordered again or answered it renews nothing', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    const envelope = requestsEnvelope(alice, id, 1, [new Uint8Array(0)]);
    ordering.order(envelope);
    ordering.solo.jump(20_000);
    ordering.order(envelope);
    ordering.solo.jump(10_000);
    ordering.order(addEnvelope(alice, id, 2, [1]));
    expect(ordering.last).toEqual(['SESSION_EXPIRED']);
  });
});

/** What a replica has told under this number, plain. */
const told = (cluster: Lockstep, id: number, number: number): (number | string)[] =>
  cluster
    .outputs(id, 'reply')
    .flatMap(({ firstNumber, outcomes }) => outcomes.map((outcome, i) => [firstNumber + i, plain(outcome)]))
    .flatMap(([each, outcome]) => (each === number ? [outcome!] : []));

describe('a late outcome', () => {
  test('DESIGN §2: comes once and alike after a view change, and answers a repetition there', () => {
    const cluster = new Lockstep();
    const session = cluster.open(alice);
    const envelope = requestsEnvelope(alice, session, 1, [waitFor(5)]);
    cluster.submit(envelope);
    cluster.node(0).isDown = true;
    cluster.submit(addEnvelope(alice, session, 2, [5], 1));
    cluster.tick(1500);
    expect(cluster.node(1).replica.status()).toMatchObject({ view: 1, isActive: true });
    for (const id of [1, 2, 3]) {
      expect(told(cluster, id, 1)).toEqual(['waiting', 5]);
      expect(cluster.node(id).counter.resolved).toHaveLength(1);
    }
    cluster.submit(envelope);
    expect(told(cluster, 2, 1)).toEqual(['waiting', 5, 5]);
    expect(cluster.node(2).counter.executed).toHaveLength(2);
  });

  /** Peers keep no history, so that only a state transfer helps. */
  const forgetful = (): Lockstep =>
    new Lockstep(4, { checkpointInterval: 16, watermarkWindow: 32, historyBatchesMax: 0 });

  /** Replica 3 misses what `load` has ordered, and gets the state instead. */
  function transfer(cluster: Lockstep, load: () => void): void {
    cluster.node(3).isDown = true;
    load();
    const filler = cluster.open(bob);
    for (let number = 1; number <= 40; number++) cluster.submit(addEnvelope(bob, filler, number, [0]), [0]);
    cluster.node(3).isDown = false;
    cluster.tick(2500);
    expect(cluster.outputs(3, 'event').some(({ event }) => event === 'state-transferred')).toBe(true);
    const digests = cluster.nodes.map(({ replica }) => replica.stateDigest());
    expect(digests).toEqual(digests.map(() => digests[0]));
  }

  test('pitfall 13: that came about where a replica was not, is told after its state transfer', () => {
    const cluster = forgetful();
    const session = cluster.open(alice);
    const envelope = requestsEnvelope(alice, session, 1, [waitFor(5), waitFor(6), waitFor(200)]);
    cluster.submit(envelope);
    transfer(cluster, () => cluster.submit(addEnvelope(alice, session, 4, [7], 1)));
    expect(told(cluster, 3, 1)).toEqual(['waiting', 7]);
    expect(told(cluster, 3, 2)).toEqual(['waiting', 7]);
    expect(told(cluster, 3, 3)).toEqual(['waiting']);
    cluster.submit(envelope);
    expect(told(cluster, 3, 1)).toEqual(['waiting', 7, 7]);
    cluster.submit(addEnvelope(alice, session, 5, [200], 1));
    for (const id of [0, 1, 2, 3]) expect(told(cluster, id, 3).at(-1)).toBe(207);
  });

  test('pitfall 13: of an operation that a replica got with its state, comes about there too', () => {
    const cluster = forgetful();
    const session = cluster.open(alice);
    const envelope = requestsEnvelope(alice, session, 1, [waitFor(5)]);
    transfer(cluster, () => cluster.submit(envelope));
    expect(told(cluster, 3, 1)).toEqual([]);
    cluster.submit(envelope);
    cluster.submit(addEnvelope(alice, session, 2, [5], 1));
    expect(told(cluster, 3, 1)).toEqual(['waiting', 5]);
    cluster.submit(requestsEnvelope(alice, session, 3, [Uint8Array.of(1)], { finished: [1] }));
    const digests = cluster.nodes.map(({ replica }) => replica.stateDigest());
    expect(digests).toEqual(digests.map(() => digests[0]));
  });
});
