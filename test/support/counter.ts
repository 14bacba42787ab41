/**
 * A counter as replicated state machine: the smallest application the ordering layer can serve. One byte is
 * added; longer operations wait for a sum, open a feed of all sums, or say who is a client.
 */
import {
  clientId,
  digest,
  PageTree,
  type ClientId,
  type HashFunction,
  type PageSnapshot,
  type SessionId,
} from '../../src/base/index.js';
import type {
  Effects,
  FeedLimits,
  FeedName,
  FeedPart,
  FeedPosition,
  OrderedOperation,
  StateMachine,
} from '../../src/ordering/index.js';

const [waits, opens, closes, ends, admits] = [1, 2, 3, 4, 5];

/** Waits until the sum is at least `sum`, 255 at the most, or for `seconds`: then its result is 0. */
export const waitFor = (sum: number, seconds = 0): Uint8Array => Uint8Array.of(waits!, sum, seconds);
/** Its feed tells every later addition: sequence number is how many there were, data the sum. */
export const openFeed = (): Uint8Array => Uint8Array.of(opens!, 0);
/** Ends the feed that request `number` of the same session opened. */
export const closeFeed = (number: number): Uint8Array => Uint8Array.of(closes!, number);

/** Ends a client of lockstep.ts, whose key is one byte repeated. */
export const endClient = (client: ClientId): Uint8Array =>
  Uint8Array.of(ends!, parseInt(client.slice(0, 2), 16));
/** Makes it one again, although keys of real services have but one life. */
export const admitClient = (client: ClientId): Uint8Array =>
  Uint8Array.of(admits!, parseInt(client.slice(0, 2), 16));

const clientOf = (byte: number): ClientId => clientId(byte.toString(16).padStart(2, '0').repeat(32));

type Request = Pick<OrderedOperation, 'client' | 'session' | 'number'>;

interface CounterState {
  value: number;
  /** The sum after each addition. */
  sums: number[];
  waiters: (Request & { sum: number; deadline: number | null })[];
  feeds: Request[];
  /** Who is no client. */
  strangers: ClientId[];
}

export class Counter implements StateMachine {
  readonly version = 1;
  readonly executed: OrderedOperation[] = [];
  /** Ordered time as told before each batch. */
  readonly times: number[] = [];
  /** Sessions that ended, in the order told. */
  readonly ended: SessionId[] = [];
  /** What `resolve` answered, and in which session and number. */
  readonly resolved: (readonly [session: SessionId, number: number, isTaken: boolean])[] = [];
  /** Something that is due then and not part of the state; tests set it at every replica. */
  deadline: number | null = null;
  /** How many sums its feeds can be read back; part of its behaviour. */
  sumsMax = Infinity;
  /** Bytes of each event. */
  eventBytes = 1;
  /** Sums that a feed reads at once. */
  readsMax = Infinity;
  #state: CounterState = { value: 0, sums: [], waiters: [], feeds: [], strangers: [] };
  readonly #tree: PageTree;

  constructor(hash: HashFunction) {
    this.#tree = new PageTree(hash);
  }

  get value(): number {
    return this.#state.value;
  }

  /** As a broken machine would. */
  corrupt(by: number): void {
    this.#state.value += by;
  }

  advanceTime(time: number, effects: Effects): void {
    this.times.push(time);
    if (this.deadline !== null && this.deadline <= time) this.deadline = null;
    this.#wake(effects, ({ deadline }) => deadline !== null && deadline <= time, 0);
  }

  execute(ordered: OrderedOperation, effects: Effects): Uint8Array | null {
    this.executed.push(ordered);
    const { operation, client, session, number, time, mayWait } = ordered;
    const request = { client, session, number };
    const state = this.#state;
    if (operation.length <= 1) {
      this.#add(operation[0] ?? 0, effects);
    } else if (operation[0] === waits) {
      const [, sum, seconds] = operation as unknown as [number, number, number];
      if (state.value < sum && mayWait) {
        state.waiters.push({ ...request, sum, deadline: seconds === 0 ? null : time + 1000 * seconds });
        return null;
      }
    } else if (operation[0] === opens) {
      state.feeds.push(request);
    } else if (operation[0] === ends) {
      const ended = clientOf(operation[1]!);
      state.strangers.push(ended);
      effects.endClient(ended);
    } else if (operation[0] === admits) {
      const admitted = clientOf(operation[1]!);
      state.strangers = state.strangers.filter((stranger) => stranger !== admitted);
    } else {
      const closed = operation[1]!;
      state.feeds = state.feeds.filter((feed) => feed.session !== session || feed.number !== closed);
      effects.notify(session, closed);
    }
    return Uint8Array.of(state.value & 0xff);
  }

  #add(amount: number, effects: Effects): void {
    const state = this.#state;
    state.value += amount;
    state.sums.push(state.value);
    this.#wake(effects, ({ sum }) => sum <= state.value, state.value & 0xff);
    for (const { session, number } of state.feeds) effects.notify(session, number);
  }

  #wake(effects: Effects, isDue: (waiter: CounterState['waiters'][number]) => boolean, result: number): void {
    const due = this.#state.waiters.filter(isDue);
    this.#state.waiters = this.#state.waiters.filter((waiter) => !isDue(waiter));
    for (const { session, number } of due) {
      this.resolved.push([session, number, effects.resolve(session, number, Uint8Array.of(result))]);
    }
  }

  isClient(client: ClientId): boolean {
    return !this.#state.strangers.includes(client);
  }

  endSession(session: SessionId): void {
    this.ended.push(session);
    this.#state.waiters = this.#state.waiters.filter((waiter) => waiter.session !== session);
    this.#state.feeds = this.#state.feeds.filter((feed) => feed.session !== session);
  }

  readFeed(feed: FeedName, position: FeedPosition, { eventsMax, bytesMax }: FeedLimits): FeedPart | null {
    const { sums, feeds } = this.#state;
    const isOpen = feeds.some(
      ({ client, session, number }) =>
        client === feed.client && session === feed.session && number === feed.number,
    );
    if (!isOpen) return null;
    if (position.scanned < sums.length - this.sumsMax) return { kind: 'truncated' };
    const events: { sequence: number; data: Uint8Array }[] = [];
    let sequence = position.scanned;
    let bytes = 0;
    const end = Math.min(sums.length, sequence + this.readsMax);
    while (sequence < end && events.length < eventsMax && (events.length === 0 || bytes < bytesMax)) {
      const data = new Uint8Array(this.eventBytes).fill(sums[sequence]! & 0xff);
      events.push({ sequence: ++sequence, data });
      bytes += data.length;
    }
    return { kind: 'events', events, scanned: sequence, isAtEnd: sequence >= sums.length };
  }

  query(): Uint8Array {
    return Uint8Array.of(this.value & 0xff);
  }

  slowCheck(operation: Uint8Array): Uint8Array | null {
    if (operation.length === 0) throw new Error('an empty operation is none of the state machine');
    return operation[0] === 255 ? operation : null;
  }

  nextDeadline(): number | null {
    return this.deadline;
  }

  checkpoint(): PageSnapshot {
    this.#tree.put(0, new Uint8Array(Buffer.from(JSON.stringify(this.#state))));
    return this.#tree.snapshot();
  }

  restore(pages: ReadonlyMap<number, Uint8Array>): void {
    this.#state = JSON.parse(Buffer.from(pages.get(0)!).toString()) as CounterState;
    this.#tree.reset(pages);
  }
}

export const noDigest = digest('00'.repeat(32));
