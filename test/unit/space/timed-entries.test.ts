import { beforeEach, describe, expect, it } from 'vitest';
import type { ClientName } from '../../../src/base/index.js';
import { any, encodeEntry, formal, type Entry, type Template } from '../../../src/codec/index.js';
import { defaultSpaceLimits, SpaceSet, type Space } from '../../../src/space/index.js';
import { decodePage, encodePage } from '../../../src/space/page-format.js';
import { numberWithin, pageNumber } from '../../../src/space/sections.js';
import { publicEntry } from '../../../src/space/stored-entry.js';
import { alice, bob, sha256, stored, template, timed, tuple, renew } from './samples.js';
import { noEffects } from '../../support/effects.js';

let spaces: SpaceSet;
let space: Space;
beforeEach(() => {
  spaces = new SpaceSet(sha256, defaultSpaceLimits);
  space = spaces.create('default');
});

const entry = (id: number, owner: ClientName, deadline: number | null, ...values: unknown[]): Entry => ({
  id: BigInt(id),
  tuple: tuple(...values),
  owner,
  deadline,
});

function all(of = space): readonly Entry[] {
  const result = of.rdAll(template(any), 0, 0n);
  return result.kind === 'entries' ? result.entries : [];
}
const ids = (of = space): number[] => all(of).map(({ id }) => Number(id));

const restored = (): SpaceSet =>
  SpaceSet.restored(sha256, defaultSpaceLimits, new Map([...spaces.checkpoint().pages].reverse()));

describe('an entry with a deadline', () => {
  it('shows it, whichever operation inserted it', () => {
    expect(space.out(tuple('a'), alice, 10, noEffects)).toEqual({
      kind: 'entry',
      entry: entry(1, alice, 10, 'a'),
    });
    expect(space.cas(template('b'), tuple('b'), alice, 20, noEffects)).toMatchObject({
      entry: entry(2, alice, 20, 'b'),
    });
    expect(space.replace(template('a'), tuple('c'), bob, 30, noEffects)).toEqual({
      kind: 'entry',
      entry: entry(1, alice, 10, 'a'),
    });
    expect(all()).toEqual([entry(2, alice, 20, 'b'), entry(3, bob, 30, 'c')]);
  });

  it('a replaced one takes its deadline with it', () => {
    space.out(tuple('a'), alice, 10, noEffects);
    space.replace(template('a'), tuple('b'), alice, null, noEffects);
    expect(spaces.nextDeadline).toBe(null);
    spaces.expireUntil(10, noEffects);
    expect(all()).toEqual([entry(2, alice, null, 'b')]);
  });

  it('is gone at its deadline, for every operation, and not before (pitfall 16)', () => {
    const hit = template('a');
    space.out(tuple('a'), alice, 10, noEffects);
    spaces.expireUntil(9, noEffects);
    expect(space.rdp(hit).entry).toEqual(entry(1, alice, 10, 'a'));
    expect(space.cas(hit, tuple('a'), bob, null, noEffects)).toMatchObject({
      inserted: false,
      entry: { id: 1n },
    });
    spaces.expireUntil(10, noEffects);
    expect(space.rdp(hit).entry).toBe(null);
    expect(space.inp(hit, noEffects).entry).toBe(null);
    expect(space.rdAll(hit, 0, 0n)).toEqual({ kind: 'entries', entries: [] });
    expect(space.inAll(hit, 0, noEffects)).toEqual({ kind: 'entries', entries: [] });
    expect(space.count(hit).count).toBe(0);
    expect(renew(space, hit, alice, 99).entry).toBe(null);
    expect(space.replace(hit, tuple('b'), bob, null, noEffects)).toEqual({ kind: 'entry', entry: null });
    expect(space.size).toBe(0);
    expect(space.cas(hit, tuple('a'), bob, null, noEffects)).toMatchObject({
      inserted: true,
      entry: { id: 2n },
    });
  });

  it('makes room in a full space', () => {
    const tight = new SpaceSet(sha256, { ...defaultSpaceLimits, entriesPerSpaceMax: 1 });
    const full = tight.create('default');
    full.out(tuple('a'), alice, 10, noEffects);
    expect(full.out(tuple('b'), alice, null, noEffects)).toMatchObject({ code: 'SPACE_FULL' });
    tight.expireUntil(10, noEffects);
    expect(full.out(tuple('b'), alice, null, noEffects)).toMatchObject({ entry: { id: 2n } });
  });

  it('goes with all others that are due, in every space, and no untimed one does', () => {
    const other = spaces.create('other');
    for (let i = 1; i <= 30; i++)
      (i % 3 === 0 ? other : space).out(tuple(i), alice, i % 5 === 0 ? null : i, noEffects);
    spaces.expireUntil(20, noEffects);
    expect(ids()).toEqual([5, 10, 20, 22, 23, 25, 26, 28, 29]);
    expect(ids(other)).toEqual([15, 21, 24, 27, 30]);
    expect(spaces.nextDeadline).toBe(21);
    spaces.expireUntil(2 ** 53 - 1, noEffects);
    expect([ids(), ids(other), spaces.nextDeadline]).toEqual([[5, 10, 20, 25], [15, 30], null]);
  });

  it('is due no more once taken', () => {
    for (let i = 1; i <= 3; i++) space.out(tuple(i), alice, 10 * i, noEffects);
    space.inp(template(1), noEffects);
    expect(spaces.nextDeadline).toBe(20);
    space.inAll(template(any), 0, noEffects);
    expect(spaces.nextDeadline).toBe(null);
  });
});

