import { describe, expect, it } from 'vitest';
import { sessionId } from '../../../src/base/index.js';
import type { ClientSettings } from '../../../src/client/index.js';
import type { Outcome } from '../../../src/codec/index.js';
import { bytes, FakeCluster, refused, result } from './fake-cluster.js';

const waiting: Outcome = { kind: 'waiting' };
const isEmpty = (operations: readonly Uint8Array[]): boolean =>
  operations.every(({ length }) => length === 0);

/** Number 2 of session 7 waits at the replicas. */
function withWait(settings: Partial<ClientSettings> = {}): { cluster: FakeCluster; call: number } {
  const cluster = FakeCluster.withSession(4, settings);
  const call = cluster.call(bytes(1), { mayWait: true });
  cluster.replyFromAll(7, 2, [waiting]);
  expect(cluster.heard).toEqual([{ kind: 'waiting', callId: call, request: { session: 7, number: 2 } }]);
  cluster.sent.length = 0;
  return { cluster, call };
}

/** Envelopes that renew the session for its own sake, each once. */
const keepAlives = (cluster: FakeCluster, session = 7) =>
  cluster.sealedIn(sessionId(session)).filter(({ operations }) => isEmpty(operations));

describe('an operation that waits', () => {
  it('is known to wait at f+1 replicas, once', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1), { mayWait: true });
    cluster.reply(0, 7, 2, [waiting]);
    cluster.reply(0, 7, 2, [waiting]);
    expect(cluster.heard).toEqual([]);
    cluster.reply(3, 7, 2, [waiting]);
    cluster.reply(1, 7, 2, [waiting]);
    expect(cluster.heard).toEqual([{ kind: 'waiting', callId: call, request: { session: 7, number: 2 } }]);
    expect(cluster.outcomes.has(call)).toBe(false);
  });

  it('has no deadline any more, and ends with what f+1 replicas say alike', () => {
    const { cluster, call } = withWait();
    cluster.advance(9_000);
    cluster.replyFromAll(7, 3, [result()]);
    cluster.advance(5_000);
    cluster.reply(0, 7, 2, [result(9)]);
    cluster.reply(1, 7, 2, [result(8)]);
    expect(cluster.outcomes.has(call)).toBe(false);
    cluster.reply(2, 7, 2, [result(9)]);
    expect(cluster.outcomes.get(call)).toEqual(result(9));
    expect(cluster.core.sizes).toMatchObject({ calls: 0, waiting: 0, heldBytes: 0, finished: 1 });
  });

  it('keeps its deadline until it is known to wait', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1), { mayWait: true, timeoutMs: 1_000 });
    cluster.reply(0, 7, 2, [waiting]);
    cluster.advance(1_000);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unknown' });
  });

  it('keeps its deadline if nobody expected it to wait', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1), { timeoutMs: 1_000 });
    cluster.replyFromAll(7, 2, [waiting]);
    cluster.advance(1_000);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unknown' });
    cluster.replyFromAll(7, 2, [result(1)]);
    cluster.call(bytes(2));
    expect(cluster.requests().at(-1)!.body.finished).toEqual([2]);
  });

  it('tells that it waits even to a call that was given up', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1), { mayWait: true });
    cluster.cancel(call);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unknown' });
    cluster.replyFromAll(7, 2, [waiting]);
    expect(cluster.heard).toMatchObject([{ kind: 'waiting', callId: call }]);
    cluster.advance(60_000);
    expect(keepAlives(cluster), 'nobody waits for it').toEqual([]);
  });

  it('ends at once when it is cancelled', () => {
    const { cluster, call } = withWait();
    cluster.cancel(call);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unknown' });
    cluster.advance(60_000);
    expect(keepAlives(cluster)).toEqual([]);
  });

  it.each([
    [
      'f+1 equal late outcomes decide before f+1 said that it waits',
      [
        [0, waiting],
        [1, result(5)],
        [2, result(5)],
      ],
    ],
    [
      'a late outcome counts although its replica said nothing before',
      [
        [0, waiting],
        [1, waiting],
        [2, result(5)],
        [3, result(5)],
      ],
    ],
    [
      'both votes of one replica count',
      [
        [0, waiting],
        [0, result(5)],
        [1, waiting],
        [1, result(5)],
      ],
    ],
    [
      'the votes may come in the wrong order',
      [
        [0, result(5)],
        [0, waiting],
        [1, result(5)],
      ],
    ],
  ] as const)('%s', (_name, votes) => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1), { mayWait: true });
    for (const [from, outcome] of votes) cluster.reply(from, 7, 2, [outcome]);
    expect(cluster.outcomes.get(call)).toEqual(result(5));
    expect(cluster.core.sizes).toMatchObject({ unanswered: 0, waiting: 0, heldBytes: 0 });
  });

  it('may be refused late: REPLIES_FULL is final', () => {
    const { cluster, call } = withWait();
    cluster.replyFromAll(7, 2, [refused('REPLIES_FULL')]);
    expect(cluster.outcomes.get(call)).toEqual(refused('REPLIES_FULL'));
    expect(cluster.core.sizes['sessions']).toBe(1);
  });

  it('holds back neither the lowest unanswered number nor the window', () => {
    const cluster = FakeCluster.withSession(4, { sessionNumbersMax: 8 });
    for (let number = 2; number < 40; number++) {
      cluster.call(bytes(number), { mayWait: true });
      cluster.replyFromAll(7, number, [waiting]);
    }
    expect(cluster.core.sizes).toMatchObject({ waiting: 38, unanswered: 0, queued: 0 });
    cluster.call(bytes(1));
    expect(cluster.requests().at(-1)!.body).toMatchObject({ firstNumber: 40, lowestUnanswered: 40 });
  });

  it('does not keep its envelope from being sent again for others that are unanswered', () => {
    const cluster = FakeCluster.withSession();
    const calls = [1, 2].map((value) => cluster.callOnly(bytes(value), { mayWait: true }));
    cluster.flush();
    cluster.replyFromAll(7, 2, [waiting]);
    cluster.sent.length = 0;
    cluster.advance(400);
    expect(cluster.requests()).toHaveLength(4);
    cluster.replyFromAll(7, 2, [waiting, waiting]);
    cluster.sent.length = 0;
    cluster.advance(5_000);
    expect(cluster.requests()).toEqual([]);
    expect(calls.map((call) => cluster.outcomes.has(call))).toEqual([false, false]);
  });
});

