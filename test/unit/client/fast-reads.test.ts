import { describe, expect, it } from 'vitest';
import { bytes, FakeCluster, result } from './fake-cluster.js';

interface Reading {
  readonly cluster: FakeCluster;
  readonly call: number;
  readonly readId: number;
  /** In the order in which they were asked. */
  readonly asked: number[];
}

function read(cluster: FakeCluster, timeoutMs = 10_000): Reading {
  const before = cluster.sentOf('read').length;
  const call = cluster.call(bytes(1), { isFastRead: true, timeoutMs });
  const sent = cluster.sentOf('read').slice(before);
  return { cluster, call, readId: sent[0]!.message.readId, asked: sent.map(({ to }) => to) };
}

const others = ({ cluster, asked }: Reading): number[] =>
  Array.from({ length: cluster.n }, (_, id) => id).filter((id) => !asked.includes(id));

const isOrdered = ({ cluster }: Reading): boolean => cluster.opens().length + cluster.requests().length > 0;

describe('a fast read', () => {
  it.each([
    [4, 3],
    [5, 4],
    [6, 4],
    [7, 5],
    [10, 7],
  ])('of %i replicas is decided by %i equal answers', (n, quorumSize) => {
    const reading = read(FakeCluster.connected(n));
    const { cluster, call, readId, asked } = reading;
    expect(asked).toHaveLength(quorumSize);
    for (const id of asked.slice(1)) cluster.readReply(id, readId, bytes(5));
    expect(cluster.outcomes.get(call)).toBeUndefined();
    cluster.readReply(asked[0]!, readId, bytes(5));
    expect(cluster.outcomes.get(call)).toEqual(result(5));
    expect(isOrdered(reading)).toBe(false);
    expect(cluster.core.sizes).toMatchObject({ calls: 0, fastReads: 0 });
  });

  it('needs no session and spreads over the replicas', () => {
    const cluster = FakeCluster.connected();
    const asked = new Set<string>();
    for (let i = 0; i < 8; i++) {
      const reading = read(cluster);
      asked.add(reading.asked.join());
      for (const id of reading.asked) cluster.readReply(id, reading.readId, bytes(5));
      expect(cluster.outcomes.get(reading.call)).toEqual(result(5));
    }
    expect(asked.size).toBe(4);
    expect(cluster.opens()).toEqual([]);
  });

  it('asks the rest at once when an answer differs, and is decided with it', () => {
    const reading = read(FakeCluster.connected());
    const { cluster, call, readId, asked } = reading;
    cluster.readReply(asked[0]!, readId, bytes(66));
    cluster.readReply(asked[1]!, readId, bytes(5));
    const [last] = others(reading);
    expect(cluster.sentOf('read').at(-1)!.to).toBe(last);
    for (const id of [asked[2]!, last!]) cluster.readReply(id, readId, bytes(5));
    expect(cluster.outcomes.get(call)).toEqual(result(5));
    expect(isOrdered(reading)).toBe(false);
  });

  it('asks the rest when an answer is late, and asks that replica last from then on', () => {
    const reading = read(FakeCluster.connected());
    const { cluster, call, readId, asked } = reading;
    const [slow, ...prompt] = asked as [number, ...number[]];
    for (const id of prompt) cluster.readReply(id, readId, bytes(5));
    cluster.advance(20);
    const [last] = others(reading);
    expect(cluster.sentOf('read').at(-1)).toMatchObject({ atMs: 20, to: last });
    cluster.readReply(last!, readId, bytes(5));
    expect(cluster.outcomes.get(call)).toEqual(result(5));
    for (let i = 0; i < 4; i++) {
      const next = read(cluster);
      expect(next.asked).not.toContain(slow);
      for (const id of next.asked) cluster.readReply(id, next.readId, bytes(5));
    }
  });

  it('asks a replica that was late once again after a while', () => {
    const reading = read(FakeCluster.connected());
    const { cluster, readId, asked } = reading;
    const [slow, ...prompt] = asked as [number, ...number[]];
    for (const id of prompt) cluster.readReply(id, readId, bytes(5));
    cluster.advance(20);
    cluster.readReply(others(reading)[0]!, readId, bytes(5));
    let isAsked = false;
    for (let i = 0; i < 300; i++) {
      const next = read(cluster);
      isAsked ||= next.asked.includes(slow);
      for (const id of next.asked) cluster.readReply(id, next.readId, bytes(5));
    }
    expect(isAsked).toBe(true);
  });

  it('does without one replica that wants every read ordered', () => {
    const reading = read(FakeCluster.connected());
    const { cluster, call, readId, asked } = reading;
    cluster.readReply(asked[0]!, readId, null);
    for (const id of [asked[1]!, asked[2]!, others(reading)[0]!]) cluster.readReply(id, readId, bytes(5));
    expect(cluster.outcomes.get(call)).toEqual(result(5));
  });

  it("counts a replica's first answer only", () => {
    const reading = read(FakeCluster.connected());
    const { cluster, call, readId, asked } = reading;
    for (let i = 0; i < 5; i++) cluster.readReply(asked[0]!, readId, bytes(5));
    cluster.readReply(asked[1]!, readId, bytes(5));
    expect(cluster.outcomes.get(call)).toBeUndefined();
    for (const id of others(reading)) cluster.readReply(id, readId, bytes(5));
    expect(cluster.outcomes.get(call), 'not asked').toBeUndefined();
  });

  it('ignores answers to reads that are not its own', () => {
    const { cluster, call, readId, asked } = read(FakeCluster.connected());
    for (const id of asked) cluster.readReply(id, readId + 1, bytes(66));
    expect(cluster.outcomes.get(call)).toBeUndefined();
  });
});

