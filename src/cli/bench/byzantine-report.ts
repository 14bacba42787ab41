/** What `bench byzantine` shows: a record for machines, a row for people. */
import type { Durability } from '../../replica/index.js';
import type { ByzantineLoad, ByzantineRow } from './byzantine.js';
import type { Hardware } from './hardware.js';

interface Conditions {
  readonly load: ByzantineLoad;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly concurrency: number;
  readonly identities: number;
  readonly durability: Durability;
  readonly hardware: Hardware;
}

const rounded = (value: number): number => Number(value.toFixed(1));

/** The ratio is left to whoever has the runs without faults, of which one is still to come. */
export function byzantineRecord(row: ByzantineRow, conditions: Conditions): object {
  const { load, seconds, warmUpSeconds, concurrency, identities, durability, hardware } = conditions;
  return {
    scenario: 'byzantine',
    ...row,
    opsPerSecond: rounded(row.opsPerSecond),
    longestGapMs: rounded(row.longestGapMs),
    ...{ load, seconds, warmUpSeconds, concurrency, identities, durability, hardware },
  };
}

const countsOf = (counts: Readonly<Record<string, number>>): string => {
  const parts = Object.entries(counts).map(([reason, count]) => `${count} ${reason}`);
  return parts.length === 0 ? '-' : parts.join(', ');
};

function stateOf({ inserted, acknowledged, areStatesEqual, lost }: ByzantineRow): string {
  if (lost.length > 0) return `replicas ended: ${lost.join(', ')}`;
  if (areStatesEqual === null) return 'no common point';
  if (!areStatesEqual) return 'states differ';
  return inserted === acknowledged ? 'ok' : `${inserted} there, ${acknowledged} acknowledged`;
}

const header = [
  ...['replica 0', 'ops/s', 'ratio', 'p99 ms', 'gap ms', 'errors', 'views before', 'views', 'a minute'],
  ...['entries, states', 'counted against it', 'against others'],
] as const;

/** Mean of the last run without faults before this one and the first after it. */
function baseOf(rows: readonly ByzantineRow[], index: number): number {
  const isBase = ({ behaviour }: ByzantineRow): boolean => behaviour === null;
  const near = [rows.slice(0, index).findLast(isBase), rows.slice(index + 1).find(isBase)];
  const rates = near.flatMap((row) => (row === undefined ? [] : [row.opsPerSecond]));
  return rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
}

/** Throughput is compared with the nearest runs without faults, theirs with the next of their kind. */
export function byzantineTable(rows: readonly ByzantineRow[]): {
  readonly header: readonly string[];
  readonly cells: readonly string[][];
} {
  const cells = rows.map((row, index) => [
    row.behaviour ?? 'no faults',
    row.opsPerSecond.toFixed(0),
    (row.opsPerSecond / baseOf(rows, index)).toFixed(2),
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
  return { header, cells };
}
