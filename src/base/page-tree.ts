/**
 * Replicated state as numbered pages under a Merkle root that is maintained incrementally: a checkpoint
 * costs what changed since the last one, not what exists. Three levels: page, group of 256 neighbouring
 * pages, root (page-proof.ts). Digests are kept as bytes in the order in which they are hashed, so that a group is
 * hashed without being built.
 */
import type { Digest, HashFunction } from './ids.js';
import { NodeList } from './node-list.js';
import { groupOf, groupTag, leafDigest, pagesPerGroup, rootTag } from './page-proof.js';

/** An immutable picture of the state: pages by number (put together when they are asked for) and the root over them. */
export interface PageSnapshot {
  readonly root: Digest;
  readonly pages: ReadonlyMap<number, Uint8Array>;
}

/** A snapshot as others take it over, page by page: lists as in page-proof.ts. */
export interface PageProofs {
  readonly groups: Uint8Array;
  /** Null: there is no such group. */
  pagesOf(group: number): Uint8Array | null;
  page(number: number): Uint8Array | null;
}

/** The pages of a group by their place in it; an array, since copying one costs next to nothing. */
type Pages = (Uint8Array | undefined)[];

/** Invariant: the list holds the digests of exactly these pages. */
interface Group {
  readonly pages: Pages;
  readonly list: NodeList;
}

/** The groups of a snapshot; an unchanged group is the very same object in the next one. */
type Groups = ReadonlyMap<number, { readonly pages: Readonly<Pages> }>;

function* numbered(groups: Groups): Iterable<[number, Uint8Array]> {
  for (const [group, { pages }] of groups) {
    for (const [place, bytes] of pages.entries()) {
      if (bytes !== undefined) yield [group * pagesPerGroup + place, bytes];
    }
  }
}

/** What a tree knows of a snapshot of it. */
interface Known {
  readonly groups: ReadonlyMap<number, Group>;
  readonly top: NodeList;
}

const knownOfSnapshot = new WeakMap<PageSnapshot, Known>();

/** As they are known for a snapshot of a tree; of any other one they are made. */
function groupsOf(snapshot: PageSnapshot): Groups {
  const known = knownOfSnapshot.get(snapshot);
  if (known !== undefined) return known.groups;
  const groups = new Map<number, { readonly pages: Pages }>();
  for (const [page, bytes] of snapshot.pages) {
    const number = groupOf(page);
    let group = groups.get(number);
    if (group === undefined) groups.set(number, (group = { pages: [] }));
    group.pages[page % pagesPerGroup] = bytes;
  }
  return groups;
}

/** A snapshot of a tree costs nothing here; any other one is hashed the first time. */
function knownOf(snapshot: PageSnapshot, hash: HashFunction): Known {
  const known = knownOfSnapshot.get(snapshot);
  if (known !== undefined) return known;
  const tree = new PageTree(hash);
  tree.reset(snapshot.pages);
  const made = knownOfSnapshot.get(tree.snapshot())!;
  knownOfSnapshot.set(snapshot, made);
  return made;
}

export function proofsOf(snapshot: PageSnapshot, hash: HashFunction): PageProofs {
  const { groups, top } = knownOf(snapshot, hash);
  return {
    groups: top.list,
    pagesOf: (group) => groups.get(group)?.list.list ?? null,
    page: (number) => groups.get(groupOf(number))?.pages[number % pagesPerGroup] ?? null,
  };
}

const noGroups: Groups = new Map();
const noPages: Readonly<Pages> = [];

/**
 * What leads from one snapshot to another: pages that are new or were put again, and null for those that are gone.
 * Between snapshots of one tree it costs what changed; between others it is right, but may name every page.
 */
export function* changedPages(
  before: PageSnapshot | null,
  after: PageSnapshot,
): Iterable<readonly [page: number, bytes: Uint8Array | null]> {
  const from = before === null ? noGroups : groupsOf(before);
  const to = groupsOf(after);
  for (const [number, group] of to) {
    const old = from.get(number);
    if (old !== group) yield* changesOfGroup(number, old?.pages ?? noPages, group.pages);
  }
  for (const [number, old] of from) {
    if (!to.has(number)) yield* changesOfGroup(number, old.pages, noPages);
  }
}