describe('late outcomes that have arrived', () => {
  it('are reported by the next envelopes until one of them is executed', () => {
    const { cluster } = withWait();
    cluster.replyFromAll(7, 2, [result(9)]);
    cluster.call(bytes(2));
    cluster.call(bytes(3));
    expect(cluster.requests().map(({ body }) => body.finished)).toEqual([[2], [2]]);
    cluster.reply(0, 7, 3, [result()]);
    cluster.call(bytes(4));
    expect(cluster.requests().at(-1)!.body.finished).toEqual([2]);
    cluster.reply(1, 7, 3, [result()]);
    cluster.call(bytes(5));
    expect(cluster.requests().at(-1)!.body.finished).toEqual([]);
    expect(cluster.core.sizes['finished']).toBe(0);
  });

  it('are reported of every operation that might have waited, in ascending order', () => {
    const cluster = FakeCluster.withSession();
    for (let number = 2; number < 5; number++) cluster.call(bytes(number), { mayWait: true });
    for (const number of [4, 2]) cluster.replyFromAll(7, number, [result(number)]);
    cluster.call(bytes(9));
    expect(cluster.requests().at(-1)!.body.finished).toEqual([2, 4]);
  });

  it('are not reported by an envelope that was refused', () => {
    const { cluster } = withWait();
    cluster.replyFromAll(7, 2, [result(9)]);
    cluster.call(bytes(2));
    cluster.replyFromAll(7, 3, [refused('REPLIES_FULL')]);
    cluster.call(bytes(3));
    expect(cluster.requests().at(-1)!.body.finished).toEqual([2]);
  });

  it('do not pile up: 256 of them make an envelope of their own', () => {
    const cluster = FakeCluster.withSession();
    const ids = Array.from({ length: 300 }, (_, id) =>
      cluster.callOnly(bytes(id & 255, 1), { mayWait: true }),
    );
    cluster.flush();
    cluster.replyFromAll(
      7,
      2,
      ids.map(() => waiting),
    );
    for (let number = 2; number < 2 + 255; number++) cluster.replyFromAll(7, number, [result(1)]);
    cluster.advance(1_000);
    expect(keepAlives(cluster)).toEqual([]);
    cluster.replyFromAll(7, 2 + 255, [result(1)]);
    cluster.advance(0);
    expect(keepAlives(cluster)).toHaveLength(1);
    expect(keepAlives(cluster)[0]!.finished).toEqual(Array.from({ length: 256 }, (_, index) => index + 2));
    cluster.replyFromAll(7, 302, [result()]);
    expect(cluster.core.sizes['finished']).toBe(0);
    cluster.advance(5_000);
    expect(keepAlives(cluster)).toHaveLength(1);
  });
});

