/**
 * A double barrier: nobody goes on before so many parties have entered, and nobody has left before all have. A party that
 * dies before the barrier opens is not counted once its lease has ended. A name serves one round.
 * Tuples: [tag, name, unique id] for each party, and a mark that the barrier has opened.
 */
import { any, type Lease, type Space } from '../client/index.js';
import { checkName, freshId, leaseOf, tags, type RecipeOptions } from './names.js';

export interface BarrierOptions {
  readonly signal?: AbortSignal | undefined;
}

export class Barrier {
  readonly #space: Space;
  readonly #name: string;
  readonly #parties: number;
  readonly #leaseMs: number;

  /** `parties`: how many open it, at least 1. @throws InvalidInputError RECIPE_NAME_INVALID. */
  constructor(space: Space, name: string, parties: number, options?: RecipeOptions) {
    this.#space = space;
    this.#name = checkName(name);
    this.#parties = parties;
    this.#leaseMs = leaseOf(options);
  }

  get #everybody(): readonly [string, string, typeof any] {
    return [tags.barrier, this.#name, any];
  }

  get #mark(): readonly [string, string] {
    return [tags.barrierOpen, this.#name];
  }

  /**
   * Resolves once `parties` have entered; the lease that comes back is one's presence, until `leave`.
   * @throws the signal's reason, after leaving; LeaseLostError if the presence was lost before it opened.
   */
  async enter({ signal }: BarrierOptions = {}): Promise<Lease> {
    const tuple = [tags.barrier, this.#name, freshId()];
    const { lease } = await this.#space.out(tuple, { lease: this.#leaseMs, hold: true, signal });
    const ended = signal === undefined ? lease.lost : AbortSignal.any([lease.lost, signal]);
    try {
      const present = await this.#space.count(this.#everybody, { signal: ended });
      if (present >= this.#parties) await this.#space.cas(this.#mark, this.#mark, { signal: ended });
      await this.#space.rd(this.#mark, { signal: ended });
      return lease;
    } catch (error) {
      await lease[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Gives up one's presence, and resolves once nobody is left. @throws the signal's reason. */
  async leave(presence: Lease, { signal }: BarrierOptions = {}): Promise<void> {
    await presence.release({ signal });
    await using departures = this.#space.subscribe(this.#everybody, { signal });
    await departures.started;
    if ((await this.#space.count(this.#everybody, { signal })) === 0) return;
    for await (const { kind } of departures) {
      if (kind === 'inserted') continue;
      if ((await this.#space.count(this.#everybody, { signal })) === 0) return;
    }
  }
}
