/**
 * No correct primary is replaced for being slow, whatever the load does: bursts, overload, think times, jitter, slow disks
 * and a backup that lags (DESIGN section 2; pitfall 12). SEEDS and SECONDS make the runs more and longer.
 */
import { describe, expect, test } from 'vitest';
import { prng } from '../../src/base/index.js';
import { calmLinks } from '../../src/sim/network.js';
import { Workload } from '../../src/sim/workload.js';
import { SteadyLoad, usualLoad } from '../support/steady-load.js';

const { SEEDS = '3', SECONDS = '30', FIRST_SEED = '1' } = process.env;

function play(seed: number): SteadyLoad {
  const random = prng(seed).stream('honest load');
  const delayUsMax = random.pick([500, 2_000, 10_000, 40_000]);
  const load = new SteadyLoad({
    seed,
    clients: random.between(2, 8),
    links: { ...calmLinks, delayUsMin: random.pick([50, delayUsMax >> 1]), delayUsMax },
    syncUsMax: random.pick([0, 1_000, 10_000, 50_000]),
    workload: { thinkUsMax: random.pick([0, 20_000]), concurrency: random.between(1, 3) },
  });
  const { world } = load;
  const [light, heavy] = [
    { thinkUsMax: 1_000_000, concurrency: 2 },
    { thinkUsMax: random.pick([0, 100_000]), concurrency: random.pick([20, 60]), keys: 1_000 },
  ].map((profile) => {
    const workload = new Workload(world, random.stream('phases'), { ...usualLoad, ...profile });
    workload.start();
    return workload;
  });
  const lagUs = random.pick([0, 0, 20_000, 100_000]);
  if (lagUs > 0) load.lag(3, lagUs);
  const phases = [load.workload, light!, heavy!];
  const untilMs = world.simulator.nowMs + Number(SECONDS) * 1_000;
  while (world.simulator.nowMs < untilMs) {
    const phase = random.pick(phases);
    for (const each of phases) each.allow(each === phase ? 1_000_000_000 : 0);
    const isShort = phase === heavy || random.chance(1, 3);
    world.simulator.run(random.between(20_000, isShort ? 2_000_000 : 15_000_000));
  }
  return load;
}

describe('pitfall 12: an honest cluster', () => {
  const seeds = Array.from({ length: Number(SEEDS) }, (_, index) => Number(FIRST_SEED) + index);
  test.each(seeds)(
    'seed %i: no primary is replaced for slowness',
    (seed) => {
      const load = play(seed);
      expect(load.changes.filter(({ reason }) => reason === 'throughput')).toEqual([]);
    },
    600_000,
  );
});
