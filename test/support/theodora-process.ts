/** The command line as users run it: processes of dist/cli/main.js, their JSON events, and no orphans. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';

export const mainPath = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

type Json = Record<string, unknown>;

export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** What a finished command with --json said. */
export function resultOf({ out }: Finished): Json {
  return JSON.parse(out.trim().split('\n').at(-1)!) as Json;
}

export function errorOf({ err }: Finished): Json {
  return (JSON.parse(err.trim().split('\n').at(-1)!) as { error: Json }).error;
}

/** A process that goes on, with the JSON objects it prints line by line. */
export class Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  readonly #events: Json[] = [];
  #listeners: (() => void)[] = [];
  #out = '';
  #err = '';
  #isFinished = false;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stderr?.on('data', (chunk) => (this.#err += String(chunk)));
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.#out += `${line}\n`;
      if (line.startsWith('{')) this.#events.push(JSON.parse(line) as Json);
      this.#notify();
    });
    this.finished = new Promise((resolve) => {
      child.once('close', (status, signal) => {
        this.#isFinished = true;
        resolve({ status, signal, out: this.#out, err: this.#err });
        this.#notify();
      });
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  #notify(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  /** The first object, printed or to come, that holds these members. */
  async event(members: Json): Promise<Json> {
    for (;;) {
      const found = this.#events.find((event) =>
        Object.entries(members).every(([key, value]) => event[key] === value),
      );
      if (found !== undefined) return found;
      if (this.#isFinished)
        throw new Error(`it ended without ${JSON.stringify(members)}:\n${this.#out}${this.#err}`);
      await new Promise<void>((resolve) => this.#listeners.push(resolve));
    }
  }

  /** Resolves once a line like this has been printed. */
  async line(pattern: RegExp): Promise<void> {
    while (!this.#out.split('\n').some((line) => pattern.test(line))) {
      if (this.#isFinished) throw new Error(`it ended without ${String(pattern)}:\n${this.#out}${this.#err}`);
      await new Promise<void>((resolve) => this.#listeners.push(resolve));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

export interface ReplicaInfo {
  readonly id: number;
  readonly address: string;
  readonly pid: number;
}

export interface ReplicaLine extends Json {
  readonly id: number;
  readonly reachable: boolean;
  readonly view: number;
  readonly primary: number;
  readonly executed: number;
  readonly stateDigest: string;
  readonly isObserver: boolean;
}

/** A directory of its own and every process started in it, all of which end with it. */
export class Workplace {
  readonly directory = mkdtempSync(join(tmpdir(), 'theodora-e2e-'));
  readonly #running: Running[] = [];

  get clusterFile(): string {
    return join(this.directory, '.theodora', 'cluster.yaml');
  }

  spawn(command: string, args: readonly string[], env: Record<string, string> = {}): Running {
    const child = spawn(command, args, {
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, THEODORA_CLUSTER: '', THEODORA_IDENTITY: '', NO_COLOR: '', ...env },
    });
    const running = new Running(child);
    this.#running.push(running);
    return running;
  }

  /** Starts `theodora …` with --json and goes on. */
  start(...args: readonly string[]): Running {
    return this.spawn(process.execPath, [mainPath, '--json', ...args]);
  }

  /** Runs `theodora …` with --json to its end. */
  run(...args: readonly string[]): Promise<Finished> {
    return this.start(...args).finished;
  }

  /** Its result; it must end well and have nothing to complain of. */
  async succeed(...args: readonly string[]): Promise<Json> {
    const finished = await this.run(...args);
    expect(finished, args.join(' ')).toMatchObject({ status: 0, err: '' });
    return resultOf(finished);
  }

  /** Its error; it must end with this status and have no result. */
  async fail(status: number, ...args: readonly string[]): Promise<Json> {
    const finished = await this.run(...args);
    expect([finished.status, finished.out], args.join(' ')).toEqual([status, '']);
    return errorOf(finished);
  }

  /** Runs `theodora …` as people do. */
  runPlain(...args: readonly string[]): Promise<Finished> {
    return this.spawn(process.execPath, [mainPath, ...args]).finished;
  }

  async up(...args: readonly string[]): Promise<{ up: Running; replicas: readonly ReplicaInfo[] }> {
    const up = this.start('up', ...args);
    const { replicas } = await up.event({ event: 'ready' });
    return { up, replicas: replicas as ReplicaInfo[] };
  }

  /** What the replicas say, reachable or not; there must be one that is. */
  async status(...args: readonly string[]): Promise<readonly ReplicaLine[]> {
    const finished = await this.run('status', ...args);
    expect(finished).toMatchObject({ status: 0, err: '' });
    return resultOf(finished)['replicas'] as ReplicaLine[];
  }

  /** Asks again and again until the replicas satisfy `accept`; the test's own time-out bounds it. */
  async awaitStatus(accept: (replicas: readonly ReplicaLine[]) => boolean): Promise<readonly ReplicaLine[]> {
    for (;;) {
      const replicas = await this.status();
      if (accept(replicas)) return replicas;
    }
  }

  /** Ends what still runs and removes the files. */
  async close(): Promise<void> {
    for (const running of this.#running) {
      // Suspended processes of a test that failed half-way must not linger.
      running.kill('SIGCONT');
      running.kill('SIGKILL');
      await running.finished;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that has ended but that nobody has waited for still has its number.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // There is no such process, or no such file of it.
    return false;
  }
}

/** Resolves once a process that is not a child of this one, and so sends no event, is gone. */
export const untilGone = (pid: number): Promise<boolean> =>
  vi.waitUntil(() => !isAlive(pid), { timeout: 20_000 });

/** Whether all are votes of equal state: the same point, the same digest. */
export function areEqual(replicas: readonly ReplicaLine[]): boolean {
  return replicas.every(
    ({ reachable, executed, stateDigest }) =>
      reachable && executed === replicas[0]!.executed && stateDigest === replicas[0]!.stateDigest,
  );
}

/** The primary of the highest view that a replica reports. */
export function primaryOf(replicas: readonly ReplicaLine[]): number {
  const reachable = replicas.filter((replica) => replica.reachable);
  return reachable.reduce((a, b) => (b.view > a.view ? b : a)).primary;
}
