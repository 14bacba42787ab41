/**
 * What is missing between the pages that this replica holds and a certified state, found by descending from the
 * certified digest: two roots, the lists of groups, the lists of pages, pages. Each node is believed by itself as soon
 * as it is whole, because the digest above it is. Pages that were taken over stay when a newer state is aimed at. Must
 * not know who is asked for what (fetching.ts).
 */
import {
  assert,
  compareLists,
  digest,
  emptyBytes,
  groupsRoot,
  leafDigest,
  listed,
  pagesDigest,
  pagesPerGroup,
  PageTree,
  proofsOf,
  toHex,
  type Digest,
  type HashFunction,
  type ListedNode,
  type PageProofs,
  type PageSnapshot,
} from '../base/index.js';
import { rootsDigest, stateDigestOf, type StateNode } from '../codec/index.js';

const digestBytes = 32;

/** Pages that may be known to be missing before further lists are asked for. */
const missingPagesMax = 4_096;

/** A node that is known to be missing. */
export interface Missing extends StateNode {
  readonly digest: Digest;
  isTaken: boolean;
  /** Donors that it has been asked of and that have neither answered nor lost it. */
  askedOf: number;
}

export type Taken = 'taken' | 'wrong' | 'unknown';

interface Section {
  /** Invariant: holds what is held already and right; becomes the certified state. */
  readonly tree: PageTree;
  /** What the tree held when the present state was aimed at. */
  before: PageProofs;
  /** Groups that differ and whose lists are not asked for yet. */
  groups: ListedNode[];
}

const sections = [0, 1] as const;

export const nodeKey = ({ level, section, number }: StateNode): string => `${level} ${section} ${number}`;
export const rootsNode: StateNode = { level: 'roots', section: 0, number: 0 };

export class StateSync {
  readonly #hash: HashFunction;
  readonly #sections: readonly [Section, Section];
  #stateDigest: Digest;
  #areRootsKnown = false;
  /** Everything known to be missing, by key. Invariant: at most about missingPagesMax pages. */
  readonly #missing = new Map<string, Missing>();
  /** Of these, what has to be asked for. */
  #queue: Missing[] = [];
  /** Lists of pages asked for; each may bring a group of missing pages. */
  #listsAsked = 0;
  pagesFetched = 0;
  /** Of pages and lists that were believed. */
  bytesFetched = 0;

  constructor(hash: HashFunction, held: { ordering: PageSnapshot; application: PageSnapshot }, aim: Digest) {
    this.#hash = hash;
    const section = (snapshot: PageSnapshot): Section => {
      return { tree: PageTree.of(hash, snapshot), before: proofsOf(snapshot, hash), groups: [] };
    };
    this.#sections = [section(held.ordering), section(held.application)];
    this.#stateDigest = aim;
  }

  get missingCount(): number {
    return this.#missing.size;
  }

  get isComplete(): boolean {
    return (
      this.#areRootsKnown &&
      this.#missing.size === 0 &&
      this.#sections.every(({ groups }) => groups.length === 0)
    );
  }

