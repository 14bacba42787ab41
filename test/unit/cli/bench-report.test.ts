import { describe, expect, it } from 'vitest';
import { LongestGap } from '../../../src/cli/bench/gaps.js';
import { Latencies } from '../../../src/cli/bench/latencies.js';
import { createReport, tableHeader, tableRows } from '../../../src/cli/bench/report.js';

const hardware = { cpu: 'a processor', cores: 2, memoryGiB: 8, node: 'v20.19.0', loadAverage: 0.1 };
const conditions = {
  ...{ replicas: 4, concurrency: 10, identities: 2, hardware },
  durability: 'sync' as const,
  requestAuth: 'mac' as const,
};

function recordOf(milliseconds: readonly number[]): ReturnType<Latencies['toRecord']> {
  const latencies = new Latencies();
  for (const value of milliseconds) latencies.add(value);
  return latencies.toRecord();
}

describe('a benchmark report', () => {
  it('counts completed operations a second and keeps what they were measured on', () => {
    const report = createReport(
      { scenario: 'out', ...conditions },
      {
        elapsedMs: 2000,
        latencies: { out: recordOf([1, 1, 1, 5]) },
        acknowledged: {},
        longestGapMs: 7,
        lateGapMs: null,
        errors: {},
      },
    );
    expect(report).toMatchObject({ scenario: 'out', operations: 4, opsPerSecond: 2, seconds: 2, maxMs: 5 });
    expect(report.p50Ms).toBeCloseTo(1, 1);
    expect(report).toMatchObject({ ...conditions, longestGapMs: 7 });
    expect(report).not.toHaveProperty('byOperation');
    expect(report).not.toHaveProperty('lateClientGapMs');
  });

  it('tells the kinds of operations of a mixed load apart', () => {
    const report = createReport(
      { scenario: 'mixed', ...conditions },
      {
        elapsedMs: 1000,
        latencies: { rdp: recordOf([0.1, 0.1, 0.1]), out: recordOf([2]) },
        acknowledged: {},
        longestGapMs: 1,
        lateGapMs: null,
        errors: {},
      },
    );
    expect(report.opsPerSecond).toBe(4);
    expect(report.byOperation).toMatchObject({ rdp: { operations: 3 }, out: { operations: 1, p50Ms: 2 } });
    expect(tableRows(report).map(([name]) => name)).toEqual(['mixed', '  rdp', '  out']);
  });

  it('shows gaps and errors in rows as wide as the header', () => {
    const report = createReport(
      { scenario: 'failover', ...conditions },
      {
        elapsedMs: 1000,
        latencies: {},
        acknowledged: {},
        longestGapMs: 812.34,
        lateGapMs: 900,
        errors: { UNKNOWN_OUTCOME: 2 },
      },
    );
    const [row] = tableRows(report);
    expect(row).toHaveLength(tableHeader.length);
    expect(row!.slice(-3)).toEqual(['812', '900', '2 UNKNOWN_OUTCOME']);
    expect(report.opsPerSecond).toBe(0);
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
