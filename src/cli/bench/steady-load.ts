/**
 * A load that does not end for a long time: in an open loop at a share of the peak, which is measured just before on the
 * same cluster. Entries have a short lease, and nothing counts before the first of them expire: peak and load are of a space
 * into which as many entries come as go. One figure a minute.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TheodoraError } from '../../base/index.js';
import type { BenchCluster } from './cluster.js';
import { Histogram } from './histogram.js';
import { shortLeaseMs } from './loads.js';
import type { LoadPlan, LoadResult } from './messages.js';
import type { BenchOptions } from './options.js';
import { figuresOf, perSecond, type Figures } from './report.js';
import { residentMiBOf } from './resident.js';
import { runLoadProcess } from './run-load-process.js';
import { mean, rounded } from './statistics.js';

export interface SteadyTarget {
  readonly cluster: BenchCluster;
  readonly options: BenchOptions;
  readonly note: (text: string) => void;
}

export interface SteadyPlan extends SteadyTarget {
  readonly minutes: number;
  readonly ratePerSecond: number;
}

export interface Minute extends Figures {
  readonly minute: number;
  /** Of each replica at the minute's end. */
  readonly residentMiB: readonly number[];
}

export interface SteadyFigures {
  readonly minutes: readonly Minute[];
  readonly errors: Readonly<Record<string, number>>;
  readonly longestGapMs: number;
}

const minuteMs = 60_000;
/** Expiry has begun, and goes on as fast as entries come. */
const warmUpMsMin = shortLeaseMs + 5_000;

function planOf({ cluster, options }: SteadyTarget, firstWorker: number): LoadPlan {
  const { identities, concurrency, timeoutMs, warmUpSeconds, seconds } = options;
  const { clusterFile, identities: names } = cluster;
  return {
    target: { kind: 'theodora', clusterFile, identities: names.slice(0, identities) },
    load: 'out with a lease',
    ...{ payloadBytes: 64, concurrency, firstWorker, prepares: false, timeoutMs, lateIdentity: null },
    ...{ warmUpMs: Math.max(warmUpSeconds * 1_000, warmUpMsMin), measureMs: seconds * 1_000 },
    ...{ ratePerSecond: null, intervalMs: null },
  };
}

/** Memory of each replica at the end of each minute. */
async function sampleMemory({ cluster, minutes, note }: SteadyPlan): Promise<number[][]> {
  const samples: number[][] = [];
  const beganMs = performance.now();
  while (samples.length < minutes) {
    await sleep(beganMs + (samples.length + 1) * minuteMs - performance.now());
    const resident = residentMiBOf(cluster.replicas);
    samples.push(resident);
    note(`minute ${samples.length} of ${minutes}: resident MiB ${resident.join(', ')}`);
  }
  return samples;
}

async function loadSteadily(plan: SteadyPlan): Promise<readonly [LoadResult, number[][]]> {
  let samples: Promise<number[][]> = Promise.resolve([]);
  const { ratePerSecond, minutes } = plan;
  const load = { ...planOf(plan, 1_000_000), ratePerSecond, measureMs: minutes * minuteMs };
  const result = await runLoadProcess({ ...load, intervalMs: minuteMs }, () => {
    samples = sampleMemory(plan);
    return Promise.resolve(null);
  });
  return [result, await samples];
}

/** Operations a second. */
export async function measurePeak(target: SteadyTarget): Promise<number> {
  target.note('the peak');
  const { completed, elapsedMs } = await runLoadProcess(planOf(target, 0));
  return rounded(perSecond(completed, elapsedMs), 1);
}

export const shareOf = (peakOpsPerSecond: number, share: number): number =>
  Math.max(1, Math.floor(peakOpsPerSecond * share));

export async function runSteadyLoad(plan: SteadyPlan): Promise<SteadyFigures> {
  plan.note(`${plan.ratePerSecond} operations a second for ${plan.minutes} minutes`);
  const [result, samples] = await loadSteadily(plan);
  const { lost } = plan.cluster;
  if (lost.length > 0)
    throw new TheodoraError('REPLICA_LOST', `replicas ended while measured: ${lost.join(', ')}`);
  return {
    minutes: result.intervals.map(({ completed, latencies }, index) => ({
      minute: index + 1,
      ...figuresOf(Histogram.of([latencies]), completed, minuteMs),
      residentMiB: samples[index] ?? [],
    })),
    errors: result.errors,
    longestGapMs: rounded(result.longestGapMs, 1),
  };
}

/** Means of some minutes to those of others, as quotients: 1 is no drift. */
export interface Drift {
  readonly opsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of each replica. */
  readonly residentMiB: readonly number[];
}

export function quotients(before: readonly Minute[], after: readonly Minute[]): Drift {
  const quotient = (figure: (minute: Minute) => number): number =>
    rounded(mean(after.map(figure)) / mean(before.map(figure)), 3);
  return {
    opsPerSecond: quotient(({ opsPerSecond }) => opsPerSecond),
    p50Ms: quotient(({ p50Ms }) => p50Ms),
    p99Ms: quotient(({ p99Ms }) => p99Ms),
    residentMiB: (before[0]?.residentMiB ?? []).map((_, id) =>
      quotient(({ residentMiB }) => residentMiB[id] ?? 0),
    ),
  };
}

export const quarterOf = (minutes: number): number => Math.max(1, Math.floor(minutes / 4));

/** The last quarter of the minutes to the first; the first `warmUpMinutes` are left out. */
export function driftOf(minutes: readonly Minute[], warmUpMinutes = 0): Drift {
  const measured = minutes.slice(Math.min(warmUpMinutes, minutes.length - 1));
  const quarter = quarterOf(measured.length);
  return quotients(measured.slice(0, quarter), measured.slice(-quarter));
}

export const minuteHeader = ['minute', 'ops/s', 'p50 ms', 'p99 ms', 'max ms', 'resident MiB'] as const;

export const minuteRow = ({ minute, opsPerSecond, p50Ms, p99Ms, maxMs, residentMiB }: Minute): string[] => [
  String(minute),
  opsPerSecond.toFixed(0),
  ...[p50Ms, p99Ms].map((ms) => ms.toFixed(2)),
  maxMs.toFixed(1),
  residentMiB.map((size) => size.toFixed(0)).join(' '),
];