describe('renew', () => {
  it('moves the deadline either way; id and place stay', () => {
    for (let i = 1; i <= 3; i++) space.out(tuple(i), alice, 10 * i, noEffects);
    expect(renew(space, template(1), alice, 100).entry).toEqual(entry(1, alice, 100, 1));
    expect(renew(space, template(3), alice, 5).entry).toEqual(entry(3, alice, 5, 3));
    expect(spaces.nextDeadline).toBe(5);
    expect(space.rdp(template(formal.int)).entry).toEqual(entry(1, alice, 100, 1));
    spaces.expireUntil(99, noEffects);
    expect(all()).toEqual([entry(1, alice, 100, 1)]);
    spaces.expireUntil(100, noEffects);
    expect(all()).toEqual([]);
  });

  it('is for the oldest match that is timed and the caller’s', () => {
    space.out(tuple('a'), bob, 10, noEffects);
    space.out(tuple('a'), alice, null, noEffects);
    space.out(tuple('b'), alice, 10, noEffects);
    space.out(tuple('a'), alice, 30, noEffects);
    space.out(tuple('a'), alice, 20, noEffects);
    expect(renew(space, template('a'), alice, 50).entry).toEqual(entry(4, alice, 50, 'a'));
    expect(renew(space, template('a'), bob, 60).entry).toEqual(entry(1, bob, 60, 'a'));
    expect(all().map(({ deadline }) => deadline)).toEqual([60, null, 10, 50, 20]);
  });

  it.each<[string, Template, ClientName]>([
    ['no match', template('z'), alice],
    ['an entry of another', template('theirs'), alice],
    ['an untimed entry', template('untimed'), alice],
    ['somebody without entries', template(any), 'cc'.repeat(32) as ClientName],
    ['somebody with untimed entries only', template(any), bob],
  ])('answers null and changes nothing: %s', (_, pattern, client) => {
    space.out(tuple('mine'), alice, 10, noEffects);
    space.out(tuple('untimed'), alice, null, noEffects);
    space.out(tuple('untimed'), bob, null, noEffects);
    space.out(tuple('theirs'), 'dd'.repeat(32) as ClientName, 20, noEffects);
    const { root } = spaces.checkpoint();
    expect(renew(space, pattern, client, 99)).toEqual({ kind: 'entry', entry: null });
    expect(spaces.nextDeadline).toBe(10);
    expect(spaces.checkpoint().root).toBe(root);
  });

  it('leaves nothing behind in heap and pages', () => {
    for (let i = 0; i < 3; i++) space.out(tuple(i), alice, 10, noEffects);
    for (let i = 0; i < 10_000; i++) renew(space, template(i % 3), alice, 10 + i);
    const twin = new SpaceSet(sha256, defaultSpaceLimits);
    const twinSpace = twin.create('default');
    for (let i = 0; i < 3; i++) twinSpace.out(tuple(i), alice, 10, noEffects);
    for (let i = 0; i < 3; i++) renew(twinSpace, template(i), alice, 10_009 - ((9_999 - i) % 3));
    expect(all()).toEqual(all(twinSpace));
    expect(spaces.checkpoint().root).toBe(twin.checkpoint().root);
  });
});

