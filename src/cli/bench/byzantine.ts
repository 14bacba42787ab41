/**
 * The service under load while the first primary misbehaves, or other replicas: a cluster of its own for each behaviour, and one without faults just
 * before and just after it, since the machine is another one after some minutes. What is measured begins once the others have had the time to notice. Afterwards the
 * entries are counted against what was acknowledged, and the correct replicas' states compared.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TheodoraError } from '../../base/index.js';
import { any, clusterStatus, connect } from '../../client/index.js';
import type { ReplicaStatus } from '../../client/index.js';
import type { Durability } from '../../replica/index.js';
import { withBenchCluster } from './cluster.js';
import type { BenchCluster } from './cluster.js';
import { Histogram } from './histogram.js';
import type { LoadPlan, LoadResult } from './messages.js';
import { runLoadProcess } from './run-load-process.js';
import { mean } from './statistics.js';

/** What the clients do meanwhile. */
export type ByzantineLoad = 'out' | 'mixed';

export interface ByzantineOptions {
  readonly behaviours: readonly string[];
  readonly replicas: number;
  /** The replicas that behave so, f at most. */
  readonly faulty: readonly number[];
  readonly load: ByzantineLoad;
  readonly concurrency: number;
  readonly identities: number;
  readonly durability: Durability;
  /** Long enough for the others to notice what they can notice. */
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly timeoutMs: number;
  note(text: string): void;
  measured(row: ByzantineRow): void;
}

/** A stretch of load and what is there after it. */
export interface Measured {
  /** Null: without faults. */
  readonly behaviour: string | null;
  readonly opsPerSecond: number;
  readonly p99Ms: number;
  readonly longestGapMs: number;
  /** Failed operations by error code, the warm-up included; those whose outcome is unknown are among them. */
  readonly errors: Readonly<Record<string, number>>;
  /** Insertions, since the cluster is there. */
  readonly acknowledged: number;
  readonly inserted: number;
  /** Of the correct replicas, all at the same point; null: they did not get there in time. */
  readonly areStatesEqual: boolean | null;
  /** Highest view of a correct replica when the measurement began, all since the start; and how many came to it while measured. */
  readonly viewsBefore: number;
  readonly viewChanges: number;
  readonly viewChangesPerMinute: number;
  /** What the correct replicas counted against the faulty ones, and against each other, by reason. */
  readonly suspicions: Readonly<Record<string, number>>;
  readonly falseSuspicions: Readonly<Record<string, number>>;
  /** Correct replicas that ended meanwhile. */
  readonly lost: readonly number[];
}

export interface ByzantineRow extends Measured {
  /** Mean of the measurements without faults just before and just after. */
  readonly baseOpsPerSecond: number;
  readonly ratio: number;
}

export interface ByzantineFigures {
  readonly withoutFaults: readonly Measured[];
  readonly rows: readonly ByzantineRow[];
}

type Correct = ReplicaStatus & { readonly reachable: true };

const settledWithinMs = 30_000;
const pollMs = 250;
const statusTimeoutMs = 2_000;

class Round {
  readonly #options: ByzantineOptions;
  readonly #cluster: BenchCluster;
  readonly #behaviour: string | null;
  constructor(options: ByzantineOptions, cluster: BenchCluster, behaviour: string | null) {
    this.#options = options;
    this.#cluster = cluster;
    this.#behaviour = behaviour;
  }