function* changesOfGroup(
  number: number,
  before: Readonly<Pages>,
  after: Readonly<Pages>,
): Iterable<readonly [page: number, bytes: Uint8Array | null]> {
  const count = Math.max(before.length, after.length);
  for (let place = 0; place < count; place++) {
    const bytes = after[place];
    if (bytes !== before[place]) yield [number * pagesPerGroup + place, bytes ?? null];
  }
}

export class PageTree {
  readonly #hash: HashFunction;
  /** Invariant: no group is empty, dirty ones excepted. */
  readonly #groups = new Map<number, Group>();
  /** Groups that no snapshot shares: they may be changed. */
  readonly #owned = new Set<number>();
  /** Invariant: up to date for every group that is not dirty. */
  #top = new NodeList(rootTag);
  #isTopShared = false;
  readonly #dirtyGroups = new Set<number>();

  constructor(hash: HashFunction) {
    this.#hash = hash;
  }

  /** A tree that begins with the pages of a snapshot and shares them. */
  static of(hash: HashFunction, snapshot: PageSnapshot): PageTree {
    const tree = new PageTree(hash);
    const { groups, top } = knownOf(snapshot, hash);
    for (const [number, group] of groups) tree.#groups.set(number, group);
    tree.#top = top;
    tree.#isTopShared = true;
    return tree;
  }

  /** Stores a page; the bytes must never change afterwards. `digest`: its leaf digest, where it is known already. */
  put(page: number, bytes: Uint8Array, digest = leafDigest(this.#hash, page, bytes)): void {
    const { pages, list } = this.#own(groupOf(page));
    pages[page % pagesPerGroup] = bytes;
    list.set(page, digest);
  }

  remove(page: number): void {
    const number = groupOf(page);
    if (this.#groups.get(number)?.pages[page % pagesPerGroup] === undefined) return;
    const { pages, list } = this.#own(number);
    pages[page % pagesPerGroup] = undefined;
    list.remove(page);
  }

  /** Replaces everything by the pages of a snapshot. */
  reset(pages: ReadonlyMap<number, Uint8Array>): void {
    this.#groups.clear();
    this.#owned.clear();
    this.#dirtyGroups.clear();
    this.#top = new NodeList(rootTag);
    this.#isTopShared = false;
    for (const [page, bytes] of pages) this.put(page, bytes);
  }

  snapshot(): PageSnapshot {
    const root = this.#root();
    const groups = new Map(this.#groups);
    this.#owned.clear();
    this.#isTopShared = true;
    let pages: Map<number, Uint8Array> | null = null;
    const snapshot: PageSnapshot = {
      root,
      get pages() {
        return (pages ??= new Map(numbered(groups)));
      },
    };
    knownOfSnapshot.set(snapshot, { groups, top: this.#top });
    return snapshot;
  }

  /** The group, to be changed: a copy if a snapshot holds it. */
  #own(number: number): Group {
    this.#dirtyGroups.add(number);
    const known = this.#groups.get(number);
    if (known !== undefined && this.#owned.has(number)) return known;
    const own =
      known === undefined
        ? { pages: [], list: new NodeList(groupTag) }
        : { pages: known.pages.slice(), list: known.list.copy() };
    this.#groups.set(number, own);
    this.#owned.add(number);
    return own;
  }

  #root(): Digest {
    if (this.#dirtyGroups.size > 0 && this.#isTopShared) {
      this.#top = this.#top.copy();
      this.#isTopShared = false;
    }
    for (const number of this.#dirtyGroups) {
      const { list } = this.#groups.get(number)!;
      if (list.length === 0) {
        this.#groups.delete(number);
        this.#owned.delete(number);
        this.#top.remove(number);
      } else {
        this.#top.set(number, list.digest(this.#hash));
      }
    }
    this.#dirtyGroups.clear();
    return this.#top.digest(this.#hash);
  }
}
