import { describe, expect, test } from 'vitest';
import { addEnvelope, alice, Lockstep } from '../../support/lockstep.js';

describe('a cluster in lock step', () => {
  for (const n of [4, 7, 10]) {
    test(`orders and executes with n = ${n}`, () => {
      const cluster = new Lockstep(n);
      const session = cluster.open(alice);
      expect(session).toBeGreaterThan(0);
      for (let number = 1; number <= 300; number++)
        cluster.submit(addEnvelope(alice, session, number, [1]), [0]);
      expect(cluster.values()).toEqual(new Array(n).fill(300));
      for (const { replica } of cluster.nodes) {
        expect(replica.status().executed).toBe(301);
        expect(replica.status().stableCheckpoint).toBe(256);
        expect(replica.stateDigest()).toBe(cluster.node(0).replica.stateDigest());
      }
    });
  }

  test('replaces a silent primary and goes on', () => {
    const cluster = new Lockstep();
    const session = cluster.open(alice);
    cluster.submit(addEnvelope(alice, session, 1, [5]));
    cluster.node(0).isDown = true;
    cluster.submit(addEnvelope(alice, session, 2, [6]));
    cluster.tick(1500);
    expect(cluster.node(1).replica.status()).toMatchObject({ view: 1, isActive: true });
    expect(cluster.values()).toEqual([5, 11, 11, 11]);
  });

  test('a replica behind the watermark fetches the state', () => {
    const cluster = new Lockstep();
    const session = cluster.open(alice);
    cluster.node(3).isDown = true;
    for (let number = 1; number <= 400; number++)
      cluster.submit(addEnvelope(alice, session, number, [1]), [0]);
    cluster.node(3).isDown = false;
    cluster.tick(2500);
    expect(cluster.values()).toEqual([400, 400, 400, 400]);
    expect(cluster.node(3).replica.stateDigest()).toBe(cluster.node(0).replica.stateDigest());
  });

  test('a replica without memory observes, has its REJOIN ordered and votes again', () => {
    const cluster = new Lockstep();
    const session = cluster.open(alice);
    for (let number = 1; number <= 10; number++)
      cluster.submit(addEnvelope(alice, session, number, [1]), [0]);
    cluster.restart(2);
    cluster.tick(3000);
    expect(cluster.node(2).replica.status()).toMatchObject({ isObserver: false });
    expect(cluster.sent(2, 'prepare').every(({ sequenceNumber }) => sequenceNumber > 256)).toBe(true);
    expect(cluster.values()).toEqual([10, 10, 10, 10]);
    cluster.node(3).isDown = true;
    cluster.submit(addEnvelope(alice, session, 11, [1]), [0]);
    expect(cluster.values().slice(0, 3)).toEqual([11, 11, 11]);
  });

  test('a restarted primary of view 0 comes back through the next view', () => {
    const cluster = new Lockstep();
    const session = cluster.open(alice);
    cluster.submit(addEnvelope(alice, session, 1, [1]));
    cluster.restart(0);
    cluster.tick(5000);
    for (const { replica } of cluster.nodes) {
      expect(replica.status()).toMatchObject({ isObserver: false, isActive: true, view: 1 });
    }
    cluster.submit(addEnvelope(alice, session, 2, [1]));
    expect(cluster.values()).toEqual([2, 2, 2, 2]);
  });
});
