import { describe, expect, it } from 'vitest';
import { sessionId } from '../../../src/base/index.js';
import { bytes, FakeCluster, refused, result } from './fake-cluster.js';

describe('voting on replies', () => {
  it.each([
    [4, 2],
    [7, 3],
    [10, 4],
  ])('of %i replicas needs f+1 = %i equal ones', (n, needed) => {
    const cluster = FakeCluster.withSession(n);
    const call = cluster.call(bytes(1));
    for (let id = 0; id < needed - 1; id++) cluster.reply(id, 7, 2, [result(5)]);
    expect(cluster.outcomes.get(call)).toBeUndefined();
    cluster.reply(needed - 1, 7, 2, [result(5)]);
    expect(cluster.outcomes.get(call)).toEqual(result(5));
  });

  it('does not believe f liars, however often they say it', () => {
    const cluster = FakeCluster.withSession(7);
    const call = cluster.call(bytes(1));
    for (let i = 0; i < 5; i++) for (const liar of [5, 6]) cluster.reply(liar, 7, 2, [result(66)]);
    expect(cluster.outcomes.get(call)).toBeUndefined();
    for (const honest of [0, 1, 2]) cluster.reply(honest, 7, 2, [result(5)]);
    expect(cluster.outcomes.get(call)).toEqual(result(5));
  });

  it("counts a replica's second, different answer as its first", () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1));
    cluster.reply(3, 7, 2, [result(66)]);
    cluster.reply(0, 7, 2, [result(5)]);
    cluster.reply(3, 7, 2, [result(5)]);
    expect(cluster.outcomes.get(call)).toBeUndefined();
    cluster.reply(1, 7, 2, [result(5)]);
    expect(cluster.outcomes.get(call)).toEqual(result(5));
  });

  it('does not count a refusal and a result together', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1));
    cluster.reply(0, 7, 2, [refused('REPLIES_FULL')]);
    cluster.reply(1, 7, 2, [result()]);
    expect(cluster.outcomes.get(call)).toBeUndefined();
    cluster.reply(2, 7, 2, [refused('REPLIES_FULL')]);
    expect(cluster.outcomes.get(call)).toEqual(refused('REPLIES_FULL'));
  });

  it('votes number by number, whatever the order and the cut of the replies', () => {
    const cluster = FakeCluster.withSession();
    const calls = [1, 2, 3].map((value) => cluster.callOnly(bytes(value)));
    cluster.flush();
    cluster.reply(2, 7, 4, [result(13)]);
    cluster.reply(0, 7, 2, [result(11), result(12), result(13)]);
    expect(calls.map((call) => cluster.outcomes.get(call))).toEqual([undefined, undefined, result(13)]);
    cluster.reply(1, 7, 3, [result(12), result(99)]);
    cluster.reply(3, 7, 1, [result(98), result(11)]);
    expect(calls.map((call) => cluster.outcomes.get(call))).toEqual([result(11), result(12), result(13)]);
  });

  it('ignores replies of other sessions, of numbers not in flight, and from the past', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1));
    cluster.replyFromAll(8, 2, [result(66)]);
    cluster.replyFromAll(7, 3, [result(66)]);
    cluster.replyFromAll(7, 1, [result(0)]);
    expect(cluster.outcomes.get(call)).toBeUndefined();
    cluster.replyFromAll(7, 2, [result(5)]);
    cluster.replyFromAll(7, 2, [result(66)]);
    expect(cluster.outcomes.get(call)).toEqual(result(5));
  });

  it('keeps no more undecided bytes of a replica than a correct one can have', () => {
    const cluster = FakeCluster.withSession(4, { heldBytesMax: 1_000 });
    const calls = Array.from({ length: 20 }, (_, i) => cluster.callOnly(bytes(i)));
    cluster.flush();
    for (let i = 0; i < 20; i++) {
      cluster.reply(3, 7, 2 + i, [{ kind: 'result', result: new Uint8Array(300).fill(66) }]);
    }
    expect(cluster.core.sizes['heldBytes']).toBe(900);
    for (let i = 0; i < 20; i++) for (const id of [0, 1]) cluster.reply(id, 7, 2 + i, [result(i)]);
    expect(calls.map((call) => cluster.outcomes.get(call))).toEqual(calls.map((_, i) => result(i)));
    expect(cluster.core.sizes['heldBytes']).toBe(0);
  });
});

