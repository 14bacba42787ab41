/** What is missing between two states: found by descent, taken over in any order, kept when another state is aimed at. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PageTree, proofsOf, type PageSnapshot } from '../../../src/base/index.js';
import type { StateNode } from '../../../src/codec/index.js';
import { rootsOf, stateDigestOf } from '../../../src/codec/index.js';
import { rootsNode, StateSync } from '../../../src/ordering/state-sync.js';
import { sha256 } from '../../support/lockstep.js';

fc.configureGlobal({ seed: 20266 });

type Pages = ReadonlyMap<number, Uint8Array>;
interface State {
  readonly ordering: PageSnapshot;
  readonly application: PageSnapshot;
}

function snapshotOf(pages: Pages): PageSnapshot {
  const tree = new PageTree(sha256);
  tree.reset(pages);
  return tree.snapshot();
}

const page = fc.oneof(fc.nat(5), fc.integer({ min: 250, max: 260 }), fc.constantFrom(100_000, 2 ** 40));
const pages = fc
  .array(fc.tuple(page, fc.uint8Array({ maxLength: 1 })), { maxLength: 10 })
  .map((each): Pages => new Map(each));
const state = fc.tuple(pages, pages).map(([ordering, application]): State => ({
  ordering: snapshotOf(ordering),
  application: snapshotOf(application),
}));

const digestOf = ({ ordering, application }: State) => stateDigestOf(sha256, ordering.root, application.root);

function bytesOf({ ordering, application }: State, { level, section, number }: StateNode): Uint8Array {
  const proofs = proofsOf([ordering, application][section]!, sha256);
  if (level === 'roots') return rootsOf(ordering.root, application.root);
  if (level === 'groups') return proofs.groups;
  return (level === 'pages' ? proofs.pagesOf(number) : proofs.page(number))!;
}

/** Fetches until nothing is missing, or for so many nodes; names of the pages that were. */
function fetchAll(sync: StateSync, from: State, order: readonly boolean[], nodesMax = Infinity): string[] {
  const fetched: string[] = [];
  const asked: StateNode[] = [rootsNode];
  for (let count = 0; !sync.isComplete && count < nodesMax; count++) {
    for (let node = sync.next(); node !== null; node = sync.next()) asked.push(node);
    const node = order[count % order.length] ? asked.pop()! : asked.shift()!;
    const bytes = bytesOf(from, node);
    expect(sync.take(node, Uint8Array.of(...bytes, 1))).toBe('wrong');
    expect(sync.take(node, bytes)).toBe('taken');
    if (node.level === 'page') fetched.push(`${node.section}:${node.number}`);
    if (node.level !== 'roots') expect(sync.take(node, bytes)).toBe('unknown');
  }
  return fetched;
}

function differences(own: State, other: State): string[] {
  const names = ([own.ordering, own.application] as const).flatMap((from, section) => {
    const to = [other.ordering, other.application][section]!;
    return [...to.pages].flatMap(([number, bytes]) =>
      from.pages.get(number)?.join() === bytes.join() ? [] : [`${section}:${number}`],
    );
  });
  return names.sort();
}

const order = fc.array(fc.boolean(), { minLength: 1, maxLength: 8 });

test('exactly the pages that differ are fetched, in whatever order they come', () => {
  fc.assert(
    fc.property(state, state, order, (own, other, picks) => {
      const sync = new StateSync(sha256, own, digestOf(other));
      expect(fetchAll(sync, other, picks).sort()).toEqual(differences(own, other));
      const reached = sync.snapshots();
      expect(reached.ordering.pages).toEqual(other.ordering.pages);
      expect(reached.application.pages).toEqual(other.application.pages);
    }),
    { numRuns: 300 },
  );
});

test('what was fetched is not fetched again where it is still right in a newer state', () => {
  fc.assert(
    fc.property(state, state, state, order, fc.nat(12), (own, first, second, picks, nodesMax) => {
      const sync = new StateSync(sha256, own, digestOf(first));
      const before = fetchAll(sync, first, picks, nodesMax);
      sync.aimAt(digestOf(second));
      const again = fetchAll(sync, second, picks).filter((name) => before.includes(name));
      const changed = differences(first, second);
      expect(again.filter((name) => !changed.includes(name))).toEqual([]);
      expect(sync.snapshots().application.pages).toEqual(second.application.pages);
    }),
    { numRuns: 300 },
  );
});

test('the pages that differed are named', () => {
  const pagesOf = (...numbers: number[]) => new Map(numbers.map((each) => [each, Uint8Array.of(each & 255)]));
  const ordering = snapshotOf(pagesOf(1));
  const own = { ordering, application: snapshotOf(new Map([...pagesOf(1, 2, 300), [3, Uint8Array.of(9)]])) };
  const other = { ordering, application: snapshotOf(pagesOf(1, 2, 3, 600)) };
  const sync = new StateSync(sha256, own, digestOf(other));
  fetchAll(sync, other, [true]);
});

test('so much is known to be missing at once, however large the state', () => {
  const many = new Map(Array.from({ length: 20_000 }, (_, index) => [index, new Uint8Array(0)] as const));
  const empty = snapshotOf(new Map());
  const other = { ordering: empty, application: snapshotOf(many) };
  const sync = new StateSync(sha256, { ordering: empty, application: empty }, digestOf(other));
  let most = 0;
  const asked: StateNode[] = [rootsNode];
  while (!sync.isComplete) {
    for (let count = 0; count < 100; count++) {
      const node = sync.next();
      if (node !== null) asked.push(node);
    }
    for (const node of asked.splice(0)) sync.take(node, bytesOf(other, node));
    most = Math.max(most, sync.missingCount);
  }
  expect(most).toBeLessThan(5_000);
  expect(sync.pagesFetched).toBe(20_000);
});
