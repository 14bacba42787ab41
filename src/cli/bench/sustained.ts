/** `bench sustained`: whether the service is after half an hour what it was at the start. */
import { exitStatus, type ExitStatus } from '../errors.js';
import type { Output } from '../output.js';
import { removedAfter } from './cleanup.js';
import { startBenchCluster } from './cluster.js';
import { observe } from './hardware.js';
import { checkSharing, describeConditions, type BenchOptions } from './options.js';
import { describeErrors } from './report.js';
import { driftOf, minuteHeader, minuteRow, runSteadyLoad } from './steady-load.js';

const shareOfPeak = 0.5;

export async function benchSustained(
  options: BenchOptions,
  minutes: number,
  output: Output,
): Promise<ExitStatus> {
  checkSharing(options);
  const { replicas, identities, concurrency, durability, requestAuth } = options;
  const finish = observe();
  const cluster = await startBenchCluster({ replicas, identities, durability, settings: { requestAuth } });
  const figures = await removedAfter(
    () => cluster.remove(),
    () =>
      runSteadyLoad({
        ...{ cluster, options, minutes, share: shareOfPeak, churn: null },
        note: (text) => output.note(`sustained: ${text}`),
      }),
  );
  const circumstances = finish();
  const { minutes: rows, ratePerSecond, peakOpsPerSecond, errors, longestGapMs } = figures;
  const drift = driftOf(rows);
  const conditions = {
    replicas,
    concurrency,
    identities,
    durability,
    requestAuth,
    ratePerSecond,
    payloadBytes: 64,
  };
  for (const { minute, ...row } of rows)
    output.record({
      ...{ scenario: 'sustained', point: `minute ${minute}`, ...row },
      ...{ ...conditions, ...circumstances },
    });
  output.record({
    ...{ scenario: 'sustained', point: 'drift', drift, peakOpsPerSecond, errors, longestGapMs },
    ...{ ...conditions, ...circumstances },
  });
  output.say(describeConditions({ ...options, seconds: minutes * 60, ratePerSecond }, circumstances));
  output.say(output.table(minuteHeader, rows.map(minuteRow)));
  output.say(
    `last quarter to first: throughput ${drift.opsPerSecond}, p50 ${drift.p50Ms}, p99 ${drift.p99Ms}, resident memory ${drift.residentMiB.join(' ')}`,
  );
  output.say(
    `peak ${peakOpsPerSecond.toFixed(0)}/s, longest gap ${longestGapMs.toFixed(0)} ms, errors: ${describeErrors(errors)}`,
  );
  return exitStatus.ok;
}
