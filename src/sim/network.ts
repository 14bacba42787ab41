/**
 * The simulated network: every packet may be lost, duplicated, delayed and overtaken, links may be cut in
 * one direction or both. Packets carry encoded bytes only. Client streams (`sendStream`) are in order and
 * without loss while they last, as TCP is; a cut link breaks them.
 */
import type { Prng } from '../base/index.js';
import type { Simulator } from './simulator.js';

export interface LinkProfile {
  readonly delayUsMin: number;
  readonly delayUsMax: number;
  /** Parts in ten thousand. */
  readonly lossPer10k: number;
  readonly duplicatePer10k: number;
  /** Share of the packets that is held back so that others overtake it, and for how long at most. */
  readonly reorderPer10k: number;
  readonly reorderUsMax: number;
}

export const calmLinks: LinkProfile = {
  delayUsMin: 200,
  delayUsMax: 2_000,
  lossPer10k: 0,
  duplicatePer10k: 0,
  reorderPer10k: 0,
  reorderUsMax: 0,
};

export class Network {
  readonly #simulator: Simulator;
  readonly #random: Prng;
  #profile: LinkProfile;
  /** Directed links that carry nothing, as `from * 1024 + to`. */
  readonly #cut = new Set<number>();
  /** Nodes that are off the network, whatever becomes of its links. */
  readonly #away = new Set<number>();
  /** Arrival of the last packet of each stream direction. Invariant: later packets arrive no earlier. */
  readonly #lastArrivalUs = new Map<number, number>();
  #packets = 0;

  constructor(simulator: Simulator, random: Prng, profile: LinkProfile) {
    this.#simulator = simulator;
    this.#random = random;
    this.#profile = profile;
  }

  get packets(): number {
    return this.#packets;
  }

  setProfile(profile: LinkProfile): void {
    this.#profile = profile;
  }

  /** A datagram from node to node: arrives zero or more times. */
  send(from: number, to: number, deliver: () => void): void {
    this.#packets++;
    const profile = this.#profile;
    if (this.isCut(from, to) || this.#random.chance(profile.lossPer10k, 10_000)) return;
    this.#simulator.schedule(this.#delayUs(), deliver);
    if (this.#random.chance(profile.duplicatePer10k, 10_000))
      this.#simulator.schedule(this.#delayUs(), deliver);
  }

  /** In order and without loss; tells whether the link carried it (false: the stream is broken). */
  sendStream(from: number, to: number, deliver: () => void): boolean {
    this.#packets++;
    if (this.isCut(from, to)) return false;
    const link = linkKey(from, to);
    const arrivalUs = Math.max(this.#simulator.nowUs + this.#delayUs(), this.#lastArrivalUs.get(link) ?? 0);
    this.#lastArrivalUs.set(link, arrivalUs);
    this.#simulator.schedule(arrivalUs - this.#simulator.nowUs, deliver);
    return true;
  }

  isCut(from: number, to: number): boolean {
    if (this.#away.size > 0 && (this.#away.has(from) || this.#away.has(to))) return true;
    return this.#cut.size > 0 && this.#cut.has(linkKey(from, to));
  }

  goAway(node: number): void {
    this.#away.add(node);
  }

  comeBack(node: number): void {
    this.#away.delete(node);
  }

  cut(from: number, to: number): void {
    if (from !== to) this.#cut.add(linkKey(from, to));
  }

  mend(from: number, to: number): void {
    this.#cut.delete(linkKey(from, to));
  }

  /** Only nodes of one group reach each other; nodes in no group are left as they are. */
  partition(groups: readonly (readonly number[])[]): void {
    for (const [index, group] of groups.entries()) {
      for (const other of groups.slice(index + 1)) {
        for (const a of group) {
          for (const b of other) {
            this.cut(a, b);
            this.cut(b, a);
          }
        }
      }
    }
  }

  heal(): void {
    this.#cut.clear();
  }

  #delayUs(): number {
    const { delayUsMin, delayUsMax, reorderPer10k, reorderUsMax } = this.#profile;
    const delayUs = this.#random.between(delayUsMin, delayUsMax);
    const isHeldBack = reorderPer10k > 0 && this.#random.chance(reorderPer10k, 10_000);
    return isHeldBack ? delayUs + this.#random.below(reorderUsMax + 1) : delayUs;
  }
}

const linkKey = (from: number, to: number): number => from * 1024 + to;
