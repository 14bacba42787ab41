import { expect, test } from 'vitest';
import { addEnvelope, alice, Lockstep, openEnvelope, type InFlight } from '../../support/lockstep.js';

test('a state transfer that takes longer than a checkpoint interval ends under load', () => {
  const cluster = new Lockstep(4, { checkpointInterval: 16, watermarkWindow: 32, stateChunkBytes: 256 });
  for (let nonce = 2; nonce < 60; nonce++) cluster.submit(openEnvelope(alice, nonce));
  const session = cluster.open(alice);
  cluster.node(3).isDown = true;
  let number = 1;
  const load = () => {
    for (let i = 0; i < 4; i++) cluster.submit(addEnvelope(alice, session, number++, [1]), [0]);
  };
  for (let i = 0; i < 5; i++) load();
  cluster.node(3).isDown = false;
  let late: InFlight[] = [];
  const passed = new Set<unknown>();
  cluster.filter = (inFlight) => {
    if (passed.has(inFlight.message) || inFlight.message.kind !== 'stateNodes') return inFlight.message;
    late.push(inFlight);
    return null;
  };
  for (let i = 0; i < 400; i++) {
    load();
    cluster.tick(10);
    const due = late;
    late = [];
    for (const { from, to, message } of due) {
      passed.add(message);
      cluster.post(from, to, message);
    }
    cluster.settle();
  }
  expect(cluster.node(3).replica.status().executed).toBeGreaterThan(
    cluster.node(0).replica.status().executed - 20,
  );
});

test('a primary lets go of what it proposed in batches that a state transfer has passed, whatever became of it', () => {
  const limits = { checkpointInterval: 4, watermarkWindow: 8, historyBatchesMax: 0, batchOperationsMax: 1 };
  const cluster = new Lockstep(4, limits);
  const session = cluster.open(alice);
  // The others order what the primary proposes; it hears nothing of that.
  cluster.filter = ({ to, message }) => (to === 0 ? null : message);
  // Refused and not remembered: no state tells that it was ordered.
  cluster.submit(addEnvelope(alice, session, 50_000, [1], 1), [0]);
  for (let number = 1; number <= 6; number++)
    cluster.submit(addEnvelope(alice, session, number, [1], 1), [0]);
  expect(cluster.node(1).replica.status().pending).toBe(0);
  cluster.filter = ({ message }) => message;
  cluster.tick(1_000);
  const [primary, backup] = [cluster.node(0).replica.status(), cluster.node(1).replica.status()];
  expect(cluster.outputs(0, 'event').some(({ event }) => event === 'state-transferred')).toBe(true);
  expect(primary).toMatchObject({ view: 0, executed: backup.executed, pending: 0 });
});
