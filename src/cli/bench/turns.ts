/**
 * The points of a scenario in turns: A B C, A B C and so on, so that what drifts on the machine meets all of them alike. Each
 * point has its cluster, which several share if they differ in the load alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TheodoraError } from '../../base/index.js';
import { removedAfter } from './cleanup.js';
import { startBenchCluster, type BenchCluster } from './cluster.js';
import { loads } from './loads.js';
import type { Command, LoadPlan, LoadResult } from './messages.js';
import { runLoadProcess } from './run-load-process.js';
import type { Point, Scenario } from './scenarios.js';
import { runWakeup } from './wakeup.js';

export interface TurnOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly ratePerSecond: number | null;
  readonly timeoutMs: number;
  readonly note: (text: string) => void;
}

/** More than any concurrency: workers of different turns are different ones. */
const workersPerTurn = 100_000;
/** Of others, in the scenario `wakeup`. */
const otherWaits = 10_000;
const wakeupExpiries = 25;

const clusterKey = ({ replicas, durability, requestAuth, payloadBytes }: Point): string =>
  [replicas, durability, requestAuth, payloadBytes].join(' ');

export class Turns {
  readonly #scenario: Scenario;
  readonly #points: readonly Point[];
  readonly #options: TurnOptions;
  readonly #clusters = new Map<string, BenchCluster>();
  readonly #prepared = new Set<string>();
  #turn = 0;

  constructor(scenario: Scenario, points: readonly Point[], options: TurnOptions) {
    this.#scenario = scenario;
    this.#points = points;
    this.#options = options;
  }

  /** By point: one result for each round. */
  run(): Promise<LoadResult[][]> {
    return removedAfter(
      () => this.#removeClusters(),
      async () => {
        const results: LoadResult[][] = this.#points.map(() => []);
        for (let round = 1; round <= this.#options.rounds; round++)
          for (const [index, point] of this.#points.entries()) {
            this.#options.note(`${point.name}: round ${round} of ${this.#options.rounds}`);
            results[index]!.push(await this.#measure(point));
          }
        return results;
      },
    );
  }

  async #measure(point: Point): Promise<LoadResult> {
    const cluster = await this.#clusterOf(point);
    const { special } = this.#scenario;
    const result = special === 'wakeups' ? await this.#wakeups(cluster) : await this.#load(cluster, point);
    const { lost } = cluster;
    if (lost.length > (special === 'kill the primary' ? 1 : 0))
      throw new TheodoraError('REPLICA_LOST', `replicas ended while measured: ${lost.join(', ')}`);
    // It is not the same cluster afterwards.
    if (special !== null) await this.#removeClusters();
    return result;
  }

  async #clusterOf(point: Point): Promise<BenchCluster> {
    const key = clusterKey(point);
    const running = this.#clusters.get(key);
    if (running !== undefined) return running;
    this.#options.note(`${point.name}: ${point.replicas} replicas starting`);
    const sharing = this.#points.filter((other) => clusterKey(other) === key);
    const identities = Math.max(2, ...sharing.map((each) => each.identities + 1));
    const { replicas, durability, requestAuth } = point;
    const cluster = await startBenchCluster({ replicas, identities, durability, settings: { requestAuth } });
    this.#clusters.set(key, cluster);
    return cluster;
  }

  async #removeClusters(): Promise<void> {
    const clusters = [...this.#clusters.values()];
    this.#clusters.clear();
    this.#prepared.clear();
    await Promise.all(clusters.map((cluster) => cluster.remove()));
  }

  #load(cluster: BenchCluster, point: Point): Promise<LoadResult> {
    const isKilled = this.#scenario.special === 'kill the primary';
    const { seconds, warmUpSeconds, ratePerSecond, timeoutMs } = this.#options;
    const measureMs = seconds * 1_000;
    const plan: LoadPlan = {
      target: {
        kind: 'theodora',
        clusterFile: cluster.clusterFile,
        identities: cluster.identities.slice(0, point.identities),
      },
      load: point.load,
      payloadBytes: point.payloadBytes,
      concurrency: point.concurrency,
      firstWorker: workersPerTurn * this.#turn++,
      prepares: this.#isFirst(cluster, point),
      ...{ ratePerSecond, measureMs, timeoutMs, warmUpMs: warmUpSeconds * 1_000, intervalMs: null },
      lateIdentity: isKilled ? cluster.identities[point.identities]! : null,
    };
    return runLoadProcess(plan, (primary) =>
      isKilled ? killPrimary(cluster, primary, measureMs) : Promise.resolve(null),
    );
  }

  /** Whether this load's preparation is still to be done. */
  #isFirst({ clusterFile }: BenchCluster, { load, identities }: Point): boolean {
    const key = `${clusterFile} ${loads[load].preparation} ${identities}`;
    if (this.#prepared.has(key)) return false;
    this.#prepared.add(key);
    return true;
  }

  #wakeups({ clusterFile, identities }: BenchCluster): Promise<LoadResult> {
    const { seconds, timeoutMs } = this.#options;
    return runWakeup({
      clusterFile,
      identities: identities.slice(0, 2),
      measureMs: seconds * 1_000,
      timeoutMs,
      otherWaits,
      expiries: wakeupExpiries,
    });
  }
}

/** Kills the primary a fifth into the measurement. */
async function killPrimary(cluster: BenchCluster, primary: number, measureMs: number): Promise<Command> {
  await sleep(measureMs / 5);
  cluster.replicas.get(primary)?.kill('SIGKILL');
  return { kind: 'killed' };
}
