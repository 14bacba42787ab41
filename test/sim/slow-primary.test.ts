/** A primary that is slow on purpose, though never so slow that a request times out (Aardvark, NSDI'09; pitfall 12). */
import { describe, expect, test } from 'vitest';
import { decodeBatch } from '../../src/codec/index.js';
import { SteadyLoad } from '../support/steady-load.js';

/** Operations per second without faults under this load. */
const usual = new SteadyLoad().throughput(5_000);

describe('pitfall 12: a slow primary under a closed loop of clients', () => {
  test.each([50, 100, 250])('that adds %i ms is replaced within seconds', (delayMs) => {
    const load = new SteadyLoad();
    load.throughput(5_000);
    load.slowDown(0, delayMs * 1_000);
    expect(load.throughput(1_000)).toBeLessThan(0.3 * usual);
    load.throughput(5_000);
    expect(load.view).toBe(1);
    expect(load.reasons()).toEqual(['throughput', 'joined']);
    expect(load.throughput(5_000)).toBeGreaterThan(0.6 * usual);
    // The one that came after it stays.
    expect(load.view).toBe(1);
  });

  test('from the very first batch on, when nobody is there to compare it with', () => {
    const load = new SteadyLoad();
    load.slowDown(0, 200_000);
    load.throughput(8_000);
    expect(load.view).toBe(1);
    expect(load.throughput(5_000)).toBeGreaterThan(0.6 * usual);
  });

  test('stays if nothing is expected of it', () => {
    const load = new SteadyLoad({ config: { slowPrimaryPercent: 0 } });
    load.throughput(5_000);
    load.slowDown(0, 250_000);
    load.throughput(10_000);
    expect(load.throughput(5_000)).toBeLessThan(0.3 * usual);
    expect(load.changes).toEqual([]);
  });

  test('that proposes in time, to no more than it must, and is slow with its votes, is replaced as well', () => {
    const load = new SteadyLoad();
    load.throughput(5_000);
    load.world.filter = ({ from, to, message, deliver }) => {
      if (from !== 0 || to > 3) return false;
      if (to === 3 && message.kind === 'prePrepare') return true;
      if (message.kind !== 'prepare' && message.kind !== 'commit') return false;
      load.world.simulator.schedule(150_000, deliver);
      return true;
    };
    load.throughput(20_000);
    expect(load.view).toBeGreaterThan(0);
    expect(load.throughput(5_000)).toBeGreaterThan(0.6 * usual);
  });
});

describe("a primary that lets one client go first (Aardvark, NSDI'09, section 4.4)", () => {
  // With this seed it lets the others wait for less than the time-out.
  const frontRun = { seed: 5, adversary: ['front-run'] };

  test.each([2, 4, 10])('of %i is replaced within seconds', (clients) => {
    const load = new SteadyLoad({ ...frontRun, clients });
    load.throughput(5_000);
    expect(load.reasons()).toEqual(['throughput', 'joined']);
    const before = new SteadyLoad({ clients }).throughput(3_000);
    expect(load.throughput(3_000)).toBeGreaterThan(0.6 * before);
    expect(load.view).toBe(1);
  });

  test('stays if nothing is expected of it', () => {
    const load = new SteadyLoad({ ...frontRun, config: { slowPrimaryPercent: 0 } });
    load.throughput(5_000);
    expect(load.throughput(5_000)).toBeLessThan(0.5 * usual);
    expect(load.changes).toEqual([]);
  });
});

test('pitfall 12: when the whole cluster gets slower, that is accepted after at most n views', () => {
  const load = new SteadyLoad();
  load.throughput(5_000);
  load.world.filter = ({ from, to, deliver }) => {
    if (from > 3 || to > 3) return false;
    load.world.simulator.schedule(60_000, deliver);
    return true;
  };
  load.throughput(120_000);
  const { view } = load;
  expect(view).toBeLessThanOrEqual(4);
  load.throughput(120_000);
  expect(load.view).toBe(view);
  // Nobody left alone, on the word of one who stayed.
  for (let change = 0; change < view; change++) {
    const all = load.changes.slice(4 * change, 4 * change + 4);
    expect(all.map(({ replica }) => replica).sort()).toEqual([0, 1, 2, 3]);
    expect(all.at(-1)!.atMs - all[0]!.atMs).toBeLessThan(1_000);
  }
});

describe('optional rotation', () => {
  test('each primary takes its turn after so many batches', () => {
    const load = new SteadyLoad({ config: { rotateAfterBatches: 100 } });
    expect(load.throughput(10_000)).toBeGreaterThan(0.5 * usual);
    expect(load.view).toBeGreaterThan(5);
    expect(load.reasons()).toContain('rotation');
  });

  test('not by default', () => {
    const load = new SteadyLoad();
    load.throughput(5_000);
    expect(load.changes).toEqual([]);
  });
});

test('pitfall 10: batches do not collapse to single requests under 100 clients', () => {
  const sizes: number[] = [];
  const load = new SteadyLoad({ clients: 100, workload: { concurrency: 1 } });
  load.throughput(1_000);
  load.world.filter = ({ from, to, message }) => {
    if (from === 0 && to === 1 && message.kind === 'prePrepare')
      sizes.push(decodeBatch(message.batch)!.envelopes.length);
    return false;
  };
  const throughput = load.throughput(2_000);
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  expect(mean).toBeGreaterThan(10);
  // Eight clients' worth and more: a batch carries what came in while the last one was under way.
  expect(throughput).toBeGreaterThan(4 * usual);
  expect(load.changes).toEqual([]);
});
