/**
 * A coordination service of four processes whose replicas reach each other, and are reached by some of their clients, through
 * proxies that can be cut: every party has a cluster file of its own, with the addresses of its own proxies.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './postgres.js';
import { TcpProxy } from './tcp-proxy.js';
import type { Running, Workplace } from './theodora-process.js';

const n = 4;
const hostOf = (port: number): string => `127.0.0.1:${port}`;

/** A way between two parties. */
interface Way {
  readonly from: string;
  readonly to: string;
  readonly proxy: TcpProxy;
}

export const replicaName = (id: number): string => `replica-${id}`;

export class CutCluster {
  readonly #work: Workplace;
  readonly #ports: number[] = [];
  readonly #ways: Way[] = [];
  readonly #replicas: Running[] = [];

  constructor(work: Workplace) {
    this.#work = work;
  }

  /** Each of `clients` can be cut off too. */
  async start(clients: readonly string[]): Promise<void> {
    for (let id = 0; id < n; id++) this.#ports.push(await freePort());
    const hosts = this.#ports.map(hostOf).join(',');
    await this.#work.succeed('init', '--replicas', String(n), '--hosts', hosts, '--out', '.theodora');
    for (const party of [...this.#ports.keys()].map(replicaName).concat(clients)) await this.#connect(party);
    const starts = [...this.#ports.keys()].map((id) => this.startReplica(id));
    await Promise.all(starts);
  }

  /** The cluster as that party sees it. */
  fileOf(party: string): string {
    return join(this.#work.directory, '.theodora', `cluster-of-${party}.yaml`);
  }

  async #connect(party: string): Promise<void> {
    let text = readFileSync(this.#work.clusterFile, 'utf8');
    for (const [id, port] of this.#ports.entries()) {
      if (replicaName(id) === party) continue;
      const proxy = new TcpProxy(port);
      this.#ways.push({ from: party, to: replicaName(id), proxy });
      text = text.replace(hostOf(port), await proxy.listen());
    }
    writeFileSync(this.fileOf(party), text);
  }

  replica(id: number): Running {
    return this.#replicas[id]!;
  }

  async startReplica(id: number): Promise<void> {
    const replica = this.#work.start(
      ...['--cluster', this.fileOf(replicaName(id)), 'replica', '--id', String(id)],
      ...['--data', join('.theodora', replicaName(id)), '--listen', hostOf(this.#ports[id]!)],
    );
    this.#replicas[id] = replica;
    await replica.event({ event: 'listening' });
  }

  /** What passes there is lost, both ways. */
  cut(party: string): void {
    for (const { proxy } of this.#waysOf(party)) proxy.cut();
  }

  mend(party: string): void {
    for (const { proxy } of this.#waysOf(party)) proxy.mend();
  }

  close(): void {
    for (const { proxy } of this.#ways) proxy.close();
  }

  #waysOf(party: string): readonly Way[] {
    return this.#ways.filter(({ from, to }) => from === party || to === party);
  }
}