describe('pages of timed entries', () => {
  it('hold entries with their first deadlines, and renewed deadlines apart', () => {
    for (let i = 1; i <= 10; i++) space.out(tuple(i), alice, 10 * i, noEffects);
    const before = spaces.checkpoint().pages;
    renew(space, template(4), alice, 400);
    renew(space, template(5), alice, 500);
    renew(space, template(7), alice, 700);
    space.inp(template(5), noEffects);
    space.inp(template(6), noEffects);
    space.out(tuple(11), alice, 110, noEffects);
    renew(space, template(11), alice, 2 ** 40);
    const { pages } = spaces.checkpoint();
    const left = [1, 2, 3, 4, 7, 8, 9, 10, 11].map((i) => timed(i, 10 * i, i));
    expect(decodePage(0, pages.get(pageNumber('entries', 0))!)).toEqual(left);
    expect(pages.get(pageNumber('entries', 0))).toEqual(encodePage(left, null));
    const renewed = new DataView(new ArrayBuffer(512));
    for (const [id, deadline] of [
      [4, 400n],
      [7, 700n],
      [11, 2n ** 40n],
    ] as const)
      renewed.setBigUint64(8 * id, deadline);
    expect(pages.get(pageNumber('renewals', 0))).toEqual(new Uint8Array(renewed.buffer));
    expect(before.has(pageNumber('renewals', 0))).toBe(false);
  });

  it('forget renewals with their entries, and those that change nothing', () => {
    for (let i = 1; i <= 200; i++) space.out(tuple(i), alice, 10 * i, noEffects);
    const untouched = spaces.checkpoint().root;
    for (let i = 1; i <= 200; i++) renew(space, template(i), alice, 5_000);
    const sections = [...spaces.checkpoint().pages.keys()].map((page) => numberWithin('renewals', page));
    expect(sections.filter((number) => number !== null)).toEqual([0, 1, 2, 3]);
    for (let i = 1; i <= 200; i++) renew(space, template(i), alice, 10 * i);
    expect(spaces.checkpoint().root).toBe(untouched);
    for (let i = 1; i <= 200; i++) renew(space, template(i), alice, 5_000);
    spaces.expireUntil(5_000, noEffects);
    const { pages } = spaces.checkpoint();
    expect([...pages.keys()].filter((page) => numberWithin('renewals', page) !== null)).toEqual([]);
  });

  it('come out alike when most of them change at one moment or one at a time', () => {
    const twin = new SpaceSet(sha256, defaultSpaceLimits);
    const twinSpace = twin.create('default');
    const [entries, step] = [32 * 400, 7_919];
    for (let i = 0; i < entries; i++) {
      const deadline = i % 32 === 0 ? null : 1 + ((i * step) % entries);
      for (const each of [space, twinSpace]) each.out(tuple(i), alice, deadline, noEffects);
    }
    for (const set of [spaces, twin]) set.checkpoint();
    spaces.expireUntil(entries / 2, noEffects);
    for (let time = 0; time <= entries / 2; time++) twin.expireUntil(time, noEffects);
    expect(space.size).toBe(twinSpace.size);
    expect(spaces.checkpoint().root).toBe(twin.checkpoint().root);
    for (const set of [spaces, twin]) set.expireUntil(entries, noEffects);
    expect(space.size).toBe(400);
    expect(spaces.checkpoint().root).toBe(twin.checkpoint().root);
  });

  it('have a fixed format', () => {
    space.out(tuple('a'), alice, 1_790_000_000_000, noEffects);
    const content = encodeEntry(publicEntry(timed(1, 1_790_000_000_000, 'a')));
    expect(content.length).toBe(encodeEntry(publicEntry(stored(1, 'a'))).length + 7);
    const page = Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0, content.length, ...content);
    expect(spaces.checkpoint().pages.get(pageNumber('entries', 0))).toEqual(page);
  });

  it('restore deadlines, their order and who may renew', () => {
    for (let i = 1; i <= 100; i++) space.out(tuple(i), i % 2 === 0 ? alice : bob, (i * 37) % 101, noEffects);
    renew(space, template(50), alice, 200);
    const copy = restored();
    expect(copy.nextDeadline).toBe(spaces.nextDeadline);
    for (const time of [20, 60, 61]) {
      for (const set of [spaces, copy]) set.expireUntil(time, noEffects);
      expect(copy.checkpoint().root).toBe(spaces.checkpoint().root);
    }
    const [copied, renewals] = [copy.get('default')!, [alice, bob, alice]];
    for (const [i, client] of renewals.entries()) {
      const answer = renew(space, template(any), client, 300 + i);
      expect(answer.entry?.owner).toBe(client);
      expect(renew(copied, template(any), client, 300 + i)).toEqual(answer);
    }
    expect(copy.checkpoint().root).toBe(spaces.checkpoint().root);
    expect(all(copied)).toEqual(all());
  });
});

describe('counts that are about to change', () => {
  it('are those with a match among the entries that are due, in this space', () => {
    const other = spaces.create('other');
    space.out(tuple('a'), alice, 10, noEffects);
    space.out(tuple('b'), alice, null, noEffects);
    other.out(tuple('b'), alice, 5, noEffects);
    const may = (of: Space, name: string, time: number): boolean => of.mayLoseMatches(template(name), time);
    expect([may(space, 'a', 9), may(space, 'a', 10), may(space, 'b', 99)]).toEqual([false, true, false]);
    expect([may(other, 'b', 4), may(other, 'b', 5), may(other, 'a', 99)]).toEqual([false, true, false]);
  });

  it('are all when too many are due to look at each', () => {
    for (let i = 0; i < 1_000; i++) space.out(tuple('a'), alice, 10, noEffects);
    expect(space.mayLoseMatches(template('b'), 10)).toBe(false);
    space.out(tuple('a'), alice, 10, noEffects);
    expect(space.mayLoseMatches(template('b'), 10)).toBe(true);
    expect(space.mayLoseMatches(template('b'), 9)).toBe(false);
  });
});
