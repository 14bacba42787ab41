/** What one faulty peer or client sends must not stop, hang or fill a correct replica. */
import { describe, expect, test } from 'vitest';
import { sequenceNumber } from '../../../src/base/index.js';
import { addEnvelope, alice, Lockstep, openEnvelope } from '../../support/lockstep.js';
import {
  batchOf,
  certificate,
  checkpoint,
  chosen,
  commit,
  digestOf,
  entry,
  newView,
  nullDigest,
  prePrepare,
  rejoinEnvelope,
  status,
  viewChange,
} from '../../support/messages.js';
import { Solo } from '../../support/solo.js';

describe('a faulty peer', () => {
  test('cannot hang a replica by a STATUS at the end of the number range', () => {
    const solo = new Solo();
    for (let round = 0; round < 3; round++) {
      solo.message(3, status({ lastExecuted: Number.MAX_SAFE_INTEGER }));
      solo.tick(100);
    }
    expect(solo.status.executed).toBe(0);
  });

  test('cannot pass off a certified checkpoint without its signatures', () => {
    const solo = new Solo();
    const state = digestOf('state');
    const proof = certificate(256, state, [0, 2, 3]);
    // The certificate is valid, the VIEW-CHANGE that brings it is not.
    const forged = viewChange(3, 1, { checkpoint: proof });
    solo.message(3, { ...forged, signature: new Uint8Array(64) });
    solo.message(3, { kind: 'stableCheckpoint', certificate: { ...proof, signatures: [] } });
    expect(solo.evidence()).toContain('BAD_CERTIFICATE');
    solo.tick(1000);
    expect(solo.sent('fetchState')).toEqual([]);
  });

  test('cannot make a replica keep an unsigned certificate of its own state', () => {
    const solo = new Solo({ config: { checkpointInterval: 4, watermarkWindow: 8 } });
    solo.fill(1, 4);
    const proof = certificate(4, solo.stateDigest(), [0, 2, 3]);
    const forged = viewChange(3, 1, { checkpoint: proof });
    solo.message(3, { ...forged, signature: new Uint8Array(64) });
    solo.message(3, { kind: 'stableCheckpoint', certificate: { ...proof, signatures: [] } });
    expect(solo.status.stableCheckpoint).toBe(0);
    solo.message(3, { kind: 'stableCheckpoint', certificate: proof });
    expect(solo.status.stableCheckpoint).toBe(4);
    solo.message(2, status({}));
    expect(solo.sent('stableCheckpoint').at(-1)?.certificate.signatures).toHaveLength(3);
  });

  test('cannot fill the pool with REJOINs of its own', () => {
    const solo = new Solo();
    for (let startedAt = 1; startedAt <= 100; startedAt++)
      solo.message(3, { kind: 'forward', envelope: rejoinEnvelope(3, startedAt).bytes });
    expect(solo.status.pending).toBeLessThanOrEqual(1);
  });
});

describe('what is kept stays bounded', () => {
  test('a fetched body is not kept beyond the slot that needed it', () => {
    const solo = new Solo({ config: { checkpointInterval: 4, watermarkWindow: 8 } });
    solo.fill(1, 4);
    for (const replica of [0, 2, 3]) solo.message(replica, checkpoint(replica, 4, solo.stateDigest()));
    expect(solo.status.stableCheckpoint).toBe(4);
    expect(solo.status.sizes).toMatchObject({ slots: 0, bodies: 0, candidateBodies: 0, wanted: 0 });
  });

  test('a body is not wanted any more once a state transfer has passed it', () => {
    const cluster = new Lockstep(4, { checkpointInterval: 4, watermarkWindow: 8 });
    const session = cluster.open(alice);
    // Replica 3 learns what was committed at 2 and never gets the body.
    cluster.filter = ({ to, message }) =>
      to === 3 && (message.kind === 'prePrepare' || message.kind === 'batchBody') ? null : message;
    for (let number = 1; number <= 9; number++) cluster.submit(addEnvelope(alice, session, number, [1]), [0]);
    cluster.tick(1000);
    expect(cluster.node(3).replica.status()).toMatchObject({ executed: 8, stableCheckpoint: 8 });
    cluster.filter = ({ message }) => message;
    cluster.tick(1000);
    expect(cluster.node(3).replica.status().sizes).toMatchObject({ wanted: 0 });
  });
});

describe('liveness', () => {
  test('an OPEN that is repeated around a view change does not hold up the new view', () => {
    const cluster = new Lockstep();
    cluster.submit(openEnvelope(alice));
    cluster.node(0).isDown = true;
    cluster.submit(openEnvelope(alice));
    cluster.tick(4000);
    for (const id of [1, 2, 3]) {
      expect(cluster.node(id).replica.status()).toMatchObject({ pending: 0 });
      expect(cluster.node(id).replica.status().view).toBeLessThanOrEqual(1);
    }
  });

  test('a REJOIN gets past its window although the empty batches were delayed beyond the clock skew', () => {
    const cluster = new Lockstep();
    cluster.open(alice);
    let isCut = false;
    cluster.filter = ({ from, message }) => {
      if (message.kind === 'prePrepare' && message.sequenceNumber > 20) isCut = true;
      return isCut && from === 0 && cluster.nowMs < 1_002_000 ? null : message;
    };
    cluster.restart(3);
    cluster.tick(10_000);
    expect(cluster.node(3).replica.status()).toMatchObject({ isObserver: false });
  });

  test('a replica that is fetching the state does not judge the primary by what it has not executed', () => {
    const cluster = new Lockstep(4, { checkpointInterval: 4, watermarkWindow: 8 });
    const session = cluster.open(alice);
    cluster.filter = ({ to, message }) =>
      to === 3 && message.kind !== 'status' && message.kind !== 'stableCheckpoint' ? null : message;
    for (let number = 1; number <= 20; number++) cluster.submit(addEnvelope(alice, session, number, [1]));
    cluster.tick(2000);
    expect(cluster.node(3).replica.status()).toMatchObject({ isActive: true, view: 0 });
    cluster.filter = ({ message }) => message;
    cluster.tick(2000);
    expect(cluster.node(3).replica.status()).toMatchObject({ isActive: true, view: 0, executed: 21 });
  });
});

