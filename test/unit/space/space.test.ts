import { describe, expect, it } from 'vitest';
import {
  encodeResult,
  encodeTemplate,
  encodeTuple,
  formal,
  any,
  type Entry,
} from '../../../src/codec/index.js';
import {
  checkLease,
  checkTemplate,
  checkTuple,
  deadlineOf,
  defaultSpaceLimits,
  SpaceSet,
  type SpaceLimits,
} from '../../../src/space/index.js';
import type { Space } from '../../../src/space/index.js';
import { alice, bob, sha256, template, tuple } from './samples.js';
import { noEffects } from '../../support/effects.js';

function newSpace(limits: Partial<SpaceLimits> = {}): Space {
  return new SpaceSet(sha256, { ...defaultSpaceLimits, ...limits }).create('default');
}

const entry = (id: number, owner = alice, ...values: unknown[]): Entry => ({
  id: BigInt(id),
  tuple: tuple(...values),
  owner,
  deadline: null,
});

/** ['job', 1, 'open'], ['job', 2, 'open'], ['job', 3, 'done'] with ids 1, 2, 3. */
function jobs(limits: Partial<SpaceLimits> = {}): Space {
  const space = newSpace(limits);
  space.out(tuple('job', 1, 'open'), alice, null, noEffects);
  space.out(tuple('job', 2, 'open'), bob, null, noEffects);
  space.out(tuple('job', 3, 'done'), alice, null, noEffects);
  return space;
}
const job1 = entry(1, alice, 'job', 1, 'open');
const job2 = entry(2, bob, 'job', 2, 'open');
const job3 = entry(3, alice, 'job', 3, 'done');

const openJobs = template('job', formal.int, 'open');
const noJobs = template('job', formal.int, 'lost');
const everything = template(any, any, any);
const all = (space: Space): unknown => space.rdAll(everything, 0, 0n);

describe('a tuple space', () => {
  it('inserts with the next id, duplicates included', () => {
    const space = jobs();
    expect(space.out(tuple('job', 3, 'done'), bob, null, noEffects)).toEqual({
      kind: 'entry',
      entry: entry(4, bob, 'job', 3, 'done'),
    });
    expect(space.size).toBe(4);
  });

  it('reads the oldest match and leaves it', () => {
    const space = jobs();
    expect(space.rdp(openJobs)).toEqual({ kind: 'entry', entry: job1 });
    expect(space.rdp(openJobs)).toEqual({ kind: 'entry', entry: job1 });
    expect(space.rdp(noJobs)).toEqual({ kind: 'entry', entry: null });
    expect(all(space)).toEqual({ kind: 'entries', entries: [job1, job2, job3] });
  });

  it('takes the oldest match', () => {
    const space = jobs();
    expect(space.inp(openJobs, noEffects)).toEqual({ kind: 'entry', entry: job1 });
    expect(space.inp(openJobs, noEffects)).toEqual({ kind: 'entry', entry: job2 });
    expect(space.inp(openJobs, noEffects)).toEqual({ kind: 'entry', entry: null });
    expect(all(space)).toEqual({ kind: 'entries', entries: [job3] });
  });

  it('cas inserts only if nothing matches, else shows the oldest match', () => {
    const space = jobs();
    const added = tuple('job', 4, 'lost');
    expect(space.cas(openJobs, added, bob, null, noEffects)).toEqual({
      kind: 'cas',
      inserted: false,
      entry: job1,
    });
    expect(all(space)).toEqual({ kind: 'entries', entries: [job1, job2, job3] });
    const job4 = entry(4, bob, 'job', 4, 'lost');
    expect(space.cas(noJobs, added, bob, null, noEffects)).toEqual({
      kind: 'cas',
      inserted: true,
      entry: job4,
    });
    expect(space.cas(noJobs, added, bob, null, noEffects)).toEqual({
      kind: 'cas',
      inserted: false,
      entry: job4,
    });
    expect(all(space)).toEqual({ kind: 'entries', entries: [job1, job2, job3, job4] });
  });

  it('replace takes the oldest match and inserts, or does nothing', () => {
    const space = jobs();
    const changed = tuple('job', 1, 'done');
    expect(space.replace(noJobs, changed, bob, null, noEffects)).toEqual({ kind: 'entry', entry: null });
    expect(all(space)).toEqual({ kind: 'entries', entries: [job1, job2, job3] });
    expect(space.replace(openJobs, changed, bob, null, noEffects)).toEqual({ kind: 'entry', entry: job1 });
    const job4 = entry(4, bob, 'job', 1, 'done');
    expect(all(space)).toEqual({ kind: 'entries', entries: [job2, job3, job4] });
  });

  it('reads all matches, the first of them, or those after an id', () => {
    const space = jobs();
    expect(space.rdAll(openJobs, 0, 0n)).toEqual({ kind: 'entries', entries: [job1, job2] });
    expect(space.rdAll(openJobs, 1, 0n)).toEqual({ kind: 'entries', entries: [job1] });
    expect(space.rdAll(openJobs, 5, 1n)).toEqual({ kind: 'entries', entries: [job2] });
    expect(space.rdAll(everything, 1, 2n)).toEqual({ kind: 'entries', entries: [job3] });
    expect(space.rdAll(everything, 0, 3n)).toEqual({ kind: 'entries', entries: [] });
    expect(space.rdAll(everything, 0, 2n ** 64n - 1n)).toEqual({ kind: 'entries', entries: [] });
    expect(space.size).toBe(3);
  });

  it('takes all matches, or the first of them', () => {
    const space = jobs();
    expect(space.inAll(noJobs, 0, noEffects)).toEqual({ kind: 'entries', entries: [] });
    expect(space.inAll(everything, 1, noEffects)).toEqual({ kind: 'entries', entries: [job1] });
    expect(space.inAll(everything, 0, noEffects)).toEqual({ kind: 'entries', entries: [job2, job3] });
    expect(space.size).toBe(0);
  });

  it('counts matches', () => {
    const space = jobs();
    const counts = [openJobs, everything, noJobs, template('job', any, any), template(any, 2, 'open')];
    expect(counts.map((pattern) => space.count(pattern).count)).toEqual([2, 3, 0, 3, 1]);
  });

  it('finds the oldest among many of other types and among equal ones', () => {
    const space = newSpace();
    for (let i = 0; i < 300; i++) space.out(tuple(i % 2 === 0 ? 'even' : i, 'same'), alice, null, noEffects);
    expect(space.rdp(template(formal.int, any))).toMatchObject({ entry: { id: 2n } });
    expect(space.rdp(template(any, 'same'))).toMatchObject({ entry: { id: 1n } });
    expect(space.inp(template('even', 'same'), noEffects)).toMatchObject({ entry: { id: 1n } });
    expect(space.rdp(template('even', 'same'))).toMatchObject({ entry: { id: 3n } });
  });
});

