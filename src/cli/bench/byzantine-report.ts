/** What `bench byzantine` shows: a record for machines, a row for people. */
import type { Durability } from '../../replica/index.js';
import type { ByzantineFigures, ByzantineLoad, ByzantineRow, Measured } from './byzantine.js';
import type { Circumstances } from './hardware.js';

interface Conditions extends Circumstances {
  readonly replicas: number;
  readonly faulty: readonly number[];
  readonly load: ByzantineLoad;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly concurrency: number;
  readonly identities: number;
  readonly durability: Durability;
}

const rounded = (value: number): number => Number(value.toFixed(1));

export function byzantineRecord(row: ByzantineRow, conditions: Conditions): object {
  const { replicas, faulty, load, seconds, warmUpSeconds, concurrency, identities, durability } = conditions;
  const { hardware, processor } = conditions;
  return {
    scenario: 'byzantine',
    ...row,
    opsPerSecond: rounded(row.opsPerSecond),
    baseOpsPerSecond: rounded(row.baseOpsPerSecond),
    ratio: Number(row.ratio.toFixed(3)),
    longestGapMs: rounded(row.longestGapMs),
    ...{ replicas, faulty, load, seconds, warmUpSeconds, concurrency, identities, durability },
    ...{ hardware, processor },
  };
}

const countsOf = (counts: Readonly<Record<string, number>>): string => {
  const parts = Object.entries(counts).map(([reason, count]) => `${count} ${reason}`);
  return parts.length === 0 ? '-' : parts.join(', ');
};

function stateOf({ inserted, acknowledged, areStatesEqual, lost }: Measured): string {
  if (lost.length > 0) return `replicas ended: ${lost.join(', ')}`;
  if (areStatesEqual === null) return 'no common point';
  if (!areStatesEqual) return 'states differ';
  return inserted === acknowledged ? 'ok' : `${inserted} there, ${acknowledged} acknowledged`;
}

const figures = [
  ...['ops/s', 'without', 'ratio', 'p99 ms', 'gap ms', 'errors', 'views before', 'views', 'a minute'],
  ...['entries, states', 'counted against it', 'against others'],
] as const;

/** The last row is of all measurements without faults: their mean, and the worst of each. */
export function byzantineTable(
  faulty: readonly number[],
  { rows, withoutFaults }: ByzantineFigures,
): {
  readonly header: readonly string[];
  readonly cells: readonly string[][];
} {
  const rates = withoutFaults.map(({ opsPerSecond }) => opsPerSecond);
  const base: Measured = {
    ...withoutFaults.at(-1)!,
    opsPerSecond: rates.reduce((sum, rate) => sum + rate, 0) / rates.length,
    p99Ms: Math.max(...withoutFaults.map(({ p99Ms }) => p99Ms)),
    longestGapMs: Math.max(...withoutFaults.map(({ longestGapMs }) => longestGapMs)),
  };
  const cells = [...rows, base].map((row: Measured & Partial<ByzantineRow>) => [
    row.behaviour ?? 'no faults',
    row.opsPerSecond.toFixed(0),
    row.baseOpsPerSecond?.toFixed(0) ?? `${Math.min(...rates).toFixed(0)}-${Math.max(...rates).toFixed(0)}`,
    row.ratio?.toFixed(2) ?? '-',
    row.p99Ms.toFixed(0),
    row.longestGapMs.toFixed(0),
    countsOf(row.errors),
    String(row.viewsBefore),
    String(row.viewChanges),
    row.viewChangesPerMinute.toFixed(0),
    stateOf(row),
    countsOf(row.suspicions),
    countsOf(row.falseSuspicions),
  ]);
  return { header: [`replica ${faulty.join(', ')}`, ...figures], cells };
}
