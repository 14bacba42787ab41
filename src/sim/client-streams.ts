/** The streams of one simulated client process to every replica: they come up, break and come up again. */
import { replicaId } from '../base/index.js';
import type { ClientId, Prng, ReplicaId, ViewNumber } from '../base/index.js';
import type { ClientMessage, ServerMessage } from '../codec/index.js';
import type { Simulator } from './simulator.js';

export interface StreamWorld {
  readonly simulator: Simulator;
  /** Tries to open a stream; the view it is welcomed in, or null if nobody answers. */
  openStream(node: number, client: ClientId, replica: ReplicaId): ViewNumber | null;
  /** Sends on the stream of this generation; tells whether the link carried it. */
  sendToReplica(node: number, to: ReplicaId, generation: number, message: ClientMessage): boolean;
  /** Both ends of the stream are gone. */
  closeStream(node: number, replica: ReplicaId): void;
}

/** What the process hears of its streams. */
export interface StreamListener {
  connected(replica: ReplicaId, view: ViewNumber): void;
  disconnected(replica: ReplicaId): void;
  message(from: ReplicaId, message: ServerMessage): void;
}

/** What the world knows of a client process. */
export interface ClientEndpoint {
  readonly node: number;
  readonly streams: ClientStreams;
}

interface StreamState {
  isUp: boolean;
  /** Counts what came up, so that messages of a former stream are dropped. */
  generation: number;
}

const reconnectUsMin = 20_000;
const reconnectUsMax = 400_000;

export class ClientStreams {
  readonly #node: number;
  readonly #client: ClientId;
  readonly #world: StreamWorld;
  readonly #random: Prng;
  readonly #listener: StreamListener;
  readonly #streams: StreamState[];
  #isEnded = false;

  constructor(
    node: number,
    client: ClientId,
    n: number,
    random: Prng,
    world: StreamWorld,
    listener: StreamListener,
  ) {
    this.#node = node;
    this.#client = client;
    this.#random = random;
    this.#world = world;
    this.#listener = listener;
    this.#streams = Array.from({ length: n }, () => ({ isUp: false, generation: 0 }));
  }

  /** Begins to connect to every replica. */
  start(): void {
    for (const replica of this.#streams.keys()) this.#connectSoon(replicaId(replica));
  }

  /** The process has ended: its streams break, and no new ones come up. */
  end(): void {
    this.#isEnded = true;
    for (const replica of this.#streams.keys()) this.disconnect(replicaId(replica));
  }

  generationOf(replica: ReplicaId): number {
    return this.#streams[replica]!.generation;
  }

  isConnected(replica: ReplicaId): boolean {
    return this.#streams[replica]!.isUp;
  }

  onMessage(from: ReplicaId, generation: number, message: ServerMessage): void {
    const stream = this.#streams[from]!;
    if (stream.isUp && stream.generation === generation) this.#listener.message(from, message);
  }

  /** The stream breaks; this end notices now and connects again later. */
  disconnect(replica: ReplicaId): void {
    const stream = this.#streams[replica]!;
    if (!stream.isUp) return;
    stream.isUp = false;
    this.#world.closeStream(this.#node, replica);
    if (this.#isEnded) return;
    this.#listener.disconnected(replica);
    this.#connectSoon(replica);
  }

  /** What the link does not carry breaks the stream soon. */
  send(to: ReplicaId, message: ClientMessage): void {
    const stream = this.#streams[to]!;
    if (!stream.isUp) return;
    if (this.#world.sendToReplica(this.#node, to, stream.generation, message)) return;
    const { generation } = stream;
    this.#world.simulator.schedule(this.#random.between(1_000, 200_000), () => {
      if (stream.generation === generation) this.disconnect(to);
    });
  }

  #connectSoon(replica: ReplicaId): void {
    const delayUs = this.#random.between(reconnectUsMin, reconnectUsMax);
    this.#world.simulator.schedule(delayUs, () => this.#connect(replica));
  }

  #connect(replica: ReplicaId): void {
    if (this.#isEnded) return;
    const view = this.#world.openStream(this.#node, this.#client, replica);
    if (view === null) return this.#connectSoon(replica);
    const stream = this.#streams[replica]!;
    stream.isUp = true;
    stream.generation++;
    this.#listener.connected(replica, view);
  }
}
