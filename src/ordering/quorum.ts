/**
 * Thresholds and the one place where votes are counted. A vote counts only with everything in its key:
 * sequence number (the slot it is kept in), view, digest and a distinct member (pitfalls 3 and 4). Where
 * TOCS'02 says 2f+1 and f+1, read quorumSize and weakQuorumSize.
 */
import type { Digest, ReplicaId, ViewNumber } from '../base/index.js';

/** f = ⌊(n−1)/3⌋: how many replicas may be faulty. */
export const faultsTolerated = (n: number): number => Math.floor((n - 1) / 3);

/** ⌈(n+f+1)/2⌉: any two quorums share a correct replica, and the correct ones alone make a quorum. */
export const quorumSize = (n: number): number => Math.ceil((n + faultsTolerated(n) + 1) / 2);

/** f+1: at least one of them is correct. */
export const weakQuorumSize = (n: number): number => faultsTolerated(n) + 1;

export interface Vote {
  readonly view: ViewNumber;
  readonly digest: Digest;
}

/** One vote a replica: that of the highest view. */
export type Votes = Map<ReplicaId, Vote>;

/** How many distinct replicas voted for exactly this digest in exactly this view. */
export function countVotes(votes: Votes, view: ViewNumber, digest: Digest): number {
  let count = 0;
  for (const vote of votes.values()) if (vote.view === view && vote.digest === digest) count++;
  return count;
}

/** The digest that at least `needed` distinct replicas attest, or null. */
export function attestedDigest(attested: ReadonlyMap<ReplicaId, Digest>, needed: number): Digest | null {
  const counts = new Map<Digest, number>();
  for (const digest of attested.values()) {
    const count = (counts.get(digest) ?? 0) + 1;
    if (count >= needed) return digest;
    counts.set(digest, count);
  }
  return null;
}

/** Distinct replicas other than `self` that prepared or committed this digest in any view. */
export function countVouchers(prepares: Votes, commits: Votes, digest: Digest, self: ReplicaId): number {
  const vouchers = new Set<ReplicaId>();
  for (const votes of [prepares, commits]) {
    for (const [replica, vote] of votes)
      if (vote.digest === digest && replica !== self) vouchers.add(replica);
  }
  return vouchers.size;
}

export type VoteVerdict = 'new' | 'old' | 'conflicting';

/** Keeps the vote of the highest view of each replica, so that what is kept stays bounded. */
export function recordVote(votes: Votes, replica: ReplicaId, vote: Vote): VoteVerdict {
  const known = votes.get(replica);
  if (known !== undefined && known.view > vote.view) return 'old';
  if (known !== undefined && known.view === vote.view)
    return known.digest === vote.digest ? 'old' : 'conflicting';
  votes.set(replica, vote);
  return 'new';
}
