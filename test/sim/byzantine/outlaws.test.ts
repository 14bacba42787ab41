/** Malicious clients: each does the damage that it is there for, once what stops it is taken away, and none before. */
import { describe, expect, it } from 'vitest';
import { any } from '../../../src/client/index.js';
import { decodeResult } from '../../../src/codec/index.js';
import {
  byzantine,
  byzantineBehaviours,
  outlawBehaviours,
  outlawDefences,
  runRandom,
  runScenario,
  SimulatedCluster,
  undefendedOutlaws,
} from '../../../src/sim/index.js';
import { parametersOf } from '../../../src/sim/parameters.js';
import { knownAdversaries, listedAdversaries } from '../../support/adversary-tables.js';
import { describeDefence } from '../../support/describe-defence.js';

const names = Object.keys(outlawBehaviours);

/** How often the committed order has refused something of an outlaw with this code. */
function refusals({ world }: SimulatedCluster, code: string): number {
  const outlaws = world.registered!.filter(({ name }) => /^o[0-9]+$/.test(name));
  const keys = new Set(outlaws.map(({ publicKey }) => publicKey));
  return world.checks.order.batches().reduce((sum, { executions }) => {
    const own = executions.filter(({ operation }) => keys.has(operation.client));
    const results = own.map(({ result }) => (result === null ? null : decodeResult(result)));
    return sum + results.filter((result) => result?.kind === 'refused' && result.code === code).length;
  }, 0);
}

describe('burn-budget in a space whose policy it makes cost the most', () => {
  const costly = `import { definePolicy } from "theodora/policy";
export default definePolicy({
  out: ({ tuple }) => tuple.every((a) => tuple.every((b) => tuple.every((c) => a === b || b !== c || a !== c))),
  count: true,
});
`;
  it('is denied at the end of the budget; others are served', async () => {
    const cluster = new SimulatedCluster({ seed: 1, clients: ['admin', 'a'], outlaws: [['burn-budget']] });
    await cluster.run(cluster.client('admin').admin.createSpace('costly', { policy: costly }));
    const space = cluster.client('a').space('costly');
    await cluster.advance(6_000);
    for (let i = 0; i < 20; i++) await cluster.run(space.out(['a', i]), 2_000);
    expect(await cluster.run(space.count(['a', any]))).toBe(20);
    expect(refusals(cluster, 'POLICY_BUDGET')).toBeGreaterThan(3);
    await cluster.finish();
  });
});

it('a program is attacked by clients as well if its test says so', async () => {
  const options = { clients: ['a', 'b'], behaviours: ['silent', 'equivocate'], outlaws: names };
  await byzantine(options, async (cluster) => {
    const [a, b] = ['a', 'b'].map((name) => cluster.client(name).space('default'));
    expect(cluster.world.outlaws.size).toBe(names.length);
    for (let i = 0; i < 12; i++) {
      await a!.out(['n', i]);
      expect((await b!.in(['n', i], { timeout: 60_000 }))?.tuple).toEqual(['n', i]);
    }
  });
  await expect(byzantine({ ...options, outlaws: ['nobody'] }, () => Promise.resolve())).rejects.toMatchObject(
    {
      code: 'BEHAVIOUR_UNKNOWN',
    },
  );
});

it('random runs draw every behaviour, and name it', () => {
  const drawn = Array.from({ length: 400 }, (_, seed) => parametersOf(seed).outlaws);
  expect(new Set(drawn.flat(2))).toEqual(new Set(names));
  expect(drawn.filter(({ length }) => length === 0).length).toBeGreaterThan(250);
  expect(runRandom({ seed: 1, operations: 10, outlaws: ['malformed'] }).outlaws[0]).toBe('malformed');
  expect(parametersOf(1, { faults: ['byzantine'] }).outlaws).toEqual([]);
  const adversaries = Array.from({ length: 600 }, (_, seed) => [...parametersOf(seed).adversaries.values()]);
  expect(new Set(adversaries.flat(2))).toEqual(new Set(Object.keys(byzantineBehaviours)));
});

it('random runs have MACs at times, and then no malicious clients', () => {
  const drawn = Array.from({ length: 600 }, (_, seed) => parametersOf(seed));
  const withMacs = drawn.filter(({ world }) => world.requestAuth === 'mac');
  expect(withMacs.length).toBeGreaterThan(50);
  expect(withMacs.length).toBeLessThan(150);
  expect(withMacs.every(({ outlaws }) => outlaws.length === 0)).toBe(true);
  expect(withMacs.some(({ adversaries }) => adversaries.size > 0)).toBe(true);
});

describe('defences against malicious clients', () => {
  for (const row of outlawDefences) describeDefence(row);

  for (const name of names) {
    it(`${name} alone harms nobody in random runs, with guards and without`, () => {
      for (const guards of [false, true]) {
        const report = runRandom({ seed: 3, n: 4, operations: 80, outlaws: [name], guards });
        expect(report.failure).toBeUndefined();
        expect(report.outcomes.open).toBe(0);
      }
    });
  }

  it('leave nothing that faulty replicas could have ordered for ever (seed 1073)', () => {
    const report = runRandom({ seed: 1073, outlaws: names });
    expect(report.failure).toBeUndefined();
    expect(report.batches).toBeLessThan(2_000);
  });

  it('are known for every behaviour, or it is said why not', () => {
    const defended = outlawDefences.map(({ behaviour }) => behaviour);
    expect([...defended, ...Object.keys(undefendedOutlaws)].sort()).toEqual(names.sort());
  });

  it('are listed in the documentation', () => {
    expect(listedAdversaries('clients')).toEqual(knownAdversaries(outlawDefences, undefendedOutlaws));
  });

  it('refuse a name that is none', () => {
    expect(() => runScenario('cluster n=4 outlaws=nobody')).toThrow('not a behaviour of clients');
  });
});
