/**
 * Replicated state as numbered pages under a Merkle root that is maintained incrementally: a checkpoint
 * costs what changed since the last one, not what exists. Three levels: page, group of 256 neighbouring
 * pages, root. Leaves and nodes are hashed under different first bytes.
 */
import { concatBytes, fromHex } from './bytes.js';
import type { Digest, HashFunction } from './ids.js';

/** An immutable picture of the state: pages by number and the root over them. */
export interface PageSnapshot {
  readonly root: Digest;
  readonly pages: ReadonlyMap<number, Uint8Array>;
}

const pagesPerGroup = 256;
const leafTag = Uint8Array.of(0);
const groupTag = Uint8Array.of(1);
const rootTag = Uint8Array.of(2);

function numberBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  let rest = value;
  for (let i = 7; i >= 0; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

interface Node {
  readonly number: number;
  readonly digest: Digest;
}

function hashNodes(hash: HashFunction, tag: Uint8Array, nodes: readonly Node[]): Digest {
  const parts: Uint8Array[] = [tag];
  for (const node of nodes) parts.push(numberBytes(node.number), fromHex(node.digest)!);
  return hash(concatBytes(parts));
}

const byNumber = (a: Node, b: Node): number => a.number - b.number;

export class PageTree {
  readonly #hash: HashFunction;
  readonly #pages = new Map<number, Uint8Array>();
  /** Digest of every page, by group. Invariant: holds exactly the pages of `#pages`. */
  readonly #leaves = new Map<number, Map<number, Digest>>();
  readonly #groups = new Map<number, Digest>();
  readonly #dirtyGroups = new Set<number>();

  constructor(hash: HashFunction) {
    this.#hash = hash;
  }

  /** Stores a page; the bytes must never change afterwards. */
  put(page: number, bytes: Uint8Array): void {
    const group = Math.floor(page / pagesPerGroup);
    this.#pages.set(page, bytes);
    let leaves = this.#leaves.get(group);
    if (leaves === undefined) this.#leaves.set(group, (leaves = new Map()));
    leaves.set(page, this.#hash(concatBytes([leafTag, numberBytes(page), bytes])));
    this.#dirtyGroups.add(group);
  }

  remove(page: number): void {
    if (!this.#pages.delete(page)) return;
    const group = Math.floor(page / pagesPerGroup);
    this.#leaves.get(group)!.delete(page);
    this.#dirtyGroups.add(group);
  }

  /** Replaces everything by the pages of a snapshot. */
  reset(pages: ReadonlyMap<number, Uint8Array>): void {
    this.#pages.clear();
    this.#leaves.clear();
    this.#groups.clear();
    this.#dirtyGroups.clear();
    for (const [page, bytes] of pages) this.put(page, bytes);
  }

  snapshot(): PageSnapshot {
    return { root: this.#root(), pages: new Map(this.#pages) };
  }

  #root(): Digest {
    for (const group of this.#dirtyGroups) {
      const leaves = this.#leaves.get(group);
      if (leaves === undefined || leaves.size === 0) {
        this.#leaves.delete(group);
        this.#groups.delete(group);
        continue;
      }
      const nodes = [...leaves].map(([number, digest]) => ({ number, digest })).sort(byNumber);
      this.#groups.set(group, hashNodes(this.#hash, groupTag, nodes));
    }
    this.#dirtyGroups.clear();
    const nodes = [...this.#groups].map(([number, digest]) => ({ number, digest })).sort(byNumber);
    return hashNodes(this.#hash, rootTag, nodes);
  }
}