describe('a fast read goes through order', () => {
  it('as soon as no quorum of equal answers is possible', () => {
    const reading = read(FakeCluster.connected());
    const { cluster, readId, asked } = reading;
    cluster.readReply(asked[0]!, readId, bytes(66));
    expect(isOrdered(reading)).toBe(false);
    cluster.readReply(asked[1]!, readId, bytes(5));
    expect(isOrdered(reading)).toBe(false);
    cluster.readReply(asked[2]!, readId, null);
    expect(isOrdered(reading)).toBe(true);
  });

  it('when the replicas want it', () => {
    const reading = read(FakeCluster.connected());
    const { cluster, call, readId, asked } = reading;
    cluster.readReply(asked[0]!, readId, null);
    cluster.readReply(asked[1]!, readId, null);
    cluster.openSession(7);
    expect(cluster.requests().map(({ body }) => body.operations)).toEqual([[bytes(1)]]);
    cluster.replyFromAll(7, 1, [result(5)]);
    expect(cluster.outcomes.get(call)).toEqual(result(5));
    cluster.readReply(asked[2]!, readId, bytes(66));
    expect(cluster.core.sizes['fastReads']).toBe(0);
  });

  it('when it takes too long', () => {
    const reading = read(FakeCluster.connected());
    reading.cluster.advance(149);
    expect(isOrdered(reading)).toBe(false);
    reading.cluster.advance(1);
    expect(isOrdered(reading)).toBe(true);
  });

  it('when too many replicas disconnect meanwhile', () => {
    const reading = read(FakeCluster.connected());
    const { cluster, asked } = reading;
    cluster.disconnect(asked[0]!);
    expect(isOrdered(reading)).toBe(false);
    expect(cluster.sentOf('read').at(-1)!.to).toBe(others(reading)[0]);
    cluster.disconnect(asked[1]!);
    expect(isOrdered(reading)).toBe(true);
  });

  it('at once when fewer than a quorum are connected', () => {
    const cluster = FakeCluster.connected();
    cluster.disconnect(1);
    cluster.disconnect(2);
    cluster.call(bytes(1), { isFastRead: true });
    expect(cluster.sentOf('read')).toEqual([]);
    expect(cluster.opens().map(({ to }) => to)).toEqual([0, 3]);
  });

  it('with the time that is left', () => {
    const { cluster, call } = read(FakeCluster.connected(), 400);
    cluster.advance(399);
    expect(cluster.outcomes.get(call)).toBeUndefined();
    cluster.advance(1);
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unknown' });
    expect(cluster.core.sizes).toMatchObject({ calls: 0, queued: 0 });
  });
});

it('a fast read that is cancelled or out of time is forgotten', () => {
  const cancelled = read(FakeCluster.connected());
  cancelled.cluster.cancel(cancelled.call);
  const late = read(FakeCluster.connected(), 10);
  late.cluster.advance(10);
  for (const { cluster, call, readId, asked } of [cancelled, late]) {
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'unknown' });
    for (const id of asked) cluster.readReply(id, readId, bytes(5));
    cluster.advance(1_000);
    expect(cluster.core.sizes).toMatchObject({ calls: 0, fastReads: 0, queued: 0 });
  }
});
