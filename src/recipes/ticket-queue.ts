/**
 * A fair queue of contenders, under locks and elections: everybody draws a ticket, a tuple with a lease that its owner
 * renews, and the oldest ticket is first. Whoever waits watches the ticket before its own alone, through a subscription,
 * so that a departure wakes one contender (ZooKeeper's recipe for locks; Hunt et al., ATC'10, section 2.4). Ids of
 * tickets grow, so they are fencing tokens. Tuples: [tag, name, value, unique id].
 */
import { any, type Entry, type Field, type Lease, type Space } from '../client/index.js';
import { freshId } from './names.js';

/** A place in the queue. */
export interface Ticket {
  readonly id: bigint;
  readonly value: Field;
  readonly owner: string;
}

export interface DrawnTicket {
  readonly id: bigint;
  readonly lease: Lease;
}

const pageSize = 256;

export class TicketQueue {
  readonly #space: Space;
  readonly #tag: string;
  readonly #name: string;

  constructor(space: Space, tag: string, name: string) {
    this.#space = space;
    this.#tag = tag;
    this.#name = name;
  }

  get template(): readonly [string, string, typeof any, typeof any] {
    return [this.#tag, this.#name, any, any];
  }

  /** Gets in line. */
  async draw(value: Field, leaseMs: number, signal: AbortSignal | undefined): Promise<DrawnTicket> {
    const tuple = [this.#tag, this.#name, value, freshId()];
    const { entry, lease } = await this.#space.out(tuple, { lease: leaseMs, hold: true, signal });
    return { id: entry.id, lease };
  }

  /** The oldest ticket. */
  async first(signal?: AbortSignal): Promise<Ticket | null> {
    const entry = await this.#space.rdp(this.template, { signal });
    return entry === null ? null : ticketOf(entry);
  }

  /**
   * Resolves once no older ticket is left. Rejects with the signal's reason, or with a LeaseLostError if the ticket is
   * lost while it waits: whoever still wants something draws another one.
   */
  async untilFirst({ id, lease }: DrawnTicket, signal: AbortSignal | undefined): Promise<void> {
    const ended = signal === undefined ? lease.lost : AbortSignal.any([lease.lost, signal]);
    for (;;) {
      const before = await this.#predecessor(id, ended);
      if (before === null) break;
      await this.#untilGone(before, ended);
    }
    lease.check();
  }

  /** The youngest of the older tickets. */
  async #predecessor(id: bigint, signal: AbortSignal): Promise<Entry | null> {
    let predecessor: Entry | null = null;
    for (;;) {
      const after = predecessor?.id ?? 0n;
      const page = await this.#space.rdAll(this.template, { limit: pageSize, after, signal });
      const older = page.filter((entry) => entry.id < id);
      predecessor = older.at(-1) ?? predecessor;
      if (older.length < pageSize) return predecessor;
    }
  }

  /** Watches first and looks then, so that no departure falls in between. */
  async #untilGone({ id, tuple }: Entry, signal: AbortSignal): Promise<void> {
    await using departures = this.#space.subscribe(tuple, { signal });
    await departures.started;
    const found = await this.#space.rdp(tuple, { signal });
    if (found?.id !== id) return;
    for await (const { kind, entry } of departures) if (kind !== 'inserted' && entry.id === id) return;
  }
}

export function ticketOf({ id, tuple, owner }: Entry): Ticket {
  return { id, value: tuple[2]!, owner };
}

/** Gives back a ticket that is not wanted any more; without an answer it ends with its lease. */
export async function giveBack({ lease }: DrawnTicket): Promise<void> {
  await lease[Symbol.asyncDispose]();
}
