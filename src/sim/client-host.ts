/**
 * One simulated client process: the real client core over streams to every replica that come up, break and
 * come up again. Notes in the history what was asked and answered, and under which request numbers.
 */
import { assert, equalBytes, replicaId } from '../base/index.js';
import type { ClientId, Prng, ReplicaId, ViewNumber } from '../base/index.js';
import type {
  CallOutcome,
  ClientCore,
  ClientInput,
  ClientOutput,
  FeedEnd,
  RequestName,
} from '../client/index.js';
import { decodeEnvelope, encodeOperation } from '../codec/index.js';
import type { ClientMessage, Envelope, Operation, ServerMessage } from '../codec/index.js';
import { requestKey } from './checkers/committed-order.js';
import type { RequestKey } from './checkers/committed-order.js';
import type { Clock } from './clock.js';
import type { History, HistoryEntry, HistoryOutcome } from './history.js';
import type { Simulator } from './simulator.js';

export interface ClientWorld {
  readonly simulator: Simulator;
  readonly history: History;
  /** Tries to open a stream; the view it is welcomed in, or null if nobody answers. */
  openStream(node: number, client: ClientId, replica: ReplicaId): ViewNumber | null;
  /** Sends on the stream of this generation; tells whether the link carried it. */
  sendToReplica(node: number, to: ReplicaId, generation: number, message: ClientMessage): boolean;
  /** Both ends of the stream are gone. */
  closeStream(node: number, replica: ReplicaId): void;
  /** A correct client sent this envelope. */
  onSubmitted(node: number, envelope: Envelope): void;
}

interface StreamState {
  isUp: boolean;
  /** Counts what came up, so that messages of a former stream are dropped. */
  generation: number;
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

const reconnectUsMin = 20_000;
const reconnectUsMax = 400_000;

export class ClientHost {
  readonly node: number;
  readonly client: ClientId;
  /** Its own, good for durations only. */
  readonly clock: Clock;
  readonly #world: ClientWorld;
  readonly #random: Prng;
  readonly #core: ClientCore;
  readonly #streams: StreamState[];
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
    this.#random = random;
    this.#world = world;
    this.#streams = Array.from({ length: n }, () => ({ isUp: false, generation: 0 }));
  }

  /** Begins to connect to every replica. */
  start(): void {
    for (const replica of this.#streams.keys()) this.#connectSoon(replicaId(replica));
  }

  get openCalls(): number {
    return this.#open.size;
  }

  generationOf(replica: ReplicaId): number {
    return this.#streams[replica]!.generation;
  }

  isConnected(replica: ReplicaId): boolean {
    return this.#streams[replica]!.isUp;
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

  onMessage(from: ReplicaId, generation: number, message: ServerMessage): void {
    const stream = this.#streams[from]!;
    if (stream.isUp && stream.generation === generation) this.#stepNow({ kind: 'message', from, message });
  }

  /** The stream breaks; this end notices now and connects again later. */
  disconnect(replica: ReplicaId): void {
    const stream = this.#streams[replica]!;
    if (!stream.isUp) return;
    stream.isUp = false;
    this.#world.closeStream(this.node, replica);
    this.#stepNow({ kind: 'disconnected', replica });
    this.#connectSoon(replica);
  }

  #connectSoon(replica: ReplicaId): void {
    const delayUs = this.#random.between(reconnectUsMin, reconnectUsMax);
    this.#world.simulator.schedule(delayUs, () => this.#connect(replica));
  }

  #connect(replica: ReplicaId): void {
    const view = this.#world.openStream(this.node, this.client, replica);
    if (view === null) return this.#connectSoon(replica);
    const stream = this.#streams[replica]!;
    stream.isUp = true;
    stream.generation++;
    this.#stepNow({ kind: 'connected', replica, view });
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
    const stream = this.#streams[to]!;
    if (!stream.isUp) return;
    if (this.#world.sendToReplica(this.node, to, stream.generation, message)) return;
    const { generation } = stream;
    this.#world.simulator.schedule(this.#random.between(1_000, 200_000), () => {
      if (stream.generation === generation) this.disconnect(to);
    });
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
