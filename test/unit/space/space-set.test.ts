import { describe, expect, it } from 'vitest';
import { prng, sessionId, type PageSnapshot } from '../../../src/base/index.js';
import {
  any,
  encodeEntry,
  encodeEvent,
  encodeTemplate,
  encodeTuple,
  formal,
} from '../../../src/codec/index.js';
import { frame } from '../../../src/space/framing.js';
import { defaultSpaceLimits, SpaceSet, type Space } from '../../../src/space/index.js';
import { encodePage } from '../../../src/space/page-format.js';
import { numberWithin, pageNumber } from '../../../src/space/sections.js';
import { publicEntry } from '../../../src/space/stored-entry.js';
import { alice, bob, sha256, stored, template, tuple, renew } from './samples.js';
import { noEffects } from '../../support/effects.js';

function newSet(): { spaces: SpaceSet; space: Space } {
  const spaces = new SpaceSet(sha256, defaultSpaceLimits);
  return { spaces, space: spaces.create('default') };
}

const restored = (snapshot: PageSnapshot): SpaceSet =>
  SpaceSet.restored(sha256, defaultSpaceLimits, snapshot.pages);

/** Every page by digest: quicker to compare than bytes. */
const digests = ({ pages }: PageSnapshot): Map<number, string> =>
  new Map([...pages].map(([page, bytes]) => [page, sha256(bytes)]));

/** A long mixed history: far more changed pages than may wait for a checkpoint. */
function live(spaces: SpaceSet, seed: number, steps: number, onStep: (step: number) => void): void {
  const space = spaces.get('default')!;
  const random = prng(seed);
  const deadline = (step: number) => (random.chance(3, 4) ? null : step + random.between(1, 2_000));
  for (let step = 0; step < steps; step++) {
    const key = random.below(4 * steps);
    if (random.chance(3, 4))
      space.out(tuple('job', key, 'x'.repeat(random.below(20))), alice, deadline(step), noEffects);
    else if (random.chance(1, 2))
      space.inp(template('job', formal.int, 'x'.repeat(random.below(20))), noEffects);
    else space.replace(template(any, any, any), tuple('job', key, true), bob, deadline(step), noEffects);
    if (random.chance(1, 2)) renew(space, template('job', any, any), bob, step + random.between(1, 2_000));
    if (random.chance(1, 2)) renew(space, template(any, key, any), alice, step + random.between(1, 2_000));
    if (random.chance(1, 16)) spaces.expireUntil(step, noEffects);
    onStep(step);
  }
}

describe('state pages', () => {
  it('do not depend on when they were encoded', () => {
    const [rarely, often] = [newSet(), newSet()];
    live(rarely.spaces, 7, 20_000, () => undefined);
    live(often.spaces, 7, 20_000, (step) => {
      if (step % 777 === 0) often.spaces.checkpoint();
    });
    const [a, b] = [rarely.spaces.checkpoint(), often.spaces.checkpoint()];
    expect(a.root).toBe(b.root);
    expect(digests(a)).toEqual(digests(b));
    expect(a.pages.size).toBeGreaterThan(300);
  });

  it('restore to the same root, from pages in any order, and to the same behaviour', () => {
    const { spaces } = newSet();
    live(spaces, 8, 5_000, () => undefined);
    const before = spaces.checkpoint();
    const reversed = new Map([...before.pages].reverse());
    const copy = SpaceSet.restored(sha256, defaultSpaceLimits, reversed);
    expect(copy.checkpoint().root).toBe(before.root);
    expect(digests(copy.checkpoint())).toEqual(digests(before));
    live(spaces, 9, 5_000, () => undefined);
    live(copy, 9, 5_000, () => undefined);
    expect(copy.checkpoint().root).toBe(spaces.checkpoint().root);
    expect(digests(copy.checkpoint())).toEqual(digests(spaces.checkpoint()));
  });

  it('leave a snapshot alone when the state goes on', () => {
    const { spaces, space } = newSet();
    space.out(tuple('a'), alice, null, noEffects);
    const before = spaces.checkpoint();
    const pages = new Map([...before.pages].map(([page, bytes]) => [page, bytes.slice()]));
    space.inp(template('a'), noEffects);
    space.out(tuple('b'), alice, null, noEffects);
    expect(spaces.checkpoint().root).not.toBe(before.root);
    expect(before.pages).toEqual(pages);
  });

  it('vanish with their last entry, and the counter stays', () => {
    const { spaces, space } = newSet();
    const empty = spaces.checkpoint();
    const entryPages = ({ pages }: PageSnapshot): number =>
      [...pages.keys()].filter((page) => numberWithin('entries', page) !== null).length;
    for (let i = 0; i < 100; i++) space.out(tuple(i), alice, null, noEffects);
    expect(entryPages(spaces.checkpoint())).toBe(4);
    space.inAll(template(any), 0, noEffects);
    const drained = spaces.checkpoint();
    expect(entryPages(drained)).toBe(0);
    expect(drained.root).not.toBe(empty.root);
    expect(restored(drained).get('default')!.out(tuple('next'), alice, null, noEffects)).toMatchObject({
      entry: { id: 101n },
    });
  });

  it('tell histories apart by ids alone when the contents are equal', () => {
    const [one, two] = [newSet(), newSet()];
    one.space.out(tuple('a'), alice, null, noEffects);
    two.space.out(tuple('gone'), alice, null, noEffects);
    two.space.out(tuple('a'), alice, null, noEffects);
    two.space.inp(template('gone'), noEffects);
    expect(one.space.rdp(template('a'))).toMatchObject({ entry: { id: 1n, tuple: ['a'], owner: alice } });
    expect(two.space.rdp(template('a'))).toMatchObject({ entry: { id: 2n, tuple: ['a'], owner: alice } });
    expect(one.spaces.checkpoint().root).not.toBe(two.spaces.checkpoint().root);
  });

  it('share ids and pages among spaces', () => {
    const { spaces, space } = newSet();
    const other = spaces.create('other');
    space.out(tuple('a'), alice, null, noEffects);
    other.out(tuple('b'), bob, null, noEffects);
    space.out(tuple('c'), alice, null, noEffects);
    const copy = restored(spaces.checkpoint());
    expect(copy.get('other')!.rdp(template(any))).toMatchObject({
      entry: { id: 2n, tuple: ['b'], owner: bob },
    });
    expect(copy.get('default')!.count(template(any)).count).toBe(2);
    expect(copy.get('missing')).toBe(null);
    expect(() => spaces.create('other')).toThrow('unique');
  });

  it('have a fixed format', () => {
    const { spaces, space } = newSet();
    space.out(tuple('a'), alice, null, noEffects);
    const entry = encodeEntry(publicEntry(stored(1, 'a')));
    const page = Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0, entry.length, ...entry);
    const by = { client: bob, session: sessionId(9), number: 4 };
    expect(space.rd(template('b'), by, 7)).toBe(null);
    space.subscribe(template(any), by, 1);
    const { pages } = spaces.checkpoint();
    const event = encodeEvent({ kind: 'inserted', entry: publicEntry(stored(1, 'a')) });
    expect(pages).toEqual(
      new Map([
        [0, encodeTuple([2, 2, 2, 2, 1])],
        [2 ** 40 + 1, frame([encodeTuple(['default', false, 1]), new Uint8Array(0)])],
        [2 * 2 ** 40, page],
        [3 * 2 ** 40 + 1, frame([encodeTuple(['rd', 1, bob, 9, 4, 7]), encodeTemplate(template('b'))])],
        [4 * 2 ** 40 + 1, frame([encodeTuple([1, bob, 9, 4, 1]), encodeTemplate(template(any))])],
        [5 * 2 ** 40 + 4_096, frame([encodeTuple([1]), event])],
      ]),
    );
  });
});

