/**
 * Shares beside votes (DESIGN section 7): they decide nothing, but what they belong to is decided only by so many that f+1
 * good ones are among them; and operations that are bound to their request.
 */
import { describe, expect, it } from 'vitest';
import { clientId, clientName, replicaId, sessionId, viewNumber } from '../../../src/base/index.js';
import type { BoundOperation, Shares } from '../../../src/client/index.js';
import { encodeEvent, encodeResult, hidden, type Entry, type Outcome } from '../../../src/codec/index.js';
import { bytes, FakeCluster, refused, result } from './fake-cluster.js';

const entry: Entry = {
  id: 5n,
  tuple: [hidden],
  owner: clientName('alice'),
  deadline: null,
  sealed: {
    bytes: bytes(1, 2, 3),
    space: 'secrets',
    inserter: clientId('a'.repeat(64)),
    session: sessionId(3),
    number: 4,
  },
};
const sealedResult = encodeResult({ kind: 'entry', entry });
const outcome: Outcome = { kind: 'result', result: sealedResult };

const shareOf = (replica: number): Uint8Array => bytes(100 + replica);
const sharesOf = (...replicas: number[]): Shares =>
  new Map(replicas.map((replica) => [replicaId(replica), shareOf(replica)]));

function reply(cluster: FakeCluster, from: number, shares: readonly Uint8Array[], firstNumber = 2): void {
  const outcomes = shares.map(() => outcome);
  const session = sessionId(7);
  cluster.receive(from, { kind: 'reply', view: viewNumber(0), session, firstNumber, outcomes, shares });
}

describe('an ordered result with something sealed in it', () => {
  it.each([
    [4, 3],
    [5, 4],
    [7, 5],
    [10, 7],
  ])('of %i replicas needs %i equal ones, and comes with the shares of those', (n, needed) => {
    const cluster = FakeCluster.withSession(n);
    const call = cluster.call(bytes(1));
    for (let id = n - 1; id > n - needed; id--) reply(cluster, id, [shareOf(id)]);
    expect(cluster.outcomes.get(call)).toBeUndefined();
    reply(cluster, n - needed, [shareOf(n - needed)]);
    const voters = Array.from({ length: needed }, (_, i) => n - 1 - i);
    expect(cluster.outcomes.get(call)).toEqual({ ...outcome, shares: sharesOf(...voters) });
  });

  it('is decided by what is equal in it, whatever the shares, and without those that a replica left out', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1));
    reply(cluster, 0, [shareOf(9)]);
    cluster.reply(1, 7, 2, [outcome]);
    reply(cluster, 3, [shareOf(3)]);
    const shares = new Map([
      [replicaId(0), shareOf(9)],
      [replicaId(3), shareOf(3)],
    ]);
    expect(cluster.outcomes.get(call)).toEqual({ ...outcome, shares });
  });

  it('waits for no more than f+1 if it is a refusal or holds nothing sealed', () => {
    const cluster = FakeCluster.withSession();
    const calls = [cluster.call(bytes(1)), cluster.call(bytes(2))];
    for (const id of [0, 1]) {
      cluster.reply(id, 7, 2, [result(5)]);
      cluster.reply(id, 7, 3, [refused('REPLIES_FULL')]);
    }
    expect(calls.map((call) => cluster.outcomes.get(call))).toEqual([result(5), refused('REPLIES_FULL')]);
  });

  it('gives each outcome of a reply its own shares', () => {
    const cluster = FakeCluster.withSession();
    const calls = [cluster.callOnly(bytes(1)), cluster.callOnly(bytes(2))];
    cluster.flush();
    for (const id of [0, 1, 2]) reply(cluster, id, [shareOf(id), shareOf(10 + id)]);
    const second = new Map([0, 1, 2].map((id) => [replicaId(id), shareOf(10 + id)]));
    expect(calls.map((call) => cluster.outcomes.get(call))).toEqual([
      { ...outcome, shares: sharesOf(0, 1, 2) },
      { ...outcome, shares: second },
    ]);
  });

  it('fills no memory with shares', () => {
    const cluster = FakeCluster.withSession(4, { heldBytesMax: 1_000 });
    for (let i = 0; i < 5; i++) cluster.callOnly(bytes(i));
    cluster.flush();
    for (let i = 0; i < 5; i++) reply(cluster, 3, [new Uint8Array(300)], 2 + i);
    // Of each vote the outcome and the shares; a third does not fit.
    const each = sealedResult.length + 300;
    expect(cluster.core.sizes['heldBytes']).toBe(2 * each);
    for (const id of [0, 1]) for (let i = 0; i < 5; i++) reply(cluster, id, [shareOf(id)], 2 + i);
    // The calls whose third vote was not kept wait for the next one.
    expect([...cluster.outcomes.keys()]).toHaveLength(1 + 2);
    for (let i = 0; i < 5; i++) reply(cluster, 2, [shareOf(2)], 2 + i);
    expect([...cluster.outcomes.keys()]).toHaveLength(1 + 5);
    expect(cluster.core.sizes['heldBytes']).toBe(0);
  });
});