describe('sending', () => {
  it('goes to the primary, then to all, then again at doubling intervals up to the cap', () => {
    const cluster = FakeCluster.withSession();
    cluster.call(bytes(1), { timeoutMs: 9_000 });
    cluster.advance(8_000);
    const sent = cluster.requests();
    const times = [...new Set(sent.map(({ atMs }) => atMs))];
    expect(times).toEqual([0, 300, 900, 2_100, 4_100, 6_100]);
    expect(sent.filter(({ atMs }) => atMs === 0).map(({ to }) => to)).toEqual([0]);
    for (const atMs of times.slice(1)) {
      expect(sent.filter((one) => one.atMs === atMs).map(({ to }) => to)).toEqual([0, 1, 2, 3]);
    }
  });

  it('repeats the very same envelope', () => {
    const cluster = FakeCluster.withSession();
    cluster.call(bytes(1));
    cluster.advance(5_000);
    const envelopes = new Set(cluster.sentOf('submit').map(({ message }) => message.envelope));
    expect(envelopes.size).toBe(1);
    expect(cluster.sealedIn(sessionId(7))).toHaveLength(2);
  });

  it('puts what is ready in one turn into one envelope of contiguous numbers', () => {
    const cluster = FakeCluster.withSession();
    for (const value of [1, 2, 3]) cluster.callOnly(bytes(value));
    cluster.flush();
    cluster.call(bytes(4));
    expect(cluster.requests().map(({ body }) => body)).toMatchObject([
      { session: 7, firstNumber: 2, lowestUnanswered: 2, operations: [bytes(1), bytes(2), bytes(3)] },
      { session: 7, firstNumber: 5, lowestUnanswered: 2, operations: [bytes(4)] },
    ]);
  });

  it('starts another envelope at 512 operations and at 1 MiB', () => {
    const many = FakeCluster.withSession();
    for (let i = 0; i < 600; i++) many.callOnly(bytes(1));
    many.flush();
    expect(many.requests().map(({ body }) => body.operations.length)).toEqual([512, 88]);

    const large = FakeCluster.withSession();
    const operation = new Uint8Array(400 << 10);
    for (let i = 0; i < 3; i++) large.callOnly(operation);
    large.callOnly(new Uint8Array(1_500 << 10));
    large.callOnly(bytes(1));
    large.flush();
    expect(large.requests().map(({ body }) => body.operations.length)).toEqual([2, 1, 1, 1]);
  });

  it('follows the primary of the (f+1)-th highest view reported', () => {
    const cluster = FakeCluster.withSession();
    const next = (): number => {
      cluster.sent.length = 0;
      cluster.call(bytes(1));
      return cluster.requests()[0]!.to;
    };
    cluster.reply(3, 7, 1, [result(0)], 1_000_001);
    expect(next()).toBe(0);
    cluster.reply(1, 7, 1, [result(0)], 2);
    expect(next()).toBe(2);
    cluster.reply(0, 7, 1, [result(0)], 1);
    expect(next()).toBe(2);
    cluster.connect(2, 5);
    expect(next()).toBe(1);
  });

  it('goes to everyone while the primary is not connected', () => {
    const cluster = FakeCluster.withSession();
    cluster.disconnect(0);
    cluster.call(bytes(1));
    expect(cluster.requests().map(({ to }) => to)).toEqual([1, 2, 3]);
  });

  it('goes to all at once when the only replica that was sent it disconnects', () => {
    const cluster = FakeCluster.withSession();
    cluster.call(bytes(1));
    cluster.advance(10);
    cluster.disconnect(0);
    cluster.advance(1);
    expect(cluster.requests().map(({ atMs, to }) => [atMs, to])).toEqual([
      [0, 0],
      [10, 1],
      [10, 2],
      [10, 3],
    ]);
  });

  it('gives a replica that comes back the sessions and what all were sent', () => {
    const cluster = FakeCluster.withSession();
    cluster.disconnect(3);
    cluster.call(bytes(1));
    cluster.advance(300);
    cluster.sent.length = 0;
    cluster.connect(3);
    expect(cluster.sent.map(({ to }) => to)).toEqual([3, 3]);
    expect(cluster.sentOf('attach').map(({ message }) => message.session)).toEqual([7]);
    expect(cluster.requests().map(({ body }) => body.firstNumber)).toEqual([2]);
  });
});

describe('the window of request numbers', () => {
  it('is never exceeded; the rest waits in order', () => {
    const cluster = FakeCluster.withSession();
    const calls = Array.from({ length: 1_500 }, (_, i) => cluster.callOnly(bytes(i & 255)));
    cluster.flush();
    expect(cluster.requests().map(({ body }) => body.operations.length)).toEqual([512, 512]);
    // Everything but the lowest number is answered: the window does not move.
    cluster.replyFromAll(
      7,
      3,
      Array.from({ length: 1_023 }, () => result(1)),
    );
    expect(cluster.requests()).toHaveLength(2);
    cluster.replyFromAll(7, 2, [result(1)]);
    expect(cluster.requests().at(-1)!.body).toMatchObject({ firstNumber: 1_026, lowestUnanswered: 1_026 });
    cluster.replyFromAll(
      7,
      1_026,
      Array.from({ length: 476 }, () => result(1)),
    );
    expect(calls.every((call) => cluster.outcomes.get(call)?.kind === 'result')).toBe(true);
    expect(cluster.core.sizes).toMatchObject({ calls: 0, queued: 0, unanswered: 0, sessions: 1 });
  });

  it('carries the lowest unanswered number, which a timed-out call still holds', () => {
    const cluster = FakeCluster.withSession();
    const slow = cluster.call(bytes(1), { timeoutMs: 100 });
    cluster.advance(200);
    expect(cluster.outcomes.get(slow)).toEqual({ kind: 'unknown' });
    cluster.call(bytes(2));
    expect(cluster.requests().at(-1)!.body).toMatchObject({ firstNumber: 3, lowestUnanswered: 2 });
    cluster.replyFromAll(7, 2, [result(1)]);
    cluster.call(bytes(3));
    expect(cluster.requests().at(-1)!.body).toMatchObject({ firstNumber: 4, lowestUnanswered: 3 });
  });

  it('gives a session up when a number stays unanswered for a lease, and stops repeating it', () => {
    const cluster = FakeCluster.withSession();
    const lost = cluster.call(bytes(1), { timeoutMs: 1_000 });
    for (let second = 0; second < 35; second++) {
      cluster.advance(1_000);
      const number = cluster.requests().at(-1)!.body.firstNumber;
      if (number > 2) cluster.replyFromAll(7, number, [result(1)]);
      if (second < 28) cluster.call(bytes(2));
    }
    expect(cluster.outcomes.get(lost)).toEqual({ kind: 'unknown' });
    expect(cluster.core.sizes).toMatchObject({ sessions: 0, unanswered: 0 });
    cluster.sent.length = 0;
    cluster.advance(60_000);
    expect(cluster.sent).toEqual([]);
    cluster.call(bytes(3));
    expect(cluster.opens()).toHaveLength(4);
  });
});
