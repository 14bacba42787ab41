/**
 * The simulated vote log in `memory` mode: records become durable after a random delay, in order, and one
 * sync covers everything appended before it began (group commit). A crash loses all of it.
 */
import type { Prng } from '../base/index.js';
import type { Simulator } from './simulator.js';

export interface StorageProfile {
  readonly syncUsMin: number;
  readonly syncUsMax: number;
}

export class MemoryVoteLog {
  readonly #simulator: Simulator;
  readonly #random: Prng;
  readonly #profile: StorageProfile;
  readonly #onStored: (recordNumber: number) => void;
  /** Number of the last record appended. */
  #appended = 0;
  /** Number of the last record reported durable. Invariant: at most `#appended`. */
  #stored = 0;
  #isSyncing = false;
  #isLost = false;

  constructor(
    simulator: Simulator,
    random: Prng,
    profile: StorageProfile,
    onStored: (recordNumber: number) => void,
  ) {
    this.#simulator = simulator;
    this.#random = random;
    this.#profile = profile;
    this.#onStored = onStored;
  }

  append(recordNumber: number): void {
    this.#appended = recordNumber;
    if (!this.#isSyncing) this.#sync();
  }

  /** The process is gone: nothing is reported any more. */
  lose(): void {
    this.#isLost = true;
  }

  #sync(): void {
    this.#isSyncing = true;
    const covered = this.#appended;
    const delayUs = this.#random.between(this.#profile.syncUsMin, this.#profile.syncUsMax);
    this.#simulator.schedule(delayUs, () => {
      if (this.#isLost) return;
      this.#isSyncing = false;
      this.#stored = covered;
      if (this.#appended > this.#stored) this.#sync();
      this.#onStored(covered);
    });
  }
}
