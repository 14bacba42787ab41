/**
 * `bench space-scale`: operations among few and among many entries. A cluster for each size, side by side, asked in turns, so
 * that all meet the same machine. The client is in this process, the replicas are not.
 */
import { any, connect } from '../../client/index.js';
import type { Client, Space } from '../../client/index.js';
import { exitStatus, type ExitStatus } from '../errors.js';
import type { Output } from '../output.js';
import { removedAfter } from './cleanup.js';
import { startBenchCluster, type BenchCluster } from './cluster.js';
import { fill, numberedEntry } from './filling.js';
import { observe } from './hardware.js';
import { inParallel } from './in-parallel.js';
import { describeConditions, type BenchOptions } from './options.js';
import { median, rangeOf, rounded, shownRange, type Range } from './statistics.js';

/** As many entries are inserted in a round as are taken: few enough for the smallest space. */
const operationsPerRound = 500;
/** They bring all clusters to speed: filling many entries has brought some there already. */
const warmUpRounds = 20;
const smallest = 1_000;

const kinds = ['rdp', 'cas', 'inp'] as const;
type Kind = (typeof kinds)[number];

export interface SpaceScaleRow {
  readonly kind: Kind;
  readonly entries: number;
  /** Median round. */
  readonly opsPerSecond: number;
  /** Of time, to the fewest entries: median and range of rounds. */
  readonly ratio: number;
  readonly ratioRange: Range;
}

/** Powers of ten from the smallest on, up to `most`. */
export function sizesUpTo(most: number): number[] {
  const sizes = [smallest];
  while (sizes.at(-1)! * 10 <= most) sizes.push(sizes.at(-1)! * 10);
  return sizes;
}

class Subject {
  readonly entries: number;
  readonly #cluster: BenchCluster;
  readonly #client: Client;
  readonly #space: Space;
  #inserted: number;
  #taken = 0;
  #number = 0;

  static async start(entries: number, { replicas, durability, timeoutMs }: BenchOptions): Promise<Subject> {
    const cluster = await startBenchCluster({ replicas, identities: 1, durability });
    try {
      const identity = cluster.identities[0]!;
      const client = await connect({ cluster: cluster.clusterFile, identity, timeoutMs });
      await fill(client.space('default'), 0, entries);
      return new Subject(cluster, client, entries);
    } catch (error) {
      await cluster.remove();
      throw error;
    }
  }

  private constructor(cluster: BenchCluster, client: Client, entries: number) {
    this.entries = entries;
    this.#cluster = cluster;
    this.#client = client;
    this.#space = client.space('default');
    this.#inserted = entries;
  }

  /** Milliseconds of one round. */
  async measure(kind: Kind, concurrency: number): Promise<number> {
    const beganMs = performance.now();
    await inParallel(concurrency, operationsPerRound, () => this.#operate(kind));
    return performance.now() - beganMs;
  }

  async stop(): Promise<void> {
    await this.#client.close();
    await this.#cluster.remove();
  }

  async #operate(kind: Kind): Promise<void> {
    switch (kind) {
      case 'rdp': {
        // Scattered, and each entry once in a while.
        const key = this.#taken + ((this.#number++ * 7_919) % (this.#inserted - this.#taken));
        if ((await this.#space.rdp(['entry', key, any])) === null) throw new Error(`entry ${key} is gone`);
        return;
      }
      case 'cas': {
        const tuple = numberedEntry(this.#inserted++);
        const { inserted } = await this.#space.cas(['entry', tuple[1], any], tuple);
        if (!inserted) throw new Error(`cas found an entry that nobody inserted`);
        return;
      }
      case 'inp': {
        const key = this.#taken++;
        if ((await this.#space.inp(['entry', key, any])) === null) throw new Error(`entry ${key} is gone`);
      }
    }
  }
}

type Times = Readonly<Record<Kind, readonly (readonly number[])[]>>;

/** By kind and size: the times of the rounds. */
async function measureInTurns(
  subjects: readonly Subject[],
  { rounds, concurrency }: BenchOptions,
): Promise<Times> {
  const times = Object.fromEntries(kinds.map((kind) => [kind, subjects.map((): number[] => [])])) as Record<
    Kind,
    number[][]
  >;
  for (let round = -warmUpRounds; round < rounds; round++)
    for (const kind of kinds)
      for (const [index, subject] of subjects.entries()) {
        const ms = await subject.measure(kind, concurrency);
        if (round >= 0) times[kind][index]!.push(ms);
      }
  return times;
}

export function spaceScaleRows(sizes: readonly number[], times: Times): SpaceScaleRow[] {
  return kinds.flatMap((kind) =>
    sizes.map((entries, index) => {
      const own = times[kind][index]!;
      const ratios = own.map((ms, round) => ms / times[kind][0]![round]!);
      return {
        ...{ kind, entries },
        opsPerSecond: rounded((operationsPerRound * 1_000) / median(own), 1),
        ratio: rounded(median(ratios), 3),
        ratioRange: rangeOf(ratios, 3),
      };
    }),
  );
}

export async function benchSpaceScale(
  options: BenchOptions,
  most: number,
  output: Output,
): Promise<ExitStatus> {
  const sizes = sizesUpTo(most);
  const finish = observe();
  const subjects: Subject[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(subjects.splice(0).map((subject) => subject.stop()));
  };
  const rows = await removedAfter(stop, async () => {
    for (const size of sizes) {
      output.note(`space-scale: ${size} entries`);
      subjects.push(await Subject.start(size, options));
    }
    output.note(`space-scale: ${options.rounds} rounds`);
    return spaceScaleRows(sizes, await measureInTurns(subjects, options));
  });
  const circumstances = finish();
  const { replicas, concurrency, durability, rounds } = options;
  for (const { kind, ...row } of rows)
    output.record({
      ...{ scenario: 'space-scale', point: `${kind}, ${row.entries} entries`, ...row },
      ...{ rounds, replicas, concurrency, identities: 1, durability, ...circumstances },
    });
  output.say(describeConditions({ ...options, identities: 1, seconds: null }, circumstances));
  output.say(
    output.table(
      ['operation', 'entries', 'ops/s', `time to that among ${sizes[0]}`, 'range of rounds'],
      rows.map(({ kind, entries, opsPerSecond, ratio, ratioRange }) => [
        ...[kind, String(entries), opsPerSecond.toFixed(0), ratio.toFixed(2)],
        shownRange(ratioRange, 2),
      ]),
    ),
  );
  return exitStatus.ok;
}
