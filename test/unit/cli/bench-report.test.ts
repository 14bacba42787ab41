import { describe, expect, it } from 'vitest';
import { LongestGap } from '../../../src/cli/bench/gaps.js';
import { Histogram } from '../../../src/cli/bench/histogram.js';
import type { LoadResult } from '../../../src/cli/bench/messages.js';
import { createReport, ratioOf, tableHeader, tableRows } from '../../../src/cli/bench/report.js';
import { scenarioNames, scenarios, type Conditions } from '../../../src/cli/bench/scenarios.js';
import { memoryRows } from '../../../src/cli/bench/memory.js';
import { verdictOf } from '../../../src/cli/bench/soak.js';
import { sizesUpTo, spaceScaleRows } from '../../../src/cli/bench/space-scale.js';
import { driftOf, quotients, type Minute } from '../../../src/cli/bench/steady-load.js';

const hardware = { cpu: 'a processor', cores: 2, memoryGiB: 8, node: 'v20.19.0', loadAverage: 0.1 };
const circumstances = { hardware, processor: { ours: 0.8, others: 0.1, stolen: 0.05 } };
const plain: Conditions = {
  replicas: 4,
  concurrency: 10,
  identities: 2,
  durability: 'sync',
  payloadBytes: 64,
  requestAuth: 'mac',
};
const conditions = { ...plain, ratePerSecond: null };

function recordOf(milliseconds: readonly number[]): string {
  const latencies = new Histogram();
  for (const value of milliseconds) latencies.add(value);
  return latencies.toRecord();
}

const resultOf = (part: Partial<LoadResult>): LoadResult => ({
  elapsedMs: 1_000,
  latencies: {},
  completed: 0,
  acknowledged: {},
  intervals: [],
  longestGapMs: 1,
  lateGapMs: null,
  errors: {},
  ...part,
});

describe('a benchmark report', () => {
  it('counts completed operations a second and keeps what they were measured on', () => {
    const result = resultOf({
      elapsedMs: 2_000,
      latencies: { out: recordOf([1, 1, 1, 5]) },
      completed: 4,
      longestGapMs: 7,
    });
    const report = createReport({ scenario: 'out', point: 'out', conditions }, [result], null, circumstances);
    expect(report).toMatchObject({ scenario: 'out', operations: 4, opsPerSecond: 2, seconds: 2, rounds: 1 });
    expect([report.p50Ms, report.maxMs]).toEqual([expect.closeTo(1, 1), expect.closeTo(5, 1)]);
    expect(report).toMatchObject({ ...conditions, ...circumstances, longestGapMs: 7 });
    expect(report).not.toHaveProperty('byOperation');
    expect(report).not.toHaveProperty('lateClientGapMs');
    expect(report).not.toHaveProperty('ratio');
  });

  it('tells the kinds of operations of a mixed load apart', () => {
    const latencies = { rdp: recordOf([0.1, 0.1, 0.1]), out: recordOf([2]) };
    const report = createReport(
      { scenario: 'mixed', point: 'mixed', conditions },
      [resultOf({ latencies, completed: 4 })],
      null,
      circumstances,
    );
    expect(report.opsPerSecond).toBe(4);
    expect(report.byOperation).toMatchObject({ rdp: { operations: 3 }, out: { operations: 1 } });
    expect(tableRows(report).map(([name]) => name)).toEqual(['mixed', '  rdp', '  out']);
  });

  it('shows gaps and errors in rows as wide as the header', () => {
    const report = createReport(
      { scenario: 'failover', point: 'failover', conditions },
      [resultOf({ longestGapMs: 812.34, lateGapMs: 900, errors: { UNKNOWN_OUTCOME: 2 } })],
      null,
      circumstances,
    );
    const [row] = tableRows(report);
    expect(row).toHaveLength(tableHeader.length);
    expect(row!.slice(-4)).toEqual(['812', '900', '2 UNKNOWN_OUTCOME', '']);
    expect(report.opsPerSecond).toBe(0);
  });

  it('gives the range of the rounds, their sum, and the ratio round by round', () => {
    const rounds = [100, 120, 90].map((completed) => resultOf({ completed, errors: { TIMED_OUT: 1 } }));
    const base = [200, 200, 200].map((completed) => resultOf({ completed }));
    const ratio = ratioOf(rounds, 'n = 4', base);
    expect(ratio).toEqual({ to: 'n = 4', median: 0.5, range: [0.45, 0.6] });
    const report = createReport(
      { scenario: 'replicas', point: 'n = 7', conditions },
      rounds,
      ratio,
      circumstances,
    );
    expect(report).toMatchObject({ rounds: 3, operations: 310, errors: { TIMED_OUT: 3 } });
    expect(report.ranges.opsPerSecond).toEqual([90, 120]);
    expect(tableRows(report)[0]).toEqual(expect.arrayContaining(['90–120', '0.45–0.60 to n = 4']));
  });
});

