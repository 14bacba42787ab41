/** The process of an outlaw: streams that come up and break like anybody's, sessions of its own, and its behaviours. */
import {
  replicaId,
  sessionId,
  type ClientId,
  type Prng,
  type ReplicaId,
  type SessionId,
} from '../../base/index.js';
import { decodeResult, type Outcome, type ServerMessage } from '../../codec/index.js';
import { ClientStreams, type ClientEndpoint } from '../client-streams.js';
import type { ClientProtocol } from '../world-ports.js';
import type { World } from '../world.js';
import { sealed, submit, type OutlawBehaviour, type OutlawSeat, type Overheard } from './outlaw.js';
import { outlaws } from './table.js';

/** Sessions end, and what they hoard with them: it opens another one now and then. */
const sessionMs = 12_000;
const openAgainMs = 500;
const overheardMax = 32;

export class OutlawHost implements ClientEndpoint {
  readonly node: number;
  readonly client: ClientId;
  readonly streams: ClientStreams;
  readonly #world: World;
  readonly #seat: OutlawSeat;
  readonly #random: Prng;
  readonly #behaviours: readonly OutlawBehaviour[];
  #session: SessionId = sessionId(0);
  #lastNumber = 0;
  #spaces: readonly string[] = [];
  #isEnded = false;

  constructor(world: World, { client, keys, node, random }: ClientProtocol, names: readonly string[]) {
    this.node = node;
    this.client = client;
    this.#world = world;
    this.#random = random.stream('outlaw');
    this.streams = new ClientStreams(node, client, world.n, random, world, {
      connected: () => undefined,
      disconnected: () => undefined,
      message: (_, message) => this.#heard(message),
    });
    const seat: Omit<OutlawSeat, 'random'> = {
      client,
      replicas: Array.from({ length: world.n }, (_, index) => replicaId(index)),
      leaseLimits: world.options.leaseLimits,
      sign: (bytes) => keys.sign('envelope', bytes),
      makeMacs: keys.makeMacs,
      session: () => this.#session,
      takeNumbers: (count) => (this.#lastNumber += count) - count + 1,
      spaces: () => this.#spaces,
      overheard: () => overheardIn(world),
      say: (to, bytes) => this.#say(to, bytes),
    };
    this.#seat = { ...seat, random: this.#random };
    this.#behaviours = names.map((name) => outlaws[name]!({ ...seat, random: this.#random.stream(name) }));
  }

  start(): void {
    this.streams.start();
    this.#open();
    for (const behaviour of this.#behaviours) this.#later(behaviour, 0);
  }

  /** It is over, whatever it has begun. */
  end(): void {
    this.#isEnded = true;
    this.streams.end();
  }

  #open(nonce?: Uint8Array, since: SessionId = this.#session): void {
    if (this.#isEnded) return;
    const own = nonce ?? Uint8Array.from({ length: 16 }, () => this.#random.below(256));
    submit(this.#seat, sealed(this.#seat, { kind: 'open', client: this.#seat.client, nonce: own }).bytes);
    this.#world.simulator.schedule(openAgainMs * 1_000, () => {
      if (this.#session === since) this.#open(own, since);
      else this.#world.simulator.schedule(sessionMs * 1_000, () => this.#open());
    });
  }

  #heard(message: ServerMessage): void {
    if (message.kind === 'reply') for (const outcome of message.outcomes) this.#told(outcome);
    if (message.kind !== 'opened' || message.session <= this.#session) return;
    this.#session = message.session;
    this.#lastNumber = 0;
  }

  #told(outcome: Outcome): void {
    const result = outcome.kind === 'result' ? decodeResult(outcome.result) : null;
    if (result?.kind === 'spaces') this.#spaces = result.spaces.map(({ name }) => name);
  }

  #later(behaviour: OutlawBehaviour, times: number): void {
    if (times === behaviour.timesMax) return;
    const { everyMs } = behaviour;
    const delayUs = this.#random.between(everyMs * 500, everyMs * 1_500);
    this.#world.simulator.schedule(delayUs, () => {
      if (this.#isEnded) return;
      if (this.#session !== 0) behaviour.act();
      this.#later(behaviour, this.#session === 0 ? times : times + 1);
    });
  }

  #say(to: ReplicaId, bytes: Uint8Array): void {
    if (this.streams.isConnected(to))
      this.#world.sendBytesToReplica(this.node, to, this.streams.generationOf(to), bytes);
  }
}

/** A faulty replica would tell it what it sees. */
function overheardIn({ history, allClients }: World): Overheard[] {
  return history.entries.slice(-overheardMax).flatMap((entry) => {
    const host = allClients.find(({ node }) => node === entry.client);
    return host === undefined ? [] : entry.requests.map((request) => ({ client: host.client, ...request }));
  });
}
