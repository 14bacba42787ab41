/**
 * What the tour of ReD walks through: a cluster of its own, three PostgreSQL servers with an agent and a coordinator each, and a
 * client that writes one row after the other through whoever is the writer.
 */
import { randomBytes } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Space } from '../../client/index.js';
import { loadTrial, readOverview, readWriter, type ServerPlace, type TrialClient } from '../../red/index.js';
import { freePorts } from '../launcher.js';
import { compilePolicy } from '../policy-compiler.js';
import { prepareClient } from '../registration.js';
import { check, Tour } from './tour.js';

export const memberIds = ['r1', 'r2', 'r3'];
export const leaseMs = 5_000;
export const database = 'red';
const spaceName = 'red';
const pollMs = 100;
const trial = { user: 'demo', database, timeoutMs: 1_000 };
const mainPath = fileURLToPath(new URL('../main.js', import.meta.url));
const policyFile = fileURLToPath(new URL('../../../policy/red.ts', import.meta.url));

type Json = Readonly<Record<string, unknown>>;

export interface Acknowledged {
  readonly n: number;
  readonly token: bigint;
  readonly atMs: number;
}

interface Child {
  readonly process: ChildProcess;
  readonly exited: Promise<void>;
}

const agentTexts: Readonly<Record<string, (event: Json) => string>> = {
  role: ({ role, token }) =>
    role === 'writer'
      ? `is the writer, fencing token ${String(token)}`
      : `is ${role === 'copier' ? 'a copier' : 'stopped'}`,
  following: ({ id }) => `follows ${String(id)}`,
  data: ({ how }) => `has had its data ${String(how)}`,
  onRecord: ({ ids }) =>
    `puts on record who holds every acknowledged commit: ${(ids as string[]).join(', ')}`,
};

export class RedTour implements AsyncDisposable {
  readonly tour: Tour;
  readonly acknowledged: Acknowledged[] = [];
  readonly timeline: { readonly atMs: number; readonly text: string }[] = [];
  readonly #startMs = performance.now();
  readonly #password = randomBytes(12).toString('hex');
  readonly #children = new Set<Child>();
  readonly #agents = new Map<string, Child>();
  readonly #places = new Map<string, ServerPlace>();
  readonly #coordinators = new Map<string, string>();
  #client: TrialClient | null = null;
  #isOver = false;
  #writing: Promise<void> = Promise.resolve();

  private constructor(tour: Tour) {
    this.tour = tour;
  }

  /** Nothing runs yet. @throws InvalidInputError if PostgreSQL cannot be used. */
  static async prepare(timeoutMs: number): Promise<RedTour> {
    const { checkPostgres } = await loadTrial();
    await checkPostgres();
    return new RedTour(await Tour.prepare(timeoutMs));
  }

  place(id: string): ServerPlace {
    return this.#places.get(id)!;
  }

  async space(): Promise<Space> {
    return (await this.tour.client('admin')).space(spaceName);
  }

  note(text: string): void {
    this.timeline.push({ atMs: performance.now() - this.#startMs, text });
  }

  async startCoordinators(): Promise<void> {
    const { admin } = await this.tour.client('admin');
    for (const id of memberIds) await (await prepareClient(this.tour.clusterFile, id)).register(admin);
    const { source } = await compilePolicy(policyFile);
    await admin.createSpace(spaceName, { insert: memberIds, policy: source });
    await Promise.all(
      memberIds.map(async (id) => {
        const words = ['--cluster', this.tour.clusterFile, 'red', 'coordinator', '--id', id];
        const address = await new Promise<string>((resolve, reject) => {
          const child = this.#spawn(
            [...words, '--listen', '127.0.0.1:0', '--lease', `${leaseMs}ms`],
            (event) => {
              if (event['event'] === 'listening') resolve(String(event['address']));
            },
          );
          void child.exited.then(() => reject(new Error(`the coordinator of ${id} ended`)));
        });
        this.#coordinators.set(id, address);
      }),
    );
  }

  async startServers(): Promise<void> {
    writeFileSync(this.#passwordFile, `${this.#password}\n`, { mode: 0o600 });
    const ports = await freePorts(memberIds.length);
    for (const [index, id] of memberIds.entries()) {
      this.#places.set(id, { directory: join(this.tour.directory, id), port: ports[index]! });
      this.startAgent(id);
    }
  }

  startAgent(id: string): void {
    const { directory, port } = this.place(id);
    const words = ['red', 'postgres', '--id', id, '--data', directory, '--listen', `127.0.0.1:${port}`];
    const rest = ['--coordinator', this.#coordinators.get(id)!, '--password-file', this.#passwordFile];
    const child = this.#spawn([...words, ...rest], (event) => {
      const text = agentTexts[String(event['event'])];
      if (text !== undefined) this.note(`${id} ${text(event)}`);
    });
    this.#agents.set(id, child);
  }

  /** SIGKILL of a server and its agent. */
  async kill(id: string): Promise<void> {
    const { killServer } = await loadTrial();
    const agent = this.#agents.get(id);
    agent?.process.kill('SIGKILL');
    await killServer(this.place(id));
    await agent?.exited;
    this.note(`${id} is killed, with its agent`);
  }

  async startWriting(): Promise<void> {
    const { askSuperuser, TrialClient, trialStatements } = await loadTrial();
    const options = { ...trial, password: this.#password };
    const writer = await readWriter(await this.space());
    check(writer !== null, 'there is a writer');
    for (const statement of trialStatements(options))
      await askSuperuser(this.place(writer.id), database, statement);
    const client = new TrialClient(options);
    this.#client = client;
    const space = await this.space();
    const address = async (): Promise<string | null> => (await readWriter(space))?.address ?? null;
    const write = async (): Promise<void> => {
      for (let n = 1; !this.#isOver; n++) {
        const token = await client.insert(address, n);
        if (token === null) await sleep(pollMs);
        else this.acknowledged.push({ n, token, atMs: performance.now() - this.#startMs });
      }
    };
    this.#writing = write();
  }

  async stopWriting(): Promise<void> {
    this.#isOver = true;
    await this.#writing;
    this.#client?.close();
  }

  /** Asks until there is an answer. */
  async until<T>(claim: string, timeoutMs: number, question: () => Promise<T | null>): Promise<T> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const answer = await question();
      if (answer !== null) return answer;
      check(performance.now() < deadlineMs, claim);
      await sleep(pollMs);
    }
  }

  /** Resolves once all are on record to hold every acknowledged commit. */
  async untilWhole(): Promise<void> {
    const space = await this.space();
    await this.until('all three hold every acknowledged commit', 60_000, async () => {
      const { sync } = await readOverview(space);
      return sync?.length === memberIds.length ? sync : null;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopWriting();
    for (const id of this.#places.keys()) await this.kill(id);
    for (const { process } of this.#children) process.kill('SIGKILL');
    for (const { exited } of this.#children) await exited;
    await this.tour[Symbol.asyncDispose]();
  }

  get #passwordFile(): string {
    return join(this.tour.directory, 'password');
  }

  #spawn(words: readonly string[], onEvent: (event: Json) => void): Child {
    const process = spawn(globalThis.process.execPath, [mainPath, '--json', ...words, '--supervised'], {
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    });
    createInterface({ input: process.stdout! }).on('line', (line) => onEvent(JSON.parse(line) as Json));
    const exited = new Promise<void>((resolve) => {
      process.once('error', () => resolve());
      process.once('close', () => resolve());
    });
    const child = { process, exited };
    this.#children.add(child);
    return child;
  }
}
