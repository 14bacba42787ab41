/**
 * Replicated state as numbered pages under a Merkle root that is maintained incrementally: a checkpoint
 * costs what changed since the last one, not what exists. Three levels: page, group of 256 neighbouring
 * pages, root. Leaves and nodes are hashed under different first bytes. Digests are kept as bytes in the
 * order in which they are hashed, so that a group is hashed without being built.
 */
import { fromHex } from './bytes.js';
import type { Digest, HashFunction } from './ids.js';

/** An immutable picture of the state: pages by number (put together when they are asked for) and the root over them. */
export interface PageSnapshot {
  readonly root: Digest;
  readonly pages: ReadonlyMap<number, Uint8Array>;
}

const pagesPerGroup = 256;
const numberBytes = 8;
const nodeBytes = numberBytes + 32;
const [leafTag, groupTag, rootTag] = [0, 1, 2];

function writeNumber(value: number, out: Uint8Array, offset: number): void {
  let rest = value;
  for (let i = offset + 7; i >= offset; i--) {
    out[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** Numbered digests in ascending order: what a group or the root is hashed over. */
class NodeList {
  #length = 0;
  readonly #numbers: number[] = [];
  /** A tag, then number and digest of every node; grows by doubling. */
  #bytes: Uint8Array;

  constructor(tag: number) {
    this.#bytes = new Uint8Array(1 + 4 * nodeBytes);
    this.#bytes[0] = tag;
  }

  get length(): number {
    return this.#length;
  }

  set(number: number, digest: Digest): void {
    const i = this.#indexOf(number);
    if (this.#numbers[i] !== number) this.#insertAt(i, number);
    this.#bytes.set(fromHex(digest)!, 1 + i * nodeBytes + numberBytes);
  }

  remove(number: number): void {
    const i = this.#indexOf(number);
    if (this.#numbers[i] !== number) return;
    this.#numbers.splice(i, 1);
    this.#bytes.copyWithin(1 + i * nodeBytes, 1 + (i + 1) * nodeBytes, 1 + this.#length * nodeBytes);
    this.#length--;
  }

  digest(hash: HashFunction): Digest {
    return hash(this.#bytes.subarray(0, 1 + this.#length * nodeBytes));
  }

  #indexOf(number: number): number {
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#numbers[middle]! < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insertAt(i: number, number: number): void {
    const end = 1 + this.#length * nodeBytes;
    if (end === this.#bytes.length) {
      const grown = new Uint8Array(1 + 2 * this.#length * nodeBytes);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    const offset = 1 + i * nodeBytes;
    this.#bytes.copyWithin(offset + nodeBytes, offset, end);
    writeNumber(number, this.#bytes, offset);
    this.#numbers.splice(i, 0, number);
    this.#length++;
  }
}

/** The pages of a group by their place in it; an array, since copying one costs next to nothing. */
type Pages = (Uint8Array | undefined)[];

function* numbered(
  groups: Iterable<readonly [group: number, Readonly<Pages>]>,
): Iterable<[number, Uint8Array]> {
  for (const [group, pages] of groups) {
    for (const [place, bytes] of pages.entries()) {
      if (bytes !== undefined) yield [group * pagesPerGroup + place, bytes];
    }
  }
}

/** The groups of a snapshot; an unchanged group is the very same array in the next one. */
type Groups = ReadonlyMap<number, Readonly<Pages>>;

const groupsOfSnapshot = new WeakMap<PageSnapshot, Groups>();

/** As they are known for a snapshot of a tree; of any other one they are made. */
function groupsOf(snapshot: PageSnapshot): Groups {
  const known = groupsOfSnapshot.get(snapshot);
  if (known !== undefined) return known;
  const groups = new Map<number, Pages>();
  for (const [page, bytes] of snapshot.pages) {
    const number = Math.floor(page / pagesPerGroup);
    let group = groups.get(number);
    if (group === undefined) groups.set(number, (group = []));
    group[page % pagesPerGroup] = bytes;
  }
  return groups;
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
  for (const [number, pages] of to) {
    const old = from.get(number) ?? noPages;
    if (old !== pages) yield* changesOfGroup(number, old, pages);
  }
  for (const [number, old] of from) {
    if (!to.has(number)) yield* changesOfGroup(number, old, noPages);
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
  /** The pages by group. Invariant: no group is empty. */
  readonly #pages = new Map<number, Pages>();
  /** Groups of `#pages` that no snapshot shares: they may be changed. */
  readonly #owned = new Set<number>();
  /** Invariant: holds the digests of exactly the pages of `#pages`. */
  readonly #groups = new Map<number, NodeList>();
  /** Invariant: up to date for every group that is not dirty. */
  #top = new NodeList(rootTag);
  readonly #dirtyGroups = new Set<number>();
  /** Where a leaf is put together for hashing. */
  #scratch = new Uint8Array(1 << 12);

  constructor(hash: HashFunction) {
    this.#hash = hash;
  }

  /** Stores a page; the bytes must never change afterwards. */
  put(page: number, bytes: Uint8Array): void {
    const number = Math.floor(page / pagesPerGroup);
    this.#ownPages(number)[page % pagesPerGroup] = bytes;
    let group = this.#groups.get(number);
    if (group === undefined) this.#groups.set(number, (group = new NodeList(groupTag)));
    group.set(page, this.#leafDigest(page, bytes));
    this.#dirtyGroups.add(number);
  }

  remove(page: number): void {
    const number = Math.floor(page / pagesPerGroup);
    if (this.#pages.get(number)?.[page % pagesPerGroup] === undefined) return;
    const group = this.#groups.get(number)!;
    group.remove(page);
    if (group.length === 0) this.#pages.delete(number);
    else this.#ownPages(number)[page % pagesPerGroup] = undefined;
    this.#dirtyGroups.add(number);
  }

  /** Replaces everything by the pages of a snapshot. */
  reset(pages: ReadonlyMap<number, Uint8Array>): void {
    this.#pages.clear();
    this.#owned.clear();
    this.#groups.clear();
    this.#dirtyGroups.clear();
    this.#top = new NodeList(rootTag);
    for (const [page, bytes] of pages) this.put(page, bytes);
  }

  snapshot(): PageSnapshot {
    const root = this.#root();
    const groups: Groups = new Map(this.#pages);
    this.#owned.clear();
    let pages: Map<number, Uint8Array> | null = null;
    const snapshot: PageSnapshot = {
      root,
      get pages() {
        return (pages ??= new Map(numbered(groups)));
      },
    };
    groupsOfSnapshot.set(snapshot, groups);
    return snapshot;
  }

  /** The group's pages, to be changed: a copy if a snapshot holds them. */
  #ownPages(number: number): Pages {
    const known = this.#pages.get(number);
    if (known !== undefined && this.#owned.has(number)) return known;
    const own = known === undefined ? [] : known.slice();
    this.#pages.set(number, own);
    this.#owned.add(number);
    return own;
  }

  #leafDigest(page: number, bytes: Uint8Array): Digest {
    const length = 1 + numberBytes + bytes.length;
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(2 * length);
    this.#scratch[0] = leafTag;
    writeNumber(page, this.#scratch, 1);
    this.#scratch.set(bytes, 1 + numberBytes);
    return this.#hash(this.#scratch.subarray(0, length));
  }

  #root(): Digest {
    for (const number of this.#dirtyGroups) {
      const group = this.#groups.get(number)!;
      if (group.length === 0) {
        this.#groups.delete(number);
        this.#top.remove(number);
      } else {
        this.#top.set(number, group.digest(this.#hash));
      }
    }
    this.#dirtyGroups.clear();
    return this.#top.digest(this.#hash);
  }
}