describe('the limit of a result', () => {
  const entries = [job1, job2, job3];
  const bytesFor = (count: number): number =>
    encodeResult({ kind: 'entries', entries: entries.slice(0, count) }).length;
  const narrow = (resultBytesMax: number): Partial<SpaceLimits> => ({ resultBytesMax, tupleBytesMax: 20 });

  it('is exact: what encodes to the limit passes, one byte more is refused', () => {
    expect(jobs(narrow(bytesFor(3))).rdAll(everything, 0, 0n)).toEqual({ kind: 'entries', entries });
    expect(jobs(narrow(bytesFor(3) - 1)).rdAll(everything, 0, 0n)).toEqual({
      kind: 'refused',
      code: 'RESULT_TOO_LARGE',
      detail: 2,
    });
  });

  it('is exact for many entries of growing size', () => {
    const space = newSpace({ resultBytesMax: 1 << 20, tupleBytesMax: 1 << 16 });
    const inserted: Entry[] = [];
    for (let i = 0; i < 700; i++) {
      const result = space.out(tuple('x'.repeat(8 * i)), alice, null, noEffects);
      if (result.kind === 'entry') inserted.push(result.entry!);
    }
    const { detail } = space.rdAll(template(any), 0, 0n) as { detail: number };
    const bytesOf = (count: number): number =>
      encodeResult({ kind: 'entries', entries: inserted.slice(0, count) }).length;
    expect(bytesOf(detail)).toBeLessThanOrEqual(1 << 20);
    expect(bytesOf(detail + 1)).toBeGreaterThan(1 << 20);
    expect(space.rdAll(template(any), detail, 0n)).toEqual({
      kind: 'entries',
      entries: inserted.slice(0, detail),
    });
    expect(space.rdAll(template(any), detail + 1, 0n)).toEqual({
      kind: 'refused',
      code: 'RESULT_TOO_LARGE',
      detail,
    });
  });

  it('refuses inAll without taking anything; the number that fits can be taken', () => {
    const space = jobs(narrow(bytesFor(3) - 1));
    const refusal = { kind: 'refused', code: 'RESULT_TOO_LARGE', detail: 2 };
    expect(space.inAll(everything, 0, noEffects)).toEqual(refusal);
    expect(space.inAll(everything, 3, noEffects)).toEqual(refusal);
    expect(space.size).toBe(3);
    expect(space.inAll(everything, 2, noEffects)).toEqual({ kind: 'entries', entries: [job1, job2] });
    expect(space.inAll(everything, 0, noEffects)).toEqual({ kind: 'entries', entries: [job3] });
  });
});

