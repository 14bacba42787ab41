/**
 * All replicas of one cluster as our children: started together or not at all, stopped together. Where nothing is
 * kept on disk, a start of the whole group is the start of a new, empty cluster: only then, with none of them running,
 * may a replica be told again that it has never voted (DESIGN section 2, Amnesia).
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterDescription } from '../crypto/index.js';
import { InvalidInputError } from '../base/index.js';
import type { Durability } from '../replica/index.js';
import type { Faults } from './faults.js';
import { checkPortsAreFree, startReplicaProcess } from './launcher.js';
import type { ExitInfo, ReplicaEvent, ReplicaPlace, ReplicaProcess, StartWords } from './launcher.js';

export interface GroupEvents {
  /** A replica exited without being asked to by stop or kill of the group. */
  exited(replica: ReplicaProcess, exit: ExitInfo): void;
  event?(id: number, event: ReplicaEvent): void;
}

/** All that survives of what the replicas do. */
export interface GroupSettings {
  readonly directory: string;
  readonly clusterFile: string;
  readonly durability: Durability;
  readonly faults?: Faults | undefined;
}

const genesisMarker = 'genesis';
/** What a replica with votes or state on disk has in its directory. */
const kept = ['votes', 'pages'];
/** A replica that has not stopped by then (it may be suspended) is killed, ms. */
const stopGraceMs = 7_000;

export class ReplicaGroup {
  readonly places: readonly ReplicaPlace[];
  readonly #durability: Durability;
  readonly #addresses: readonly string[];
  readonly #events: GroupEvents;
  readonly #running = new Map<number, ReplicaProcess>();
  #isStopping = false;

  /** Data directories are `replica-N` beside the cluster file. */
  constructor(
    { directory, clusterFile, durability, faults = new Map() }: GroupSettings,
    { replicas }: ClusterDescription,
    events: GroupEvents,
  ) {
    this.places = replicas.map(({ id }) => {
      const behaviours = faults.get(id);
      const injected = behaviours && { behaviours, accomplices: [...faults.keys()] };
      const place = { clusterFile, id, dataDir: join(directory, `replica-${id}`), durability };
      return injected === undefined ? place : { ...place, injected };
    });
    this.#durability = durability;
    this.#addresses = replicas.map(({ address }) => address);
    this.#events = events;
  }

  /** Ascending by id. */
  get running(): readonly ReplicaProcess[] {
    return [...this.#running.values()].sort((a, b) => a.id - b.id);
  }

  get(id: number): ReplicaProcess | undefined {
    return this.#running.get(id);
  }

  /** Whether a start of all is one of an empty cluster. */
  get isEmpty(): boolean {
    return !this.#hasAnywhere(kept);
  }

  /** Starts all on what they have kept. If one replica cannot start, none is left running. */
  async startAll(words: StartWords = {}): Promise<void> {
    this.#isStopping = false;
    const isMemory = this.#durability === 'memory';
    if (isMemory && !this.isEmpty) throw this.#mismatch();
    await checkPortsAreFree(this.#addresses);
    // Without any, it is a cluster that has run in memory.
    const isMarked = isMemory || (this.isEmpty && !this.#hasAnywhere([genesisMarker]));
    if (isMarked)
      for (const { dataDir } of this.places) writeFileSync(join(dataDir, genesisMarker), '', { mode: 0o600 });
    const starts = await Promise.allSettled(this.places.map(({ id }) => this.start(id, words)));
    const failure = starts.find((start) => start.status === 'rejected');
    if (failure === undefined) return;
    await this.kill();
    // A marker that nobody consumed would let a replica forget votes of a later life in memory.
    if (isMemory)
      for (const { dataDir } of this.places) rmSync(join(dataDir, genesisMarker), { force: true });
    throw failure.reason;
  }

  #hasAnywhere(names: readonly string[]): boolean {
    return this.places.some(({ dataDir }) => names.some((name) => existsSync(join(dataDir, name))));
  }

  #mismatch(): InvalidInputError {
    const place = this.places.find(({ dataDir }) => kept.some((name) => existsSync(join(dataDir, name))));
    const path = place?.dataDir ?? '';
    return new InvalidInputError(
      'DURABILITY_MISMATCH',
      `${path} holds data that --durability memory would leave behind. Leave the option out, or choose another --dir.`,
      { path },
    );
  }

  /** Starts one replica on what it has kept. */
  async start(id: number, words: StartWords = {}): Promise<ReplicaProcess> {
    const place = this.places[id]!;
    const replica = await startReplicaProcess(place, (event) => this.#events.event?.(id, event), words);
    this.#running.set(id, replica);
    void replica.exited.then((exit) => {
      this.#running.delete(id);
      if (!this.#isStopping) this.#events.exited(replica, exit);
    });
    return replica;
  }

  /** Asks all to stop and waits until they have. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#isStopping = true;
    const replicas = this.running;
    const signalAll = (sent: NodeJS.Signals): void => {
      for (const replica of replicas) replica.kill(sent);
    };
    signalAll(signal);
    const timer = setTimeout(() => signalAll('SIGKILL'), stopGraceMs);
    await Promise.all(replicas.map(({ exited }) => exited));
    clearTimeout(timer);
  }
}
