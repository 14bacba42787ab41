import { describe, expect, it } from 'vitest';
import { bytes, FakeCluster, result } from './fake-cluster.js';

const unavailable = { kind: 'unavailable' };
const unknown = { kind: 'unknown' };

describe('the three outcomes (pitfalls 38 and 42)', () => {
  it('unavailable: the deadline passed and no replica was connected', () => {
    const cluster = new FakeCluster();
    const call = cluster.call(bytes(1), { timeoutMs: 500 });
    cluster.advance(499);
    expect(cluster.outcomes.get(call)).toBeUndefined();
    cluster.advance(1);
    expect(cluster.outcomes.get(call)).toEqual(unavailable);
    expect(cluster.sent).toEqual([]);
  });

  it('unavailable: only the OPEN was sent, which executes nothing', () => {
    const cluster = FakeCluster.connected();
    const call = cluster.call(bytes(1), { timeoutMs: 500 });
    cluster.advance(500);
    expect(cluster.outcomes.get(call)).toEqual(unavailable);
    cluster.openSession(7);
    expect(cluster.requests()).toEqual([]);
  });

  it('unavailable: it waited for a number in the window', () => {
    const cluster = FakeCluster.withSession(4, { sessionNumbersMax: 1 });
    const first = cluster.call(bytes(1), { timeoutMs: 5_000 });
    const second = cluster.call(bytes(2), { timeoutMs: 500 });
    cluster.advance(500);
    expect(cluster.outcomes.get(first)).toBeUndefined();
    expect(cluster.outcomes.get(second)).toEqual(unavailable);
    cluster.replyFromAll(7, 2, [result(1)]);
    expect(cluster.requests()).toHaveLength(5);
    expect(cluster.requests().every(({ body }) => body.operations.length === 1)).toBe(true);
  });

  it('unavailable: the deadline had passed when the call was made', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1), { timeoutMs: 0 });
    expect(cluster.outcomes.get(call)).toEqual(unavailable);
    expect(cluster.sent).toEqual([]);
  });

  it('unknown: it was sent; a later answer changes nothing', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1), { timeoutMs: 500 });
    cluster.advance(500);
    expect(cluster.outcomes.get(call)).toEqual(unknown);
    cluster.replyFromAll(7, 2, [result(1)]);
    expect(cluster.outcomes.get(call)).toEqual(unknown);
    expect(cluster.core.sizes).toMatchObject({ calls: 0, unanswered: 0 });
  });

  it('unknown: f+1 equal answers never came together', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1), { timeoutMs: 500 });
    for (let id = 0; id < 4; id++) cluster.reply(id, 7, 2, [result(id)]);
    cluster.advance(500);
    expect(cluster.outcomes.get(call)).toEqual(unknown);
  });

  it('repeats what is in flight only for so long after nobody waits for it', () => {
    const cluster = FakeCluster.withSession();
    cluster.call(bytes(1), { timeoutMs: 500 });
    cluster.advance(300_000);
    expect(cluster.requests().at(-1)!.atMs).toBeLessThanOrEqual(30_000);
    expect(cluster.core.nextDueMs).toBeNull();
    expect(cluster.core.sizes).toMatchObject({ calls: 0, sessions: 0, unanswered: 0, heldBytes: 0 });
  });
});

describe('cancel', () => {
  it('before the envelope is sealed: nothing is sent', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.callOnly(bytes(1));
    cluster.cancel(call);
    expect(cluster.outcomes.get(call)).toEqual(unavailable);
    expect(cluster.sent).toEqual([]);
  });

  it('after that: the outcome is unknown, and the number stays in flight', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1));
    cluster.cancel(call);
    expect(cluster.outcomes.get(call)).toEqual(unknown);
    expect(cluster.core.sizes['unanswered']).toBe(1);
    cluster.replyFromAll(7, 2, [result(1)]);
    expect(cluster.core.sizes['unanswered']).toBe(0);
  });

  it('leaves the other calls of the envelope alone', () => {
    const cluster = FakeCluster.withSession();
    const calls = [1, 2].map((value) => cluster.callOnly(bytes(value)));
    cluster.flush();
    cluster.cancel(calls[0]!);
    cluster.replyFromAll(7, 2, [result(1), result(2)]);
    expect(calls.map((call) => cluster.outcomes.get(call))).toEqual([unknown, result(2)]);
  });

  it('of a call that is done or never was: ignored', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1));
    cluster.replyFromAll(7, 2, [result(1)]);
    cluster.cancel(call);
    cluster.cancel(999);
    expect(cluster.outcomes.get(call)).toEqual(result(1));
  });
});

describe('the clock', () => {
  it('never runs backwards', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1), { timeoutMs: 1_000 });
    cluster.step({ kind: 'tick', nowMs: 900 });
    cluster.step({ kind: 'tick', nowMs: 100 });
    expect(cluster.outcomes.get(call)).toBeUndefined();
    cluster.step({ kind: 'tick', nowMs: 1_000 });
    expect(cluster.outcomes.get(call)).toEqual(unknown);
  });

  it('has nothing to do when nothing is open', () => {
    expect(FakeCluster.connected().core.nextDueMs).toBeNull();
  });
});