describe('keep-alives', () => {
  it('are sent at a third of the lease, to the primary, as long as something waits', () => {
    const { cluster } = withWait();
    cluster.advance(9_999);
    expect(cluster.requests()).toEqual([]);
    for (let round = 0; round < 5; round++) {
      cluster.sent.length = 0;
      cluster.advance(round === 0 ? 1 : 10_000);
      expect(cluster.requests()).toMatchObject([{ to: 0, body: { session: 7, firstNumber: 3 + round } }]);
      expect(keepAlives(cluster)).toHaveLength(round + 1);
      cluster.replyFromAll(7, 3 + round, [result()]);
    }
    cluster.replyFromAll(7, 2, [result(1)]);
    cluster.sent.length = 0;
    cluster.advance(100_000);
    expect(cluster.requests()).toEqual([]);
    expect(cluster.core.nextDueMs).toBeNull();
  });

  it('are not sent without waits and feeds', () => {
    const cluster = FakeCluster.withSession();
    cluster.call(bytes(1), { mayWait: true });
    cluster.replyFromAll(7, 2, [result(1)]);
    cluster.advance(100_000);
    expect(keepAlives(cluster)).toEqual([]);
  });

  it('are put off by whatever else renews the session', () => {
    const { cluster } = withWait();
    for (let number = 3; number < 9; number++) {
      cluster.advance(6_000);
      cluster.call(bytes(number));
      cluster.replyFromAll(7, number, [result(1)]);
    }
    expect(keepAlives(cluster)).toEqual([]);
    cluster.advance(9_999);
    expect(keepAlives(cluster)).toEqual([]);
    cluster.advance(1);
    expect(keepAlives(cluster)).toHaveLength(1);
  });

  it('are sent again like any envelope, and one at a time', () => {
    const { cluster } = withWait();
    cluster.advance(15_000);
    expect(keepAlives(cluster)).toHaveLength(1);
    expect(cluster.requests().length).toBeGreaterThan(8);
  });

  it('wait for a stream', () => {
    const { cluster } = withWait();
    for (let id = 0; id < 4; id++) cluster.disconnect(id);
    cluster.advance(15_000);
    expect(keepAlives(cluster)).toEqual([]);
    cluster.connect(2);
    cluster.advance(100);
    expect(cluster.requests()).toMatchObject([{ to: 2 }]);
  });

  it('hold a session in which calls are still made', () => {
    const { cluster } = withWait();
    for (let number = 3; number < 9; number++) {
      cluster.advance(10_000);
      cluster.replyFromAll(7, number, [result()]);
    }
    cluster.call(bytes(5));
    expect(cluster.requests().at(-1)!.body).toMatchObject({ session: 7, operations: [bytes(5)] });
  });
});

describe('new streams in the middle of a wait', () => {
  it('are attached to the session, so that the late outcome comes', () => {
    const { cluster, call } = withWait();
    for (let id = 0; id < 4; id++) cluster.disconnect(id);
    for (let id = 0; id < 2; id++) cluster.connect(id);
    expect(cluster.sentOf('attach').map(({ to, message }) => [to, message.session])).toEqual([
      [0, 7],
      [1, 7],
    ]);
    for (let id = 0; id < 2; id++) cluster.reply(id, 7, 2, [result(3)]);
    expect(cluster.outcomes.get(call)).toEqual(result(3));
  });

  it('do not count a replica twice', () => {
    const { cluster, call } = withWait();
    cluster.reply(0, 7, 2, [result(3)]);
    cluster.disconnect(0);
    cluster.connect(0);
    cluster.reply(0, 7, 2, [result(3)]);
    expect(cluster.outcomes.has(call)).toBe(false);
  });
});