  /** Aims at another state; what was taken over stays and counts where it is still right. */
  aimAt(stateDigest: Digest): void {
    this.#stateDigest = stateDigest;
    this.#areRootsKnown = false;
    this.#missing.clear();
    this.#queue = [];
    this.#listsAsked = 0;
    for (const section of this.#sections) {
      section.before = proofsOf(section.tree.snapshot(), this.#hash);
      section.groups = [];
    }
  }

  /** The next node to ask for; null: nothing more is known, or enough has been asked for. */
  next(): Missing | null {
    const section = sections.find((each) => this.#sections[each].groups.length > 0);
    const isRoom = this.#queue.length + this.#listsAsked * pagesPerGroup < missingPagesMax;
    if (section === undefined || !isRoom) return this.#pop();
    const { number, digest: expected } = this.#sections[section].groups.pop()!;
    this.#listsAsked += 1;
    return this.#miss({ level: 'pages', section, number }, expected);
  }

  #pop(): Missing | null {
    for (;;) {
      const node = this.#queue.pop();
      // One that had been given back may have come after all.
      if (node === undefined || !node.isTaken) return node ?? null;
    }
  }

  /** A node that `next` gave has to be asked for again. */
  giveBack(node: Missing): void {
    if (this.#missing.get(nodeKey(node)) === node) this.#queue.push(node);
  }

  /** Takes over a node if its digest is the certified one; `unknown`: it is not missing, and nothing was looked at. */
  take(node: StateNode, bytes: Uint8Array): Taken {
    if (node.level === 'roots') return this.#takeRoots(bytes);
    const missing = this.#missing.get(nodeKey(node));
    if (missing === undefined) return 'unknown';
    if (this.#digestOf(missing, bytes) !== missing.digest) return 'wrong';
    missing.isTaken = true;
    this.#missing.delete(nodeKey(node));
    this.bytesFetched += bytes.length;
    if (node.level === 'groups') this.#takeGroups(node.section, bytes);
    else if (node.level === 'pages') this.#takePages(missing, bytes);
    else this.#takePage(missing, bytes);
    return 'taken';
  }

  /** The certified state, complete. */
  snapshots(): { readonly ordering: PageSnapshot; readonly application: PageSnapshot } {
    const [ordering, application] = this.#sections.map(({ tree }) => tree.snapshot());
    const reached = stateDigestOf(this.#hash, ordering!.root, application!.root);
    assert(this.isComplete && reached === this.#stateDigest, 'certified pages make another state');
    return { ordering: ordering!, application: application! };
  }

  #digestOf({ level, number }: StateNode, bytes: Uint8Array): Digest {
    switch (level) {
      case 'roots':
        return rootsDigest(this.#hash, bytes);
      case 'groups':
        return groupsRoot(this.#hash, bytes);
      case 'pages':
        return pagesDigest(this.#hash, bytes);
      case 'page':
        return leafDigest(this.#hash, number, bytes);
    }
  }

  #miss(node: StateNode, expected: Digest): Missing {
    const missing = { ...node, digest: expected, isTaken: false, askedOf: 0 };
    this.#missing.set(nodeKey(node), missing);
    return missing;
  }

  #takeRoots(bytes: Uint8Array): Taken {
    if (rootsDigest(this.#hash, bytes) !== this.#stateDigest) return 'wrong';
    if (this.#areRootsKnown) return 'taken';
    this.#areRootsKnown = true;
    for (const section of sections) {
      const root = digest(toHex(bytes.subarray(section * digestBytes, (section + 1) * digestBytes)));
      if (groupsRoot(this.#hash, this.#sections[section].before.groups) === root) continue;
      this.#queue.push(this.#miss({ level: 'groups', section, number: 0 }, root));
    }
    return 'taken';
  }

  #takeGroups(at: 0 | 1, list: Uint8Array): void {
    const section = this.#sections[at];
    const { different, gone } = compareLists(section.before.groups, list);
    for (const group of gone) {
      for (const { number } of listed(section.before.pagesOf(group)!)) this.#drop(at, number);
    }
    section.groups = different.reverse();
  }

  #takePages({ section, number }: Missing, list: Uint8Array): void {
    this.#listsAsked -= 1;
    const own = this.#sections[section].before.pagesOf(number) ?? emptyBytes;
    const { different, gone } = compareLists(own, list);
    for (const page of gone) this.#drop(section, page);
    for (const page of different.reverse())
      this.#queue.push(this.#miss({ level: 'page', section, number: page.number }, page.digest));
  }

  #takePage({ section, number, digest: leaf }: Missing, bytes: Uint8Array): void {
    this.#sections[section].tree.put(number, bytes, leaf);
    this.pagesFetched += 1;
  }

  #drop(section: 0 | 1, page: number): void {
    this.#sections[section].tree.remove(page);
  }
}
