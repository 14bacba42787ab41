/**
 * `bench memory`: what a replica takes at rest, and what each entry adds to that. Each figure twice: as the system shows it,
 * garbage included, and after the replicas were made to collect theirs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../client/index.js';
import { exitStatus, type ExitStatus } from '../errors.js';
import type { Output } from '../output.js';
import { removedAfter } from './cleanup.js';
import { startBenchCluster, type BenchCluster } from './cluster.js';
import { entryContentBytes, fill } from './filling.js';
import { observe } from './hardware.js';
import { describeConditions, type BenchOptions } from './options.js';
import { collectGarbage, residentMiBOf, startCollectable } from './resident.js';
import { rangeOf, rounded, mean, shownRange, type Range } from './statistics.js';

/** Time for a checkpoint, and for what is only done when nothing else is. */
const restMs = 5_000;

export interface MemoryRow {
  readonly entries: number;
  /** Over the replicas. */
  readonly residentMiB: Range;
  readonly collectedMiB: Range;
  /** Beyond what is at rest, over an entry's content; after collecting. Null at rest. */
  readonly bytesPerEntryOverContent: number | null;
}

interface Sample {
  readonly entries: number;
  readonly resident: readonly number[];
  readonly collected: readonly number[];
}

export function memoryRows([rest, ...filled]: readonly [Sample, ...Sample[]]): MemoryRow[] {
  const restBytes = mean(rest.collected) * 2 ** 20;
  return [rest, ...filled].map((sample) => {
    const { entries, resident, collected } = sample;
    const perEntry = (mean(collected) * 2 ** 20 - restBytes) / entries - entryContentBytes;
    return {
      entries,
      residentMiB: rangeOf(resident, 1),
      collectedMiB: rangeOf(collected, 1),
      bytesPerEntryOverContent: entries === 0 ? null : rounded(perEntry, 0),
    };
  });
}

async function sampleAt(cluster: BenchCluster, entries: number): Promise<Sample> {
  await sleep(restMs);
  const resident = residentMiBOf(cluster.replicas);
  await collectGarbage(cluster.replicas);
  return { entries, resident, collected: residentMiBOf(cluster.replicas) };
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
    const samples: [Sample, ...Sample[]] = [await sampleAt(cluster, 0)];
    let held = 0;
    for (const size of sizes) {
      note(`memory: ${size} entries`);
      await fill(client.space('default'), held, size);
      held = size;
      samples.push(await sampleAt(cluster, size));
    }
    return memoryRows(samples);
  } finally {
    await client.close();
  }
}

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
      ...{ scenario: 'memory', point: `${row.entries} entries`, ...row, entryContentBytes },
      ...{ replicas, durability, ...circumstances },
    });
  output.say(
    describeConditions({ ...options, concurrency: 1_000, identities: 1, seconds: null }, circumstances),
  );
  output.say(
    output.table(
      ['entries', 'resident MiB', 'after collecting', 'bytes an entry over its content'],
      rows.map(({ entries: count, residentMiB, collectedMiB, bytesPerEntryOverContent }) => [
        String(count),
        shownRange(residentMiB, 0),
        shownRange(collectedMiB, 0),
        bytesPerEntryOverContent === null ? '-' : String(bytesPerEntryOverContent),
      ]),
    ),
  );
  return exitStatus.ok;
}
