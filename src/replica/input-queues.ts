/**
 * What waits for the core: a queue for each replica and each client, served in turn (Aardvark, NSDI'09, section 4.2:
 * separate queues, so that clients cannot delay replicas, nor one of either the others). A turn takes a share of each;
 * the rest waits for the next, after what the sockets have brought in meanwhile. Bounded for each.
 */
import type { ClientId, ReplicaId } from '../base/index.js';
import type { Input } from '../ordering/index.js';

/** In a turn, of one replica. */
const peerShare = 256;
/** In a turn, of all clients together. */
const clientsShare = 256;
/** In succession, of one replica or client. */
const runMax = 16;
export const peerWaitingMax = 16_384;
const clientWaitingMax = 8_192;
const waitingMax = 65_536;

interface Queue<K> {
  readonly key: K;
  items: Input[];
  head: number;
  /** Taken in this turn. */
  taken: number;
}

const sizeOf = ({ items, head }: { readonly items: readonly Input[]; readonly head: number }): number =>
  items.length - head;

/** Queues served in turn, a run of inputs each. */
class Circle<K> {
  readonly queues = new Map<K, Queue<K>>();
  #current: Queue<K> | null = null;
  #run = 0;

  size(key: K): number {
    const queue = this.queues.get(key);
    return queue === undefined ? 0 : sizeOf(queue);
  }

  push(key: K, input: Input): void {
    let queue = this.queues.get(key);
    if (queue === undefined) this.queues.set(key, (queue = { key, items: [], head: 0, taken: 0 }));
    queue.items.push(input);
  }

  /** The next one, if its queue has given less than `share` in this turn. */
  next(share: number): Input | null {
    if (this.#current === null || this.#run >= runMax || this.#current.taken >= share) this.#advance(share);
    const queue = this.#current;
    if (queue === null) return null;
    const input = queue.items[queue.head++]!;
    queue.taken += 1;
    this.#run += 1;
    if (queue.head === queue.items.length) {
      this.queues.delete(queue.key);
      this.#current = null;
    }
    return input;
  }

  beginTurn(): void {
    for (const queue of this.queues.values()) queue.taken = 0;
  }

  /** To the queue whose turn has been longest ago; the present one goes to the end of the line. */
  #advance(share: number): void {
    this.#run = 0;
    const former = this.#current;
    this.#current = null;
    if (former !== null) {
      if (former.head >= 1_024) {
        former.items = former.items.slice(former.head);
        former.head = 0;
      }
      this.queues.delete(former.key);
      this.queues.set(former.key, former);
    }
    for (const queue of this.queues.values()) {
      if (queue.taken >= share) continue;
      this.#current = queue;
      return;
    }
  }
}

export class InputQueues {
  #own: Input[] = [];
  #ownHead = 0;
  readonly #peers = new Circle<ReplicaId>();
  readonly #clients = new Circle<ClientId>();
  #count = 0;
  #clientsTaken = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  waitingOf(peer: ReplicaId): number {
    return this.#peers.size(peer);
  }

  /** `client`: whose it is; null: a replica's, or this one's own. False: there is no room for it. */
  push(input: Input, client: ClientId | null): boolean {
    // What comes only once must not be lost.
    const isUnique = input.kind === 'streamClosed' || input.kind === 'stateSaved';
    if (!isUnique && !this.#hasRoom(input, client)) return false;
    this.#count += 1;
    if (client !== null) this.#clients.push(client, input);
    else if (input.kind === 'message') this.#peers.push(input.from, input);
    else this.#own.push(input);
    return true;
  }

  #hasRoom(input: Input, client: ClientId | null): boolean {
    if (this.#count >= waitingMax) return false;
    if (client !== null) return this.#clients.size(client) < clientWaitingMax;
    return input.kind !== 'message' || this.#peers.size(input.from) < peerWaitingMax;
  }

  beginTurn(): void {
    this.#clientsTaken = 0;
    this.#peers.beginTurn();
    this.#clients.beginTurn();
  }

  /** The next one of this turn: what this replica told itself, then replicas, then clients. */
  next(): Input | null {
    const input = this.#nextOwn() ?? this.#peers.next(peerShare) ?? this.#nextOfClients();
    if (input !== null) this.#count -= 1;
    return input;
  }

  #nextOwn(): Input | null {
    if (this.#ownHead === this.#own.length) return null;
    const input = this.#own[this.#ownHead++]!;
    if (this.#ownHead === this.#own.length) {
      this.#own = [];
      this.#ownHead = 0;
    }
    return input;
  }

  #nextOfClients(): Input | null {
    if (this.#clientsTaken >= clientsShare) return null;
    const input = this.#clients.next(Infinity);
    if (input !== null) this.#clientsTaken += 1;
    return input;
  }

  clear(): void {
    this.#own = [];
    this.#ownHead = 0;
    this.#peers.queues.clear();
    this.#clients.queues.clear();
    this.#count = 0;
  }
}