describe('a fast read', () => {
  interface Reading {
    readonly cluster: FakeCluster;
    readonly call: number;
    readonly readId: number;
    /** Those asked for their shares, and the others of the quorum. */
    readonly sharers: readonly number[];
    readonly others: readonly number[];
    answer(from: number, shares?: Uint8Array): void;
  }

  function read(cluster = FakeCluster.connected()): Reading {
    const before = cluster.sentOf('read').length;
    const call = cluster.call(bytes(1), { isFastRead: true });
    const asked = cluster.sentOf('read').slice(before);
    const { readId } = asked[0]!.message;
    const answer = (from: number, shares?: Uint8Array): void => {
      const reply = { kind: 'readReply', readId, result: sealedResult } as const;
      cluster.receive(from, shares === undefined ? reply : { ...reply, shares });
    };
    const those = (wantsShares: boolean): number[] =>
      asked.filter(({ message }) => (message.wantsShares === true) === wantsShares).map(({ to }) => to);
    return { cluster, call, readId, sharers: those(true), others: those(false), answer };
  }

  it.each([
    [4, 2, 1],
    [7, 3, 2],
    [10, 4, 3],
  ])('of %i replicas asks f+1 of the quorum for their shares, and hands those over', (n, sharing, silent) => {
    const { cluster, call, sharers, others, answer } = read(FakeCluster.connected(n));
    expect([sharers.length, others.length]).toEqual([sharing, silent]);
    for (const id of others) answer(id);
    for (const id of sharers) answer(id, shareOf(id));
    expect(cluster.outcomes.get(call)).toEqual({ ...outcome, shares: sharesOf(...sharers) });
  });

  it('asks the rest for theirs when one of them keeps its own, and asks that one last from then on', () => {
    const { cluster, call, sharers, others, answer } = read();
    const [keeper, giver] = sharers as [number, number];
    for (const id of others) answer(id);
    answer(giver, shareOf(giver));
    answer(keeper);
    expect(cluster.outcomes.get(call)).toBeUndefined();
    const last = cluster.sentOf('read').at(-1)!;
    expect(last.message).toMatchObject({ kind: 'read', wantsShares: true });
    expect([...sharers, ...others]).not.toContain(last.to);
    answer(last.to, shareOf(last.to));
    expect(cluster.outcomes.get(call)).toEqual({ ...outcome, shares: sharesOf(giver, last.to) });
    for (let i = 0; i < 4; i++) {
      const next = read(cluster);
      expect(next.sharers).not.toContain(keeper);
      cluster.step({ kind: 'cancel', callId: next.call });
    }
  });

  it('is ordered when too few send theirs at all', () => {
    const { cluster, sharers, others, answer } = read();
    for (const id of [...sharers, ...others]) answer(id);
    answer(cluster.sentOf('read').at(-1)!.to);
    expect(cluster.opens()).not.toEqual([]);
  });

  it('asks a replica that was caught lying last', () => {
    const cluster = FakeCluster.connected();
    cluster.step({ kind: 'distrust', replica: replicaId(2) });
    for (let i = 0; i < 8; i++) {
      const { call, sharers, others } = read(cluster);
      expect([...sharers, ...others]).not.toContain(2);
      cluster.step({ kind: 'cancel', callId: call });
    }
  });
});

describe('an event', () => {
  const request = { session: sessionId(7), number: 1 };
  function following(): { cluster: FakeCluster; tell(from: number, data: Uint8Array): void } {
    const cluster = FakeCluster.withSession();
    cluster.step({ kind: 'follow', feedId: 1, request, after: 10 });
    const tell = (from: number, data: Uint8Array): void => {
      const event = { kind: 'feedEvent', ...request, previous: 10, sequence: 11, data } as const;
      cluster.receive(from, { ...event, shares: shareOf(from) });
    };
    return { cluster, tell };
  }

  it('with something sealed in it is told once a quorum has told it, with its shares', () => {
    const { cluster, tell } = following();
    const data = encodeEvent({ kind: 'inserted', entry });
    for (const id of [3, 0]) tell(id, data);
    expect(cluster.heard).toEqual([]);
    tell(2, data);
    const shares = sharesOf(3, 0, 2);
    expect(cluster.heard).toEqual([{ kind: 'feedEvent', feedId: 1, sequence: 11, data, shares }]);
  });

  it('without is told once f+1 have told it', () => {
    const { cluster, tell } = following();
    for (const id of [3, 0]) tell(id, bytes(1));
    expect(cluster.heard).toMatchObject([{ kind: 'feedEvent', sequence: 11 }]);
  });
});

describe('an operation bound to its request', () => {
  const bound: BoundOperation = {
    length: 2,
    encode: ({ session, number }) => bytes(session, number),
  };

  it('is encoded for the session and number that it gets, in one envelope with others', () => {
    const cluster = FakeCluster.withSession();
    for (const operation of [bytes(1), bound, bytes(2), bound]) cluster.callOnly(operation);
    cluster.flush();
    const [{ body }] = cluster.requests() as [ReturnType<FakeCluster['requests']>[number]];
    expect(body.firstNumber).toBe(2);
    expect(body.operations).toEqual([bytes(1), bytes(7, 3), bytes(2), bytes(7, 5)]);
  });

  it('is encoded anew when it certainly was not executed and goes into another session', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bound);
    for (const id of [0, 1]) cluster.reply(id, 7, 2, [refused('SESSION_EXPIRED')]);
    cluster.openSession(9);
    expect(cluster.requests().at(-1)!.body.operations).toEqual([bytes(9, 1)]);
    cluster.replyFromAll(9, 1, [result(5)]);
    expect(cluster.outcomes.get(call)).toEqual(result(5));
  });
});
