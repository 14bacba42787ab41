/**
 * An election: candidates queue as for a lock, and the first is the leader until it resigns or its lease ends. Everybody
 * can see who leads, and be told of every change. As with a lock, only the fencing token keeps out a leader that has
 * been overtaken without noticing.
 */
import type { Field, Lease, Space } from '../client/index.js';
import { contend, type ContendOptions } from './contend.js';
import { checkName, leaseOf, tags, type RecipeOptions } from './names.js';
import { TicketQueue } from './ticket-queue.js';

export interface Leader {
  /** What it campaigned with, such as an address. */
  readonly value: Field;
  readonly owner: string;
  /** Greater than that of every leader before. */
  readonly fencingToken: bigint;
}

export class Election {
  readonly #space: Space;
  readonly #queue: TicketQueue;
  readonly #leaseMs: number;

  /** Elections of one name in one space are one. @throws InvalidInputError RECIPE_NAME_INVALID. */
  constructor(space: Space, name: string, options?: RecipeOptions) {
    this.#space = space;
    this.#queue = new TicketQueue(space, tags.election, checkName(name));
    this.#leaseMs = leaseOf(options);
  }

  /** Waits to be elected; null once `timeout` is over. Releasing the lease resigns. @throws as Lock.acquire. */
  async campaign(value: Field, options: ContendOptions = {}): Promise<Lease | null> {
    return contend(this.#queue, value, this.#leaseMs, options);
  }

  async leader(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Leader | null> {
    const first = await this.#queue.first(options.signal);
    return first === null ? null : { value: first.value, owner: first.owner, fencingToken: first.id };
  }

  /** The leader now and after each change, null while there is none. Leaders of a moment may be left out. */
  async *observe(options: { readonly signal?: AbortSignal | undefined } = {}): AsyncGenerator<Leader | null> {
    const { signal } = options;
    await using changes = this.#space.subscribe(this.#queue.template, { signal });
    await changes.started;
    let leader = await this.leader({ signal });
    yield leader;
    for await (const { kind, entry } of changes) {
      const isChange = kind === 'inserted' ? leader === null : entry.id === leader?.fencingToken;
      if (!isChange) continue;
      const next = await this.leader({ signal });
      if (next?.fencingToken === leader?.fencingToken) continue;
      leader = next;
      yield leader;
    }
  }
}
