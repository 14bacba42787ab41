/** What broke in the predecessors, played in whole clusters: each pitfall by its number. */
import { describe, expect, it } from 'vitest';
import { any, LeaseLostError } from '../../src/client/index.js';
import type { Output } from '../../src/ordering/index.js';
import { Lock } from '../../src/recipes/index.js';
import { defences, outlawDefences, runDefence, runScenario, SimulatedCluster } from '../../src/sim/index.js';
import type { Defence, SimulationReport } from '../../src/sim/index.js';

const rowOf = (rows: readonly Defence[], behaviour: string): Defence =>
  rows.find((row) => row.behaviour === behaviour)!;

const holds = (script: string): void => {
  expect(runScenario(script).failure).toBeUndefined();
};

const ask = (client: string, first: number, count: number, within: string): string =>
  Array.from({ length: count }, (_, i) => {
    return `call ${client} out ["${client}",${i}]\nawait ${client}#${first + i} within=${within}`;
  }).join('\n');

describe('pitfall 1: envelopes that some replicas find good and others bad', () => {
  const row = rowOf(outlawDefences, 'partial-signatures');
  it('stop a cluster that has MAC vectors in place of signatures', () => {
    expect(runDefence(row, { isOpen: true, isAttacked: true }).failure?.checker).toBe('scenario');
  });
  it('leave one with signatures in its view', () => {
    const report = runDefence(row, { isOpen: false, isAttacked: true });
    expect([report.failure, report.viewChanges]).toEqual([undefined, 0]);
  });
});

describe('pitfall 1: a client whose MACs are good at some replicas and wrong at others', () => {
  /** What replicas hold against others of them. */
  function play(auth: string): { report: SimulationReport; accused: string[] } {
    const accused: string[] = [];
    const look = (outputs: readonly Output[]): readonly Output[] => {
      for (const output of outputs)
        if (output.kind === 'evidence' && typeof output.from === 'number') accused.push(output.code);
      return outputs;
    };
    const script = `
cluster n=4 ${auth} outlaws=partial-signatures
call c1 out ["c1",0] timeout=120s
await c1#1 within=120s
${ask('c1', 2, 30, '1s')}
until executed 0..3 equal
expect digest equal
`;
    return { report: runScenario(script, { tampering: { outputs: look } }), accused };
  }

  it('costs time where clients make MACs: views change, nobody disagrees, no replica is accused', () => {
    const { report, accused } = play('auth=mac');
    expect([report.failure, accused]).toEqual([undefined, []]);
    expect(report.viewChanges).toBeGreaterThan(0);
  });

  it('costs nothing where clients sign', () => {
    const { report, accused } = play('');
    expect([report.failure, report.viewChanges, accused]).toEqual([undefined, 0, []]);
  });
});

describe('pitfall 6: a primary that jumps', () => {
  it.each(['sequence-jumps', 'beyond-watermarks', 'corrupt-votes'])('%s does not get far', (behaviour) => {
    const row = rowOf(defences, behaviour);
    expect(runDefence(row, { isOpen: false, isAttacked: true }).failure).toBeUndefined();
    expect(runDefence(row, { isOpen: true, isAttacked: true }).failure).toBeDefined();
  });
});

