/**
 * What a client sees of the number of timed entries: two clusters side by side, one with few entries and one with many, asked
 * in turns so that both meet the same machine. The client is in this process, the replicas are not.
 */
import { any, connect } from '../../client/index.js';
import type { Client, Space } from '../../client/index.js';
import { startBenchCluster } from './cluster.js';
import type { BenchCluster } from './cluster.js';
import { inParallel } from './in-parallel.js';
import { leaseScaleFigure, type LeaseScaleFigure, type LeaseScaleFigures } from './lease-scale.js';
import { median } from './statistics.js';

const timeoutMs = 60_000;
const concurrency = 100;
/** Rounds that only bring both clusters to speed: loading many entries has brought one of them there already. */
const warmUpRounds = 10;
const rounds = 21;
const expiryRounds = 5;
const operationsPerRound = 4_000;
const expiriesPerRound = 200;
const hourMs = 3_600_000;
const expiryLeaseMs = 3_000;

/** One cluster with a client. Milliseconds of whole rounds, except for expiry: of one event after its deadline. */
class Subject {
  readonly #cluster: BenchCluster;
  readonly #client: Client;
  readonly #space: Space;
  #inserted = 0;
  #taken = 0;
  #number = 0;

  static async start(entries: number): Promise<Subject> {
    const cluster = await startBenchCluster({ replicas: 4, identities: 1 });
    try {
      const identity = cluster.identities[0]!;
      const client = await connect({ cluster: cluster.clusterFile, identity, timeoutMs });
      const subject = new Subject(cluster, client);
      await inParallel(concurrency, entries, (index) =>
        subject.#out(2 * hourMs + ((index * 7_919) % entries)),
      );
      return subject;
    } catch (error) {
      await cluster.remove();
      throw error;
    }
  }

  private constructor(cluster: BenchCluster, client: Client) {
    this.#cluster = cluster;
    this.#client = client;
    this.#space = client.space('default');
  }

  readonly operations: Readonly<Record<string, () => Promise<number>>> = {
    rdp: () => this.#measure(() => this.#space.rdp(['timed', this.#someKey()])),
    renew: () => this.#measure(() => this.#space.renew(['timed', this.#someKey()], 2 * hourMs)),
    out: () => this.#measure(() => this.#out(2 * hourMs)),
    inp: () => this.#measure(() => this.#space.inp(['timed', this.#taken++])),
    expiry: () => this.#expire(),
  };

  async stop(): Promise<void> {
    await this.#client.close();
    await this.#cluster.remove();
  }

  #out(lease: number): Promise<unknown> {
    return this.#space.out(['timed', this.#inserted++], { lease });
  }

  /** Scattered, and each entry once in a while. */
  #someKey(): number {
    return this.#taken + ((this.#number++ * 7_919) % (this.#inserted - this.#taken));
  }

  async #measure(operation: () => Promise<unknown>): Promise<number> {
    const beganMs = performance.now();
    await inParallel(concurrency, operationsPerRound, operation);
    return performance.now() - beganMs;
  }

  /** The median time from a deadline, which is on the same machine's clock, to the event. */
  async #expire(): Promise<number> {
    const events = this.#space.subscribe(['soon', any]);
    await events.started;
    await inParallel(concurrency, expiriesPerRound, (index) =>
      this.#space.out(['soon', index], { lease: expiryLeaseMs + 5 * index }),
    );
    const late: number[] = [];
    for await (const { kind, entry } of events) {
      if (kind === 'expired') late.push(Date.now() - entry.deadline!);
      if (late.length === expiriesPerRound) break;
    }
    return median(late);
  }
}

/** An operation at full load, and the time from a deadline to its event. */
export async function runLeaseScaleCluster(entries: readonly [number, number]): Promise<LeaseScaleFigures> {
  const subjects: Subject[] = [];
  try {
    for (const count of entries) subjects.push(await Subject.start(count));
    const [few, many] = subjects as [Subject, Subject];
    const times = new Map<string, [number[], number[]]>();
    for (let round = -warmUpRounds; round < rounds; round++) {
      for (const kind of Object.keys(few.operations)) {
        if (kind === 'expiry' && (round < 0 || round >= expiryRounds)) continue;
        const [fewMs, manyMs] = [await few.operations[kind]!(), await many.operations[kind]!()];
        if (round < 0) continue;
        const [fewTimes, manyTimes] = times.get(kind) ?? [[], []];
        times.set(kind, [
          [...fewTimes, fewMs],
          [...manyTimes, manyMs],
        ]);
      }
    }
    const figures: Record<string, LeaseScaleFigure> = {};
    for (const [kind, [fewTimes, manyTimes]] of times) {
      const [unit, factor] =
        kind === 'expiry' ? (['ms', 1] as const) : (['µs', 1_000 / operationsPerRound] as const);
      figures[kind] = leaseScaleFigure(unit, median(fewTimes) * factor, median(manyTimes) * factor);
    }
    return figures;
  } finally {
    for (const subject of subjects) await subject.stop();
  }
}
