/**
 * `bench peers`: Theodora beside ZooKeeper and etcd, which tolerate crashes and no Byzantine faults, on one machine, in one
 * run and in turns, asked by the same load generator.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TheodoraError } from '../../../base/index.js';
import { exitStatus, type ExitStatus } from '../../errors.js';
import type { Output } from '../../output.js';
import { removedAfter } from '../cleanup.js';
import { startBenchCluster } from '../cluster.js';
import { describeCircumstances, observe } from '../hardware.js';
import type { LoadPlan, LoadResult } from '../messages.js';
import type { BenchOptions } from '../options.js';
import { createReport, ratioOf, tableHeader, tableRows } from '../report.js';
import { runLoadProcess } from '../run-load-process.js';
import { startEtcd } from './etcd.js';
import { serverCount, type MissingPeer, type RunningPeer } from './peer.js';
import { counterpartOf, peerPoints, type PeerPoint, type System } from './points.js';
import { startZooKeeper } from './zookeeper.js';

const starters: Readonly<Record<System, typeof startEtcd>> = {
  theodora: startTheodora,
  zookeeper: startZooKeeper,
  etcd: startEtcd,
};
const systems = Object.keys(starters) as System[];
const payloadBytes = 64;
/** As in turns.ts. */
const workersPerTurn = 100_000;
const theodoraReplicas = 4;

async function startTheodora(): Promise<RunningPeer> {
  const cluster = await startBenchCluster({ replicas: theodoraReplicas, identities: 1, durability: 'sync' });
  const { clusterFile, identities, lost } = cluster;
  return {
    target: { kind: 'theodora', clusterFile, identities },
    version: null,
    check: () => {
      if (lost.length > 0)
        throw new TheodoraError('REPLICA_LOST', `replicas ended while measured: ${lost.join(', ')}`);
    },
    stop: () => cluster.remove(),
  };
}

interface Comparison {
  readonly points: readonly PeerPoint[];
  readonly results: readonly (readonly LoadResult[])[];
  readonly versions: readonly string[];
  readonly skipped: Readonly<Partial<Record<System, string>>>;
}

class PeerRun {
  readonly #options: BenchOptions;
  readonly #directory = mkdtempSync(join(tmpdir(), 'theodora-peers-'));
  readonly #running = new Map<System, RunningPeer>();
  readonly #skipped: Partial<Record<System, string>> = {};
  readonly #prepared = new Set<System>();
  readonly #note: (text: string) => void;
  #turn = 0;

  constructor(options: BenchOptions, note: (text: string) => void) {
    this.#options = options;
    this.#note = note;
  }

  async measure(): Promise<Comparison> {
    for (const system of systems) await this.#start(system);
    const points = peerPoints(new Set(this.#running.keys()));
    const results: LoadResult[][] = points.map(() => []);
    const { rounds } = this.#options;
    for (let round = 1; round <= rounds; round++)
      for (const [index, point] of points.entries()) {
        const { system, operation, concurrency } = point;
        this.#note(`peers: ${system}, ${operation}, ${concurrency} under way, round ${round} of ${rounds}`);
        results[index]!.push(await this.#load(point));
      }
    const versions = [...this.#running.values()].flatMap(({ version }) => version ?? []);
    return { points, results, versions, skipped: this.#skipped };
  }

  async remove(): Promise<void> {
    const running = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(running.map((peer) => peer.stop()));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #start(system: System): Promise<void> {
    this.#note(`peers: ${system} starting`);
    const directory = join(this.#directory, system);
    mkdirSync(directory);
    const started: RunningPeer | MissingPeer = await starters[system](directory);
    if ('missing' in started) {
      this.#skipped[system] = started.missing;
      this.#note(`peers: ${system} is skipped: ${started.missing}`);
    } else this.#running.set(system, started);
  }

  async #load({ system, load, concurrency, kind }: PeerPoint): Promise<LoadResult> {
    const { seconds, warmUpSeconds, timeoutMs } = this.#options;
    const peer = this.#running.get(system)!;
    const prepares = kind === 'read' && !this.#prepared.has(system);
    if (prepares) this.#prepared.add(system);
    const plan: LoadPlan = {
      target: peer.target,
      ...{ load, payloadBytes, concurrency, prepares, timeoutMs },
      firstWorker: workersPerTurn * this.#turn++,
      ...{ warmUpMs: warmUpSeconds * 1_000, measureMs: seconds * 1_000 },
      ...{ ratePerSecond: null, intervalMs: null, lateIdentity: null },
    };
    const result = await runLoadProcess(plan);
    peer.check();
    return result;
  }
}

export async function benchPeers(options: BenchOptions, output: Output): Promise<ExitStatus> {
  const finish = observe();
  const run = new PeerRun(options, (text) => output.note(text));
  const { points, results, versions, skipped } = await removedAfter(
    () => run.remove(),
    () => run.measure(),
  );
  const circumstances = finish();
  const reports = points.map((point, index) => {
    const { system, operation, concurrency } = point;
    const replicas = system === 'theodora' ? theodoraReplicas : serverCount;
    const conditions = {
      ...{ replicas, concurrency, payloadBytes, durability: 'sync' as const },
      ...{ requestAuth: 'signature' as const, identities: 1, ratePerSecond: null },
    };
    const base = counterpartOf(point, points);
    // Theodora's throughput to this one's.
    const ratio = base < 0 ? null : ratioOf(results[base]!, system, results[index]!);
    const subject = { scenario: 'peers', point: `${system} ${operation}, ${concurrency} under way` };
    return {
      ...createReport({ ...subject, conditions }, results[index]!, ratio, circumstances),
      ...(system === 'theodora' ? {} : { requestAuth: 'none' as const }),
      system,
    };
  });
  for (const report of reports) output.record({ ...report, versions });
  if (Object.keys(skipped).length > 0) output.record({ scenario: 'peers', point: 'skipped', skipped });
  output.say(describeCircumstances(circumstances));
  output.say(
    `${options.seconds} s each, ${options.rounds} rounds, ${payloadBytes} B; Theodora: 4 replicas, durability sync, signed, one identity; ${versions.join(', ')}: 3 servers, fsync, no encryption, no authentication`,
  );
  for (const [system, why] of Object.entries(skipped)) output.say(`${system} skipped: ${why}`);
  const rows = reports.flatMap((report) => tableRows({ ...report, requestAuth: 'signature' }));
  output.say(output.table([...tableHeader.slice(0, -1), "Theodora's throughput"], rows));
  return exitStatus.ok;
}
