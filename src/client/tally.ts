/**
 * Votes of replicas about one value. Each replica counts once, with the first value it gave: a second,
 * different one is evidence of a fault or of a late reply and changes nothing. Must not know what the
 * values mean or how many votes decide.
 */
import { emptyBytes, type ReplicaId } from '../base/index.js';

export interface Candidate<T> {
  readonly value: T;
  /** Distinct; the first one is the replica whose bytes `value` holds. */
  readonly voters: ReplicaId[];
  /** What a voter sent along, which is no part of the vote: its own shares of what is confidential in `value`. */
  readonly shares: Map<ReplicaId, Uint8Array>;
}

export class Tally<T> {
  readonly candidates: Candidate<T>[] = [];
  readonly #isEqual: (a: T, b: T) => boolean;

  constructor(isEqual: (a: T, b: T) => boolean) {
    this.#isEqual = isEqual;
  }

  hasVoted(replica: ReplicaId): boolean {
    return this.candidates.some(({ voters }) => voters.includes(replica));
  }

  /** The candidate equal to `value`, if a replica gave it before. */
  find(value: T): Candidate<T> | undefined {
    return this.candidates.find((candidate) => this.#isEqual(candidate.value, value));
  }

  /** Counts a vote of a replica that has not voted; returns the candidate it went to. */
  add(replica: ReplicaId, value: T, shares: Uint8Array = emptyBytes): Candidate<T> {
    let candidate = this.find(value);
    if (candidate === undefined) this.candidates.push((candidate = { value, voters: [], shares: new Map() }));
    candidate.voters.push(replica);
    if (shares.length > 0) candidate.shares.set(replica, shares);
    return candidate;
  }

  /** Votes of the strongest candidate. */
  get largest(): number {
    let largest = 0;
    for (const { voters } of this.candidates) largest = Math.max(largest, voters.length);
    return largest;
  }
}
