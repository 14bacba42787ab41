import { describe, expect, it } from 'vitest';
import { bytes, FakeCluster, refused, result } from './fake-cluster.js';

const expired = [refused('SESSION_EXPIRED')];

/** A call in flight in session 7 as number 2, sent at the present time. */
function callInFlight(timeoutMs = 60_000): { cluster: FakeCluster; call: number } {
  const cluster = FakeCluster.withSession();
  return { cluster, call: cluster.call(bytes(1), { timeoutMs }) };
}

describe('opening a session', () => {
  it('asks all replicas, and again with the same nonce at doubling intervals', () => {
    const cluster = FakeCluster.connected();
    cluster.call(bytes(1));
    cluster.advance(1_000);
    const opens = cluster.opens();
    expect(opens.map(({ atMs, to }) => [atMs, to])).toEqual(
      [0, 300, 900].flatMap((atMs) => [0, 1, 2, 3].map((to) => [atMs, to])),
    );
    expect(new Set(opens.map(({ nonce }) => nonce)).size).toBe(1);
  });

  it('needs f+1 replicas to name the same session for that nonce', () => {
    const cluster = FakeCluster.connected(7);
    cluster.call(bytes(1));
    const { nonce } = cluster.opens()[0]!;
    cluster.opened(5, nonce, 666);
    cluster.opened(6, nonce, 666);
    cluster.opened(0, nonce, 7);
    cluster.opened(0, nonce, 7);
    cluster.opened(1, nonce, 7);
    for (let id = 2; id < 6; id++) cluster.opened(id, new Uint8Array(16).fill(9), 7);
    expect(cluster.requests()).toEqual([]);
    cluster.opened(2, nonce, 7);
    expect(cluster.requests().map(({ body }) => body.session)).toEqual([7]);
    expect(cluster.sentOf('attach').map(({ to, message }) => [to, message.session])).toEqual(
      Array.from({ length: 7 }, (_, id) => [id, 7]),
    );
  });

  it("takes a replica's latest answer, since a repeated OPEN may open another session", () => {
    const cluster = FakeCluster.connected(7);
    cluster.call(bytes(1));
    const { nonce } = cluster.opens()[0]!;
    for (const [id, session] of [
      [0, 7],
      [1, 7],
      [2, 8],
      [3, 8],
    ] as const) {
      cluster.opened(id, nonce, session);
    }
    expect(cluster.requests()).toEqual([]);
    cluster.opened(0, nonce, 8);
    expect(cluster.requests()[0]!.body.session).toBe(8);
  });

  it('attaches before it submits', () => {
    const cluster = FakeCluster.connected();
    cluster.call(bytes(1));
    cluster.sent.length = 0;
    const nonce = new Uint8Array(16).fill(2);
    cluster.opened(0, nonce, 7);
    cluster.opened(1, nonce, 7);
    expect(cluster.sent.map(({ to, message }) => [to, message.kind])).toEqual([
      [0, 'attach'],
      [1, 'attach'],
      [2, 'attach'],
      [3, 'attach'],
      [0, 'submit'],
    ]);
  });

  it('fails the waiting calls when f+1 replicas refuse it, and may succeed later', () => {
    const cluster = FakeCluster.connected();
    const call = cluster.call(bytes(1));
    cluster.openSession(0);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'refused', code: 'TOO_MANY_SESSIONS' });
    const next = cluster.call(bytes(2));
    cluster.openSession(9);
    cluster.replyFromAll(9, 1, [result(2)]);
    expect(cluster.outcomes.get(next)).toEqual(result(2));
  });

  it('waits for a connected replica, and goes to one that connects while it is under way', () => {
    const cluster = new FakeCluster();
    cluster.call(bytes(1));
    expect(cluster.sent).toEqual([]);
    cluster.connect(2);
    cluster.connect(3);
    expect(cluster.opens().map(({ to }) => to)).toEqual([2, 3]);
  });

  it('is silent while no call waits, and asks anew when the OPEN has become too old', () => {
    const cluster = FakeCluster.connected();
    cluster.call(bytes(1), { timeoutMs: 1_000 });
    cluster.advance(50_000);
    expect(cluster.opens().at(-1)!.atMs).toBe(900);
    cluster.call(bytes(2));
    const nonces = new Set(cluster.opens().map(({ nonce }) => nonce[0]));
    expect(nonces.size).toBe(2);
  });
});