test('an envelope that another one made void does not count against the primary', () => {
  const solo = new Solo();
  const session = solo.open(alice, 1);
  solo.submit(addEnvelope(alice, session, 1, [5]));
  solo.order(2, batchOf(solo.nowMs, addEnvelope(alice, session, 2, [6], 2)));
  expect(solo.status).toMatchObject({ executed: 2, pending: 1 });
  solo.tick(3000);
  expect(solo.status).toMatchObject({ pending: 0, view: 0, isActive: true });
});

test('a NEW-VIEW that comes late may choose other than what a later view committed', () => {
  const solo = new Solo();
  const batch = batchOf(solo.nowMs, openEnvelope(alice));
  solo.messages([0, 2, 3], commit(3, 1, nullDigest));
  expect(solo.status.executed).toBe(1);
  // View 2 chose what replica 0 claims to have prepared; nobody entered it, and view 3 chose the null batch.
  const claim = { checkpoint: solo.genesis, prePrepared: [entry(1, 0, batch.digest)] };
  const changes = [
    viewChange(0, 2, { ...claim, prepared: [entry(1, 0, batch.digest)] }),
    viewChange(2, 2, claim),
    viewChange(3, 2, { checkpoint: solo.genesis }),
  ];
  solo.message(2, newView(2, 2, changes, [chosen(1, batch.digest)]));
  expect(solo.status).toMatchObject({ view: 2, isActive: true, executed: 1 });
});

test('a NEW-VIEW that comes late may choose other than what f+1 replicas say is committed', () => {
  const solo = new Solo();
  const batch = batchOf(solo.nowMs, openEnvelope(alice));
  solo.messages([2, 3], { kind: 'committed', sequenceNumber: sequenceNumber(1), digest: nullDigest });
  expect(solo.status.executed).toBe(1);
  const claim = { checkpoint: solo.genesis, prePrepared: [entry(1, 0, batch.digest)] };
  const changes = [
    viewChange(0, 2, { ...claim, prepared: [entry(1, 0, batch.digest)] }),
    viewChange(2, 2, claim),
    viewChange(3, 2, { checkpoint: solo.genesis }),
  ];
  solo.message(2, newView(2, 2, changes, [chosen(1, batch.digest)]));
  expect(solo.status).toMatchObject({ view: 2, isActive: true, executed: 1 });
});

test('a proposal after a quiet time does not count against the primary at once', () => {
  const solo = new Solo();
  solo.tick(5000);
  solo.message(0, prePrepare(0, 1, batchOf(solo.nowMs, openEnvelope(alice))));
  solo.tick(100);
  expect(solo.status).toMatchObject({ view: 0, isActive: true });
  solo.tick(700);
  expect(solo.status).toMatchObject({ view: 1, isActive: false });
});

test('a primary never proposes at or below what it has executed', () => {
  const solo = new Solo({ config: { checkpointInterval: 4, watermarkWindow: 8 } });
  solo.fill(1, 4);
  for (const replica of [0, 2, 3]) solo.message(replica, checkpoint(replica, 4, solo.stateDigest()));
  // As after a REJOIN: VIEW-CHANGEs from before it know nothing of what was executed since.
  solo.holdsStorage = true;
  for (const replica of [0, 2, 3])
    solo.message(replica, viewChange(replica, 1, { checkpoint: solo.genesis }));
  solo.store();
  expect(solo.sent('newView')[0]?.viewChanges.map(({ replica }) => replica)).toEqual([0, 2, 3]);
  expect(solo.status).toMatchObject({ view: 1, isActive: true });
  solo.submit(openEnvelope(alice));
  expect(solo.sent('prePrepare').map(({ sequenceNumber: number }) => number)).toEqual([5]);
});

test('nothing leaves after a halt', () => {
  const solo = new Solo({ config: { checkpointInterval: 1, watermarkWindow: 4 } });
  const others = [0, 2, 3].map((replica) => checkpoint(replica, 1, digestOf('another state')));
  solo.holdsStorage = true;
  // It has diverged twice a moment ago.
  solo.replica['core'].divergences = { count: 2, last: sequenceNumber(0) };
  for (const message of others.slice(0, 2)) solo.message(message.replica, message);
  const first = batchOf(solo.nowMs, openEnvelope(alice));
  const second = batchOf(solo.nowMs, openEnvelope(alice, 2));
  solo.order(1, first);
  solo.message(0, prePrepare(0, 2, second));
  solo.messages([0, 2, 3], commit(0, 2, second.digest));
  solo.message(3, others[2]!);
  const halted = solo.outputs.findIndex(({ kind }) => kind === 'halt');
  expect(halted).toBe(solo.outputs.length - 1);
});
