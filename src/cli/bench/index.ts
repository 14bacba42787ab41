/**
 * `theodora bench`: each scenario on a fresh cluster of processes, loaded by a process of its own. What is
 * measured is the default configuration of this version; figures of different machines, or of a machine
 * under other load, cannot be compared.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TheodoraError } from '../../base/index.js';
import type { RequestAuth } from '../../crypto/index.js';
import type { Durability } from '../../replica/index.js';
import { exitStatus, usageError } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import type { Output } from '../output.js';
import { onStopSignals } from '../signals.js';
import { startBenchCluster } from './cluster.js';
import { runConfidential } from './confidential.js';
import type { BenchCluster } from './cluster.js';
import { describeHardware } from './hardware.js';
import type { Hardware } from './hardware.js';
import { runByzantine, type ByzantineOptions } from './byzantine.js';
import { byzantineRecord, byzantineTable } from './byzantine-report.js';
import type { Command, LoadPlan, LoadResult } from './messages.js';
import { runLoadProcess } from './run-load-process.js';
import { createReport, tableHeader, tableRows } from './report.js';
import type { BenchReport } from './report.js';
import { runLeaseScale } from './lease-scale.js';
import { runLeaseScaleCluster } from './lease-scale-cluster.js';
import { runPolicyCluster } from './policy-cluster.js';
import { runPolicyCosts } from './policy.js';
import { pvssBarsMs, pvssSteps, runPvss } from './pvss.js';
import { scenarioNames, scenarios } from './scenarios.js';
import { runRecovery } from './recovery.js';
import { recoveryTables, roundedRecovery } from './recovery-report.js';
import { runWakeup } from './wakeup.js';
import type { ScenarioName } from './scenarios.js';

export { scenarioNames } from './scenarios.js';
export type { BenchReport } from './report.js';
export type { ByzantineLoad } from './byzantine.js';

export interface BenchOptions {
  /** Null: all of them, one after the other. */
  readonly scenario: ScenarioName | null;
  /** How long to measure, after the warm-up. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Operations under way at any time. */
  readonly concurrency: number;
  /** Client identities that share them. */
  readonly identities: number;
  readonly replicas: number;
  readonly durability: Durability;
  /** In the scenarios that `scenarioNames` names. */
  readonly requestAuth: RequestAuth;
  readonly timeoutMs: number;
}

export const defaultBenchOptions: Omit<BenchOptions, 'scenario'> = {
  seconds: 10,
  warmUpSeconds: 2,
  concurrency: 50,
  identities: 1,
  replicas: 4,
  durability: 'sync',
  requestAuth: 'signature',
  timeoutMs: 30_000,
};

/** Of others, in the scenario `wakeup`. */
const otherWaits = 10_000;
/** Timed entries in the scenario `lease-scale`. */
const leaseScaleEntries = [1_000, 1_000_000] as const;

/** As shells report a program that Ctrl-C ended. */
const interruptedStatus = 130;

/** Kills the primary a fifth into the measurement. */
async function killPrimary(cluster: BenchCluster, primary: number, measureMs: number): Promise<Command> {
  await sleep(measureMs / 5);
  cluster.replicas.get(primary)?.kill('SIGKILL');
  return { kind: 'killed' };
}

/** Runs the load against a running cluster; for failover, without its primary from some moment on. */
function load(
  cluster: BenchCluster,
  scenario: ScenarioName,
  options: BenchOptions,
  output: Output,
): Promise<LoadResult> {
  if (scenario === 'wakeup') return wakeup(cluster, options, output);
  const isFailover = scenario === 'failover';
  const measureMs = options.seconds * 1000;
  const plan: LoadPlan = {
    clusterFile: cluster.clusterFile,
    scenario,
    identities: cluster.identities.slice(0, options.identities),
    concurrency: options.concurrency,
    warmUpMs: options.warmUpSeconds * 1000,
    measureMs,
    timeoutMs: options.timeoutMs,
    lateIdentity: isFailover ? cluster.identities[options.identities]! : null,
  };
  return runLoadProcess(plan, (primary) => {
    output.note(`${scenario}: measuring for ${options.seconds} s`);
    return isFailover ? killPrimary(cluster, primary, measureMs) : Promise.resolve(null);
  });
}

function wakeup(cluster: BenchCluster, options: BenchOptions, output: Output): Promise<LoadResult> {
  output.note(`wakeup: measuring for ${options.seconds} s each, alone and beside ${otherWaits} waits`);
  return runWakeup({
    clusterFile: cluster.clusterFile,
    identities: cluster.identities.slice(0, 2),
    measureMs: options.seconds * 1_000,
    timeoutMs: options.timeoutMs,
    otherWaits,
    expiries: 25,
  });
}

