import { describe, expect, it } from 'vitest';
import { prng, viewNumber } from '../../src/base/index.js';
import type { LogRecord } from '../../src/codec/index.js';
import { Clock, boundedClockError, epochMs } from '../../src/sim/clock.js';
import { Network, calmLinks } from '../../src/sim/network.js';
import { Simulator } from '../../src/sim/simulator.js';
import { SimulatedDisk, SimulatedStorage } from '../../src/sim/storage.js';

describe('simulator', () => {
  it('runs events in order of time, then of scheduling', () => {
    const simulator = new Simulator();
    const seen: string[] = [];
    const random = prng(1);
    const expected: { at: number; order: number }[] = [];
    for (let order = 0; order < 500; order++) {
      const at = random.below(40);
      expected.push({ at, order });
      simulator.schedule(at, () => seen.push(`${simulator.nowUs}/${order}`));
    }
    simulator.run(100);
    expected.sort((a, b) => a.at - b.at || a.order - b.order);
    expect(seen).toEqual(expected.map(({ at, order }) => `${at}/${order}`));
    expect(simulator.nowUs).toBe(100);
  });

  it('runs what events schedule, at once or later', () => {
    const simulator = new Simulator();
    const seen: number[] = [];
    simulator.schedule(5, () => {
      simulator.schedule(0, () => seen.push(simulator.nowUs));
      simulator.schedule(7, () => seen.push(simulator.nowUs));
    });
    simulator.run(11);
    expect(seen).toEqual([5]);
    simulator.run(1);
    expect(seen).toEqual([5, 12]);
  });

  it('stops waiting as soon as the condition holds', () => {
    const simulator = new Simulator();
    let done = false;
    simulator.schedule(300, () => (done = true));
    expect(simulator.runUntil(() => done, 10_000, 100)).toBe(true);
    expect(simulator.nowUs).toBe(300);
    expect(simulator.runUntil(() => false, 250, 100)).toBe(false);
    expect(simulator.nowUs).toBe(550);
  });
});

describe('network', () => {
  const links = { ...calmLinks, delayUsMin: 10, delayUsMax: 50 };

  it('delays within the profile, and lets packets overtake each other', () => {
    const simulator = new Simulator();
    const network = new Network(simulator, prng(3), links);
    const arrivals: { packet: number; at: number }[] = [];
    for (let packet = 0; packet < 100; packet++)
      network.send(0, 1, () => arrivals.push({ packet, at: simulator.nowUs }));
    simulator.run(100);
    expect(arrivals).toHaveLength(100);
    expect(arrivals.every(({ at }) => at >= 10 && at <= 50)).toBe(true);
    expect(arrivals.map(({ packet }) => packet)).not.toEqual(arrivals.map((_, index) => index));
  });

  it('keeps a stream in order', () => {
    const simulator = new Simulator();
    const network = new Network(simulator, prng(3), { ...links, reorderPer10k: 5_000, reorderUsMax: 1_000 });
    const arrivals: number[] = [];
    for (let packet = 0; packet < 100; packet++) network.sendStream(0, 1, () => arrivals.push(packet));
    simulator.run(10_000);
    expect(arrivals).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  it('loses and duplicates about as often as told', () => {
    const simulator = new Simulator();
    const lossy = { ...links, lossPer10k: 3_000, duplicatePer10k: 5_000 };
    const network = new Network(simulator, prng(9), lossy);
    const copies = new Map<number, number>();
    for (let packet = 0; packet < 2_000; packet++)
      network.send(0, 1, () => copies.set(packet, (copies.get(packet) ?? 0) + 1));
    simulator.run(1_000);
    const twice = [...copies.values()].filter((count) => count === 2).length;
    expect(copies.size).toBeGreaterThan(1_250);
    expect(copies.size).toBeLessThan(1_550);
    expect(twice).toBeGreaterThan(550);
    expect(twice).toBeLessThan(850);
  });

  it('cuts one direction alone, and whole groups apart', () => {
    const simulator = new Simulator();
    const network = new Network(simulator, prng(1), links);
    network.cut(0, 1);
    expect([network.isCut(0, 1), network.isCut(1, 0)]).toEqual([true, false]);
    expect(network.sendStream(0, 1, () => undefined)).toBe(false);
    network.heal();
    network.partition([[0, 1], [2], [3]]);
    const pairs = [0, 1, 2, 3].flatMap((a) => [0, 1, 2, 3].map((b) => [a, b] as const));
    const open = pairs.filter(([a, b]) => a !== b && !network.isCut(a, b));
    expect(open).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });
});

describe('clock', () => {
  it('stays within its bound and never runs backwards', () => {
    for (let seed = 0; seed < 50; seed++) {
      const simulator = new Simulator();
      const horizonUs = 300_000_000;
      const clock = new Clock(simulator, boundedClockError(prng(seed), 500_000, horizonUs));
      let last = 0;
      for (let step = 0; step < 300; step++) {
        simulator.run(horizonUs / 300);
        const now = clock.nowMs();
        expect(now).toBeGreaterThanOrEqual(last);
        expect(Math.abs(now - epochMs - simulator.nowMs)).toBeLessThanOrEqual(501);
        last = now;
      }
    }
  });
});

describe('storage', () => {
  const fail = (): void => expect.unreachable();
  const record = (view: number): LogRecord => ({ kind: 'viewChange', view: viewNumber(view) });
  const profile = { syncUsMin: 100, syncUsMax: 100, isDurable: true };

  it('reports in order, one sync for all that waits, and nothing after a crash', () => {
    const simulator = new Simulator();
    const stored: number[] = [];
    const disk = new SimulatedDisk();
    const storage = new SimulatedStorage(simulator, prng(1), profile, disk);
    storage.listen({ stored: (number) => stored.push(number), stateSaved: fail, failed: fail });
    storage.append(1, record(1), false);
    storage.append(2, record(2), false);
    storage.append(3, record(3), true);
    simulator.run(150);
    expect([stored, disk.remembered.records]).toEqual([[1], [record(1)]]);
    simulator.run(100);
    expect([stored, disk.remembered.records]).toEqual([[1, 3], [1, 2, 3].map(record)]);
    storage.append(4, record(4), false);
    storage.lose();
    simulator.run(1_000);
    expect(stored).toEqual([1, 3]);
    expect(disk.remembered.records.slice(0, 3)).toEqual([1, 2, 3].map(record));
  });

  it('lets a lazy record wait for one that is not', () => {
    const simulator = new Simulator();
    const stored: number[] = [];
    const storage = new SimulatedStorage(simulator, prng(1), profile, null);
    storage.listen({ stored: (number) => stored.push(number), stateSaved: fail, failed: fail });
    storage.append(1, record(1), true);
    simulator.run(1_000);
    expect(stored).toEqual([]);
    storage.append(2, record(2), false);
    simulator.run(1_000);
    expect(stored).toEqual([2]);
  });
});
