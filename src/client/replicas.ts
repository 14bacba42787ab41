/**
 * What the client knows about the replicas: their number, who is connected, and which view each last
 * reported, from which follows the presumed primary. A view is only a hint about where to send first; no
 * answer is believed because of it.
 */
import { assert, replicaId, viewNumber } from '../base/index.js';
import type { ReplicaId, ViewNumber } from '../base/index.js';

export class Replicas {
  readonly n: number;
  /** f+1: one of them at least is correct. */
  readonly weakQuorumSize: number;
  /** ⌈(n+f+1)/2⌉: two such sets share a correct replica. */
  readonly quorumSize: number;
  readonly #isConnected: boolean[];
  /** False: its disk is nearly full, and it takes no envelopes. */
  readonly #isTaking: boolean[];
  /** Highest view that each replica reported. */
  readonly #views: ViewNumber[];
  #view = viewNumber(0);

  constructor(n: number) {
    assert(Number.isSafeInteger(n) && n >= 4, 'n is at least 4');
    const f = Math.floor((n - 1) / 3);
    this.n = n;
    this.weakQuorumSize = f + 1;
    this.quorumSize = Math.ceil((n + f + 1) / 2);
    this.#isConnected = new Array<boolean>(n).fill(false);
    this.#isTaking = new Array<boolean>(n).fill(true);
    this.#views = new Array<ViewNumber>(n).fill(viewNumber(0));
  }

  setConnected(replica: ReplicaId, isConnected: boolean): void {
    this.#isConnected[replica] = isConnected;
    this.#isTaking[replica] = true;
  }

  isConnected(replica: ReplicaId): boolean {
    return this.#isConnected[replica] === true;
  }

  setTaking(replica: ReplicaId, isTaking: boolean): void {
    this.#isTaking[replica] = isTaking;
  }

  /** So many say that their disks are nearly full that it is no tale of a few. */
  get areDisksFull(): boolean {
    return this.#isTaking.filter((isTaking) => !isTaking).length >= this.quorumSize;
  }

  /** Ascending. */
  connected(): ReplicaId[] {
    const ids: ReplicaId[] = [];
    for (let id = 0; id < this.n; id++) if (this.#isConnected[id] === true) ids.push(replicaId(id));
    return ids;
  }

  noteView(replica: ReplicaId, view: ViewNumber): void {
    if (view <= this.#views[replica]!) return;
    this.#views[replica] = view;
    const descending = [...this.#views].sort((a, b) => b - a);
    this.#view = descending[this.weakQuorumSize - 1]!;
  }

  /** The (f+1)-th highest view reported: a correct replica is at least that far. */
  get view(): ViewNumber {
    return this.#view;
  }

  /** Where an envelope goes first: the presumed primary, or everyone while that one is not connected or takes none. */
  firstRecipients(): ReplicaId[] {
    const primary = replicaId(this.#view % this.n);
    return this.isConnected(primary) && this.#isTaking[primary] === true ? [primary] : this.connected();
  }
}
