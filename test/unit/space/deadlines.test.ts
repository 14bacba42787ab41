import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prng } from '../../../src/base/index.js';
import { Deadlines } from '../../../src/space/deadlines.js';
import type { StoredEntry } from '../../../src/space/stored-entry.js';
import { stored, timed } from './samples.js';

const byDeadline = (a: StoredEntry, b: StoredEntry): number => a.deadline! - b.deadline! || a.id - b.id;

function drain(leases: Deadlines<StoredEntry>, time: number): number[] {
  const ids: number[] = [];
  for (let due = leases.firstDue(time); due !== null; due = leases.firstDue(time)) {
    ids.push(due.id);
    leases.remove(due);
  }
  return ids;
}

describe('leases', () => {
  it('come due in order of deadline, then id, whatever was renewed and removed before', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 300 }), (seed, steps) => {
        const random = prng(seed);
        const leases = new Deadlines<StoredEntry>();
        const list: StoredEntry[] = [];
        for (let step = 1; step <= steps; step++) {
          const some = list.length === 0 ? 0 : random.below(list.length);
          if (list.length === 0 || random.chance(1, 2)) {
            list.push(timed(step, random.below(40)));
            leases.add(list.at(-1)!);
          } else if (random.chance(1, 3)) {
            leases.remove(list[some]!);
            list.splice(some, 1);
          } else {
            leases.renew(list[some]!, random.below(40));
          }
          const first = list.toSorted(byDeadline)[0];
          expect(leases.nextDeadline).toBe(first?.deadline ?? null);
          expect(leases.size).toBe(list.length);
        }
        const inOrder = list.toSorted(byDeadline);
        const time = random.below(40);
        const due = inOrder.filter((entry) => entry.deadline! <= time);
        const foundIds = leases.dueBy(time, 1_000).map((entry) => entry.id);
        expect(foundIds.toSorted((a, b) => a - b)).toEqual(due.map(({ id }) => id).toSorted((a, b) => a - b));
        expect(drain(leases, time)).toEqual(due.map((entry) => entry.id));
        expect(drain(leases, 40)).toEqual(inOrder.slice(due.length).map((entry) => entry.id));
        expect(leases.nextDeadline).toBe(null);
      }),
      { numRuns: 200 },
    );
  });

  it('leave nothing behind: 100,000 renewals and takes of few entries', () => {
    const leases = new Deadlines<StoredEntry>();
    const entries = Array.from({ length: 10 }, (_, i) => timed(i + 1, i));
    for (const entry of entries) leases.add(entry);
    for (let i = 0; i < 100_000; i++) {
      const entry = entries[i % 10]!;
      if (i % 3 === 0) {
        leases.remove(entry);
        leases.add(entry);
      } else {
        leases.renew(entry, (i * 7919) % 1_000);
      }
    }
    expect(leases.size).toBe(10);
    expect(leases.dueBy(1_000, 100_000)).toHaveLength(10);
    expect(drain(leases, 1_000)).toEqual(entries.toSorted(byDeadline).map((entry) => entry.id));
  });

  it('are due at their deadline, not before', () => {
    const leases = new Deadlines<StoredEntry>();
    leases.add(timed(1, 50));
    expect([leases.firstDue(49), leases.firstDue(50)?.id, leases.nextDeadline]).toEqual([null, 1, 50]);
    expect([leases.dueBy(49, 9), leases.dueBy(50, 9).length]).toEqual([[], 1]);
  });

  it('that are due are listed up to one more than asked for', () => {
    const leases = new Deadlines<StoredEntry>();
    for (let id = 1; id <= 100; id++) leases.add(timed(id, id % 10));
    expect(leases.dueBy(4, 100)).toHaveLength(50);
    expect(leases.dueBy(4, 50)).toHaveLength(50);
    expect(leases.dueBy(4, 20)).toHaveLength(21);
    expect(leases.dueBy(4, 0)).toHaveLength(1);
    expect(leases.dueBy(-1, 0)).toHaveLength(0);
  });

  it('are added once, to timed entries, and removed or renewed while they are there', () => {
    const leases = new Deadlines<StoredEntry>();
    const [entry, other] = [timed(1, 5), timed(2, 6)];
    expect(() => leases.add(stored(3))).toThrow('once');
    expect(() => leases.remove(entry)).toThrow('in the heap');
    leases.add(entry);
    expect(() => leases.add(entry)).toThrow('once');
    expect(() => leases.renew(other, 9)).toThrow('in the heap');
    leases.remove(entry);
    expect(() => leases.renew(entry, 9)).toThrow('in the heap');
  });
});
