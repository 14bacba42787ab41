/**
 * `bench sustained`: whether the service is after half an hour what it was at the start. A machine may be another one by
 * then: so a new cluster gets the same load right afterwards, for a quarter of the time.
 */
import { exitStatus, type ExitStatus } from '../errors.js';
import type { Output } from '../output.js';
import { withBenchCluster } from './cluster.js';
import { observe } from './hardware.js';
import { checkSharing, describeConditions, type BenchOptions } from './options.js';
import { describeErrors, summed } from './report.js';
import {
  driftOf,
  measurePeak,
  minuteHeader,
  minuteRow,
  quarterOf,
  quotients,
  runSteadyLoad,
  shareOf,
  type Drift,
  type Minute,
} from './steady-load.js';

const shareOfPeak = 0.5;

const describeDrift = ({ opsPerSecond, p50Ms, p99Ms, residentMiB }: Drift): string =>
  `throughput ${opsPerSecond}, p50 ${p50Ms}, p99 ${p99Ms}, resident memory ${residentMiB.join(' ')}`;

export async function benchSustained(
  options: BenchOptions,
  minutes: number,
  output: Output,
): Promise<ExitStatus> {
  checkSharing(options);
  const finish = observe();
  const note = (text: string): void => output.note(`sustained: ${text}`);
  const { replicas, concurrency, identities, durability, requestAuth } = options;
  const plan = { replicas, identities, durability, settings: { requestAuth } };
  const [peakOpsPerSecond, ratePerSecond, old] = await withBenchCluster(plan, async (cluster) => {
    const target = { cluster, options, note };
    const peak = await measurePeak(target);
    const rate = shareOf(peak, shareOfPeak);
    return [peak, rate, await runSteadyLoad({ ...target, minutes, ratePerSecond: rate })];
  });
  note('a new cluster, to compare with');
  const quarter = quarterOf(minutes);
  const fresh = await withBenchCluster(plan, (cluster) =>
    runSteadyLoad({ cluster, options, note, minutes: quarter, ratePerSecond }),
  );
  const circumstances = finish();
  const drift = driftOf(old.minutes);
  const toNew = quotients(fresh.minutes, old.minutes.slice(-quarter));
  const errors = summed([old.errors, fresh.errors]);
  const { longestGapMs } = old;
  const conditions = {
    ...{ replicas, concurrency, identities, durability, requestAuth, ratePerSecond, payloadBytes: 64 },
    ...circumstances,
  };
  const record = (point: string, { minute, ...figures }: Minute): void =>
    output.record({ scenario: 'sustained', point: `${point} ${minute}`, ...figures, ...conditions });
  for (const row of old.minutes) record('minute', row);
  for (const row of fresh.minutes) record('new cluster, minute', row);
  output.record({
    ...{ scenario: 'sustained', point: 'drift', drift, toNew, peakOpsPerSecond, errors, longestGapMs },
    ...conditions,
  });
  output.say(describeConditions({ ...options, seconds: minutes * 60, ratePerSecond }, circumstances));
  output.say(
    output.table(minuteHeader, [
      ...old.minutes.map(minuteRow),
      ...fresh.minutes.map(minuteRow).map(([minute, ...figures]) => [`new, ${minute}`, ...figures]),
    ]),
  );
  output.say(`last quarter to first: ${describeDrift(drift)}`);
  output.say(`last quarter to a new cluster: ${describeDrift(toNew)}`);
  output.say(
    `peak ${peakOpsPerSecond.toFixed(0)}/s, longest gap ${longestGapMs.toFixed(0)} ms, errors: ${describeErrors(errors)}`,
  );
  return exitStatus.ok;
}