describe('pitfall 9: what must not take the service down', () => {
  it.each([0, 3])('replica %i cut off from the others and back, again and again', (cut) => {
    const others = [0, 1, 2, 3].filter((id) => id !== cut).join(',');
    const round = (i: number): string => `
partition ${cut} | ${others},c1
${ask('c1', 2 + 12 * i, 6, '6s')}
heal
run 500ms
${ask('c1', 8 + 12 * i, 6, '2s')}
`;
    holds(`
cluster n=4 checkpoint=8 window=16
open c1
${Array.from({ length: 5 }, (_, i) => round(i)).join('')}
until executed 0..3 equal
expect digest equal
`);
  });

  it('a primary that is frozen, not dead, and comes back with what it was about to say', () => {
    holds(`
cluster n=4 checkpoint=8 window=16
open c1
${ask('c1', 2, 3, '1s')}
pause 0
${ask('c1', 5, 6, '5s')}
expect view 1..3 = 1
resume 0
${ask('c1', 11, 6, '1s')}
until view 0..3 = 1
until executed 0..3 equal
`);
  });

  it('two primaries frozen one after the other', () => {
    holds(`
cluster n=7 checkpoint=8 window=16
open c1
${ask('c1', 2, 3, '1s')}
pause 0
pause 1
${ask('c1', 5, 6, '10s')}
resume 0
resume 1
${ask('c1', 11, 6, '1s')}
until executed 0..6 equal
`);
  });

  it('the death of the primary, for clients which connect only during and after it', () => {
    const late = Array.from({ length: 20 }, (_, i) => `c${i + 2}`);
    const [during, after] = [late.slice(0, 10), late.slice(10)];
    const away = late.map((client) => `cut ${client} 0..3\ndisconnect ${client} 0..3`).join('\n');
    const back = (clients: readonly string[]): string =>
      clients.map((client) => `mend ${client} 0..3\ncall ${client} out ["late"] timeout=20s`).join('\n');
    const first = (clients: readonly string[], within: string): string =>
      clients.map((client) => `await ${client}#1 within=${within}`).join('\n');
    holds(`
cluster n=4 clients=21
open c1
${away}
stop 0
${back(during)}
${first(during, '5s')}
expect view 1..3 = 1
${back(after)}
${first(after, '1s')}
${ask('c1', 2, 10, '1s')}
expect view 1..3 = 1
`);
  });
});

describe('pitfall 22: a watch', () => {
  it('that loses its streams, its session and its primary hangs nowhere and skips nothing', async () => {
    const cluster = new SimulatedCluster({ seed: 22, clients: ['watcher', 'writer'] });
    const [watched, written] = ['watcher', 'writer'].map((name) => cluster.client(name).space('default'));
    const total = 24;
    const watch = async (): Promise<unknown[]> => {
      const told: unknown[] = [];
      for await (const { kind, entry, sequence } of watched!.subscribe(['n', any])) {
        told.push([kind, entry.tuple[1], sequence]);
        if (told.length === total) return told;
      }
      return told;
    };
    const watching = watch();
    const write = async (from: number, count: number): Promise<void> => {
      for (let i = from; i < from + count; i++) await written!.out(['n', i]);
    };
    await cluster.advance(1_000);
    await cluster.run(write(0, 6));
    cluster.cutOff('watcher');
    await cluster.run(write(6, 6));
    // Longer than a session lives.
    await cluster.advance(45_000);
    await cluster.run(write(12, 6));
    cluster.heal();
    cluster.stopReplica(0);
    await cluster.run(write(18, 6));
    const expected = Array.from({ length: total }, (_, i) => ['inserted', i, i + 1]);
    expect(await cluster.run(watching)).toEqual(expected);
    cluster.restartReplica(0);
    await cluster.finish();
  });
});

