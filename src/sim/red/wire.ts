/**
 * The connection between a database replica and its coordinator, as TCP gives it: lines arrive in order or not at all, and a
 * connection that is broken may look whole to either end for a while.
 */
import type { Prng } from '../../base/index.js';
import type { Simulator } from '../simulator.js';

export type End = 'coordinator' | 'database';

export interface WireEnd {
  line(text: string): void;
  /** Not for the end that closed it. */
  ended(): void;
}

const delayUsMin = 50;
const delayUsMax = 2_000;
/** How long a broken connection may look whole. */
const noticeUsMax = 8_000_000;

const other = (end: End): End => (end === 'coordinator' ? 'database' : 'coordinator');

export class Wire {
  readonly #simulator: Simulator;
  readonly #random: Prng;
  readonly #ends: Readonly<Record<End, WireEnd>>;
  /** When the last line sent to that end arrives. */
  readonly #arrivesUs = { coordinator: 0, database: 0 };
  readonly #isOpen = { coordinator: true, database: true };
  #isBroken = false;

  constructor(simulator: Simulator, random: Prng, ends: Readonly<Record<End, WireEnd>>) {
    this.#simulator = simulator;
    this.#random = random;
    this.#ends = ends;
  }

  isOpenAt(end: End): boolean {
    return this.#isOpen[end];
  }

  send(from: End, text: string): void {
    if (this.#isOpen[from]) this.#later(other(from), () => this.#ends[other(from)].line(text));
  }

  /** What was sent before still arrives. */
  close(by: End): void {
    if (!this.#isOpen[by]) return;
    this.#isOpen[by] = false;
    this.#later(other(by), () => this.#end(other(by)));
  }

  /** Nothing arrives any more, and each end notices in its own time. */
  break(): void {
    this.#isBroken = true;
    for (const end of ['coordinator', 'database'] as const)
      this.#simulator.schedule(this.#random.between(0, noticeUsMax), () => this.#end(end));
  }

  #later(to: End, action: () => void): void {
    const { nowUs } = this.#simulator;
    const atUs = Math.max(this.#arrivesUs[to], nowUs + this.#random.between(delayUsMin, delayUsMax));
    this.#arrivesUs[to] = atUs;
    this.#simulator.schedule(atUs - nowUs, () => {
      if (!this.#isBroken && this.#isOpen[to]) action();
    });
  }

  #end(end: End): void {
    if (!this.#isOpen[end]) return;
    this.#isOpen[end] = false;
    this.#ends[end].ended();
  }
}
