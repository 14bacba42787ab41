/** What a snapshot shows of its tree, so that others can take it over page by page and believe each part by itself. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareLists,
  digest,
  groupOf,
  groupsRoot,
  leafDigest,
  listed,
  pagesDigest,
  PageTree,
  proofsOf,
  type Digest,
  type PageSnapshot,
} from '../../../src/base/index.js';

fc.configureGlobal({ seed: 20265 });

const sha256 = (bytes: Uint8Array): Digest => digest(createHash('sha256').update(bytes).digest('hex'));

const page = fc.oneof(fc.nat(5), fc.integer({ min: 250, max: 260 }), fc.constantFrom(100_000, 2 ** 40));
const pages = fc
  .array(fc.tuple(page, fc.uint8Array({ maxLength: 3 })), { maxLength: 12 })
  .map((each) => new Map(each));

function treeOf(each: ReadonlyMap<number, Uint8Array>): PageTree {
  const tree = new PageTree(sha256);
  tree.reset(each);
  return tree;
}

const number = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
};
const node = (value: number, of: Digest) => Buffer.concat([number(value), Buffer.from(of, 'hex')]);

/** The same tree, built as the format is described. */
function naive(each: ReadonlyMap<number, Uint8Array>) {
  const ascending = [...each].sort((a, b) => a[0] - b[0]);
  const groups = new Map<number, Buffer>();
  for (const [at, bytes] of ascending) {
    const leaf = node(at, sha256(Buffer.concat([Uint8Array.of(0), number(at), bytes])));
    groups.set(groupOf(at), Buffer.concat([groups.get(groupOf(at)) ?? Buffer.alloc(0), leaf]));
  }
  const top = [...groups].map(([group, list]) =>
    node(group, sha256(Buffer.concat([Uint8Array.of(1), list]))),
  );
  const list = Buffer.concat(top);
  return { groups, list, root: sha256(Buffer.concat([Uint8Array.of(2), list])) };
}

function expectProven(snapshot: PageSnapshot, each: ReadonlyMap<number, Uint8Array>): void {
  const proofs = proofsOf(snapshot, sha256);
  const { groups, list, root } = naive(each);
  expect(snapshot.root).toBe(root);
  expect(Buffer.from(proofs.groups)).toEqual(list);
  expect(groupsRoot(sha256, proofs.groups)).toBe(snapshot.root);
  for (const { number: group, digest: of } of listed(proofs.groups)) {
    const own = proofs.pagesOf(group)!;
    expect(Buffer.from(own)).toEqual(groups.get(group));
    expect(pagesDigest(sha256, own)).toBe(of);
    for (const leaf of listed(own)) {
      expect(leafDigest(sha256, leaf.number, proofs.page(leaf.number)!)).toBe(leaf.digest);
      expect(proofs.page(leaf.number)).toBe(each.get(leaf.number));
    }
  }
}

describe('what a snapshot shows', () => {
  test('is the tree that the format describes, whatever happens to the tree afterwards', () => {
    fc.assert(
      fc.property(
        pages,
        fc.array(fc.tuple(page, fc.option(fc.uint8Array({ maxLength: 3 })))),
        (each, steps) => {
          const tree = treeOf(each);
          const before = tree.snapshot();
          const after = new Map(each);
          for (const [at, bytes] of steps) {
            if (bytes === null) tree.remove(at);
            else tree.put(at, bytes);
            if (bytes === null) after.delete(at);
            else after.set(at, bytes);
            if (at % 2 === 0) tree.snapshot();
          }
          expectProven(tree.snapshot(), after);
          expectProven(before, each);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('is the same of a snapshot that no tree made', () => {
    const each = new Map([[3, Uint8Array.of(1)]]);
    const { root } = treeOf(each).snapshot();
    expectProven({ root, pages: each }, each);
    expect(proofsOf({ root, pages: each }, sha256).pagesOf(1)).toBeNull();
    expect(proofsOf({ root, pages: each }, sha256).page(300)).toBeNull();
  });
});

test('the differences of two lists lead from one to the other', () => {
  fc.assert(
    fc.property(pages, pages, (from, to) => {
      const [own, other] = [from, to].map((each) => proofsOf(treeOf(each).snapshot(), sha256));
      const tree = PageTree.of(sha256, treeOf(from).snapshot());
      const groups = compareLists(own!.groups, other!.groups);
      const none = new Uint8Array(0);
      for (const group of groups.gone)
        for (const leaf of listed(own!.pagesOf(group)!)) tree.remove(leaf.number);
      for (const { number: group } of groups.different) {
        const leaves = compareLists(own!.pagesOf(group) ?? none, other!.pagesOf(group)!);
        for (const gone of leaves.gone) tree.remove(gone);
        for (const leaf of leaves.different) tree.put(leaf.number, other!.page(leaf.number)!, leaf.digest);
      }
      expect(tree.snapshot().root).toBe(treeOf(to).snapshot().root);
      expect(tree.snapshot().pages).toEqual(to);
      expect(compareLists(other!.groups, other!.groups)).toEqual({ different: [], gone: [] });
    }),
    { numRuns: 300 },
  );
});

test('a tree made of a snapshot shares its pages and leaves it as it is', () => {
  const each = new Map([
    [1, Uint8Array.of(1)],
    [300, Uint8Array.of(2)],
  ]);
  const snapshot = treeOf(each).snapshot();
  const tree = PageTree.of(sha256, snapshot);
  expect(tree.snapshot().root).toBe(snapshot.root);
  tree.put(1, Uint8Array.of(3));
  tree.remove(300);
  expect(tree.snapshot().root).toBe(treeOf(new Map([[1, Uint8Array.of(3)]])).snapshot().root);
  expectProven(snapshot, each);
});
