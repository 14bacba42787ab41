/**
 * What the operator sees: counts for metrics, and a log without a line per frame. Evidence and drops are
 * summed up every few seconds; events of the ordering layer are rare and logged one by one.
 */
import type { Logger } from 'pino';
import { TheodoraError } from '../base/index.js';
import type { HaltReason } from '../ordering/index.js';
import type { SteadyClock } from './clock.js';
import type { ReplicaCounts } from './metrics.js';
import type { RuntimeWatch, StopReason } from './runtime.js';
import { Tally } from './tally.js';

const summaryIntervalMs = 10_000;

export const remedies: Readonly<Record<HaltReason, string>> = {
  STATE_DIVERGED:
    'the state of this replica keeps differing from what a quorum certified: keep its data directory for analysis, look at its hardware, then start it elsewhere with --rejoin',
  TOO_MANY_REPLICAS_LOST_THEIR_LOG:
    'more replicas than tolerated have lost their vote log: restore logs from disk if any is left; otherwise the cluster has to be made anew',
  VERSION_MISMATCH: 'the cluster runs another version of the state machine: install that version here',
};

export function createCounts(): ReplicaCounts {
  return { batches: 0, operations: 0, drops: new Tally(), evidence: new Tally(), events: new Tally() };
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
    },
    event(event, fields) {
      counts.events.add(event);
      log.info(fields, event);
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
