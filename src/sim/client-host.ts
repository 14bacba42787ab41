/**
 * One simulated client process: the real client core over streams to every replica that come up, break and
 * come up again. Notes in the history what was asked and answered, and under which request numbers.
 */
import { assert, equalBytes } from '../base/index.js';
import type { ClientId, Prng, ReplicaId } from '../base/index.js';
import type {
  CallOutcome,
  ClientCore,
  ClientInput,
  ClientOutput,
  FeedEnd,
  RequestName,
} from '../client/index.js';
import { decodeEnvelope, encodeOperation } from '../codec/index.js';
import type { ClientMessage, Envelope, Operation } from '../codec/index.js';
import { requestKey } from './checkers/committed-order.js';
import type { RequestKey } from './checkers/committed-order.js';
import type { Clock } from './clock.js';
import type { History, HistoryEntry, HistoryOutcome } from './history.js';
import { ClientStreams } from './client-streams.js';
import type { StreamWorld } from './client-streams.js';

export interface ClientWorld extends StreamWorld {
  readonly history: History;
  /** A correct client sent this envelope. */
  onSubmitted(node: number, envelope: Envelope): void;
}

interface OpenCall {
  readonly entry: HistoryEntry;
  readonly onDone: (entry: HistoryEntry) => void;
}

/** What a feed's listener hears; the last thing is that it ended, unless it is unfollowed. */
export interface FeedListener {
  event(sequence: number, data: Uint8Array): void;
  ended(after: number, cause: FeedEnd): void;
}

export class ClientHost {
  readonly node: number;
  readonly client: ClientId;
  /** Its own, good for durations only. */
  readonly clock: Clock;
  readonly #world: ClientWorld;
  readonly #core: ClientCore;
  readonly streams: ClientStreams;
  readonly #open = new Map<number, OpenCall>();
  /** Request numbers that belong to a call already; a retransmission tells nothing new. */
  readonly #numbered = new Set<RequestKey>();
  readonly #feeds = new Map<number, FeedListener>();
  #lastCall = 0;
  /** When the next wake-up is scheduled, on this client's clock. */
  #wakeAtMs = Infinity;

  constructor(
    node: number,
    client: ClientId,
    n: number,
    core: ClientCore,
    clock: Clock,
    random: Prng,
    world: ClientWorld,
  ) {
    this.node = node;
    this.client = client;
    this.#core = core;
    this.clock = clock;
    this.#world = world;
    this.streams = new ClientStreams(node, client, n, random, world, {
      connected: (replica, view) => this.#stepNow({ kind: 'connected', replica, view }),
      disconnected: (replica) => this.#stepNow({ kind: 'disconnected', replica }),
      message: (from, message) => this.#stepNow({ kind: 'message', from, message }),
    });
  }

  /** Begins to connect to every replica. */
  start(): void {
    this.streams.start();
  }

  get openCalls(): number {
    return this.#open.size;
  }

  /** Whether an equal operation is open: two of them could not be told apart in the history. */
  isOpen(operation: Operation): boolean {
    const bytes = encodeOperation(operation);
    return [...this.#open.values()].some(({ entry }) => equalBytes(entry.bytes, bytes));
  }

  call(
    operation: Operation,
    isFastRead: boolean,
    timeoutMs: number,
    onDone: (entry: HistoryEntry) => void,
  ): HistoryEntry {
    assert(!this.isOpen(operation), 'an equal operation of this client is open');
    const bytes = encodeOperation(operation);
    const entry = this.#world.history.invoke(this.node, operation, bytes, this.#world.simulator.nowUs);
    const callId = ++this.#lastCall;
    this.#open.set(callId, { entry, onDone });
    const deadlineMs = this.clock.nowMs() + timeoutMs;
    const mayWait = operation.kind === 'rd' || operation.kind === 'in';
    this.#stepNow({ kind: 'call', callId, operation: bytes, isFastRead, mayWait, deadlineMs });
    return entry;
  }

  /** Follows the feed that a subscription opened; the number by which it is unfollowed. */
  follow(request: RequestName, after: number, listener: FeedListener): number {
    const feedId = ++this.#lastCall;
    this.#feeds.set(feedId, listener);
    this.#stepNow({ kind: 'follow', feedId, request, after });
    return feedId;
  }

  consumed(feedId: number, sequence: number): void {
    this.#stepNow({ kind: 'consumed', feedId, sequence });
  }

  unfollow(feedId: number): void {
    this.#feeds.delete(feedId);
    this.#stepNow({ kind: 'unfollow', feedId });
  }

  /** Wakes the core when it wants to be woken. */
  #wakeWhenDue(): void {
    const dueMs = this.#core.nextDueMs;
    if (dueMs === null || dueMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = dueMs;
    const delayUs = Math.max(1, dueMs - this.clock.nowMs()) * 1_000;
    this.#world.simulator.schedule(delayUs, () => {
      if (this.#wakeAtMs === dueMs) this.#wakeAtMs = Infinity;
      this.#stepNow();
    });
  }

  /** A turn of the client's event loop. */
  #stepNow(input?: ClientInput): void {
    this.#step({ kind: 'tick', nowMs: this.clock.nowMs() });
    if (input !== undefined) this.#step(input);
    this.#step({ kind: 'flush' });
    this.#wakeWhenDue();
  }

  #step(input: ClientInput): void {
    for (const output of this.#core.step(input)) this.#carryOut(output);
  }

  #carryOut(output: ClientOutput): void {
    switch (output.kind) {
      case 'done':
        return this.#done(output.callId, output.outcome);
      case 'waiting': {
        const call = this.#open.get(output.callId);
        if (call !== undefined) call.entry.waitsAs = output.request;
        return;
      }
      case 'feedEvent':
        return this.#feeds.get(output.feedId)?.event(output.sequence, output.data);
      case 'feedEnded': {
        const listener = this.#feeds.get(output.feedId);
        this.#feeds.delete(output.feedId);
        return listener?.ended(output.after, output.cause);
      }
      case 'send':
        return this.#send(output.to, output.message);
    }
  }

  #send(to: ReplicaId, message: ClientMessage): void {
    if (message.kind === 'submit') this.#noteSubmitted(message.envelope);
    this.streams.send(to, message);
  }

  /** Learns the request numbers of open calls from the envelopes that leave. */
  #noteSubmitted(bytes: Uint8Array): void {
    const envelope = decodeEnvelope(bytes);
    assert(envelope !== null, 'a client sent a malformed envelope');
    this.#world.onSubmitted(this.node, envelope);
    if (envelope.body.kind !== 'requests') return;
    const { session, firstNumber, operations } = envelope.body;
    for (const [index, operation] of operations.entries()) {
      const number = firstNumber + index;
      const key = requestKey(session, number);
      if (this.#numbered.has(key)) continue;
      this.#numbered.add(key);
      const call = [...this.#open.values()].find(({ entry }) => equalBytes(entry.bytes, operation));
      call?.entry.requests.push({ session, number });
    }
  }

  #done(callId: number, outcome: CallOutcome): void {
    const call = this.#open.get(callId);
    assert(call !== undefined, 'the client core ended a call twice');
    this.#open.delete(callId);
    const { entry, onDone } = call;
    entry.respondedUs = this.#world.simulator.nowUs;
    entry.outcome = toHistory(outcome, entry);
    onDone(entry);
  }
}

function toHistory(outcome: CallOutcome, entry: HistoryEntry): HistoryOutcome {
  if (outcome.kind !== 'result') return outcome;
  return { kind: 'result', result: outcome.result, path: entry.requests.length === 0 ? 'fast' : 'ordered' };
}
