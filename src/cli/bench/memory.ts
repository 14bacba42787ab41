/**
 * `bench memory`: what a replica takes at rest, what after so many operations that its history of batches is full, and what
 * each entry adds to either. Each figure twice: as the system shows it, garbage included, and after the replicas were made to
 * collect theirs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type Space } from '../../client/index.js';
import { exitStatus, type ExitStatus } from '../errors.js';
import type { Output } from '../output.js';
import { removedAfter } from './cleanup.js';
import { startBenchCluster, type BenchCluster } from './cluster.js';
import { entryContentBytes, fill } from './filling.js';
import { observe } from './hardware.js';
import { inParallel } from './in-parallel.js';
import { describeConditions, type BenchOptions } from './options.js';
import { collectGarbage, residentMiBOf, startCollectable } from './resident.js';
import { rangeOf, rounded, mean, shownRange, type Range } from './statistics.js';

/** Time for a checkpoint, and for what is only done when nothing else is. */
const restMs = 5_000;
/** More than the history of batches takes (64 MiB), in operations that leave nothing. */
const idleOperations = 5_000;
const idleContentBytes = 16 << 10;
const idleConcurrency = 20;

export interface MemoryRow {
  readonly entries: number;
  readonly isHistoryFull: boolean;
  /** Over the replicas. */
  readonly residentMiB: Range;
  readonly collectedMiB: Range;
  /** Beyond what is at rest, over an entry's content; after collecting. Null without entries. */
  readonly bytesPerEntryOverContent: number | null;
  /** Likewise, beyond what is there without entries when the history is full. */
  readonly bytesPerEntryOverHistory: number | null;
}

interface Sample {
  readonly entries: number;
  readonly isHistoryFull: boolean;
  readonly resident: readonly number[];
  readonly collected: readonly number[];
}

/** At rest, without entries when the history is full, and with entries. */
export function memoryRows(samples: readonly [Sample, Sample, ...Sample[]]): MemoryRow[] {
  const [rest, worked] = samples;
  const perEntry = ({ entries, collected }: Sample, without: Sample): number | null => {
    const addedMiB = mean(collected) - mean(without.collected);
    return entries === 0 ? null : rounded((addedMiB * 2 ** 20) / entries - entryContentBytes, 0);
  };
  return samples.map((sample) => ({
    entries: sample.entries,
    isHistoryFull: sample.isHistoryFull,
    residentMiB: rangeOf(sample.resident, 1),
    collectedMiB: rangeOf(sample.collected, 1),
    bytesPerEntryOverContent: perEntry(sample, rest),
    bytesPerEntryOverHistory: perEntry(sample, worked),
  }));
}

/** Each finds the one entry that there is, and inserts nothing. */
async function fillHistory(space: Space): Promise<void> {
  const idle = ['idle', new Uint8Array(idleContentBytes)] as const;
  await space.out(['idle']);
  await inParallel(idleConcurrency, idleOperations, () => space.cas(['idle'], idle));
  await space.inp(['idle']);
}

async function sampleAt(cluster: BenchCluster, entries: number, isHistoryFull = true): Promise<Sample> {
  await sleep(restMs);
  const resident = residentMiBOf(cluster.replicas);
  await collectGarbage(cluster.replicas);
  return { entries, isHistoryFull, resident, collected: residentMiBOf(cluster.replicas) };
}

async function measure(
  cluster: BenchCluster,
  sizes: readonly number[],
  { timeoutMs }: BenchOptions,
  note: (text: string) => void,
): Promise<MemoryRow[]> {
  const client = await connect({
    cluster: cluster.clusterFile,
    identity: cluster.identities[0]!,
    timeoutMs,
  });
  try {
    const space = client.space('default');
    const rest = await sampleAt(cluster, 0, false);
    note('memory: filling the history');
    await fillHistory(space);
    const samples: [Sample, Sample, ...Sample[]] = [rest, await sampleAt(cluster, 0)];
    let held = 0;
    for (const size of sizes) {
      note(`memory: ${size} entries`);
      await fill(space, held, size);
      held = size;
      samples.push(await sampleAt(cluster, size));
    }
    return memoryRows(samples);
  } finally {
    await client.close();
  }
}

const pointOf = ({ entries, isHistoryFull }: MemoryRow): string =>
  entries > 0 ? `${entries} entries` : isHistoryFull ? 'full history' : 'at rest';

/** With a tenth of `entries`, and with all of them. */
export async function benchMemory(
  options: BenchOptions,
  entries: number,
  output: Output,
): Promise<ExitStatus> {
  const { replicas, durability } = options;
  const finish = observe();
  output.note(`memory: ${replicas} replicas starting`);
  const cluster = await startCollectable(() => startBenchCluster({ replicas, identities: 1, durability }));
  const rows = await removedAfter(
    () => cluster.remove(),
    () => measure(cluster, [entries / 10, entries], options, (text) => output.note(text)),
  );
  const circumstances = finish();
  for (const row of rows)
    output.record({
      ...{ scenario: 'memory', point: pointOf(row), ...row, entryContentBytes },
      ...{ replicas, durability, ...circumstances },
    });
  output.say(
    describeConditions({ ...options, concurrency: 1_000, identities: 1, seconds: null }, circumstances),
  );
  output.say(
    output.table(
      [
        ...['', 'resident MiB', 'after collecting', 'bytes an entry over its content: beyond rest'],
        'beyond the full history',
      ],
      rows.map((row) => [
        pointOf(row),
        shownRange(row.residentMiB, 0),
        shownRange(row.collectedMiB, 0),
        String(row.bytesPerEntryOverContent ?? '-'),
        String(row.bytesPerEntryOverHistory ?? '-'),
      ]),
    ),
  );
  return exitStatus.ok;
}
