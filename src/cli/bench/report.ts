/** From what was measured to what is shown: a record for machines, rows for people. */
import type { Circumstances } from './hardware.js';
import { Histogram } from './histogram.js';
import type { LoadResult } from './messages.js';
import type { Conditions } from './scenarios.js';
import { median, rangeOf, rounded, shownRange, type Range } from './statistics.js';

export interface Figures {
  readonly operations: number;
  readonly opsPerSecond: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Of the rounds: the least and the most. */
export interface Ranges {
  readonly opsPerSecond: Range;
  readonly p50Ms: Range;
  readonly p99Ms: Range;
}

/** Of throughputs, round by round. */
export interface Ratio {
  readonly to: string;
  readonly median: number;
  readonly range: Range;
}

export interface Subject {
  readonly scenario: string;
  readonly point: string;
  readonly conditions: Conditions & { readonly ratePerSecond: number | null };
}

export interface BenchReport extends Figures, Conditions, Circumstances {
  readonly scenario: string;
  readonly point: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly ranges: Ranges;
  readonly ratio?: Ratio;
  /** By kind of operation, where a scenario has several. */
  readonly byOperation?: Readonly<Record<string, Figures>>;
  /** Longest time in which none of the clients' operations completed. */
  readonly longestGapMs: number;
  /** The same for a client that connected after the primary was killed. */
  readonly lateClientGapMs?: number;
  /** Failed operations by error code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Of an open loop. */
  readonly ratePerSecond: number | null;
}

export const perSecond = (count: number, elapsedMs: number): number => (count * 1_000) / elapsedMs;

export function figuresOf(latencies: Histogram, completed: number, elapsedMs: number): Figures {
  return {
    operations: completed,
    opsPerSecond: rounded(perSecond(completed, elapsedMs), 1),
    meanMs: rounded(latencies.meanMs, 3),
    p50Ms: rounded(latencies.quantileMs(0.5), 3),
    p90Ms: rounded(latencies.quantileMs(0.9), 3),
    p99Ms: rounded(latencies.quantileMs(0.99), 3),
    maxMs: rounded(latencies.maxMs, 3),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Adds up counts by name. */
export function summed(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const each of counts)
    for (const [name, count] of Object.entries(each)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

function rangesOf(rounds: readonly LoadResult[]): Ranges {
  const each = rounds.map(({ latencies, completed, elapsedMs }) => ({
    all: Histogram.of(Object.values(latencies)),
    opsPerSecond: perSecond(completed, elapsedMs),
  }));
  return {
    opsPerSecond: rangeOf(
      each.map(({ opsPerSecond }) => opsPerSecond),
      1,
    ),
    p50Ms: rangeOf(
      each.map(({ all }) => all.quantileMs(0.5)),
      3,
    ),
    p99Ms: rangeOf(
      each.map(({ all }) => all.quantileMs(0.99)),
      3,
    ),
  };
}

function byOperationOf(rounds: readonly LoadResult[], elapsedMs: number): Record<string, Figures> {
  const names = new Set(rounds.flatMap(({ latencies }) => Object.keys(latencies)));
  const figures = [...names].map((name) => {
    const records = rounds.flatMap(({ latencies }) => latencies[name] ?? []);
    const own = Histogram.of(records);
    return [name, figuresOf(own, own.count, elapsedMs)] as const;
  });
  return Object.fromEntries(figures);
}

/** How the throughput compares with that of the same rounds of another point. */
export function ratioOf(rounds: readonly LoadResult[], to: string, base: readonly LoadResult[]): Ratio {
  const ratios = rounds.map(({ completed, elapsedMs }, index) => {
    const other = base[index]!;
    return perSecond(completed, elapsedMs) / perSecond(other.completed, other.elapsedMs);
  });
  return { to, median: rounded(median(ratios), 3), range: rangeOf(ratios, 3) };
}

export function createReport(
  { scenario, point, conditions }: Subject,
  rounds: readonly LoadResult[],
  ratio: Ratio | null,
  circumstances: Circumstances,
): BenchReport {
  const elapsedMs = sum(rounds.map((round) => round.elapsedMs));
  const all = Histogram.of(rounds.flatMap(({ latencies }) => Object.values(latencies)));
  const byOperation = byOperationOf(rounds, elapsedMs);
  const lateGaps = rounds.flatMap(({ lateGapMs }) => lateGapMs ?? []);
  return {
    ...{ scenario, point },
    ...figuresOf(all, sum(rounds.map(({ completed }) => completed)), elapsedMs),
    seconds: rounded(elapsedMs / 1000, 3),
    rounds: rounds.length,
    ranges: rangesOf(rounds),
    ...(ratio === null ? {} : { ratio }),
    ...(Object.keys(byOperation).length > 1 ? { byOperation } : {}),
    longestGapMs: rounded(Math.max(...rounds.map(({ longestGapMs }) => longestGapMs)), 1),
    ...(lateGaps.length === 0 ? {} : { lateClientGapMs: rounded(Math.max(...lateGaps), 1) }),
    errors: summed(rounds.map(({ errors }) => errors)),
    ...conditions,
    ...circumstances,
  };
}

export const tableHeader = [
  ...['scenario', 'ops/s', 'p50 ms', 'p90 ms', 'p99 ms', 'max ms', 'gap ms', 'new client gap ms', 'errors'],
  'ratio',
] as const;

function figureCells(figures: Figures, ranges: Ranges): string[] {
  return [
    shownRange(ranges.opsPerSecond, 0),
    shownRange(ranges.p50Ms, 2),
    figures.p90Ms.toFixed(2),
    shownRange(ranges.p99Ms, 2),
    figures.maxMs.toFixed(1),
  ];
}

const own = (figure: number): Range => [figure, figure];

const asRanges = ({ opsPerSecond, p50Ms, p99Ms }: Figures): Ranges => ({
  opsPerSecond: own(opsPerSecond),
  p50Ms: own(p50Ms),
  p99Ms: own(p99Ms),
});

export function describeErrors(errors: Readonly<Record<string, number>>): string {
  const parts = Object.entries(errors).map(([code, count]) => `${count} ${code}`);
  return parts.length === 0 ? '0' : parts.join(', ');
}

/** One row for the point, and one for each kind of operation where there are several. */
export function tableRows(report: BenchReport): string[][] {
  const { ranges, ratio, lateClientGapMs, scenario, point } = report;
  const late = lateClientGapMs === undefined ? '-' : lateClientGapMs.toFixed(0);
  const parts = Object.entries(report.byOperation ?? {});
  return [
    [
      point === scenario ? scenario : `${scenario}: ${point}`,
      ...figureCells(report, ranges),
      report.longestGapMs.toFixed(0),
      late,
      describeErrors(report.errors),
      ratio === undefined ? '' : `${shownRange(ratio.range, 2)} to ${ratio.to}`,
    ],
    ...parts.map(([name, figures]) => [
      `  ${name}`,
      ...figureCells(figures, asRanges(figures)),
      ...['', '', '', ''],
    ]),
  ];
}