async function measure(
  scenario: ScenarioName,
  options: BenchOptions,
  hardware: Hardware,
  output: Output,
): Promise<BenchReport> {
  const { replicas, concurrency, identities, durability, requestAuth } = options;
  output.note(`${scenario} (${scenarios[scenario].description}): ${replicas} replicas starting`);
  const lateCount = scenario === 'failover' ? 1 : 0;
  const identityCount = Math.max(2, identities + lateCount);
  const cluster = await startBenchCluster(replicas, identityCount, durability, new Map(), { requestAuth });
  const leave = (): void => process.exit(interruptedStatus);
  const release = onStopSignals(() => void cluster.remove().then(leave, leave), leave);
  try {
    const result = await load(cluster, scenario, options, output);
    if (cluster.lost.length > lateCount) {
      throw new TheodoraError('REPLICA_LOST', `replicas ended while measured: ${cluster.lost.join(', ')}`);
    }
    const conditions = { scenario, replicas, concurrency, identities, durability, requestAuth, hardware };
    return createReport(conditions, result);
  } finally {
    release();
    await cluster.remove();
  }
}

function describeConditions(options: BenchOptions, hardware: Hardware): string {
  const { replicas, concurrency, identities, seconds, durability, requestAuth } = options;
  return [
    `${hardware.cpu}, ${hardware.cores} cores, ${hardware.memoryGiB} GiB, Node ${hardware.node}, load average ${hardware.loadAverage}`,
    `${replicas} replicas, ${concurrency} operations under way from ${identities} identities, ${seconds} s each, ${requestAuth === 'mac' ? 'requests with MACs' : 'signed requests'}, durability ${durability}`,
  ].join('\n');
}

/** How the cost of operations grows with the number of timed entries: as a client sees it, and of the application alone. */
export async function benchLeaseScale(output: Output): Promise<ExitStatus> {
  const [few, many] = leaseScaleEntries;
  output.note(`lease-scale: ${few} and ${many} timed entries, two clusters side by side (some minutes)`);
  const hardware = describeHardware();
  const cluster = await runLeaseScaleCluster(leaseScaleEntries);
  output.note('lease-scale: the application alone, in this process');
  const application = runLeaseScale(leaseScaleEntries);
  output.record({ scenario: 'lease-scale', entries: leaseScaleEntries, cluster, application, hardware });
  for (const [title, figures] of Object.entries({ cluster, application })) {
    const rows = Object.entries(figures).map(
      ([
        kind,
        {
          unit,
          figures: [least, most],
          ratio,
        },
      ]) => [`${kind}, ${unit}`, ...[least, most, ratio].map((figure) => figure.toFixed(2))],
    );
    output.say(output.table([title, `among ${few}`, `among ${many}`, 'ratio'], rows));
  }
  return exitStatus.ok;
}

/** What a policy costs: an operation of the application alone, and the throughput that clients see. */
export async function benchPolicy(options: BenchOptions, output: Output): Promise<ExitStatus> {
  checkSharing(options);
  const { replicas, identities, concurrency, seconds, warmUpSeconds, timeoutMs } = options;
  const hardware = describeHardware();
  output.note('policy: the application alone, in this process');
  const application = await runPolicyCosts();
  output.note(`policy: ${replicas} replicas, a space with a policy and one without, ${seconds} s each`);
  const cluster = await runPolicyCluster({
    ...{ replicas, identities, concurrency, timeoutMs },
    ...{ warmUpMs: warmUpSeconds * 1_000, measureMs: seconds * 1_000 },
  });
  output.record({ scenario: 'policy', application, cluster, replicas, concurrency, identities, hardware });
  output.say(describeConditions({ ...options, durability: 'memory' }, hardware));
  const costs = Object.entries(application).map(([name, { withoutUs, withUs, costUs }]) => [
    `policy/${name}.ts`,
    ...[withoutUs, withUs, costUs].map((us) => us.toFixed(2)),
  ]);
  output.say(output.table(['application alone', 'µs without', 'µs with', 'cost µs'], costs));
  const rates = Object.entries(cluster).map(([name, { withoutPerSecond, withPerSecond, share }]) => [
    ...[name, String(withoutPerSecond), String(withPerSecond)],
    share.toFixed(2),
  ]);
  output.say(output.table(['cluster', 'ops/s without', 'ops/s with', 'share'], rates));
  return exitStatus.ok;
}

