/**
 * All replicas of one cluster as our children: started together or not at all, stopped together. A start of
 * the whole group is the start of a new, empty cluster, since this version keeps state in memory: only then,
 * with none of them running, may a replica be told that it has never voted (DESIGN section 2, Amnesia).
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterDescription } from '../crypto/index.js';
import { checkPortsAreFree, startReplicaProcess } from './launcher.js';
import type { ExitInfo, ReplicaEvent, ReplicaPlace, ReplicaProcess } from './launcher.js';

export interface GroupEvents {
  /** A replica exited without being asked to by stop or kill of the group. */
  exited(replica: ReplicaProcess, exit: ExitInfo): void;
  event?(id: number, event: ReplicaEvent): void;
}

const genesisMarker = 'genesis';
/** A replica that has not stopped by then (it may be suspended) is killed, ms. */
const stopGraceMs = 7_000;

export class ReplicaGroup {
  readonly places: readonly ReplicaPlace[];
  readonly #addresses: readonly string[];
  readonly #events: GroupEvents;
  readonly #running = new Map<number, ReplicaProcess>();
  #isStopping = false;

  /** Data directories are `replica-N` beside the cluster file. */
  constructor(directory: string, clusterFile: string, { replicas }: ClusterDescription, events: GroupEvents) {
    this.places = replicas.map(({ id }) => ({ clusterFile, id, dataDir: join(directory, `replica-${id}`) }));
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

  /** Starts an empty cluster. If one replica cannot start, none is left running. */
  async startAll(): Promise<void> {
    this.#isStopping = false;
    await checkPortsAreFree(this.#addresses);
    for (const { dataDir } of this.places) writeFileSync(join(dataDir, genesisMarker), '', { mode: 0o600 });
    const starts = await Promise.allSettled(this.places.map(({ id }) => this.start(id)));
    const failure = starts.find((start) => start.status === 'rejected');
    if (failure === undefined) return;
    await this.kill();
    // A marker that nobody consumed would let a replica forget votes of a later life.
    for (const { dataDir } of this.places) rmSync(join(dataDir, genesisMarker), { force: true });
    throw failure.reason;
  }

  /** Starts one replica; without a marker it rejoins the others. */
  async start(id: number): Promise<ReplicaProcess> {
    const place = this.places[id]!;
    const replica = await startReplicaProcess(place, (event) => this.#events.event?.(id, event));
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
