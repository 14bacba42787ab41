/**
 * The hash tree over numbered pages as others can check it (page-tree.ts builds it): page, group of neighbouring
 * pages, root, each level hashed under a first byte of its own. A list is the numbers and digests of a group's pages,
 * or of all groups, in ascending order: the very bytes that the level above is hashed over, without their first byte.
 * So each list and each page can be believed by itself once the digest above it is.
 */
import { equalBytes, toHex } from './bytes.js';
import { digest, type Digest, type HashFunction } from './ids.js';

export const pagesPerGroup = 256;
export const numberBytes = 8;
/** Of a list: a number and a digest. */
export const nodeBytes = numberBytes + 32;
const leafTag = 0;
export const groupTag = 1;
export const rootTag = 2;

export const groupOf = (page: number): number => Math.floor(page / pagesPerGroup);

export function writeNumber(value: number, out: Uint8Array, offset: number): void {
  let rest = value;
  for (let i = offset + 7; i >= offset; i--) {
    out[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

function readNumber(bytes: Uint8Array, offset: number): number {
  let value = 0;
  for (let i = offset; i < offset + numberBytes; i++) value = 256 * value + bytes[i]!;
  return value;
}

/** Where a leaf or a list is put together for hashing, unless it is large. */
const scratch = new Uint8Array(1 << 14);

function taggedBytes(length: number): Uint8Array {
  return length <= scratch.length ? scratch.subarray(0, length) : new Uint8Array(length);
}

export function leafDigest(hash: HashFunction, page: number, bytes: Uint8Array): Digest {
  const tagged = taggedBytes(1 + numberBytes + bytes.length);
  tagged[0] = leafTag;
  writeNumber(page, tagged, 1);
  tagged.set(bytes, 1 + numberBytes);
  return hash(tagged);
}

function listDigest(hash: HashFunction, tag: number, list: Uint8Array): Digest {
  const tagged = taggedBytes(1 + list.length);
  tagged[0] = tag;
  tagged.set(list, 1);
  return hash(tagged);
}

/** The digest of the group whose pages the list tells. */
export const pagesDigest = (hash: HashFunction, list: Uint8Array): Digest => listDigest(hash, groupTag, list);

/** The root over the groups that the list tells. */
export const groupsRoot = (hash: HashFunction, list: Uint8Array): Digest => listDigest(hash, rootTag, list);

export interface ListedNode {
  readonly number: number;
  readonly digest: Digest;
}

const numberAt = (list: Uint8Array, offset: number): number =>
  offset < list.length ? readNumber(list, offset) : Number.POSITIVE_INFINITY;

function nodeAt(list: Uint8Array, offset: number): ListedNode {
  const bytes = list.subarray(offset + numberBytes, offset + nodeBytes);
  return { number: readNumber(list, offset), digest: digest(toHex(bytes)) };
}

export function* listed(list: Uint8Array): Iterable<ListedNode> {
  for (let offset = 0; offset < list.length; offset += nodeBytes) yield nodeAt(list, offset);
}

/** What leads from one list to another: what the second has new or otherwise, and the numbers that it lacks. */
export function compareLists(
  own: Uint8Array,
  other: Uint8Array,
): { readonly different: ListedNode[]; readonly gone: number[] } {
  const different: ListedNode[] = [];
  const gone: number[] = [];
  for (let [i, k] = [0, 0]; i < own.length || k < other.length;) {
    const [ownNumber, otherNumber] = [numberAt(own, i), numberAt(other, k)];
    if (ownNumber < otherNumber) {
      gone.push(ownNumber);
      i += nodeBytes;
      continue;
    }
    const node = other.subarray(k, k + nodeBytes);
    const isSame = ownNumber === otherNumber && equalBytes(own.subarray(i, i + nodeBytes), node);
    if (!isSame) different.push(nodeAt(other, k));
    if (ownNumber === otherNumber) i += nodeBytes;
    k += nodeBytes;
  }
  return { different, gone };
}