describe('pages that no correct replica certifies', () => {
  const valid = (): Map<number, Uint8Array> => {
    const { spaces, space } = newSet();
    space.out(tuple('a'), alice, null, noEffects);
    space.out(tuple('b'), alice, null, noEffects);
    return new Map(spaces.checkpoint().pages);
  };
  const entries = pageNumber('entries', 0);
  const page = encodePage([stored(1, 'a'), stored(2, 'b')], null);
  const recordBytes = page.length / 2;
  const renewals = pageNumber('renewals', 0);
  const renewalOf = (id: number): Uint8Array => new Uint8Array(512).fill(1, 8 * id + 6, 8 * id + 8);

  it.each<[string, (pages: Map<number, Uint8Array>) => void]>([
    ['no pages', (pages) => pages.clear()],
    ['no counter', (pages) => pages.delete(pageNumber('counters', 0))],
    ['a counter of another type', (pages) => pages.set(pageNumber('counters', 0), encodeTuple(['2']))],
    ['a counter that stands at an entry', (pages) => pages.set(pageNumber('counters', 0), encodeTuple([2]))],
    [
      'a counter that is behind',
      (pages) => pages.set(pageNumber('entries', 9), encodePage([stored(290, 'a')], null)),
    ],
    ['a space without a name', (pages) => pages.set(pageNumber('spaces', 1), encodeTuple([]))],
    [
      'two spaces of one name',
      (pages) =>
        pages.set(pageNumber('spaces', 2), frame([encodeTuple(['default', false, 1]), new Uint8Array(0)])),
    ],
    ['entries of no space', (pages) => pages.delete(pageNumber('spaces', 1))],
    ['an unknown section', (pages) => pages.set(7 * 2 ** 40, page)],
    ['an empty page', (pages) => pages.set(entries, new Uint8Array(0))],
    ['a torn page', (pages) => pages.set(entries, page.subarray(0, page.length - 1))],
    ['a torn header', (pages) => pages.set(entries, page.subarray(0, recordBytes + 4))],
    ['entries in the wrong page', (pages) => pages.set(entries + 1, page)],
    ['entries twice', (pages) => pages.set(entries, Uint8Array.of(...page, ...page))],
    ['a page of renewals of another length', (pages) => pages.set(renewals, new Uint8Array(511))],
    ['a page of renewals with none', (pages) => pages.set(renewals, new Uint8Array(512))],
    ['the renewal of no entry', (pages) => pages.set(renewals, renewalOf(9))],
    ['the renewal of an untimed entry', (pages) => pages.set(renewals, renewalOf(1))],
    ['a slot beyond the page', (pages) => pages.set(entries, Uint8Array.of(33, ...page.subarray(1)))],
  ])('are an invariant broken: %s', (_, spoil) => {
    const pages = valid();
    expect(SpaceSet.restored(sha256, defaultSpaceLimits, pages).checkpoint().pages).toEqual(pages);
    spoil(pages);
    expect(() => SpaceSet.restored(sha256, defaultSpaceLimits, pages)).toThrow(/certified|unique/);
  });
});