  async run(): Promise<Measured> {
    const { measureMs } = this.#options;
    let viewsBefore = 0;
    const result = await runLoadProcess(this.#plan(), async () => {
      viewsBefore = viewOf(await this.#correct());
      return null;
    });
    const viewChanges = viewOf(await this.#correct()) - viewsBefore;
    const areStatesEqual = await this.#settle();
    const inserted = await this.#inserted();
    const { ofFaulty, ofCorrect } = suspicionsOf(await this.#correct(), this.#isCorrect);
    return {
      behaviour: this.#behaviour,
      ...figuresOf(result),
      inserted,
      areStatesEqual,
      viewsBefore,
      viewChanges,
      viewChangesPerMinute: (viewChanges * 60_000) / measureMs,
      suspicions: ofFaulty,
      falseSuspicions: ofCorrect,
      lost: this.#cluster.lost.filter(this.#isCorrect),
    };
  }

  readonly #isCorrect = (id: number): boolean =>
    this.#behaviour === null || !this.#options.faulty.includes(id);

  #plan(): LoadPlan {
    const { load, identities, concurrency, warmUpMs, measureMs, timeoutMs } = this.#options;
    const { clusterFile, identities: names } = this.#cluster;
    return {
      target: { kind: 'theodora', clusterFile, identities: names.slice(0, identities) },
      ...{ load, concurrency, warmUpMs, measureMs, timeoutMs, payloadBytes: 64 },
      ...{ firstWorker: 0, prepares: true, ratePerSecond: null, intervalMs: null, lateIdentity: null },
    };
  }

  async #correct(): Promise<readonly Correct[]> {
    const all = await clusterStatus({
      cluster: this.#cluster.clusterFile,
      identity: this.#cluster.identities[0]!,
      timeoutMs: statusTimeoutMs,
    });
    return all.filter((each): each is Correct => each.reachable && this.#isCorrect(each.id));
  }

  /** Nobody asks for anything any more: the correct replicas get to the same point, and say what their state is there. */
  async #settle(): Promise<boolean | null> {
    const { replicas, faulty } = this.#options;
    const count = replicas - (this.#behaviour === null ? 0 : faulty.length);
    const endMs = performance.now() + settledWithinMs;
    while (performance.now() < endMs) {
      const correct = await this.#correct();
      const points = new Set(correct.map(({ executed }) => executed));
      if (correct.length === count && points.size === 1)
        return new Set(correct.map(({ stateDigest }) => stateDigest)).size === 1;
      await sleep(pollMs);
    }
    return null;
  }

  async #inserted(): Promise<number> {
    const [identity] = this.#cluster.identities;
    const { clusterFile } = this.#cluster;
    const client = await connect({
      cluster: clusterFile,
      identity: identity!,
      timeoutMs: this.#options.timeoutMs,
    });
    try {
      return await client.space('default').count(['bench', any, any, any]);
    } finally {
      await client.close();
    }
  }
}

const viewOf = (replicas: readonly Correct[]): number => Math.max(0, ...replicas.map(({ view }) => view));

function figuresOf({
  latencies,
  elapsedMs,
  longestGapMs,
  errors,
  acknowledged,
}: LoadResult): Pick<Measured, 'opsPerSecond' | 'p99Ms' | 'longestGapMs' | 'errors' | 'acknowledged'> {
  const all = Histogram.of(Object.values(latencies));
  const opsPerSecond = (all.count * 1_000) / elapsedMs;
  return {
    ...{ opsPerSecond, p99Ms: all.quantileMs(0.99), longestGapMs, errors },
    acknowledged: acknowledged.out ?? 0,
  };
}

interface Suspicions {
  readonly ofFaulty: Record<string, number>;
  readonly ofCorrect: Record<string, number>;
}

function suspicionsOf(replicas: readonly Correct[], isCorrect: (id: number) => boolean): Suspicions {
  const sums: Suspicions = { ofFaulty: {}, ofCorrect: {} };
  for (const { suspicions } of replicas)
    for (const { of, reason, count } of suspicions) {
      const [, id] = /^replica (\d+)$/.exec(of) ?? [];
      const into = id === undefined || isCorrect(Number(id)) ? sums.ofCorrect : sums.ofFaulty;
      into[reason] = (into[reason] ?? 0) + count;
    }
  return sums;
}

/** A cluster for as long as `use` takes. */
async function withCluster<T>(
  { replicas, faulty, identities, durability }: ByzantineOptions,
  behaviour: string | null,
  use: (cluster: BenchCluster) => Promise<T>,
): Promise<T> {
  const faults = new Map(behaviour === null ? [] : faulty.map((id) => [id, [behaviour]] as const));
  try {
    return await withBenchCluster({ replicas, identities, durability, faults }, use);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    const code = error instanceof TheodoraError ? error.code : 'INTERNAL';
    throw new TheodoraError(code, `${behaviour ?? 'no faults'}: ${cause}`);
  }
}

/** Each on a cluster just as new: processes get faster in their first minute. */
export async function runByzantine(options: ByzantineOptions): Promise<ByzantineFigures> {
  const measure = (behaviour: string | null): Promise<Measured> => {
    options.note(`byzantine, replica ${options.faulty.join(', ')}: ${behaviour ?? 'no faults'}`);
    return withCluster(options, behaviour, (cluster) => new Round(options, cluster, behaviour).run());
  };
  const withoutFaults = [await measure(null)];
  const rows: ByzantineRow[] = [];
  for (const behaviour of options.behaviours) {
    const measured = await measure(behaviour);
    withoutFaults.push(await measure(null));
    const [before, after] = withoutFaults.slice(-2).map(({ opsPerSecond }) => opsPerSecond);
    const baseOpsPerSecond = mean([before!, after!]);
    const row = { ...measured, baseOpsPerSecond, ratio: measured.opsPerSecond / baseOpsPerSecond };
    rows.push(row);
    options.measured(row);
  }
  return { withoutFaults, rows };
}