describe('leases', () => {
  it.each<[number | null, number | null]>([
    [null, null],
    [1, 2_200],
    [2_199, 2_200],
    [2_200, null],
    [2 ** 53 - 1, null],
  ])('of %s ms are refused below the least one (detail %s)', (lease, detail) => {
    const refusal = detail === null ? null : { kind: 'refused', code: 'LEASE_TOO_SHORT', detail };
    expect(checkLease(defaultSpaceLimits, lease)).toEqual(refusal);
  });

  it('end after their length, at most a day', () => {
    const day = 86_400_000;
    const ends = [2_200, day, day + 1, 2 ** 53 - 1].map((ms) => deadlineOf(defaultSpaceLimits, ms, 1_000));
    expect(ends).toEqual([3_200, day + 1_000, day + 1_000, day + 1_000]);
  });
});

describe('limits', () => {
  it('a full space takes no more, but swaps', () => {
    const space = jobs({ entriesPerSpaceMax: 3 });
    const added = tuple('job', 4, 'lost');
    const full = { kind: 'refused', code: 'SPACE_FULL', detail: 0 };
    expect(space.out(added, alice, null, noEffects)).toEqual(full);
    expect(space.cas(noJobs, added, alice, null, noEffects)).toEqual(full);
    expect(space.cas(openJobs, added, alice, null, noEffects)).toMatchObject({
      inserted: false,
      entry: job1,
    });
    expect(space.replace(openJobs, added, alice, null, noEffects)).toEqual({ kind: 'entry', entry: job1 });
    expect(space.size).toBe(3);
    expect(space.inp(openJobs, noEffects)).toEqual({ kind: 'entry', entry: job2 });
    expect(space.cas(openJobs, added, alice, null, noEffects)).toMatchObject({
      inserted: true,
      entry: { id: 5n },
    });
  });

  const limits: SpaceLimits = { ...defaultSpaceLimits, fieldsMax: 3, fieldBytesMax: 100, tupleBytesMax: 200 };
  const exact = tuple('x'.repeat(99), new Uint8Array(94), true);

  it.each([
    ['within all', tuple('a', 1, 2), null],
    ['fields at the limit', tuple('é'.repeat(50), new Uint8Array(90)), null],
    ['whole tuple at the limit', exact, null],
    ['too many fields', tuple(1, 2, 3, 4), ['TOO_MANY_FIELDS', 3]],
    ['too many fields comes first', tuple(1, 2, 3, 'x'.repeat(101)), ['TOO_MANY_FIELDS', 3]],
    ['a string too long in UTF-8', tuple('é'.repeat(50) + 'x'), ['FIELD_TOO_LARGE', 100]],
    ['bytes too long', tuple(1, new Uint8Array(101)), ['FIELD_TOO_LARGE', 100]],
    [
      'a field too large comes before the tuple',
      tuple('x'.repeat(100), 'x'.repeat(101)),
      ['FIELD_TOO_LARGE', 100],
    ],
    ['the tuple too large', tuple('x'.repeat(99), new Uint8Array(95), true), ['TUPLE_TOO_LARGE', 200]],
  ])('%s', (_, values, expected) => {
    const refusal = expected === null ? null : { kind: 'refused', code: expected[0], detail: expected[1] };
    expect(checkTuple(limits, values)).toEqual(refusal);
    expect(checkTemplate(limits, template(...values))).toEqual(refusal);
    if (values === exact) expect(encodeTuple(exact)).toHaveLength(200);
    if (values === exact) expect(encodeTemplate(template(...exact))).toHaveLength(200);
  });

  it.each([
    { fieldsMax: 0 },
    { fieldsMax: 65 },
    { fieldBytesMax: 1.5 },
    { tupleBytesMax: (1 << 20) + 1 },
    { resultBytesMax: 1 << 20 },
    { entriesPerSpaceMax: 2 ** 23 + 1 },
    { leaseMinMs: 0 },
    { leaseMinMs: 2 ** 40, leaseMaxMs: 2 ** 40 + 1 },
    { leaseMinMs: 1_001, leaseMaxMs: 1_000 },
  ])('out of range or contradictory: %j', (wrong) => {
    expect(() => newSpace(wrong)).toThrow(/is from 1 to|one entry fits|least lease/);
  });
});
