/** Outcomes that are not decided yet, and how much of them is kept of each replica: a liar must fill no memory. */
import { equalBytes, type ReplicaId } from '../base/index.js';
import type { Outcome } from '../codec/index.js';
import type { Candidate } from './tally.js';

export function isSameOutcome(a: Outcome, b: Outcome): boolean {
  if (a.kind === 'result') return b.kind === 'result' && equalBytes(a.result, b.result);
  if (a.kind === 'refused') return b.kind === 'refused' && a.code === b.code;
  return b.kind === 'waiting';
}

const sizeOf = (outcome: Outcome): number => (outcome.kind === 'result' ? outcome.result.length : 0);

/** What is kept of a vote: its shares, and the outcome if none like it is kept. */
export function bytesKept(outcome: Outcome, isNew: boolean, shares: Uint8Array): number {
  return shares.length + (isNew ? sizeOf(outcome) : 0);
}

/** Bytes of undecided outcomes, charged to the replica that sent them first, and of shares, to whose they are. */
export class HeldBytes {
  readonly #bytes: number[];
  readonly #max: number;

  constructor(n: number, max: number) {
    this.#bytes = new Array<number>(n).fill(0);
    this.#max = max;
  }

  take(replica: ReplicaId, more: number): boolean {
    const bytes = this.#bytes[replica]! + more;
    if (bytes > this.#max) return false;
    this.#bytes[replica] = bytes;
    return true;
  }

  release(candidates: readonly Candidate<Outcome>[]): void {
    for (const { value, voters, shares } of candidates) {
      this.#bytes[voters[0]!]! -= sizeOf(value);
      for (const [voter, { length }] of shares) this.#bytes[voter]! -= length;
    }
  }

  get total(): number {
    return this.#bytes.reduce((sum, bytes) => sum + bytes, 0);
  }
}