/** What sharing a secret costs, by step, group and number of replicas: no cluster takes part. */
export async function benchPvss({ seconds }: BenchOptions, output: Output): Promise<ExitStatus> {
  const hardware = describeHardware();
  output.note(`pvss: both groups, n = 4 and n = 10, ${seconds} s each, in this process`);
  const figures = await runPvss(seconds * 1_000);
  const rounded = figures.map(({ group, replicas, ms }) => ({
    ...{ group, replicas },
    ms: Object.fromEntries(pvssSteps.map((step) => [step, Number(ms[step].toFixed(4))])),
  }));
  output.record({ scenario: 'pvss', figures: rounded, barsMs: pvssBarsMs, hardware });
  const rows = pvssSteps.map((step) => [
    step,
    ...figures.map(({ ms }) => ms[step].toFixed(3)),
    pvssBarsMs[step]?.toFixed(1) ?? '',
  ]);
  const header = figures.map(({ group, replicas }) => `${group}, n = ${replicas}`);
  output.say(output.table(['median ms', ...header, 'bar at n = 4'], rows));
  return exitStatus.ok;
}

/** What a confidential space costs, and its neighbours. */
export async function benchConfidential(options: BenchOptions, output: Output): Promise<ExitStatus> {
  const { replicas, seconds, timeoutMs, concurrency } = options;
  const hardware = describeHardware();
  output.note(`confidential: ${replicas} replicas starting`);
  const plan = { replicas, measureMs: seconds * 1_000, timeoutMs, concurrency };
  const figures = await runConfidential({ ...plan, note: (text) => output.note(text) });
  output.record({ scenario: 'confidential', ...plan, ...figures, durability: 'sync', hardware });
  output.say(describeConditions({ ...options, identities: 2, durability: 'sync' }, hardware));
  const { alone, plain, besidePlainFlood, besideFlood } = figures;
  const plainRows = { plain, 'beside a plain flood': besidePlainFlood, 'beside a flood': besideFlood };
  const rows = Object.entries({ ...alone, ...plainRows });
  output.say(
    output.table(
      ['ms', 'p50', 'p90', 'p99'],
      rows.map(([name, { p50Ms, p90Ms, p99Ms }]) => [
        name,
        ...[p50Ms, p90Ms, p99Ms].map((ms) => ms.toFixed(2)),
      ]),
    ),
  );
  output.say(`view changes: ${figures.viewChanges}`);
  return exitStatus.ok;
}

/** How a replica comes back: after a restart, after some time away, with an empty disk. */
export async function benchRecovery(
  { concurrency, timeoutMs, seconds }: BenchOptions,
  entries: number,
  output: Output,
): Promise<ExitStatus> {
  const hardware = describeHardware();
  const plan = { entries, awaySeconds: seconds, concurrency, timeoutMs };
  const figures = await runRecovery({ ...plan, note: (text) => output.note(text) });
  output.record({ scenario: 'recovery', ...plan, ...roundedRecovery(figures), replicas: 4, hardware });
  for (const { header, rows } of recoveryTables(figures, seconds)) output.say(output.table(header, rows));
  return exitStatus.ok;
}

/** How the service fares with each behaviour at the first primary, against the same without faults. */
export async function benchByzantine(
  options: BenchOptions & Pick<ByzantineOptions, 'behaviours' | 'load'>,
  output: Output,
): Promise<ExitStatus> {
  checkSharing(options);
  const {
    seconds,
    warmUpSeconds,
    concurrency,
    identities,
    durability,
    timeoutMs,
    load: operations,
  } = options;
  const hardware = describeHardware();
  const figures = await runByzantine({
    ...{ behaviours: options.behaviours, load: operations, concurrency, identities, durability, timeoutMs },
    ...{ warmUpMs: warmUpSeconds * 1_000, measureMs: seconds * 1_000 },
    note: (text) => output.note(text),
    measured: (row) => output.record(byzantineRecord(row, { ...options, hardware })),
  });
  output.say(describeConditions({ ...options, replicas: 4 }, hardware));
  const { header, cells } = byzantineTable(figures);
  output.say(output.table(header, cells));
  return exitStatus.ok;
}

function checkSharing({ identities, concurrency }: BenchOptions): void {
  if (identities <= concurrency) return;
  throw usageError(`--identities ${identities} cannot share ${concurrency} operations (--concurrency)`, {
    identities,
    concurrency,
  });
}

export async function runBench(options: BenchOptions, output: Output): Promise<ExitStatus> {
  checkSharing(options);
  const hardware = describeHardware();
  const reports: BenchReport[] = [];
  for (const scenario of options.scenario === null ? scenarioNames : [options.scenario]) {
    const report = await measure(scenario, options, hardware, output);
    reports.push(report);
    output.record(report);
  }
  output.say(describeConditions(options, hardware));
  output.say(output.table(tableHeader, reports.flatMap(tableRows)));
  return exitStatus.ok;
}
