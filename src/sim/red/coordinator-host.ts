/** A coordinator as a process of a simulated cluster, its database replica, and the connection between them. */
import { prng, type Prng } from '../../base/index.js';
import {
  CoordinatorRunner,
  coordinatorSettings,
  type CoordinatorSettings,
  type MemberId,
  type RunnerEvent,
} from '../../red/index.js';
import type { RedBeliefs } from '../checkers/red-beliefs.js';
import type { SimulatedCluster } from '../cluster/simulated-cluster.js';
import { Database } from './database.js';
import { tamperedSpace, type RedTampering } from './tampering.js';
import { Wire } from './wire.js';

export interface HostParts {
  readonly cluster: SimulatedCluster;
  readonly id: MemberId;
  readonly seed: number;
  readonly space: string;
  readonly leaseMs: number;
  readonly clockSkewMaxMs: number;
  readonly election: 'race' | 'lowest';
  readonly beliefs: RedBeliefs;
  readonly tampering: RedTampering;
  peer(from: MemberId, id: MemberId): Database | null;
}

/** The database tries again after so long. */
const reconnectUs = 500_000;
const unexpected = (event: RunnerEvent): boolean =>
  event.kind === 'malformed' ||
  (event.kind === 'failed' && !/UNKNOWN|UNAVAILABLE|EXPIRED/.test(codeOf(event.error)));
const codeOf = (error: unknown): string => (error as { code?: string }).code ?? String(error);

export class CoordinatorHost {
  readonly id: MemberId;
  readonly database: Database;
  readonly #parts: HostParts;
  readonly #random: Prng;
  readonly #settings: CoordinatorSettings;
  #runner: CoordinatorRunner | null = null;
  #wire: Wire | null = null;
  /** Of the coordinator's process. */
  #isRunning = false;
  /** What no coordinator should meet. */
  readonly problems: string[] = [];

  constructor(parts: HostParts) {
    const { id, seed, leaseMs, clockSkewMaxMs, election, beliefs, tampering } = parts;
    this.id = id;
    this.#parts = parts;
    this.#random = prng(seed).stream(`coordinator ${id}`);
    this.#settings = coordinatorSettings(id, clockSkewMaxMs, { leaseMs, election });
    this.database = new Database({
      ...{ id, seed, beliefs },
      simulator: parts.cluster.world.simulator,
      marginMs: tampering.databaseMarginMs ?? this.#settings.marginMs,
      pingMs: Math.floor(this.#settings.silenceMaxMs / 3),
      peer: (other) => parts.peer(id, other),
      say: (line) => this.#wire?.send('database', line),
    });
  }

  get role(): string {
    return this.#runner?.coordinator.role ?? 'absent';
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  start(): void {
    const { cluster, id, space, tampering } = this.#parts;
    const process = cluster.process(id);
    this.#isRunning = true;
    this.#runner = new CoordinatorRunner({
      settings: this.#settings,
      space: tamperedSpace(process.client.space(space), tampering),
      clock: process.clock,
      replica: {
        say: (line) => {
          if (tampering.drops?.(line) !== true) this.#wire?.send('coordinator', line);
        },
        hangUp: () => this.#wire?.close('coordinator'),
      },
      watch: (event) => {
        if (unexpected(event)) this.problems.push(`${this.id}: ${event.kind} ${JSON.stringify(event)}`);
      },
    });
  }

  startDatabase(): void {
    if (this.database.isRunning) return;
    this.database.start();
    this.#connect();
  }

  /** SIGKILL, and another process after a while. */
  crash(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#runner?.close();
    this.#parts.cluster.kill(this.id);
    // The kernel ends its connections.
    this.#wire?.close('coordinator');
  }

  restart(): void {
    if (this.#isRunning) return;
    this.#parts.cluster.restart(this.id);
    this.start();
  }

  crashDatabase(): void {
    this.database.kill();
    this.#wire?.close('database');
  }

  breakWire(): void {
    this.#wire?.break();
  }

  #connect(): void {
    const { cluster } = this.#parts;
    const { database } = this;
    if (!database.isRunning) return;
    if (this.#wire?.isOpenAt('database') === true) return;
    const again = (): void => cluster.world.simulator.schedule(reconnectUs, () => this.#connect());
    // One connection at a time: the coordinator may still take the last one for whole.
    if (!this.#isRunning || this.#wire?.isOpenAt('coordinator') === true) return again();
    const process = cluster.process(this.id);
    const runner = this.#runner;
    this.#wire = new Wire(cluster.world.simulator, this.#random, {
      coordinator: {
        line: (text) => process.run(() => runner?.line(text)),
        ended: () => process.run(() => runner?.disconnected()),
      },
      database: {
        line: (text) => database.line(text),
        ended: () => {
          database.disconnected();
          again();
        },
      },
    });
    process.run(() => runner?.connected());
    database.connected();
  }
}
