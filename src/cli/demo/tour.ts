/**
 * What the tour walks through: a cluster of its own in a temporary directory, its admin and two clients. A step tells
 * what it shows, does it, and checks what it claims.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TheodoraError } from '../../base/index.js';
import { clusterStatus, connect } from '../../client/index.js';
import type { Client, ReplicaStatus } from '../../client/index.js';
import { createClusterMaterial } from '../../crypto/index.js';
import { writeClusterDirectory } from '../cluster-directory.js';
import { freePorts } from '../launcher.js';
import { prepareClient } from '../registration.js';
import { ReplicaGroup } from '../replica-group.js';

export type ReachableStatus = ReplicaStatus & { readonly reachable: true };

const replicaCount = 4;
const pollMs = 100;

export function check(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new TheodoraError('DEMO_CHECK_FAILED', `this did not hold: ${claim}`);
}

export class Tour implements AsyncDisposable {
  readonly clusterFile: string;
  readonly group: ReplicaGroup;
  readonly timeoutMs: number;
  /** Its own; removed with it. */
  readonly directory: string;
  readonly #clients = new Map<string, Client>();

  private constructor(directory: string, clusterFile: string, group: ReplicaGroup, timeoutMs: number) {
    this.directory = directory;
    this.clusterFile = clusterFile;
    this.group = group;
    this.timeoutMs = timeoutMs;
  }

  /** Makes the files; nothing runs yet. */
  static async prepare(timeoutMs: number): Promise<Tour> {
    const directory = mkdtempSync(join(tmpdir(), 'theodora-demo-'));
    try {
      const hosts = (await freePorts(replicaCount)).map((port) => `127.0.0.1:${port}`);
      const { description, files } = await createClusterMaterial({ hosts, now: new Date() });
      const clusterDirectory = join(directory, 'cluster');
      const clusterFile = writeClusterDirectory(clusterDirectory, files);
      const group = new ReplicaGroup(
        { directory: clusterDirectory, clusterFile, durability: 'sync' },
        description,
        { exited: () => undefined },
      );
      return new Tour(directory, clusterFile, group, timeoutMs);
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Registers the clients, once the cluster runs. */
  async register(names: readonly ('alice' | 'bob')[]): Promise<void> {
    const { admin } = await this.client('admin');
    for (const name of names) await (await prepareClient(this.clusterFile, name)).register(admin);
  }

  /** Connects at the first use of a name. */
  async client(identity: 'admin' | 'alice' | 'bob'): Promise<Client> {
    const known = this.#clients.get(identity);
    if (known !== undefined) return known;
    const client = await connect({ cluster: this.clusterFile, identity, timeoutMs: this.timeoutMs });
    this.#clients.set(identity, client);
    return client;
  }

  async status(): Promise<ReachableStatus[]> {
    const all = await clusterStatus({ cluster: this.clusterFile, identity: 'admin', timeoutMs: 2_000 });
    return all.filter((replica) => replica.reachable);
  }

  /** Asks the replicas until they satisfy `accept`. */
  async awaitStatus(
    claim: string,
    timeoutMs: number,
    accept: (replicas: readonly ReachableStatus[]) => boolean,
  ): Promise<ReachableStatus[]> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const replicas = await this.status();
      if (accept(replicas)) return replicas;
      check(performance.now() < deadlineMs, claim);
      await sleep(pollMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.values()) await client.close();
    await this.group.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
