/** Who is a client is state of the service, and all replicas judge it where they execute (DESIGN sections 2 and 5). */
import { describe, expect, test } from 'vitest';
import type { SessionId } from '../../src/base/index.js';
import { admitClient, Counter, endClient, openFeed, waitFor } from '../support/counter.js';
import {
  addEnvelope,
  alice,
  bob,
  Lockstep,
  openEnvelope,
  requestsEnvelope,
  sha256,
} from '../support/lockstep.js';
import { batchOf, prepare, prePrepare } from '../support/messages.js';
import { Ordering, plain } from '../support/ordering.js';

/** Alice's session, used up to number 1; bob is no client. */
function withoutBob(): { ordering: Ordering; id: SessionId } {
  const ordering = new Ordering();
  const id = ordering.open();
  ordering.order(requestsEnvelope(alice, id, 1, [endClient(bob)]));
  return { ordering, id };
}

describe('a client that is ended', () => {
  test('DESIGN §5: loses all its sessions at once, told ascending; others keep theirs', () => {
    const ordering = new Ordering();
    const [mine, used, unused] = [ordering.open(), ordering.open(1, bob), ordering.open(2, bob)];
    ordering.order(addEnvelope(bob, used, 1, [1]));
    ordering.order(requestsEnvelope(alice, mine, 1, [endClient(bob)]));
    expect(ordering.solo.counter.ended).toEqual([used, unused]);
    ordering.order(addEnvelope(bob, used, 2, [1]), addEnvelope(bob, unused, 1, [1]));
    expect(ordering.last).toEqual(['SESSION_EXPIRED']);
    ordering.order(addEnvelope(alice, mine, 2, [4]));
    expect(ordering.last).toEqual([5]);
  });

  test('DESIGN §5: in the same batch: what comes before is executed, what comes after is not', () => {
    const ordering = new Ordering();
    const [mine, his] = [ordering.open(), ordering.open(1, bob)];
    ordering.solo.clear();
    ordering.order(
      addEnvelope(bob, his, 1, [1]),
      requestsEnvelope(alice, mine, 1, [endClient(bob)]),
      addEnvelope(bob, his, 2, [50, 50]),
      openEnvelope(bob, 2),
    );
    expect(ordering.replies).toEqual([
      [1, 1],
      [1, 1],
      [2, 'SESSION_EXPIRED', 'SESSION_EXPIRED'],
    ]);
    expect(ordering.solo.of('opened')).toEqual([]);
    expect(ordering.solo.counter.value).toBe(1);
  });

  test('DESIGN §5: by itself: the operation has its result, the rest of its envelope is not executed', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    ordering.solo.clear();
    ordering.order(requestsEnvelope(alice, id, 1, [Uint8Array.of(7), endClient(alice), Uint8Array.of(9)]));
    expect(ordering.replies).toEqual([[1, 7, 7, 'SESSION_EXPIRED']]);
    const kinds = ordering.solo.outputs.map(({ kind }) => kind);
    expect(kinds.indexOf('clientEnded')).toBeGreaterThan(kinds.indexOf('reply'));
    expect(ordering.solo.counter.ended).toEqual([id]);
    expect(ordering.solo.counter.value).toBe(7);
  });

  test('DESIGN §5: what waits in its sessions, and its feeds, end without a word', () => {
    const ordering = new Ordering();
    const [mine, his] = [ordering.open(), ordering.open(1, bob)];
    ordering.order(requestsEnvelope(bob, his, 1, [waitFor(5), openFeed()]));
    ordering.solo.give({ kind: 'follow', stream: 1, client: bob, session: his, number: 2, after: 0 });
    ordering.solo.clear();
    ordering.order(requestsEnvelope(alice, mine, 1, [endClient(bob), Uint8Array.of(5)]));
    expect(ordering.replies).toEqual([[1, 0, 5]]);
    expect(ordering.solo.of('feedEvent')).toEqual([]);
    expect(ordering.solo.status.sizes).toMatchObject({ waiting: 0, followers: 0, sessions: 1 });
  });

  test('DESIGN §5: its streams end, once what was said before has left', () => {
    const ordering = new Ordering();
    const [mine, his] = [ordering.open(), ordering.open(1, bob)];
    ordering.order(requestsEnvelope(bob, his, 1, [waitFor(3)]));
    ordering.solo.clear();
    ordering.order(requestsEnvelope(alice, mine, 1, [Uint8Array.of(3), endClient(bob)]));
    const told = ordering.solo.outputs.filter(({ kind }) => kind === 'reply' || kind === 'clientEnded');
    expect(told).toMatchObject([
      { kind: 'reply', client: alice },
      { kind: 'reply', client: bob, firstNumber: 1 },
      { kind: 'clientEnded', client: bob },
    ]);
  });

  test('DESIGN §2: what of it waits to be ordered is forgotten, and no primary is suspected for it', () => {
    const ordering = new Ordering();
    const [mine, his] = [ordering.open(), ordering.open(1, bob)];
    ordering.solo.submit(addEnvelope(bob, his, 1, [1]));
    ordering.solo.submit(openEnvelope(bob, 7));
    expect(ordering.solo.status.pending).toBe(2);
    ordering.order(requestsEnvelope(alice, mine, 1, [endClient(bob)]));
    expect(ordering.solo.status.pending).toBe(0);
    ordering.solo.tick(5_000);
    expect(ordering.solo.sent('viewChange')).toEqual([]);
  });

  test('DESIGN §2: the sessions of all replicas are the same afterwards', () => {
    const cluster = new Lockstep();
    const [mine, his] = [cluster.open(alice), cluster.open(bob)];
    cluster.submit(addEnvelope(bob, his, 1, [1]));
    cluster.submit(requestsEnvelope(alice, mine, 1, [endClient(bob)]));
    const digests = cluster.nodes.map(({ replica }) => replica.stateDigest());
    expect(new Set(digests).size).toBe(1);
    expect(cluster.nodes.map(({ replica }) => replica.isClient(bob))).toEqual([false, false, false, false]);
  });
});

