/**
 * What a certified state is for whoever takes it over node by node (messages.ts: StateNode): the digest over both roots
 * that CHECKPOINT messages sign, and how large a node can be. The lists are those of base/page-proof.ts.
 */
import {
  concatBytes,
  encodeUtf8,
  fromHex,
  nodeBytes,
  pagesPerGroup,
  type Digest,
  type HashFunction,
} from '../base/index.js';
import type { StateLevel } from './messages.js';

const stateTag = encodeUtf8('theodora/state')!;
const digestBytes = 32;

/** What CHECKPOINT messages sign: the digest over both roots. */
export function rootsDigest(hash: HashFunction, roots: Uint8Array): Digest {
  return hash(concatBytes([stateTag, roots]));
}

export const rootsOf = (ordering: Digest, application: Digest): Uint8Array =>
  concatBytes([fromHex(ordering)!, fromHex(application)!]);

export const stateDigestOf = (hash: HashFunction, ordering: Digest, application: Digest): Digest =>
  rootsDigest(hash, rootsOf(ordering, application));

/** A page of 32 entries of a MiB, or a session with all its replies, is about half of that. */
const pageBytesMax = 64 << 20;
const groupsMax = 1 << 18;

/** Most bytes that a node can have: who claims more lies. */
export const nodeBytesMax: Readonly<Record<StateLevel, number>> = {
  roots: 2 * digestBytes,
  groups: groupsMax * nodeBytes,
  pages: pagesPerGroup * nodeBytes,
  page: pageBytesMax,
};
