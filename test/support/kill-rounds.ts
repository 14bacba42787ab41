/**
 * A cluster whose replicas are all killed at the same instant at a random moment, again and again, under clients that go
 * on across it. After each restart, once nothing is under way, the entries are held against the ledger, and the
 * replicas against each other. A lost power supply cannot be had this way: what is written is in the system's cache and
 * survives. That is the simulator's part.
 */
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { prng, type Prng } from '../../src/base/index.js';
import { freePorts } from '../../src/cli/launcher.js';
import { Ledger } from './kill-ledger.js';
import { KillClient } from './kill-load.js';
import { areEqual, resultOf, Workplace } from './theodora-process.js';
import type { ReplicaLine, Running } from './theodora-process.js';

const ids = [0, 1, 2, 3];
const clientCount = 6;
const acknowledgedMax = 1_500;
const turnsMax = 40;
const quietMs = 60_000;
/** A killed process damages nothing that is written. */
const neverSaid = /"(pages-damaged|vote-log-damaged|vote-log-unsure|saved-state-damaged|state-diverged)"/;

export interface Round {
  readonly round: number;
  readonly killedAfter: number;
  readonly restarts: number;
  readonly acknowledged: number;
  readonly unknown: number;
}

export class KillRounds {
  readonly #work = new Workplace();
  readonly #seed: number;
  readonly #random: Prng;
  readonly #ledger = new Ledger();
  readonly #clients: KillClient[] = [];
  #cluster = '';
  #running: Running[] = [];
  #clientsMade = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = prng(seed);
  }

  async start(): Promise<void> {
    const hosts = (await freePorts(ids.length)).map((port) => `127.0.0.1:${port}`).join(',');
    this.#cluster = join(this.#work.directory, 'cluster', 'cluster.yaml');
    resultOf(await this.#work.run('init', '--replicas', '4', '--hosts', hosts, '--out', 'cluster'));
    this.#startReplicas();
    await this.#listening();
    for (let i = 0; i < clientCount; i++) this.#clients.push(await this.#newClient());
  }

  async round(round: number): Promise<Round> {
    const random = this.#random.stream(`round ${round}`);
    const ledger = this.#ledger;
    let isOver = false;
    const killedAfter = random.between(1, acknowledgedMax);
    const isReached = ledger.after(killedAfter);
    const working = this.#clients.map((client) => client.work(() => isOver));
    const worked = Promise.all(working);
    await Promise.race([isReached, worked]);
    // Not always in the turn in which a client hears of its operation.
    for (let turns = random.below(turnsMax); turns > 0; turns--) await new Promise(setImmediate);
    await this.#kill();
    let restarts = 1;
    this.#startReplicas();
    for (; random.chance(1, 4); restarts++) {
      await Promise.race(this.#running.map((replica) => replica.event({ event: 'listening' })));
      await this.#kill();
      this.#startReplicas();
    }
    const isGoingOn = ledger.after(random.pick([1, 1, 20, 200]));
    const joining = this.#newClient();
    await this.#listening();
    await Promise.race([isGoingOn, worked]);
    isOver = true;
    await worked;
    const fresh = await joining;
    await this.#check(fresh);
    await this.#clients.shift()!.client.close();
    this.#clients.push(fresh);
    return { round, killedAfter, restarts, acknowledged: ledger.acknowledged, unknown: ledger.unknown };
  }

  /** Stops gracefully; after a failure the files are kept. */
  async close(isFailed: boolean): Promise<void> {
    await Promise.all(this.#clients.map(({ client }) => client.close()));
    for (const replica of this.#running) replica.kill(isFailed ? 'SIGKILL' : 'SIGTERM');
    await Promise.all(this.#running.map(({ finished }) => finished));
    if (isFailed) {
      const kept = join(tmpdir(), `theodora-kill-${this.#seed}`);
      cpSync(this.#work.directory, kept, { recursive: true });
      console.error(`files of the failed run: ${kept}`);
    }
    await this.#work.close();
  }

  #newClient(): Promise<KillClient> {
    return KillClient.connect(this.#cluster, `client-${this.#clientsMade++}`, this.#ledger, this.#random);
  }

  #startReplicas(): void {
    this.#running = ids.map((id) =>
      this.#work.start(
        'replica',
        '--cluster',
        this.#cluster,
        '--id',
        String(id),
        '--data',
        `cluster/replica-${id}`,
      ),
    );
  }

  async #listening(): Promise<void> {
    await Promise.all(this.#running.map((replica, id) => replica.event({ event: 'listening', id })));
  }

  async #kill(): Promise<void> {
    for (const replica of this.#running) replica.kill('SIGKILL');
    for (const { signal, out, err } of await Promise.all(this.#running.map(({ finished }) => finished)))
      if (signal !== 'SIGKILL') throw new Error(`a replica had ended by itself: ${out}${err}`);
  }

  async #check(client: KillClient): Promise<void> {
    this.#ledger.checkItems([...(await client.all('own')), ...(await client.all('pool'))]);
    this.#ledger.checkOnces(await client.all('once'));
    await vi.waitUntil(
      async () => {
        const lines = (await client.client.status()) as unknown as readonly ReplicaLine[];
        return areEqual(lines) && lines.every(({ isObserver }) => !isObserver);
      },
      { timeout: quietMs, interval: 50 },
    );
    for (const id of ids)
      this.#checkLog(join(this.#work.directory, 'cluster', `replica-${id}`, 'replica.log'));
  }

  #checkLog(path: string): void {
    const said = existsSync(path) ? neverSaid.exec(readFileSync(path, 'utf8')) : null;
    if (said !== null) throw new Error(`${path} says ${said[0]}`);
  }
}
