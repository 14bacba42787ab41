/**
 * A client process in virtual time: the public `Client`, with the protocol, the driver and the leases that run
 * everywhere else too, over simulated streams and a drifting clock. It can be stopped and continued (SIGSTOP) and
 * killed. Must not look at the process's own clock or timers.
 */
import type { ClientId, ReplicaId } from '../../base/index.js';
import { Client, Driver, type SealPorts, type TurnClock } from '../../client/index.js';
import type { ClientMessage, ServerMessage } from '../../codec/index.js';
import { ClientStreams } from '../client-streams.js';
import type { ClientEndpoint } from '../client-streams.js';
import { Clock } from '../clock.js';
import type { ClockError } from '../clock.js';
import { simulatedClusterId, simulatedKeyGeneration } from '../sharing.js';
import type { ClientProtocol } from '../world-ports.js';
import type { World } from '../world.js';

export type ClusterClients = readonly { readonly name: string; readonly publicKey: ClientId }[];

/** What a stopped process keeps for later; more breaks its streams. */
const backlogMax = 512;
const callTimeoutMs = 10_000;

export interface ProcessOptions {
  readonly name: string;
  /** Made by `world.createClientCore`. */
  readonly protocol: ClientProtocol;
  /** All clients of the cluster, for the names of owners. */
  readonly clients: ClusterClients;
  readonly clock: ClockError;
  /** ms; default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Left out: there are no confidential spaces. */
  readonly sealPorts?: SealPorts | undefined;
}

export class SimulatedProcess implements ClientEndpoint {
  readonly node: number;
  readonly streams: ClientStreams;
  readonly client: Client;
  /** Its own clock and timers. */
  readonly clock: TurnClock;
  /** Below the library, for who does not keep to its ways. */
  readonly driver: Driver;
  readonly #world: World;
  readonly #clock: Clock;
  /** What waits for the process to go on. */
  #backlog: (() => void)[] = [];
  #state: 'running' | 'stopped' | 'ended' = 'running';
  /** Called whenever code of the process has run. */
  readonly #onRun: () => void;

  constructor(world: World, options: ProcessOptions, onRun: () => void) {
    const { name, protocol, clients, clock, timeoutMs, sealPorts } = options;
    const { client: id, core, node, random } = protocol;
    this.node = node;
    this.#world = world;
    this.#onRun = onRun;
    this.#clock = new Clock(world.simulator, clock);
    const turnClock = this.#turnClock();
    this.clock = turnClock;
    const send = (to: ReplicaId, message: ClientMessage): void => this.#send(to, message);
    const driver = new Driver(core, { send, flush: () => undefined }, turnClock);
    this.driver = driver;
    this.streams = new ClientStreams(node, id, world.n, random, world, {
      connected: (replica, view) => this.run(() => driver.feed({ kind: 'connected', replica, view })),
      disconnected: (replica) => this.run(() => driver.feed({ kind: 'disconnected', replica })),
      message: (from, message) => this.#onMessage(from, message),
    });
    const { clockSkewMaxMs } = world.config;
    const cluster = {
      version: 1 as const,
      clusterId: simulatedClusterId,
      ...(sealPorts === undefined ? {} : { keyGeneration: simulatedKeyGeneration }),
      replicas: [],
      certificateAuthority: '',
      clients,
      settings: { clockSkewMaxMs },
    };
    const links = { problems: () => [], status: () => Promise.resolve([]), close: () => undefined };
    this.client = new Client({
      identity: { name, publicKey: id, cluster },
      driver,
      links,
      timeoutMs: timeoutMs ?? callTimeoutMs,
      clock: turnClock,
      sealPorts,
    });
    world.addEndpoint(this);
    this.streams.start();
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** SIGSTOP: nothing of it runs until it goes on. */
  stop(): void {
    if (this.#state === 'running') this.#state = 'stopped';
  }

  /** SIGCONT. */
  continue(): void {
    if (this.#state !== 'stopped') return;
    this.#state = 'running';
    for (const action of this.#backlog.splice(0)) action();
    this.#onRun();
  }

  /** SIGKILL: its streams break, and nothing of it ever runs again. */
  kill(): void {
    this.#state = 'ended';
    this.#backlog = [];
    this.streams.end();
  }

  #onMessage(from: ReplicaId, message: ServerMessage): void {
    if (this.#state === 'stopped' && this.#backlog.length >= backlogMax) return;
    this.run(() => this.driver.feed({ kind: 'message', from, message }));
  }

  #send(to: ReplicaId, message: ClientMessage): void {
    if (this.#state !== 'ended') this.streams.send(to, message);
  }

  /** Now, or when the process goes on; never, if it has ended. */
  run(action: () => void): void {
    if (this.#state === 'ended') return;
    if (this.#state === 'stopped') {
      this.#backlog.push(action);
      return;
    }
    action();
    this.#onRun();
  }

  #turnClock(): TurnClock {
    const { simulator } = this.#world;
    const later = (delayUs: number, callback: () => void): (() => void) => {
      let isCancelled = false;
      simulator.schedule(delayUs, () =>
        this.run(() => {
          if (!isCancelled) callback();
        }),
      );
      return () => {
        isCancelled = true;
      };
    };
    return {
      nowMs: () => this.#clock.nowMs(),
      after: (delayMs, callback) => later(Math.max(0, Math.ceil(delayMs * 1_000)), callback),
      atTurnEnd: (callback) => later(0, callback),
    };
  }
}
