/**
 * Envelopes with a MAC for each replica (TOCS'02, section 3.2): good for one correct replica and not for another. What that
 * proves and what not, and what holds a batch up (Aardvark, NSDI'09, section 3).
 */
import { describe, expect, test } from 'vitest';
import { sessionId } from '../../src/base/index.js';
import type { Envelope } from '../../src/codec/index.js';
import { addEnvelope, alice, bob, Lockstep, openEnvelope, withMacs } from '../support/lockstep.js';
import { batchOf, commit, prepare, prePrepare } from '../support/messages.js';
import { Solo } from '../support/solo.js';

const wrongForAll = [0, 1, 2, 3];

describe('an envelope with a wrong MAC', () => {
  test('passed on by a replica proves nothing of it, however many come', () => {
    const solo = new Solo({ id: 0 });
    for (let nonce = 1; nonce <= 100; nonce++) {
      const { bytes } = withMacs(openEnvelope(alice, nonce), [0]);
      solo.message(3, { kind: 'forward', envelope: bytes });
    }
    expect(solo.evidence()).toEqual([]);
    expect(solo.status.pending).toBe(0);
    // It is still listened to, about the same client too.
    solo.message(3, { kind: 'forward', envelope: withMacs(openEnvelope(alice, 200)).bytes });
    expect(solo.status.pending).toBe(1);
  });

  test('from the client itself proves the client faulty', () => {
    const solo = new Solo({ id: 1 });
    solo.submit(withMacs(openEnvelope(alice), [1]));
    expect(solo.of('evidence')).toEqual([{ kind: 'evidence', from: alice, code: 'ENVELOPE_NOT_AUTHENTIC' }]);
    expect(solo.status.pending).toBe(0);
  });

  test('for others only is taken, and passed on with all MACs that it came with', () => {
    const solo = new Solo({ id: 1 });
    const envelope = withMacs(openEnvelope(alice), [0, 2, 3]);
    solo.submit(envelope);
    expect(solo.evidence()).toEqual([]);
    expect(solo.sent('forward')).toEqual([{ kind: 'forward', envelope: envelope.bytes }]);
  });
});

describe('a batch with an envelope whose MAC is wrong here', () => {
  const propose = (...envelopes: readonly Envelope[]) => {
    const solo = new Solo({ id: 1 });
    const batch = batchOf(solo.nowMs, ...envelopes);
    solo.message(0, prePrepare(0, 1, batch));
    return { solo, batch };
  };

  test('gets no PREPARE, and its primary is not accused', () => {
    const { solo } = propose(withMacs(openEnvelope(alice)), withMacs(openEnvelope(bob), [1]));
    expect([solo.sent('prepare'), solo.evidence()]).toEqual([[], []]);
  });

  test('gets one as soon as f+1 others have prepared it', () => {
    const { solo, batch } = propose(withMacs(openEnvelope(alice), [1]));
    solo.message(0, prepare(0, 1, batch.digest));
    expect(solo.sent('prepare')).toEqual([]);
    solo.message(2, prepare(0, 1, batch.digest));
    expect(solo.sent('prepare')).toEqual([prepare(0, 1, batch.digest)]);
  });

  test('or committed it', () => {
    const { solo, batch } = propose(withMacs(openEnvelope(alice), [1]));
    solo.messages([2, 3], commit(0, 1, batch.digest));
    expect(solo.sent('prepare')).toEqual([prepare(0, 1, batch.digest)]);
  });

  test('gets one if the very bytes were right when they came from the client', () => {
    const right = withMacs(openEnvelope(alice), [0, 2, 3]);
    const solo = new Solo({ id: 1 });
    solo.submit(right);
    solo.message(0, prePrepare(0, 1, batchOf(solo.nowMs, right)));
    expect(solo.sent('prepare')).toHaveLength(1);
  });

  test('gets none for a right MAC on other bytes of the same envelope', () => {
    const solo = new Solo({ id: 1 });
    solo.submit(withMacs(openEnvelope(alice)));
    solo.message(0, prePrepare(0, 1, batchOf(solo.nowMs, withMacs(openEnvelope(alice), [1]))));
    expect([solo.sent('prepare'), solo.evidence()]).toEqual([[], []]);
  });

  test('does not hide one that nobody signed: that its primary is accused of', () => {
    const signed = openEnvelope(bob);
    const spoilt = signed.bytes.map((byte, at) => (at === signed.bytes.length - 1 ? byte ^ 1 : byte));
    const { solo } = propose(withMacs(openEnvelope(alice), [1]), { ...signed, bytes: spoilt });
    expect([solo.sent('prepare'), solo.evidence()]).toEqual([[], ['BATCH_NOT_AUTHENTIC']]);
  });

  test('is executed without another look once it is committed: bodies that are fetched, too', () => {
    const solo = new Solo({ id: 1 });
    const batch = batchOf(solo.nowMs, withMacs(openEnvelope(alice), wrongForAll));
    solo.messages([0, 2, 3], commit(0, 1, batch.digest));
    solo.message(2, { kind: 'batchBody', batch: batch.bytes });
    expect([solo.status.executed, solo.evidence()]).toEqual([1, []]);
  });
});

