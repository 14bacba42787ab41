/** The page tree: its root depends on the pages alone, however they came to be. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changedPages, digest, PageTree, type Digest, type PageSnapshot } from '../../../src/base/index.js';

fc.configureGlobal({ seed: 20264 });

const sha256 = (bytes: Uint8Array): Digest => digest(createHash('sha256').update(bytes).digest('hex'));

function fromScratch(pages: ReadonlyMap<number, Uint8Array>): PageSnapshot {
  const tree = new PageTree(sha256);
  for (const [page, bytes] of [...pages].sort((a, b) => b[0] - a[0])) tree.put(page, bytes);
  return tree.snapshot();
}

// Few pages in several groups, so that steps meet; and some far away.
const page = fc.oneof(fc.nat(5), fc.integer({ min: 250, max: 260 }), fc.constantFrom(100_000, 2 ** 40));
const step = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), page, bytes: fc.uint8Array({ maxLength: 4 }) }),
  fc.record({ kind: fc.constant('remove' as const), page }),
  fc.record({ kind: fc.constant('snapshot' as const) }),
  fc.record({
    kind: fc.constant('reset' as const),
    pages: fc.array(fc.tuple(page, fc.uint8Array({ maxLength: 4 })), { maxLength: 4 }),
  }),
);

describe('the root', () => {
  test('kept up incrementally is the root built from scratch', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const tree = new PageTree(sha256);
        let model = new Map<number, Uint8Array>();
        for (const each of steps) {
          if (each.kind === 'put') {
            tree.put(each.page, each.bytes);
            model.set(each.page, each.bytes);
          } else if (each.kind === 'remove') {
            tree.remove(each.page);
            model.delete(each.page);
          } else if (each.kind === 'reset') {
            model = new Map(each.pages);
            tree.reset(model);
          } else {
            expect(tree.snapshot()).toStrictEqual(fromScratch(model));
          }
        }
        const snapshot = tree.snapshot();
        expect(snapshot.root).toBe(fromScratch(model).root);
        expect(snapshot.pages).toStrictEqual(model);
      }),
      { numRuns: 500 },
    );
  });

  test('tells apart different pages, numbers and groups', () => {
    const bytes = Uint8Array.of(1);
    const states: ReadonlyMap<number, Uint8Array>[] = [
      new Map(),
      new Map([[0, bytes]]),
      new Map([[1, bytes]]),
      new Map([[256, bytes]]),
      new Map([[0, Uint8Array.of(2)]]),
      new Map([[0, new Uint8Array(0)]]),
      new Map([
        [0, bytes],
        [1, bytes],
      ]),
      new Map([
        [0, bytes],
        [256, bytes],
      ]),
    ];
    expect(new Set(states.map((pages) => fromScratch(pages).root)).size).toBe(states.length);
  });
});

describe('cost', () => {
  function countingTree() {
    let hashes = 0;
    const tree = new PageTree((bytes) => {
      hashes++;
      return sha256(bytes);
    });
    return {
      tree,
      spent: (run: () => void): number => {
        const before = hashes;
        run();
        return hashes - before;
      },
    };
  }

  test('of a snapshot is what changed, not what exists', () => {
    const { tree, spent } = countingTree();
    for (let i = 0; i < 10 * 256; i++) tree.put(i, Uint8Array.of(i & 255));
    expect(spent(() => tree.snapshot())).toBe(11);
    expect(
      spent(() => {
        tree.put(3, Uint8Array.of(9));
        tree.put(4, Uint8Array.of(9));
        tree.snapshot();
      }),
    ).toBe(4);
  });
});

test('a snapshot does not change afterwards', () => {
  const tree = new PageTree(sha256);
  tree.put(1, Uint8Array.of(1));
  const snapshot = tree.snapshot();
  tree.put(1, Uint8Array.of(2));
  tree.remove(1);
  expect([...snapshot.pages]).toStrictEqual([[1, Uint8Array.of(1)]]);
});

describe('what changed between snapshots', () => {
  function applied(
    pages: ReadonlyMap<number, Uint8Array>,
    changes: Iterable<readonly [number, Uint8Array | null]>,
  ): Map<number, Uint8Array> {
    const result = new Map(pages);
    for (const [number, bytes] of changes) {
      if (bytes === null) expect(result.delete(number)).toBe(true);
      else result.set(number, bytes);
    }
    return result;
  }

  test('leads from any of them to any other', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const tree = new PageTree(sha256);
        const snapshots = [tree.snapshot()];
        for (const each of steps) {
          if (each.kind === 'put') tree.put(each.page, each.bytes);
          else if (each.kind === 'remove') tree.remove(each.page);
          else if (each.kind === 'reset') tree.reset(new Map(each.pages));
          else snapshots.push(tree.snapshot());
        }
        snapshots.push(tree.snapshot(), { ...snapshots[0]! });
        for (const after of snapshots) {
          expect(applied(new Map(), changedPages(null, after))).toStrictEqual(after.pages);
          for (const before of snapshots)
            expect(applied(before.pages, changedPages(before, after))).toStrictEqual(after.pages);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('names what was put or removed, and nothing else', () => {
    const tree = new PageTree(sha256);
    for (let i = 0; i < 3 * 256; i++) tree.put(i, Uint8Array.of(i & 255));
    const before = tree.snapshot();
    expect([...changedPages(before, tree.snapshot())]).toEqual([]);
    tree.put(300, Uint8Array.of(1));
    tree.put(5_000, Uint8Array.of(2));
    tree.remove(7);
    expect([...changedPages(before, tree.snapshot())]).toEqual([
      [7, null],
      [300, Uint8Array.of(1)],
      [5_000, Uint8Array.of(2)],
    ]);
  });
});
