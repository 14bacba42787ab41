/**
 * A queue: items come out in the order in which they were put in, each to exactly one taker; takers are served in the order
 * in which they came. A taker that dies within its session's time (30 s) may have been given an item, which is gone with
 * it: work that must survive its worker is marked rather than taken (docs/guide/waiting.md). Tuples: [tag, name, item].
 */
import { any, type Entry, type Field, type Space, type WaitOptions } from '../client/index.js';
import { checkName, tags } from './names.js';

export interface QueueItem {
  readonly value: Field;
  /** Grows from item to item. */
  readonly id: bigint;
}

const itemOf = ({ id, tuple }: Entry): QueueItem => ({ id, value: tuple[2]! });

export class Queue {
  readonly #space: Space;
  readonly #name: string;

  /** Queues of one name in one space are one. @throws InvalidInputError RECIPE_NAME_INVALID. */
  constructor(space: Space, name: string) {
    this.#space = space;
    this.#name = checkName(name);
  }

  get #items(): readonly [string, string, typeof any] {
    return [tags.queue, this.#name, any];
  }

  /** @throws as `out`. */
  async put(value: Field): Promise<QueueItem> {
    return itemOf(await this.#space.out([tags.queue, this.#name, value]));
  }

  /** The oldest item; waits for one. Null: the time is over. @throws as `space.in`. */
  async take(options?: WaitOptions): Promise<QueueItem | null> {
    const entry = await this.#space.in(this.#items, options);
    return entry === null ? null : itemOf(entry);
  }

  async size(): Promise<number> {
    return this.#space.count(this.#items);
  }
}