describe('an idle session', () => {
  it('is used while two thirds of its lease have not passed since the last executed envelope was sent', () => {
    const cluster = FakeCluster.withSession();
    cluster.advance(20_000);
    cluster.call(bytes(1));
    expect(cluster.requests()).toHaveLength(1);
    expect(cluster.opens()).toHaveLength(0);
  });

  it('is not trusted after that: nothing is sent in it', () => {
    const cluster = FakeCluster.withSession();
    cluster.advance(20_001);
    const call = cluster.call(bytes(1));
    expect(cluster.requests()).toHaveLength(0);
    cluster.openSession(8);
    expect(cluster.requests().map(({ body }) => [body.session, body.firstNumber])).toEqual([[8, 1]]);
    cluster.replyFromAll(8, 1, [result(1)]);
    expect(cluster.outcomes.get(call)).toEqual(result(1));
    expect(cluster.core.sizes['sessions']).toBe(1);
  });

  it('is counted from the first sending, not from the answer', () => {
    const { cluster } = callInFlight();
    cluster.advance(15_000);
    cluster.replyFromAll(7, 2, [result(1)]);
    cluster.advance(5_001);
    cluster.call(bytes(2));
    expect(cluster.requests().at(-1)!.body.firstNumber).toBe(2);
    expect(cluster.opens()).toHaveLength(4);
  });

  it('is not renewed by a refusal', () => {
    const { cluster } = callInFlight();
    cluster.advance(10_000);
    cluster.call(bytes(2));
    cluster.replyFromAll(7, 3, [refused('REPLIES_FULL')]);
    cluster.advance(10_001);
    cluster.call(bytes(3));
    expect(cluster.opens()).toHaveLength(4);
  });

  it('keeps its envelopes in flight while new ones go into another session', () => {
    const { cluster, call } = callInFlight();
    cluster.advance(20_001);
    const next = cluster.call(bytes(2));
    cluster.openSession(8);
    cluster.replyFromAll(8, 1, [result(2)]);
    expect(cluster.outcomes.get(next)).toEqual(result(2));
    expect(cluster.core.sizes['sessions']).toBe(2);
    cluster.replyFromAll(7, 2, [result(1)]);
    expect(cluster.outcomes.get(call)).toEqual(result(1));
    expect(cluster.core.sizes['sessions']).toBe(1);
  });

  it('takes the lease of the cluster', () => {
    const cluster = FakeCluster.withSession(4, { sessionLeaseMs: 3_000 });
    cluster.advance(2_001);
    cluster.call(bytes(1));
    expect(cluster.opens()).toHaveLength(4);
  });
});

describe('SESSION_EXPIRED', () => {
  it('of fewer than f+1 replicas means nothing', () => {
    const { cluster, call } = callInFlight();
    cluster.reply(3, 7, 2, expired);
    cluster.advance(100);
    expect(cluster.opens()).toEqual([]);
    cluster.reply(0, 7, 2, [result(1)]);
    cluster.reply(1, 7, 2, [result(1)]);
    expect(cluster.outcomes.get(call)).toEqual(result(1));
  });

  it('within the lease of the first sending proves that nothing was executed: a new session gets the call', () => {
    const { cluster, call } = callInFlight();
    cluster.advance(28_000);
    cluster.reply(0, 7, 2, expired);
    cluster.reply(1, 7, 2, expired);
    expect(cluster.outcomes.get(call)).toBeUndefined();
    cluster.openSession(8);
    expect(cluster.requests().at(-1)!.body).toMatchObject({
      session: 8,
      firstNumber: 1,
      operations: [bytes(1)],
    });
    cluster.replyFromAll(8, 1, [result(1)]);
    expect(cluster.outcomes.get(call)).toEqual(result(1));
  });

  it('later proves nothing: the outcome is unknown, and nothing is sent again', () => {
    const { cluster, call } = callInFlight();
    cluster.advance(29_000);
    cluster.reply(0, 7, 2, expired);
    cluster.reply(1, 7, 2, expired);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unknown' });
    expect(cluster.core.sizes).toMatchObject({ calls: 0, sessions: 0, queued: 0 });
    cluster.sent.length = 0;
    cluster.advance(10_000);
    expect(cluster.sent).toEqual([]);
  });

  it('after a late copy: the call that was executed is never sent again', () => {
    // Executed once, the replies lost; its session ends; a second copy is refused: no "not executed" here.
    const { cluster, call } = callInFlight(120_000);
    cluster.reply(0, 7, 2, [result(1)]);
    cluster.advance(45_000);
    for (const id of [1, 2, 3]) cluster.reply(id, 7, 2, expired);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unknown' });
  });

  it('after a call was sent back to wait, its deadline finds it certainly not executed', () => {
    const { cluster, call } = callInFlight(2_000);
    cluster.replyFromAll(7, 2, expired);
    cluster.advance(3_000);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unavailable' });
  });

  it('ends the session for everything that is sent later', () => {
    const { cluster } = callInFlight();
    cluster.replyFromAll(7, 2, expired);
    cluster.call(bytes(2));
    cluster.openSession(8);
    expect(cluster.requests().at(-1)!.body).toMatchObject({ session: 8, operations: [bytes(1), bytes(2)] });
  });

  it('judges by the cluster settings: a short lease leaves no time in which it proves anything', () => {
    const cluster = FakeCluster.withSession(4, { sessionLeaseMs: 1_000 });
    const call = cluster.call(bytes(1));
    cluster.replyFromAll(7, 2, expired);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unknown' });
  });
});

describe('other refusals by the session rules', () => {
  it('REPLIES_FULL is final and leaves the other operations of its envelope alone', () => {
    const cluster = FakeCluster.withSession();
    const calls = [1, 2].map((value) => cluster.callOnly(bytes(value)));
    cluster.flush();
    cluster.replyFromAll(7, 2, [refused('REPLIES_FULL'), result(2)]);
    expect(calls.map((call) => cluster.outcomes.get(call))).toEqual([refused('REPLIES_FULL'), result(2)]);
    expect(cluster.core.sizes['sessions']).toBe(1);
  });

  it('NUMBER_OUT_OF_WINDOW leaves the outcome unknown and the session unused', () => {
    const { cluster, call } = callInFlight();
    cluster.replyFromAll(7, 2, [refused('NUMBER_OUT_OF_WINDOW')]);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unknown' });
    cluster.call(bytes(2));
    expect(cluster.opens()).toHaveLength(4);
  });
});
