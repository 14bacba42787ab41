/**
 * What database replicas believe to be under ReD, against S1 (one writer), S2 (who copies was let) and what clients were told:
 * every acknowledged commit is in whatever writes later, and fencing tokens never go back.
 */
import type { MemberId } from '../../red/index.js';
import { violated } from './violation.js';

interface Copy {
  readonly id: MemberId;
  /** It is paused, and looks at its clock before it does anything again. */
  readonly isAsleep: boolean;
  readonly log: readonly { readonly token: bigint; readonly number: number }[];
}

export class RedBeliefs {
  /** Those who believe to be the writer, with their tokens, until they have certainly stopped. */
  readonly #writers = new Map<Copy, bigint>();
  /** Whom the replicas of coordinators have let in, as they know it. */
  readonly #admitted = new Map<Copy, Set<MemberId>>();
  readonly #acknowledged: { readonly token: bigint; readonly number: number }[] = [];
  /** Of the last acknowledgement. */
  #token = 0n;
  terms = 0;

  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  /** `copiers`: it was told of. */
  writes(database: Copy, token: bigint, copiers: readonly MemberId[]): void {
    this.terms++;
    for (const id of copiers) this.admits(database, id);
    for (const [other, otherToken] of this.#writers) {
      if (other === database || other.isAsleep) continue;
      violated(
        'red-one-writer',
        `${database.id} (token ${token}) and ${other.id} (${otherToken}) both write`,
      );
    }
    const held = new Set(database.log.map(({ number }) => number));
    for (const { number, token: its } of this.#acknowledged)
      if (!held.has(number))
        violated('red-nothing-lost', `${database.id} writes without commit ${number} (token ${its})`);
    this.#writers.set(database, token);
  }

  /** S2: let in by the writer, or there is none. */
  copies(database: Copy): void {
    for (const [writer] of this.#writers)
      if (!writer.isAsleep && this.#admitted.get(writer)?.has(database.id) !== true)
        violated('red-copiers', `${database.id} copies, and ${writer.id}, which writes, does not know of it`);
  }

  admits(database: Copy, id: MemberId): void {
    const admitted = this.#admitted.get(database) ?? new Set();
    this.#admitted.set(database, admitted.add(id));
  }

  stops(database: Copy): void {
    this.#writers.delete(database);
    this.#admitted.delete(database);
  }

  acknowledges(database: Copy, commit: { readonly token: bigint; readonly number: number }): void {
    const what = `${database.id} acknowledges commit ${commit.number} with token ${commit.token}`;
    if (commit.token < this.#token) violated('red-fencing', `${what} after ${this.#token}`);
    this.#token = commit.token;
    this.#acknowledged.push(commit);
  }
}
