/** A replica whose state has gone wrong repairs itself (DESIGN section 6; pitfall 8). */
import { describe, expect, test } from 'vitest';
import { addEnvelope, alice, Lockstep } from '../support/lockstep.js';

const config = { checkpointInterval: 4, watermarkWindow: 8, statusIntervalMs: 50 };

function working(): { cluster: Lockstep; add: (amount: number) => void } {
  const cluster = new Lockstep(4, config);
  const session = cluster.open(alice);
  let number = 0;
  const add = (amount: number): void => {
    number++;
    cluster.submit(addEnvelope(alice, session, number, [amount]));
    cluster.tick(20);
  };
  return { cluster, add };
}

const events = (cluster: Lockstep, id: number): string[] =>
  cluster.outputs(id, 'event').map(({ event }) => event);

describe.each([
  ['a backup', 2],
  ['the primary', 0],
])('%s with another state', (_who, wrong) => {
  test('notices at the next checkpoint, takes the certified state and goes on; what differed is evidence', () => {
    const { cluster, add } = working();
    for (let i = 0; i < 5; i++) add(1);
    cluster.node(wrong).counter.corrupt(100);
    for (let i = 0; i < 4; i++) add(1);
    cluster.tick(1_000);
    for (let i = 0; i < 8; i++) add(1);
    cluster.tick(1_000);
    expect(cluster.values()).toEqual([17, 17, 17, 17]);
    expect(events(cluster, wrong)).toEqual(expect.arrayContaining(['state-diverged', 'state-repaired']));
    expect(cluster.outputs(wrong, 'halt')).toEqual([]);
    const [divergence] = cluster.outputs(wrong, 'divergence');
    expect(divergence?.pages.map(({ section }) => section)).toContain('application');
    const digests = cluster.nodes.map(({ replica }) => replica.stateDigest());
    expect(new Set(digests).size).toBe(1);
  });

  test('lets nobody have a wrong answer after it has noticed', () => {
    const { cluster, add } = working();
    for (let i = 0; i < 5; i++) add(1);
    cluster.node(wrong).counter.corrupt(100);
    cluster.filter = ({ message }) => (message.kind === 'stateNodes' ? null : message);
    for (let i = 0; i < 4; i++) add(1);
    expect(events(cluster, wrong)).toContain('state-diverged');
    cluster.node(wrong).outputs = [];
    for (let i = 0; i < 3; i++) add(1);
    expect(cluster.outputs(wrong, 'reply')).toEqual([]);
    expect(cluster.sent(wrong, 'checkpoint')).toEqual([]);
    cluster.filter = ({ message }) => message;
    for (let i = 0; i < 8; i++) add(1);
    cluster.tick(2_000);
    expect(new Set(cluster.values()).size).toBe(1);
  });
});

test('a replica that keeps going wrong stops', () => {
  const { cluster, add } = working();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 4; i++) add(1);
    cluster.node(2).counter.corrupt(100);
    for (let i = 0; i < 8; i++) add(1);
    cluster.tick(1_000);
  }
  expect(cluster.outputs(2, 'halt')).toEqual([{ kind: 'halt', reason: 'STATE_DIVERGED' }]);
});
