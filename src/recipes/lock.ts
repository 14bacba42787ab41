/**
 * A fair lock: whoever asked first gets it first, and a holder that has died frees it when its lease ends. A lease is not
 * mutual exclusion (pitfall 20; Kleppmann, "How to do distributed locking"): a holder that stalls between `check` and
 * what it does may be overtaken. What must not be done by two goes with the fencing token, and whoever receives it
 * refuses a smaller one than the greatest it has seen.
 */
import type { Lease, Space } from '../client/index.js';
import { contend, type ContendOptions } from './contend.js';
import { checkName, leaseOf, tags, type RecipeOptions } from './names.js';
import { TicketQueue } from './ticket-queue.js';

export class Lock {
  readonly #queue: TicketQueue;
  readonly #leaseMs: number;

  /** Locks of one name in one space are one lock. @throws InvalidInputError RECIPE_NAME_INVALID. */
  constructor(space: Space, name: string, options?: RecipeOptions) {
    this.#queue = new TicketQueue(space, tags.lock, checkName(name));
    this.#leaseMs = leaseOf(options);
  }

  /**
   * Waits for the lock; null once `timeout` is over. The lease that comes back renews itself until it is released or lost;
   * its `fencingToken` is greater than that of every holder before.
   * @throws the signal's reason; LeaseLostError if the place in the queue was lost (the cluster was out of reach
   * for the length of a lease); and as `out`.
   */
  async acquire(options: ContendOptions = {}): Promise<Lease | null> {
    return contend(this.#queue, '', this.#leaseMs, options);
  }

  /** Who holds it, by name and token; null: nobody. Good for people to look at, not to decide on. */
  async holder(): Promise<{ readonly owner: string; readonly fencingToken: bigint } | null> {
    const first = await this.#queue.first();
    return first === null ? null : { owner: first.owner, fencingToken: first.id };
  }
}
