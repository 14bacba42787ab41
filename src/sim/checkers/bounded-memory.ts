/** Everything a replica keeps is bounded (pitfall 7): each named size of its status has a limit. */
import type { ReplicaStatus } from '../../ordering/index.js';
import { violated } from './violation.js';

export class BoundedMemory {
  readonly #limits: Readonly<Record<string, number>>;
  readonly #highest = new Map<string, number>();

  /** Limits by the size's name; a size without a limit is a violation: every new one needs a thought. */
  constructor(limits: Readonly<Record<string, number>>) {
    this.#limits = limits;
  }

  observe(replica: number, status: ReplicaStatus): void {
    for (const [name, size] of Object.entries(status.sizes)) {
      const limit = this.#limits[name];
      if (limit === undefined) violated('bounded-memory', `size ${name} has no limit`);
      if (size > limit)
        violated('bounded-memory', `replica ${replica}: ${name} is ${size}, at most ${limit} allowed`);
      if (size > (this.#highest.get(name) ?? -1)) this.#highest.set(name, size);
    }
  }

  /** Highest value seen of each size. */
  highest(): ReadonlyMap<string, number> {
    return this.#highest;
  }
}