describe('the session is lost', () => {
  it('a keep-alive is refused SESSION_EXPIRED: what waited ends unknown, nothing is sent again', () => {
    const { cluster, call } = withWait();
    cluster.advance(10_000);
    cluster.replyFromAll(7, 3, [refused('SESSION_EXPIRED')]);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unknown' });
    cluster.sent.length = 0;
    cluster.advance(100_000);
    expect(cluster.sent).toEqual([]);
    expect(cluster.core.sizes).toMatchObject({ calls: 0, sessions: 0, waiting: 0, heldBytes: 0 });
  });

  it('a keep-alive is unanswered for a whole lease: what waited ends unknown', () => {
    const { cluster, call } = withWait();
    cluster.advance(39_999);
    expect(cluster.outcomes.has(call)).toBe(false);
    cluster.advance(1);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unknown' });
    expect(cluster.core.sizes).toMatchObject({ sessions: 0, unanswered: 0 });
  });

  it('another call is refused SESSION_EXPIRED: it is done in a new session, what waited is not', () => {
    const { cluster, call } = withWait();
    cluster.advance(5_000);
    const other = cluster.call(bytes(2));
    cluster.replyFromAll(7, 3, [refused('SESSION_EXPIRED')]);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unknown' });
    cluster.openSession(8);
    expect(cluster.sealedIn(sessionId(8)).map(({ operations }) => operations)).toEqual([[bytes(2)]]);
    expect(cluster.outcomes.has(other)).toBe(false);
  });

  it('what is known to wait is not done again, even if its own number is refused SESSION_EXPIRED at once', () => {
    const { cluster, call } = withWait();
    cluster.replyFromAll(7, 2, [refused('SESSION_EXPIRED')]);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unknown' });
    cluster.flush();
    expect(cluster.opens()).toEqual([]);
  });

  it('one liar does not lose it', () => {
    const { cluster, call } = withWait();
    cluster.advance(10_000);
    for (const number of [2, 3]) cluster.reply(3, 7, number, [refused('SESSION_EXPIRED')]);
    for (let id = 0; id < 3; id++) cluster.reply(id, 7, 3, [result()]);
    for (let id = 0; id < 3; id++) cluster.reply(id, 7, 2, [result(4)]);
    expect(cluster.outcomes.get(call)).toEqual(result(4));
  });

  it('a session that takes no more envelopes keeps its waits', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1), { mayWait: true });
    cluster.replyFromAll(7, 2, [waiting]);
    for (let id = 0; id < 4; id++) cluster.disconnect(id);
    cluster.advance(25_000);
    for (let id = 0; id < 4; id++) cluster.connect(id);
    const other = cluster.call(bytes(2));
    cluster.openSession(8);
    cluster.replyFromAll(8, 1, [result(2)]);
    expect(cluster.outcomes.get(other)).toEqual(result(2));
    cluster.advance(100);
    expect(keepAlives(cluster)).toHaveLength(1);
    cluster.replyFromAll(7, 3, [result()]);
    cluster.advance(10_000);
    expect(keepAlives(cluster)).toHaveLength(2);
    expect(keepAlives(cluster, 8)).toEqual([]);
    cluster.replyFromAll(7, 4, [result()]);
    cluster.replyFromAll(7, 2, [result(9)]);
    expect(cluster.outcomes.get(call)).toEqual(result(9));
    expect(cluster.core.sizes).toMatchObject({ sessions: 1 });
  });

  it('a call given up in a session that lasts is not forgotten: it may wait for nobody', () => {
    const { cluster } = withWait();
    const given = cluster.call(bytes(2), { mayWait: true });
    cluster.cancel(given);
    for (let id = 0; id < 4; id++) cluster.disconnect(id);
    cluster.advance(25_000);
    for (let id = 0; id < 4; id++) cluster.connect(id);
    cluster.call(bytes(3));
    cluster.openSession(8);
    cluster.replyFromAll(7, 3, [waiting]);
    expect(cluster.heard.at(-1)).toEqual({
      kind: 'waiting',
      callId: given,
      request: { session: 7, number: 3 },
    });
  });
});

describe('liars', () => {
  it('make nothing wait: one vote does not, and a result still counts', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1));
    cluster.reply(3, 7, 2, [waiting]);
    for (let id = 0; id < 2; id++) cluster.reply(id, 7, 2, [result(1)]);
    expect(cluster.outcomes.get(call)).toEqual(result(1));
    expect(cluster.heard).toEqual([]);
  });

  it('fill no memory with late outcomes, and correct replicas are still heard', () => {
    const { cluster, call } = withWait({ heldBytesMax: 1_000 });
    for (let number = 3; number < 20; number++) {
      cluster.call(bytes(number), { mayWait: true });
      for (let id = 0; id < 3; id++) cluster.reply(id, 7, number, [waiting]);
    }
    const flood: Outcome = { kind: 'result', result: new Uint8Array(300) };
    for (let number = 2; number < 20; number++) cluster.reply(3, 7, number, [flood]);
    expect(cluster.core.sizes['heldBytes']).toBe(900);
    for (let id = 0; id < 2; id++) cluster.reply(id, 7, 2, [result(7)]);
    expect(cluster.outcomes.get(call)).toEqual(result(7));
  });

  it('cannot answer numbers that were never used', () => {
    const { cluster } = withWait();
    for (let number = 0; number < 50; number++) cluster.reply(3, 7, number, [waiting]);
    for (let number = 3; number < 50; number++) cluster.reply(3, 7, number, [result(1)]);
    expect(cluster.core.sizes).toMatchObject({ waiting: 1, finished: 0, heldBytes: 0 });
  });
});
