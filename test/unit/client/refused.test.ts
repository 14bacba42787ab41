/** f+1 replicas do not know this client, or not any more: nothing is sent, and what was sent nobody knows about. */
import { describe, expect, it } from 'vitest';
import { sessionId } from '../../../src/base/index.js';
import { bytes, FakeCluster, result } from './fake-cluster.js';
import { failure, ScriptedDriver } from './scripted-driver.js';

const unknownClient = { kind: 'refused', code: 'UNKNOWN_CLIENT' };
const unknown = { kind: 'unknown', isRefused: true };

describe('when the replicas refuse the client', () => {
  it('calls that no replica was sent are refused, those sent have an unknown outcome', () => {
    const cluster = FakeCluster.withSession();
    const sent = cluster.call(bytes(1));
    const read = cluster.call(bytes(2), { isFastRead: true });
    const unsent = cluster.callOnly(bytes(3));
    cluster.refuse();
    const outcomes = [sent, read, unsent].map((call) => cluster.outcomes.get(call));
    expect(outcomes).toEqual([unknown, unknownClient, unknownClient]);
    expect(cluster.core.sizes).toMatchObject({ calls: 0, queued: 0, sessions: 0, fastReads: 0 });
  });

  it('calls that wait for a session are refused', () => {
    const cluster = FakeCluster.connected();
    const call = cluster.call(bytes(1));
    cluster.refuse();
    expect(cluster.outcomes.get(call)).toEqual(unknownClient);
  });

  it('later calls are refused at once, and nothing is sent', () => {
    const cluster = FakeCluster.withSession();
    cluster.refuse();
    cluster.sent.length = 0;
    const calls = [cluster.call(bytes(1)), cluster.call(bytes(2), { isFastRead: true })];
    expect(calls.map((call) => cluster.outcomes.get(call))).toEqual([unknownClient, unknownClient]);
    cluster.advance(60_000);
    expect(cluster.sent).toEqual([]);
  });

  it('what waits has an unknown outcome, and feeds end with their session', () => {
    const cluster = FakeCluster.withSession();
    const waiting = cluster.call(bytes(1), { mayWait: true });
    cluster.replyFromAll(7, 2, [{ kind: 'waiting' }]);
    const request = { session: sessionId(7), number: 1 };
    cluster.step({ kind: 'follow', feedId: 99, request, after: 4 });
    cluster.refuse();
    expect(cluster.outcomes.get(waiting)).toEqual(unknown);
    expect(cluster.heard.at(-1)).toEqual({ kind: 'feedEnded', feedId: 99, after: 4, cause: 'session' });
    expect(cluster.core.sizes).toMatchObject({ sessions: 0, waiting: 0, feeds: 0 });
  });

  it('it begins anew with a new session once they welcome it again', () => {
    const cluster = FakeCluster.withSession();
    cluster.refuse();
    cluster.refuse(false);
    cluster.sent.length = 0;
    const call = cluster.call(bytes(1));
    cluster.openSession(8);
    cluster.replyFromAll(8, 1, [result(5)]);
    expect(cluster.outcomes.get(call)).toEqual(result(5));
  });
});

describe('the error', () => {
  it('of a call that was not sent says who can help', async () => {
    const driver = new ScriptedDriver();
    const call = failure(driver.space.count([1]));
    await driver.last.end({ kind: 'refused', code: 'UNKNOWN_CLIENT' });
    expect(await call).toMatchObject({ name: 'RefusedError', code: 'UNKNOWN_CLIENT' });
    expect(String(await call)).toContain('the admin can add one');
  });

  it('of one that was sent says that nobody knows', async () => {
    const driver = new ScriptedDriver();
    const call = failure(driver.space.out(['job', 1]));
    await driver.last.end({ kind: 'unknown', isRefused: true });
    expect(await call).toMatchObject({ name: 'UnknownOutcomeError', code: 'OUTCOME_UNKNOWN' });
    expect(String(await call)).toContain('ceased to know this identity after it was sent');
  });

  it('of a wait that begins again: rd is refused, of in nobody knows', async () => {
    const driver = new ScriptedDriver();
    const read = failure(driver.space.rd([1]));
    driver.last.waits({ session: sessionId(7), number: 1 });
    await driver.last.end({ kind: 'unknown', isRefused: true });
    await driver.last.end({ kind: 'refused', code: 'UNKNOWN_CLIENT' });
    expect(await read).toMatchObject({ code: 'UNKNOWN_CLIENT' });
    const take = failure(driver.space.in([1]));
    driver.last.waits({ session: sessionId(7), number: 2 });
    await driver.last.end({ kind: 'unknown', isRefused: true });
    expect(await take).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  });
});

it('a client is called by its name and has its key', () => {
  const { client } = new ScriptedDriver();
  expect([client.id, client.publicKey]).toEqual(['alice', 'a'.repeat(64)]);
});

describe('disks that are nearly full', () => {
  const tell = (cluster: FakeCluster, from: number, code: 'DISK_FULL' | 'DISK_FREE'): void =>
    cluster.receive(from, { kind: 'notice', code });

  it('are believed of a quorum: what was not sent is refused, until they have room again', () => {
    const cluster = FakeCluster.withSession();
    for (const id of [1, 2, 3]) tell(cluster, id, 'DISK_FULL');
    const call = cluster.call(bytes(1));
    expect(cluster.outcomes.get(call)).toEqual({ kind: 'refused', code: 'DISK_FULL' });
    tell(cluster, 2, 'DISK_FREE');
    const next = cluster.call(bytes(2));
    cluster.replyFromAll(7, 2, [result(5)]);
    expect(cluster.outcomes.get(next)).toEqual(result(5));
  });

  it('of fewer refuse nothing; a primary that takes none is left out of account', () => {
    const cluster = FakeCluster.withSession();
    for (const id of [0, 1]) tell(cluster, id, 'DISK_FULL');
    const before = cluster.requests().length;
    cluster.call(bytes(1));
    expect(
      cluster
        .requests()
        .slice(before)
        .map(({ to }) => to),
    ).toEqual([0, 1, 2, 3]);
  });

  it('refuse what waits for a session, and end nothing that was sent', () => {
    const opening = new FakeCluster();
    for (const id of [0, 1, 2, 3]) opening.connect(id);
    const unsent = opening.call(bytes(1));
    for (const id of [0, 1, 2]) tell(opening, id, 'DISK_FULL');
    opening.flush();
    expect(opening.outcomes.get(unsent)).toEqual({ kind: 'refused', code: 'DISK_FULL' });

    const cluster = FakeCluster.withSession();
    const sent = cluster.call(bytes(1));
    for (const id of [0, 1, 2]) tell(cluster, id, 'DISK_FULL');
    cluster.flush();
    expect(cluster.outcomes.get(sent)).toBeUndefined();
    cluster.replyFromAll(7, 2, [result(5)]);
    expect(cluster.outcomes.get(sent)).toEqual(result(5));
  });

  it('are forgotten with the stream', () => {
    const cluster = FakeCluster.withSession();
    for (const id of [1, 2, 3]) tell(cluster, id, 'DISK_FULL');
    cluster.disconnect(3);
    cluster.connect(3);
    const call = cluster.call(bytes(1));
    expect(cluster.outcomes.get(call)).toBeUndefined();
  });
});
