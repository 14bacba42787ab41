/**
 * What a simulated replica has to tell clients and waits for its own shares, as in the real runtime (replica/share-replies.ts):
 * whatever holds nothing sealed does not wait, and events of one stream keep their order.
 */
import { mayContainSealed } from '../codec/index.js';
import type { ClientOutput } from './server-streams.js';
import type { Simulator } from './simulator.js';

export function isSealed(output: ClientOutput): boolean {
  switch (output.kind) {
    case 'reply':
      return output.outcomes.some((outcome) => outcome.kind === 'result' && mayContainSealed(outcome.result));
    case 'readReply':
      return output.result !== null && mayContainSealed(output.result);
    case 'feedEvent':
      return mayContainSealed(output.data);
    default:
      return false;
  }
}

const streamOf = (output: ClientOutput): number | null =>
  output.kind === 'feedEvent' || output.kind === 'feedTruncated' ? output.stream : null;

export class WaitingForShares {
  readonly #simulator: Simulator;
  readonly #drawDelayUs: () => number;
  /** By stream: when the last of its events that waits is told. */
  readonly #feeds = new Map<number, number>();
  /** Counts losses, so that what was lost is never told. */
  #life = 0;
  /** What would have been told since the process was stopped; null: it runs. */
  #held: (() => void)[] | null = null;

  constructor(simulator: Simulator, drawDelayUs: () => number) {
    this.#simulator = simulator;
    this.#drawDelayUs = drawDelayUs;
  }

  /** Calls `tell` now, or once the shares are there. */
  tell(output: ClientOutput, wantsShares: boolean, tell: () => void): void {
    const { nowUs } = this.#simulator;
    const stream = streamOf(output);
    const before = stream === null ? undefined : this.#feeds.get(stream);
    const isWaiting = wantsShares && isSealed(output);
    if (!isWaiting && before === undefined) {
      tell();
      return;
    }
    const atUs = Math.max(isWaiting ? nowUs + this.#drawDelayUs() : nowUs, before ?? 0);
    if (stream !== null) this.#feeds.set(stream, atUs);
    const life = this.#life;
    this.#simulator.schedule(atUs - nowUs, () => {
      if (life !== this.#life) return;
      if (stream !== null && this.#feeds.get(stream) === atUs) this.#feeds.delete(stream);
      if (this.#held === null) tell();
      else this.#held.push(tell);
    });
  }

  /** The process ends. */
  lose(): void {
    this.#life++;
    this.#feeds.clear();
    this.#held = null;
  }

  pause(): void {
    this.#held ??= [];
  }

  resume(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const tell of held) tell();
  }
}
