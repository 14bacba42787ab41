/** From what was measured to what is shown: a record for machines, rows for people. */
import type { RequestAuth } from '../../crypto/index.js';
import type { Durability } from '../../replica/index.js';
import type { Hardware } from './hardware.js';
import { Latencies } from './latencies.js';
import type { LoadResult } from './messages.js';
import type { ScenarioName } from './scenarios.js';

export interface Figures {
  readonly operations: number;
  readonly opsPerSecond: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface BenchReport extends Figures {
  readonly scenario: ScenarioName;
  readonly seconds: number;
  /** By kind of operation, where a scenario has several. */
  readonly byOperation?: Readonly<Record<string, Figures>>;
  /** Longest time in which none of the clients' operations completed. */
  readonly longestGapMs: number;
  /** The same for a client that connected after the primary was killed. */
  readonly lateClientGapMs?: number;
  /** Failed operations by error code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly replicas: number;
  readonly concurrency: number;
  readonly identities: number;
  readonly requestAuth: RequestAuth;
  readonly durability: Durability;
  readonly hardware: Hardware;
}

export interface Conditions {
  readonly scenario: ScenarioName;
  readonly replicas: number;
  readonly concurrency: number;
  readonly identities: number;
  readonly durability: Durability;
  readonly requestAuth: RequestAuth;
  readonly hardware: Hardware;
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

function figuresOf(latencies: Latencies, elapsedMs: number): Figures {
  return {
    operations: latencies.count,
    opsPerSecond: rounded((latencies.count * 1000) / elapsedMs, 1),
    meanMs: rounded(latencies.meanMs, 3),
    p50Ms: rounded(latencies.quantileMs(0.5), 3),
    p90Ms: rounded(latencies.quantileMs(0.9), 3),
    p99Ms: rounded(latencies.quantileMs(0.99), 3),
    maxMs: rounded(latencies.maxMs, 3),
  };
}

export function createReport(conditions: Conditions, result: LoadResult): BenchReport {
  const all = new Latencies();
  const byOperation: Record<string, Figures> = {};
  for (const [name, record] of Object.entries(result.latencies)) {
    const own = new Latencies();
    own.merge(record);
    all.merge(record);
    byOperation[name] = figuresOf(own, result.elapsedMs);
  }
  const { scenario, replicas, concurrency, identities, durability, requestAuth, hardware } = conditions;
  return {
    scenario,
    ...figuresOf(all, result.elapsedMs),
    seconds: rounded(result.elapsedMs / 1000, 3),
    ...(Object.keys(byOperation).length > 1 ? { byOperation } : {}),
    longestGapMs: rounded(result.longestGapMs, 1),
    ...(result.lateGapMs === null ? {} : { lateClientGapMs: rounded(result.lateGapMs, 1) }),
    errors: result.errors,
    replicas,
    concurrency,
    identities,
    requestAuth,
    durability,
    hardware,
  };
}

export const tableHeader = [
  ...['scenario', 'ops/s', 'p50 ms', 'p90 ms', 'p99 ms', 'max ms', 'gap ms', 'new client gap ms', 'errors'],
] as const;

function figureCells(figures: Figures): string[] {
  return [
    figures.opsPerSecond.toFixed(0),
    figures.p50Ms.toFixed(2),
    figures.p90Ms.toFixed(2),
    figures.p99Ms.toFixed(2),
    figures.maxMs.toFixed(1),
  ];
}

function describeErrors(errors: Readonly<Record<string, number>>): string {
  const parts = Object.entries(errors).map(([code, count]) => `${count} ${code}`);
  return parts.length === 0 ? '0' : parts.join(', ');
}

/** One row for the scenario, and one for each kind of operation where there are several. */
export function tableRows(report: BenchReport): string[][] {
  const late = report.lateClientGapMs === undefined ? '-' : report.lateClientGapMs.toFixed(0);
  const parts = Object.entries(report.byOperation ?? {});
  return [
    [
      report.scenario,
      ...figureCells(report),
      report.longestGapMs.toFixed(0),
      late,
      describeErrors(report.errors),
    ],
    ...parts.map(([name, figures]) => [`  ${name}`, ...figureCells(figures), '', '', '']),
  ];
}
