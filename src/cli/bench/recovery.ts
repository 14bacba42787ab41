/**
 * How a replica comes back to a cluster that holds many entries: after a restart, after a time without it, and with an
 * empty disk. Load comes from this process, the replicas are processes of their own.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TheodoraError } from '../../base/index.js';
import { connect } from '../../client/index.js';
import type { Client } from '../../client/index.js';
import type { ReplicaProcess, StartWords } from '../launcher.js';
import { startBenchCluster } from './cluster.js';
import type { BenchCluster } from './cluster.js';
import { inParallel } from './in-parallel.js';
import { PacedLoad } from './paced-load.js';
import { processorSeconds } from './processor.js';
import type { Stretch } from './paced-load.js';
import { residentMiB } from './resident.js';

export interface RecoveryPlan {
  readonly entries: number;
  /** How long a replica is away while the others take load. */
  readonly awaySeconds: number;
  readonly concurrency: number;
  readonly timeoutMs: number;
  note(text: string): void;
}

/** How a replica came back under load. */
export interface Return {
  readonly listeningMs: number;
  /** From its start until it votes and has executed what the others had; null: it did not get there. */
  readonly caughtUpMs: number | null;
  /** Whether it was in the others' view then, and not alone in asking for another one. */
  readonly isActive: boolean;
  /** Pages that it fetched; 0: it came back by its own log and the others'. */
  readonly pagesFetched: number;
  /** With all four, without it, and while it came back. */
  readonly before: Stretch;
  readonly without: Stretch;
  readonly during: Stretch;
  /** Of `during` to `before`. */
  readonly share: number;
  /** Peak while it came back, MiB: its own and the others' largest; null where the system does not tell. */
  readonly memoryMiB: number | null;
  readonly othersMemoryMiB: number | null;
  /** Processor time it took to come back, and how much of a processor all others took before and meanwhile. */
  readonly processorSeconds: number | null;
  readonly othersBefore: number | null;
  readonly othersDuring: number | null;
}

export interface RecoveryFigures {
  readonly fillSeconds: number;
  readonly peakPerSecond: number;
  /** From its start, nothing else going on. */
  readonly restart: { readonly listeningMs: number; readonly servingMs: number | null };
  readonly away: Return;
  readonly rejoin: Return;
  readonly errors: Readonly<Record<string, number>>;
}

const replicaCount = 4;
const fillConcurrency = 1_000;
/** At most: for peak and before, no longer than a replica is away. */
const measuredMs = 10_000;
const shortlyAwayMs = 5_000;
const pollMs = 250;
const givenUpMs = 600_000;
const payload = new Uint8Array(48).fill(7);

/** Greatest of what is known. */
class Peak {
  value: number | null = null;

  add(value: number | null): void {
    if (value !== null) this.value = Math.round(Math.max(this.value ?? 0, value));
  }
}

class Recovery {
  readonly #plan: RecoveryPlan;
  readonly #cluster: BenchCluster;
  readonly #client: Client;
  readonly #errors = new Map<string, number>();
  readonly #measuredMs: number;

  constructor(plan: RecoveryPlan, cluster: BenchCluster, client: Client) {
    this.#plan = plan;
    this.#cluster = cluster;
    this.#client = client;
    this.#measuredMs = Math.min(measuredMs, plan.awaySeconds * 1_000);
  }