describe('pitfall 30: every request ends', () => {
  it('those of a space that is deleted under them, and the deletion itself', async () => {
    const cluster = new SimulatedCluster({ seed: 30, clients: ['admin', 'a', 'b'] });
    const { admin } = cluster.client('admin');
    await cluster.run(admin.createSpace('doomed'));
    const [a, b] = ['a', 'b'].map((name) => cluster.client(name).space('doomed'));
    await cluster.run(a!.out(['there']));
    const watching = (async (): Promise<void> => {
      for await (const event of a!.subscribe(['missing'])) expect(event).toBeUndefined();
    })();
    const waits = [a!.rd(['missing']), b!.in(['missing']), b!.in(['missing', any], { timeout: 500_000 })];
    const ends = Promise.allSettled([watching, ...waits]);
    await cluster.advance(2_000);
    expect(await cluster.run(admin.deleteSpace('doomed'), 10_000)).toMatchObject({ name: 'doomed' });
    for (const end of await cluster.run(ends, 10_000))
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'SPACE_DELETED' } });
    await expect(cluster.run(admin.deleteSpace('doomed'), 10_000)).rejects.toMatchObject({
      code: 'NO_SUCH_SPACE',
    });
    await expect(cluster.run(a!.out(['late']), 10_000)).rejects.toMatchObject({ code: 'NO_SUCH_SPACE' });
    await cluster.finish();
  });

  it('those that nobody can answer any more, once their time is over', async () => {
    const cluster = new SimulatedCluster({ seed: 31, clients: ['admin', 'a'] });
    const space = cluster.client('a').space('default');
    await cluster.run(space.out(['n', 0]));
    cluster.cutOff('a');
    cluster.cutOff('admin');
    const calls = [
      space.out(['n', 1]),
      space.rdp(['n', any]),
      space.cas(['n', 2], ['n', 2]),
      space.in(['x'], { timeout: 1_000 }),
      cluster.client('admin').admin.createSpace('s'),
      cluster.client('admin').admin.deleteSpace('default'),
    ];
    for (const end of await cluster.run(Promise.allSettled(calls), 60_000))
      expect(end).toMatchObject({
        status: 'rejected',
        reason: { code: expect.stringMatching(/^(OUTCOME_UNKNOWN|SERVICE_UNAVAILABLE)$/) },
      });
    cluster.heal();
    await cluster.run(space.out(['n', 3]));
    await cluster.finish();
  });
});

describe('pitfall 39: a holder that was cut off', () => {
  it.each([1, 2, 3])(
    'has lost its lock by its own clock before another gets it, and sees none of its own (seed %i)',
    async (seed) => {
      const cluster = new SimulatedCluster({ seed, clients: ['a', 'b'] });
      const [a, b] = ['a', 'b'].map((name) => cluster.client(name).space('default'));
      const lease = 3_000;
      const [first, second] = [new Lock(a!, 'l', { lease }), new Lock(b!, 'l', { lease })];
      const held = (await cluster.run(first.acquire()))!;
      const next = second.acquire();
      await cluster.advance(1_000);
      cluster.cutOff('a');
      const taken = (await cluster.run(next))!;
      expect(held.isHeld()).toBe(false);
      expect(() => held.check()).toThrow(LeaseLostError);
      expect(taken.fencingToken).toBeGreaterThan(held.fencingToken);
      cluster.heal();
      // The first that it is told after the partition is the truth.
      expect(await cluster.run(first.holder())).toEqual({ owner: 'b', fencingToken: taken.fencingToken });
      expect(held.isHeld()).toBe(false);
      expect(await cluster.run(held.release())).toBe(false);
      expect(taken.isHeld()).toBe(true);
      await cluster.finish();
    },
  );

  it('is not told that it holds the lock by a replica with an old state', () => {
    const row = rowOf(defences, 'stale-reads');
    expect(runDefence(row, { isOpen: false, isAttacked: true }).failure).toBeUndefined();
    expect(runDefence(row, { isOpen: true, isAttacked: true }).failure?.checker).toBe('fast-reads');
  });
});

describe('pitfall 40: a lease too short for the clocks', () => {
  it('is refused, by whatever operation it is asked for', async () => {
    const cluster = new SimulatedCluster({ seed: 40, clients: ['a'] });
    const space = cluster.client('a').space('default');
    const lease = 2_199;
    await cluster.run(space.out(['n'], { lease: lease + 1 }));
    const calls: readonly (() => Promise<unknown>)[] = [
      () => space.out(['m'], { lease }),
      () => space.cas(['m'], ['m'], { lease }),
      () => space.replace(['n'], ['m'], { lease }),
      () => space.renew(['n'], lease),
      () => new Lock(space, 'l', { lease }).acquire(),
    ];
    for (const call of calls)
      await expect(cluster.run(call())).rejects.toMatchObject({
        code: 'LEASE_TOO_SHORT',
        fields: { leaseMinMs: lease + 1 },
      });
    expect(await cluster.run(space.count(['m']))).toBe(0);
    await cluster.finish();
  });
});
