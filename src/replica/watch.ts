/**
 * What the operator sees: counts for metrics, and a log without a line per frame. Evidence and drops are
 * summed up every few seconds; events of the ordering layer are rare and logged one by one.
 */
import type { Logger } from 'pino';
import { replicaId, TheodoraError, type ClientId } from '../base/index.js';
import type { HaltReason } from '../ordering/index.js';
import type { SteadyClock } from './clock.js';
import type { ReplicaCounts } from './metrics.js';
import type { RuntimeWatch, StopReason } from './runtime.js';
import { isMisconduct, Suspicions } from './suspicions.js';
import { Tally, type Drops } from './tally.js';

const summaryIntervalMs = 10_000;

export const remedies: Readonly<Record<HaltReason, string>> = {
  STATE_DIVERGED:
    'the state of this replica keeps differing from what a quorum certified: keep its data directory for analysis, look at its hardware, then start it elsewhere with --rejoin',
  TOO_MANY_REPLICAS_LOST_THEIR_LOG:
    'more replicas than tolerated have lost their vote log: restore logs from disk if any is left; otherwise the cluster has to be made anew',
  VERSION_MISMATCH: 'the cluster runs another version of the state machine: install that version here',
};

export function createCounts(nameOf?: (client: ClientId) => string): ReplicaCounts {
  const [drops, evidence, events] = [new Tally(), new Tally(), new Tally()];
  return { batches: 0, operations: 0, drops, evidence, events, suspicions: new Suspicions(nameOf) };
}

export function createWatch(counts: ReplicaCounts, log: Logger): RuntimeWatch {
  return {
    delivered({ operationCount }) {
      counts.batches++;
      counts.operations += operationCount;
    },
    evidence(from, code) {
      // The first of a kind tells who; the others only count.
      if (counts.evidence.get(code) === 0) log.warn({ from, code }, 'evidence of misbehaviour');
      counts.evidence.add(code);
      counts.suspicions.add(from, code);
    },
    event(event, fields) {
      counts.events.add(event);
      suspectPrimary(counts, event, fields);
      log.info(fields, event);
    },
  };
}

/** Left for what its primary did, or did not do in time. */
function suspectPrimary(
  { suspicions }: ReplicaCounts,
  event: string,
  { reason, primary }: Readonly<Record<string, number | string>>,
): void {
  if (event !== 'view-change-started' || typeof primary !== 'number') return;
  if (reason === 'request-timeout') suspicions.add(replicaId(primary), 'PRIMARY_LATE');
  if (reason === 'throughput') suspicions.add(replicaId(primary), 'PRIMARY_SLOW');
  if (reason === 'no-new-view') suspicions.add(replicaId(primary), 'NEW_VIEW_LATE');
}

/** What was dropped, and whose fault that was if it was anybody's. */
export function createDrops({ drops, suspicions }: ReplicaCounts): Drops {
  return {
    add: (reason, count = 1, of) => {
      drops.add(reason, count);
      if (of !== undefined && isMisconduct(reason)) suspicions.add(of, reason, count);
    },
  };
}

/** Logs sums and clock steps until the returned function is called. */
export function startSummaries(counts: ReplicaCounts, clock: SteadyClock, log: Logger): () => void {
  const timer = setInterval(() => {
    const dropped = counts.drops.summary();
    if (dropped !== null) log.warn({ dropped }, 'dropped since the last summary');
    const evidence = counts.evidence.summary();
    if (evidence !== null) log.warn({ evidence }, 'evidence of misbehaviour since the last summary');
    const stepMs = clock.wallStep();
    if (stepMs !== null) {
      log.warn({ wallAheadMs: stepMs }, 'the wall clock was stepped; not followed until the next start');
    }
  }, summaryIntervalMs);
  return () => clearInterval(timer);
}

export function logStop(reason: StopReason, log: Logger): void {
  if (reason.kind === 'halted') {
    log.fatal({ reason: reason.reason, remedy: remedies[reason.reason] }, 'replica halted');
  } else if (reason.kind === 'failed' && reason.error instanceof TheodoraError) {
    const { code, message, fields } = reason.error;
    log.fatal({ ...fields, code }, `replica stopped: ${message}`);
  } else if (reason.kind === 'failed') {
    log.fatal({ err: reason.error }, 'replica stopped by an internal error: report it with this log');
  } else {
    log.info('replica closed');
  }
}