test('DESIGN §5: where a client ended by a state transfer, what of it waited is forgotten as well', () => {
  const cluster = new Lockstep(4, {
    checkpointInterval: 8,
    watermarkWindow: 16,
    historyBytesMax: 0,
    historyBatchesMax: 0,
  });
  const [mine, his] = [cluster.open(alice), cluster.open(bob)];
  cluster.filter = ({ from, to, message }) => (from === 3 || to === 3 ? null : message);
  cluster.submit(addEnvelope(bob, his, 1, [1]), [3]);
  expect(cluster.node(3).replica.status().pending).toBe(1);
  cluster.submit(requestsEnvelope(alice, mine, 1, [endClient(bob)]), [0]);
  for (let number = 2; number <= 40; number++) cluster.submit(addEnvelope(alice, mine, number, [0]), [0]);
  cluster.filter = ({ message }) => message;
  cluster.tick(2_500);
  expect(cluster.outputs(3, 'event').some(({ event }) => event === 'state-transferred')).toBe(true);
  expect(cluster.node(3).replica.status().pending).toBe(0);
  expect(cluster.node(3).replica.isClient(bob)).toBe(false);
  const digests = cluster.nodes.map(({ replica }) => replica.stateDigest());
  expect(digests).toEqual(digests.map(() => digests[0]));
});

describe('who is no client', () => {
  test('DESIGN §5: gets no session, and no answer that would outlast his registration', () => {
    const { ordering, id } = withoutBob();
    ordering.solo.clear();
    const open = openEnvelope(bob, 2);
    ordering.order(open);
    expect(ordering.solo.of('opened')).toEqual([]);
    ordering.order(requestsEnvelope(alice, id, 2, [admitClient(bob)]));
    ordering.order(open);
    expect(ordering.solo.of('opened')).toMatchObject([{ client: bob }]);
    expect(ordering.solo.of('opened')[0]!.session).toBeGreaterThan(id);
  });

  test('DESIGN §5: his envelopes are ignored and his reads left to be ordered, without evidence', () => {
    const { ordering } = withoutBob();
    ordering.solo.clear();
    ordering.solo.submit(openEnvelope(bob, 2));
    ordering.solo.message(0, { kind: 'forward', envelope: openEnvelope(bob, 3).bytes });
    ordering.solo.give({ kind: 'read', client: bob, readId: 1, operation: Uint8Array.of(0) });
    expect(ordering.solo.status.pending).toBe(0);
    expect(ordering.solo.sent('forward')).toEqual([]);
    expect(ordering.solo.evidence()).toEqual([]);
    expect(ordering.solo.of('readReply')).toMatchObject([{ readId: 1, result: null }]);
  });

  test('DESIGN §5: is not taken for a fault of the primary that proposes him: it may know more', () => {
    const { ordering } = withoutBob();
    ordering.solo.clear();
    const batch = batchOf(ordering.solo.nowMs, openEnvelope(bob, 2));
    ordering.solo.message(0, prePrepare(0, 3, batch));
    expect(ordering.solo.sent('prepare')).toMatchObject([prepare(0, 3, batch.digest)]);
    expect(ordering.solo.evidence()).toEqual([]);
  });

  test('DESIGN §2: at a replica that lags is one as soon as it has caught up, if he goes on asking', () => {
    const { ordering, id } = withoutBob();
    ordering.solo.submit(openEnvelope(bob, 2));
    expect(ordering.solo.status.pending).toBe(0);
    ordering.order(requestsEnvelope(alice, id, 2, [admitClient(bob)]));
    ordering.solo.submit(openEnvelope(bob, 2));
    expect(ordering.solo.status.pending).toBe(1);
  });

  test('DESIGN §5: is anybody else than the machine says; one that says nothing is open to all', () => {
    const open = new Counter(sha256);
    Object.assign(open, { isClient: undefined });
    const ordering = new Ordering({ counter: open });
    const id = ordering.open(1, bob);
    ordering.order(addEnvelope(bob, id, 1, [1]));
    expect(ordering.solo.of('reply').at(-1)!.outcomes.map(plain)).toEqual([1]);
    expect(ordering.solo.replica.isClient(alice)).toBe(true);
  });
});

test('DESIGN §2: effects come within execution only', () => {
  class Late extends Counter {
    kept: Parameters<Counter['execute']>[1] | null = null;

    override execute(...[ordered, effects]: Parameters<Counter['execute']>): Uint8Array | null {
      this.kept = effects;
      return super.execute(ordered, effects);
    }
  }
  const counter = new Late(sha256);
  const ordering = new Ordering({ counter });
  ordering.order(addEnvelope(alice, ordering.open(), 1, [1]));
  expect(() => counter.kept!.endClient(bob)).toThrow(/outside of execution/);
});