  async run(): Promise<RecoveryFigures> {
    const { entries, awaySeconds, note } = this.#plan;
    note(`recovery: ${entries} entries are inserted, ${fillConcurrency} under way at a time`);
    const fillSeconds = await this.#fill();
    note('recovery: the peak');
    const { perSecond: peakPerSecond } = await this.#underLoad(null, (load) =>
      load.measure(sleep(this.#measuredMs)),
    );
    note('recovery: a restart');
    const restart = await this.#restart();
    note(`recovery: ${awaySeconds} s away, with half the peak`);
    const away = await this.#return(peakPerSecond / 2, awaySeconds * 1_000, {});
    note('recovery: an empty disk, with half the peak');
    const rejoin = await this.#return(peakPerSecond / 2, shortlyAwayMs, { rejoin: true });
    return { fillSeconds, peakPerSecond, restart, away, rejoin, errors: Object.fromEntries(this.#errors) };
  }

  async #fill(): Promise<number> {
    const space = this.#client.space('default');
    const beganMs = performance.now();
    await inParallel(fillConcurrency, this.#plan.entries, (index) => space.out(['entry', index, payload]));
    return (performance.now() - beganMs) / 1_000;
  }

  async #underLoad<T>(rate: number | null, measure: (load: PacedLoad) => Promise<T>): Promise<T> {
    const load = new PacedLoad(this.#client.space('default'), this.#plan.concurrency, rate);
    try {
      return await measure(load);
    } finally {
      await load.stop();
      for (const [code, count] of load.errors) this.#errors.set(code, (this.#errors.get(code) ?? 0) + count);
    }
  }

  async #restart(): Promise<RecoveryFigures['restart']> {
    const id = await this.#backup();
    await this.#kill(id);
    const beganMs = performance.now();
    await this.#cluster.replicas.start(id);
    const listeningMs = performance.now() - beganMs;
    const servingMs = await this.#caughtUp(id, beganMs, () => undefined);
    return { listeningMs, servingMs };
  }

  #return(rate: number, awayMs: number, words: StartWords): Promise<Return> {
    return this.#underLoad(rate, async (load) => {
      const id = await this.#backup();
      const { dataDir } = this.#cluster.replicas.places[id]!;
      const { stretch: before, others: othersBefore } = await this.#watched(
        load,
        id,
        sleep(this.#measuredMs),
      );
      await this.#kill(id);
      if (words.rejoin === true)
        for (const name of ['votes', 'pages']) rmSync(join(dataDir, name), { recursive: true });
      const without = await load.measure(sleep(awayMs));
      const logFile = join(dataDir, 'replica.log');
      const logged = readFileSync(logFile).length;
      const beganMs = performance.now();
      const [ownPeak, othersPeak] = [new Peak(), new Peak()];
      let listeningMs = 0;
      let caughtUpMs: number | null = null;
      const comeBack = async (): Promise<void> => {
        await this.#cluster.replicas.start(id, words);
        listeningMs = performance.now() - beganMs;
        caughtUpMs = await this.#caughtUp(id, beganMs, ({ id: each, pid }) =>
          (each === id ? ownPeak : othersPeak).add(residentMiB(pid)),
        );
      };
      const { stretch: during, others: othersDuring } = await this.#watched(load, id, comeBack());
      const isActive = (await this.#client.status()).some(
        (each) => each.reachable && each.id === id && each.isActive,
      );
      const own = processorSeconds(this.#cluster.replicas.get(id)?.pid ?? 0);
      const share = during.perSecond / before.perSecond;
      const pagesFetched = pagesOf(readFileSync(logFile).subarray(logged).toString());
      const memory = { memoryMiB: ownPeak.value, othersMemoryMiB: othersPeak.value };
      const processor = { processorSeconds: own, othersBefore, othersDuring };
      return {
        listeningMs,
        caughtUpMs,
        isActive,
        pagesFetched,
        before,
        without,
        during,
        share,
        ...memory,
        ...processor,
      };
    });
  }

  /** Throughput, and how much of a processor the replicas but `id` take for it. */
  async #watched(
    load: PacedLoad,
    id: number,
    during: Promise<unknown>,
  ): Promise<{ readonly stretch: Stretch; readonly others: number | null }> {
    const beganMs = performance.now();
    const spent = (): number | null => {
      const each = this.#cluster.replicas.running.filter((replica) => replica.id !== id);
      const seconds = each.map(({ pid }) => processorSeconds(pid));
      return seconds.some((one) => one === null) ? null : seconds.reduce((a, b) => a! + b!, 0);
    };
    const before = spent();
    const stretch = await load.measure(during);
    const after = spent();
    const isKnown = before !== null && after !== null;
    return { stretch, others: isKnown ? ((after - before) * 1_000) / (performance.now() - beganMs) : null };
  }

  /** A replica that is not the primary. */
  async #backup(): Promise<number> {
    const reachable = (await this.#client.status()).filter((replica) => replica.reachable);
    const latest = reachable.reduce((a, b) => (b.view > a.view ? b : a));
    return (latest.primary + replicaCount - 1) % replicaCount;
  }

  async #kill(id: number): Promise<void> {
    const replica = this.#cluster.replicas.get(id);
    replica?.kill('SIGKILL');
    await replica?.exited;
  }

  /** Since `beganMs`, until the replica votes and has executed all that the others had a moment before. */
  async #caughtUp(
    id: number,
    beganMs: number,
    look: (replica: ReplicaProcess) => void,
  ): Promise<number | null> {
    let others = Infinity;
    for (;;) {
      for (const replica of this.#cluster.replicas.running) look(replica);
      if (this.#cluster.replicas.get(id) === undefined)
        throw new TheodoraError('REPLICA_LOST', `replica ${id} ended instead of coming back`);
      const replicas = (await this.#client.status()).filter((replica) => replica.reachable);
      const own = replicas.find((replica) => replica.id === id);
      const tookMs = performance.now() - beganMs;
      if (own !== undefined && !own.isObserver && own.executed >= others) return tookMs;
      if (tookMs > givenUpMs) return null;
      others = Math.max(...replicas.filter((replica) => replica.id !== id).map(({ executed }) => executed));
      await sleep(pollMs);
    }
  }
}

/** Of all rounds of state transfer that a log tells of. */
function pagesOf(log: string): number {
  const rounds = log.split('\n').filter((line) => line.includes('"state-transferred"'));
  return rounds.reduce(
    (sum, line) => sum + ((JSON.parse(line) as { pagesFetched?: number }).pagesFetched ?? 0),
    0,
  );
}

export async function runRecovery(plan: RecoveryPlan): Promise<RecoveryFigures> {
  const cluster = await startBenchCluster({ replicas: replicaCount, identities: 1, durability: 'sync' });
  let client: Client | null = null;
  try {
    const identity = cluster.identities[0]!;
    client = await connect({ cluster: cluster.clusterFile, identity, timeoutMs: plan.timeoutMs });
    return await new Recovery(plan, cluster, client).run();
  } finally {
    await client?.close();
    await cluster.remove();
  }
}