describe('the table of scenarios', () => {
  it('has points with names of their own, and compares with one of them', () => {
    for (const name of scenarioNames) {
      const points = scenarios[name].points({ ...plain, concurrency: 200 });
      const names = points.map((point) => point.name);
      expect(new Set(names).size, name).toBe(names.length);
      for (const { ratioTo } of points) if (ratioTo !== null) expect(names).toContain(ratioTo);
    }
  });

  it('varies one thing alone', () => {
    const replicas = scenarios.replicas.points(plain);
    expect(replicas.map((point) => point.replicas)).toEqual([4, 7, 10]);
    expect(new Set(replicas.map(({ durability, concurrency }) => `${durability} ${concurrency}`)).size).toBe(
      1,
    );
    const few = scenarios.identities.points({ ...plain, concurrency: 20 });
    expect(few.map(({ identities }) => identities)).toEqual([1, 10]);
  });
});

describe('figures of long measurements', () => {
  const minute = (number: number, opsPerSecond: number, residentMiB: readonly number[]): Minute => ({
    ...{ minute: number, opsPerSecond, residentMiB, operations: 1 },
    ...{ meanMs: 1, p50Ms: 1, p90Ms: 1, p99Ms: opsPerSecond / 10, maxMs: 1 },
  });
  const minutes = [100, 100, 100, 100, 100, 100, 90, 90].map((rate, index) =>
    minute(index + 1, rate, [200 + 10 * index, 300]),
  );

  it('tell the drift from the first quarter to the last', () => {
    expect(driftOf(minutes)).toEqual({
      opsPerSecond: 0.9,
      p50Ms: 1,
      p99Ms: 0.9,
      residentMiB: [expect.closeTo(265 / 205, 3), 1],
    });
    expect(driftOf(minutes.slice(0, 1), 5).opsPerSecond).toBe(1);
    expect(quotients(minutes.slice(0, 1), minutes.slice(6))).toMatchObject({
      opsPerSecond: 0.9,
      residentMiB: [265 / 200, 1],
    });
  });

  it('fail for memory that grows and for any error', () => {
    const drift = driftOf(minutes);
    expect(verdictOf(drift, {})).toEqual({ isMemoryFlat: false, isFreeOfErrors: true });
    expect(verdictOf({ ...drift, residentMiB: [1.1, 0.9] }, { TIMED_OUT: 1 })).toEqual({
      isMemoryFlat: true,
      isFreeOfErrors: false,
    });
  });

  it('tell what an entry takes beyond its content', () => {
    const [rest, worked, filled] = memoryRows([
      { entries: 0, isHistoryFull: false, resident: [100, 110], collected: [90, 90] },
      { entries: 0, isHistoryFull: true, resident: [200, 200], collected: [190, 190] },
      { entries: 2 ** 20, isHistoryFull: true, resident: [900, 800], collected: [590, 590] },
    ]);
    expect(rest).toMatchObject({ residentMiB: [100, 110], bytesPerEntryOverContent: null });
    expect(worked).toMatchObject({ residentMiB: [200, 200], bytesPerEntryOverHistory: null });
    expect(filled).toMatchObject({
      collectedMiB: [590, 590],
      bytesPerEntryOverContent: 500 - 61,
      bytesPerEntryOverHistory: 400 - 61,
    });
  });

  it('compare sizes of a space round by round', () => {
    expect(sizesUpTo(999_999)).toEqual([1_000, 10_000, 100_000]);
    const times = {
      rdp: [
        [10, 20, 10],
        [12, 20, 11],
      ],
      cas: [[1], [2]],
      inp: [[1], [1]],
    };
    const rows = spaceScaleRows([1_000, 10_000], times);
    expect(rows[1]).toMatchObject({ kind: 'rdp', entries: 10_000, ratio: 1.1, ratioRange: [1, 1.2] });
    expect(rows[3]).toMatchObject({ kind: 'cas', ratio: 2 });
  });
});

describe('LongestGap', () => {
  it('spans the longest time between two marks, from the start on', () => {
    const gap = new LongestGap(100);
    for (const nowMs of [110, 150, 155]) gap.mark(nowMs);
    expect(gap.longestMs).toBe(40);
    gap.mark(300);
    expect(gap.longestMs).toBe(145);
  });
});
