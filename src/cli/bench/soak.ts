/** `bench soak`: whether anything piles up in replicas while clients come and go under a high load. */
import { exitStatus, type ExitStatus } from '../errors.js';
import type { Output } from '../output.js';
import { withBenchCluster } from './cluster.js';
import { observe } from './hardware.js';
import { Histogram } from './histogram.js';
import type { ChurnResult } from './messages.js';
import { checkSharing, describeConditions, type BenchOptions } from './options.js';
import { describeErrors, summed } from './report.js';
import { withChurn } from './run-load-process.js';
import { rounded } from './statistics.js';
import {
  driftOf,
  measurePeak,
  minuteHeader,
  minuteRow,
  runSteadyLoad,
  shareOf,
  type Drift,
  type SteadyFigures,
} from './steady-load.js';

const shareOfPeak = 0.8;
/** Identities of clients that come and go. */
const visitors = 1_000;
const visitorsPerSecond = 10;
const operationsPerVisitor = 5;
/** Memory may grow by a tenth after the warm-up, which is a fifth of the time. */
const growthMax = 1.1;
const warmUpShare = 0.2;

export interface SoakVerdict {
  readonly isMemoryFlat: boolean;
  readonly isFreeOfErrors: boolean;
}

export function verdictOf(drift: Drift, errors: Readonly<Record<string, number>>): SoakVerdict {
  return {
    isMemoryFlat: drift.residentMiB.every((growth) => growth <= growthMax),
    isFreeOfErrors: Object.keys(errors).length === 0,
  };
}

interface SoakFigures extends SteadyFigures {
  readonly churn: ChurnResult;
  readonly peakOpsPerSecond: number;
  readonly ratePerSecond: number;
}

function runSoak(options: BenchOptions, minutes: number, output: Output): Promise<SoakFigures> {
  const { replicas, identities, durability, requestAuth, timeoutMs } = options;
  output.note(`soak: keys of ${visitors} clients, ${replicas} replicas starting`);
  const plan = { replicas, identities: identities + visitors, durability, settings: { requestAuth } };
  return withBenchCluster(plan, async (cluster) => {
    const target = { cluster, options, note: (text: string) => output.note(`soak: ${text}`) };
    const churn = {
      clusterFile: cluster.visitorFile,
      identities: cluster.identities.slice(identities),
      clientsPerSecond: visitorsPerSecond,
      operationsPerClient: operationsPerVisitor,
      timeoutMs,
    };
    const [peakOpsPerSecond, before] = await withChurn(churn, () => measurePeak(target));
    const ratePerSecond = shareOf(peakOpsPerSecond, shareOfPeak);
    const [figures, during] = await withChurn(churn, () =>
      runSteadyLoad({ ...target, minutes, ratePerSecond }),
    );
    const errors = summed([before.errors, during.errors, figures.errors]);
    return { ...figures, errors, churn: during, peakOpsPerSecond, ratePerSecond };
  });
}

/** Exit status 1: memory grew, or something failed. */
export async function benchSoak(options: BenchOptions, minutes: number, output: Output): Promise<ExitStatus> {
  checkSharing(options);
  const finish = observe();
  const figures = await runSoak(options, minutes, output);
  const circumstances = finish();
  const { churn, errors } = figures;
  const drift = driftOf(figures.minutes, Math.ceil(minutes * warmUpShare));
  const verdict = verdictOf(drift, errors);
  const firstAnswer = Histogram.of([churn.firstAnswer]);
  const { replicas, concurrency, identities, durability } = options;
  const { ratePerSecond, peakOpsPerSecond, longestGapMs } = figures;
  output.record({
    ...{ scenario: 'soak', point: 'soak', verdict, drift, peakOpsPerSecond, longestGapMs, errors },
    minutes: figures.minutes,
    visitors: churn.clients,
    visitorFirstAnswerP50Ms: rounded(firstAnswer.quantileMs(0.5), 1),
    visitorFirstAnswerP99Ms: rounded(firstAnswer.quantileMs(0.99), 1),
    ...{ replicas, concurrency, identities, durability, ratePerSecond, payloadBytes: 64, ...circumstances },
  });
  output.say(describeConditions({ ...options, seconds: minutes * 60, ratePerSecond }, circumstances));
  output.say(output.table(minuteHeader, figures.minutes.map(minuteRow)));
  output.say(
    `${churn.clients} clients came and went, first answer after p50 ${firstAnswer.quantileMs(0.5).toFixed(0)} ms, p99 ${firstAnswer.quantileMs(0.99).toFixed(0)} ms`,
  );
  output.say(
    `memory ${verdict.isMemoryFlat ? 'flat' : 'GREW'} (last quarter to first after the warm-up: ${drift.residentMiB.join(' ')}), errors: ${describeErrors(errors)}`,
  );
  return verdict.isMemoryFlat && verdict.isFreeOfErrors ? exitStatus.ok : exitStatus.noMatch;
}
