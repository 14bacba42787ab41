import { describe, expect, it } from 'vitest';
import type { ByzantineRow } from '../../../src/cli/bench/byzantine.js';
import { byzantineRecord, byzantineTable } from '../../../src/cli/bench/byzantine-report.js';

function row(behaviour: string | null, changes: Partial<ByzantineRow> = {}): ByzantineRow {
  return {
    ...{ behaviour, opsPerSecond: 900, baseOpsPerSecond: 1_200, ratio: 0.75, p99Ms: 10, longestGapMs: 20 },
    ...{
      errors: {},
      acknowledged: 7,
      inserted: 7,
      areStatesEqual: true,
      suspicions: {},
      falseSuspicions: {},
    },
    ...{ viewsBefore: 0, viewChanges: 0, viewChangesPerMinute: 0, lost: [] },
    ...changes,
  };
}

const { baseOpsPerSecond: _, ratio: __, ...withoutFaults } = row(null, { opsPerSecond: 1_000 });

function cellsOf(rows: readonly ByzantineRow[], title: string): string[] {
  const faster = { ...withoutFaults, opsPerSecond: 2_000, p99Ms: 30 };
  const { header, cells } = byzantineTable([0], { rows, withoutFaults: [withoutFaults, faster] });
  const column = header.indexOf(title);
  return cells.map((cell) => cell[column]!);
}

describe('the table of `bench byzantine`', () => {
  it('compares with the runs without faults', () => {
    const rows = [row('slow'), row('silent', { ratio: 0.5 })];
    expect(cellsOf(rows, 'ratio')).toEqual(['0.75', '0.50', '-']);
    expect(cellsOf(rows, 'ops/s')).toEqual(['900', '900', '1500']);
    expect(cellsOf(rows, 'without')).toEqual(['1200', '1200', '1000-2000']);
    expect(cellsOf(rows, 'p99 ms')).toEqual(['10', '10', '30']);
  });

  it('names the faulty replicas', () => {
    expect(byzantineTable([1, 2], { rows: [], withoutFaults: [withoutFaults] }).header[0]).toBe(
      'replica 1, 2',
    );
  });

  it('says what is not as it should be', () => {
    const wrong = [{ inserted: 6 }, { areStatesEqual: false }, { areStatesEqual: null }, { lost: [2] }];
    const rows = wrong.map((changes) => row('a', changes));
    const states = cellsOf(rows, 'entries, states');
    expect(states.slice(0, 2)).toEqual(['6 there, 7 acknowledged', 'states differ']);
    expect(states.slice(2)).toEqual(['no common point', 'replicas ended: 2', 'ok']);
    const counted = row('a', { suspicions: { PRIMARY_LATE: 3, PRIMARY_SLOW: 1 } });
    expect(cellsOf([counted], 'counted against it')).toEqual(['3 PRIMARY_LATE, 1 PRIMARY_SLOW', '-']);
  });

  it('has a record a row, with what it was measured on', () => {
    const hardware = { cpu: 'a processor', cores: 2, memoryGiB: 8, node: 'v20.19.0', loadAverage: 0.1 };
    const conditions = {
      ...({ load: 'out', durability: 'sync' } as const),
      ...{ replicas: 7, faulty: [1, 2], seconds: 5, warmUpSeconds: 4, concurrency: 50, identities: 1 },
    };
    const record = byzantineRecord(row('slow', { ratio: 0.12345 }), {
      ...conditions,
      ...{ hardware, processor: null },
    });
    expect(record).toMatchObject({ scenario: 'byzantine', behaviour: 'slow', ratio: 0.123, ...conditions });
  });
});
