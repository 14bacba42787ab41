/** Measurements with a shape of their own, from their plan to their record and table. */
import { exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import type { Output } from '../output.js';
import { byzantineRecord, byzantineTable } from './byzantine-report.js';
import { runByzantine, type ByzantineOptions } from './byzantine.js';
import { runConfidential } from './confidential.js';
import { observe } from './hardware.js';
import { runLeaseScale } from './lease-scale.js';
import { runLeaseScaleCluster } from './lease-scale-cluster.js';
import { checkSharing, describeConditions, type BenchOptions } from './options.js';
import { runPolicyCluster } from './policy-cluster.js';
import { runPolicyCosts } from './policy.js';
import { pvssBarsMs, pvssSteps, runPvss } from './pvss.js';
import { runRecovery } from './recovery.js';
import { recoveryTables, roundedRecovery } from './recovery-report.js';

/** Timed entries in the scenario `lease-scale`. */
const leaseScaleEntries = [1_000, 1_000_000] as const;

/** How the cost of operations grows with the number of timed entries: as a client sees it, and of the application alone. */
export async function benchLeaseScale(output: Output): Promise<ExitStatus> {
  const [few, many] = leaseScaleEntries;
  output.note(`lease-scale: ${few} and ${many} timed entries, two clusters side by side (some minutes)`);
  const finish = observe();
  const cluster = await runLeaseScaleCluster(leaseScaleEntries);
  output.note('lease-scale: the application alone, in this process');
  const application = runLeaseScale(leaseScaleEntries);
  output.record({ scenario: 'lease-scale', entries: leaseScaleEntries, cluster, application, ...finish() });
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
  const finish = observe();
  output.note('policy: the application alone, in this process');
  const application = await runPolicyCosts();
  output.note(`policy: ${replicas} replicas, a space with a policy and one without, ${seconds} s each`);
  const cluster = await runPolicyCluster({
    ...{ replicas, identities, concurrency, timeoutMs },
    ...{ warmUpMs: warmUpSeconds * 1_000, measureMs: seconds * 1_000 },
  });
  const circumstances = finish();
  output.record({
    scenario: 'policy',
    application,
    cluster,
    replicas,
    concurrency,
    identities,
    ...circumstances,
  });
  output.say(describeConditions({ ...options, durability: 'memory' }, circumstances));
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
  const finish = observe();
  output.note(`pvss: both groups, n = 4 and n = 10, ${seconds} s each, in this process`);
  const figures = await runPvss(seconds * 1_000);
  const rounded = figures.map(({ group, replicas, ms }) => ({
    ...{ group, replicas },
    ms: Object.fromEntries(pvssSteps.map((step) => [step, Number(ms[step].toFixed(4))])),
  }));
  output.record({ scenario: 'pvss', figures: rounded, barsMs: pvssBarsMs, ...finish() });
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
  const finish = observe();
  output.note(`confidential: ${replicas} replicas starting`);
  const plan = { replicas, measureMs: seconds * 1_000, timeoutMs, concurrency };
  const figures = await runConfidential({ ...plan, note: (text) => output.note(text) });
  const circumstances = finish();
  output.record({ scenario: 'confidential', ...plan, ...figures, durability: 'sync', ...circumstances });
  output.say(describeConditions({ ...options, identities: 2, durability: 'sync' }, circumstances));
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
  const finish = observe();
  const plan = { entries, awaySeconds: seconds, concurrency, timeoutMs };
  const figures = await runRecovery({ ...plan, note: (text) => output.note(text) });
  output.record({ scenario: 'recovery', ...plan, ...roundedRecovery(figures), replicas: 4, ...finish() });
  for (const { header, rows } of recoveryTables(figures, seconds)) output.say(output.table(header, rows));
  return exitStatus.ok;
}

/** How the service fares with each behaviour at the first primary, or at other replicas, against the same without faults. */
export async function benchByzantine(
  options: BenchOptions & Pick<ByzantineOptions, 'behaviours' | 'faulty' | 'load'>,
  output: Output,
): Promise<ExitStatus> {
  checkSharing(options);
  const { behaviours, faulty, load, replicas, concurrency, identities, durability, timeoutMs } = options;
  const finish = observe();
  const figures = await runByzantine({
    ...{ behaviours, faulty, load, replicas, concurrency, identities, durability, timeoutMs },
    ...{ warmUpMs: options.warmUpSeconds * 1_000, measureMs: options.seconds * 1_000 },
    note: (text) => output.note(text),
    measured: (row) => output.record(byzantineRecord(row, { ...options, ...finish() })),
  });
  output.say(describeConditions(options, finish()));
  const { header, cells } = byzantineTable(faulty, figures);
  output.say(output.table(header, cells));
  return exitStatus.ok;
}
