import { describe, expect, it } from 'vitest';
import type { Entry, Space } from '../../../src/client/index.js';
import {
  awaitWriter,
  checkCoordinatorLease,
  readOverview,
  readWriter,
  type WaitForWriter,
} from '../../../src/red/index.js';

const entry = (id: number, tuple: Entry['tuple'], deadline?: number): Entry => ({
  id: BigInt(id),
  tuple,
  owner: 'r1',
  ...(deadline === undefined ? {} : { deadline }),
});

/** Matches constants only, which is enough here. */
function spaceOf(...entries: readonly Entry[]): Space & { waits: WaitForWriter[] } {
  const matches = (template: readonly unknown[]): Entry[] =>
    entries.filter(({ tuple }) =>
      template.every((field, index) => typeof field !== 'string' || field === tuple[index]),
    );
  const waits: WaitForWriter[] = [];
  const first = (template: readonly unknown[]) => Promise.resolve(matches(template)[0] ?? null);
  const space = {
    waits,
    rdp: first,
    rdAll: (template: readonly unknown[]) => Promise.resolve(matches(template)),
    rd: (template: readonly unknown[], options: WaitForWriter) => {
      waits.push(options);
      return first(template);
    },
  };
  return space as unknown as Space & { waits: WaitForWriter[] };
}

const replicas = [
  entry(4, ['REPLICA', 'r2', 'STOPPED'], 900),
  entry(5, ['REPLICA', 'r3', 'STOPPED'], 800),
  entry(7, ['REPLICA', 'r2', 'COPIER'], 1_000),
  entry(9, ['REPLICA', 'r1', 'WRITER'], 1_100),
];

describe('who is what', () => {
  it('is what the most advanced tuple of each says', async () => {
    const addresses = [entry(2, ['ADDRESS', 'r1', 'db1:5432']), entry(3, ['ADDRESS', 'r4', 'db4:5432'])];
    const notes = [
      entry(10, ['SYNC', 9n, '/r1/r5/']),
      entry(11, ['LAG', 'r1', 'r2=70']),
      entry(12, ['LAG', 'r1', 'r3=5 r2=8192']),
      entry(13, ['LAG', 'r2', 'r2=0']),
    ];
    expect(await readOverview(spaceOf(...replicas, ...addresses, ...notes))).toEqual({
      members: [
        {
          id: 'r1',
          role: 'writer',
          deadline: 1_100,
          address: 'db1:5432',
          token: 9n,
          isInSync: true,
          lagBytes: null,
        },
        {
          id: 'r2',
          role: 'copier',
          deadline: 1_000,
          address: null,
          token: null,
          isInSync: false,
          lagBytes: 8_192,
        },
        {
          id: 'r3',
          role: 'stopped',
          deadline: 800,
          address: null,
          token: null,
          isInSync: false,
          lagBytes: null,
        },
        {
          id: 'r4',
          role: 'absent',
          deadline: null,
          address: 'db4:5432',
          token: null,
          isInSync: false,
          lagBytes: null,
        },
        {
          id: 'r5',
          role: 'absent',
          deadline: null,
          address: null,
          token: null,
          isInSync: true,
          lagBytes: null,
        },
      ],
      sync: ['r1', 'r5'],
    });
  });

  it('is nothing in an empty space', async () => {
    expect(await readOverview(spaceOf())).toEqual({ members: [], sync: null });
    expect(await readWriter(spaceOf())).toBeNull();
  });
});

describe('the writer', () => {
  it('is read, or waited for at the service', async () => {
    const space = spaceOf(...replicas, entry(2, ['ADDRESS', 'r1', 'db1:5432']));
    const writer = { id: 'r1', address: 'db1:5432', token: 9n };
    expect(await readWriter(space)).toEqual(writer);
    expect(space.waits).toEqual([]);
    const { signal } = new AbortController();
    expect(await awaitWriter(space, { timeout: 5, signal })).toEqual(writer);
    expect(space.waits).toEqual([{ timeout: 5, signal }]);
    expect(await awaitWriter(spaceOf())).toBeNull();
  });
});

describe('the lease of a coordinator', () => {
  it('is refused where renewals could not be in time, or the policy would not take it (pitfall 40)', () => {
    for (const leaseMs of [4_400, 10_000, 60_000]) checkCoordinatorLease(leaseMs, 500);
    for (const leaseMs of [4_399, 60_001])
      expect(() => checkCoordinatorLease(leaseMs, 500)).toThrow(
        expect.objectContaining({
          code: 'LEASE_OUT_OF_RANGE',
          fields: { leaseMs, leaseMinMs: 4_400, leaseMaxMs: 60_000 },
        }),
      );
  });
});
