import { describe, expect, it } from 'vitest';
import {
  parseProcessTimes,
  parseSystemTimes,
  sharesBetween,
  ticksOfTree,
} from '../../../src/cli/bench/processor.js';

describe('who used the processor', () => {
  it('is read from the first line of /proc/stat', () => {
    const stat = 'cpu  100 10 50 800 20 5 5 10 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n';
    expect(parseSystemTimes(stat)).toEqual({ total: 1_000, busy: 170, stolen: 10 });
  });

  it('is read from the stat of a process, whatever its name', () => {
    const stat = '42 (a) b) S 7 42 42 0 -1 4194304 100 0 0 0 11 12 13 14 20 0 1 0 100 1 1';
    expect(parseProcessTimes(stat)).toEqual({ pid: 42, parent: 7, ticks: 50 });
  });

  it('counts children of children as ours, in any order', () => {
    const processes = [
      { pid: 30, parent: 20, ticks: 4 },
      { pid: 20, parent: 10, ticks: 2 },
      { pid: 10, parent: 1, ticks: 1 },
      { pid: 11, parent: 1, ticks: 100 },
    ];
    expect(ticksOfTree(processes, 10)).toBe(7);
  });

  it('gives shares of all there was, and none below nothing', () => {
    const before = { total: 1_000, busy: 500, stolen: 10, ours: 100 };
    const after = { total: 2_000, busy: 1_300, stolen: 60, ours: 700 };
    expect(sharesBetween(before, after)).toEqual({ ours: 0.6, others: 0.2, stolen: 0.05 });
    expect(sharesBetween(before, { ...after, ours: 1_000 })).toMatchObject({ others: 0 });
  });
});