describe('a cluster', () => {
  const accused = (cluster: Lockstep): unknown[] =>
    cluster.nodes.flatMap(({ outputs }) =>
      outputs.filter((output) => output.kind === 'evidence' && typeof output.from === 'number'),
    );

  function start(): { cluster: Lockstep; session: ReturnType<Lockstep['open']> } {
    const cluster = new Lockstep();
    cluster.submit(withMacs(openEnvelope(alice)));
    const session = cluster.outputs(0, 'opened').at(-1)?.session ?? sessionId(0);
    return { cluster, session };
  }

  test('orders envelopes with MACs', () => {
    const { cluster, session } = start();
    cluster.submit(withMacs(addEnvelope(alice, session, 1, [5])));
    expect(cluster.values()).toEqual([5, 5, 5, 5]);
  });

  test('orders one that is wrong at f replicas without a view change', () => {
    const { cluster, session } = start();
    cluster.submit(withMacs(addEnvelope(alice, session, 1, [5]), [2]), [0]);
    expect(cluster.values()).toEqual([5, 5, 5, 5]);
    expect(cluster.nodes.map(({ replica }) => replica.status().view)).toEqual([0, 0, 0, 0]);
    expect(accused(cluster)).toEqual([]);
  });

  test('is held up by one that is right at the primary alone until the next view: pitfall 1, without an accusation', () => {
    const { cluster, session } = start();
    cluster.submit(withMacs(addEnvelope(alice, session, 1, [5]), [1, 2, 3]), [0]);
    cluster.submit(openEnvelope(bob));
    expect(cluster.values()).toEqual([0, 0, 0, 0]);
    cluster.tick(3_000);
    const views = cluster.nodes.map(({ replica }) => replica.status().view);
    expect(Math.min(...views)).toBeGreaterThan(0);
    const opened = [1, 2, 3].map((id) => cluster.outputs(id, 'opened').some(({ client }) => client === bob));
    expect(opened).toEqual([true, true, true]);
    expect(cluster.values()).toEqual([0, 0, 0, 0]);
    expect(accused(cluster)).toEqual([]);
  });

  test('does not propose again, nor wait for, what it proposed in vain; sent again it counts again', () => {
    const { cluster, session } = start();
    const envelope = withMacs(addEnvelope(alice, session, 1, [5]), [1, 2, 3]);
    cluster.submit(envelope, [0]);
    cluster.submit(openEnvelope(bob));
    cluster.tick(3_000);
    expect(cluster.nodes.map(({ replica }) => replica.status().pending)).toEqual([0, 0, 0, 0]);
    cluster.submit(withMacs(addEnvelope(alice, session, 1, [5])));
    cluster.tick(3_000);
    expect(cluster.values()).toEqual([5, 5, 5, 5]);
  });

  test('does not look at MACs again in a new view: what was prepared stays', () => {
    const { cluster, session } = start();
    // Prepared by the primary and one backup for their own MACs, by the others for these two.
    const envelope = withMacs(addEnvelope(alice, session, 1, [5]), [2, 3]);
    cluster.filter = ({ message }) => (message.kind === 'commit' ? null : message);
    cluster.submit(envelope, [0]);
    expect(cluster.values()).toEqual([0, 0, 0, 0]);
    cluster.node(0).isDown = true;
    cluster.filter = ({ message }) => message;
    cluster.submit(openEnvelope(bob), [1, 2, 3]);
    cluster.tick(3_000);
    expect(cluster.values().slice(1)).toEqual([5, 5, 5]);
    expect(accused(cluster)).toEqual([]);
  });
});
