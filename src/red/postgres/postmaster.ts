/** The server as our child, from its start to the end of its last process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from './files.js';
import type { Installation } from './installation.js';
import type { Layout } from './layout.js';
import { endProcesses, signalProcess } from './processes.js';
import { cleanEnvironment } from './programs.js';

const logBytesMax = 16 * 1024 * 1024;

export interface ServerExit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether we wanted it to end. */
  readonly isAsked: boolean;
  /** Whether it was killed since it answered no more. */
  readonly isSilent: boolean;
}

/** One earlier log is kept. */
async function rotate(log: string): Promise<void> {
  if ((await exists(log)) && (await stat(log)).size > logBytesMax) await rename(log, `${log}.1`);
}

export class Postmaster {
  readonly exited: Promise<ServerExit>;
  readonly #child: ChildProcess;
  readonly #dataDir: string;
  #isAsked = false;
  #isSilent = false;
  #isRunning = true;

  private constructor(child: ChildProcess, dataDir: string) {
    this.#child = child;
    this.#dataDir = dataDir;
    this.exited = new Promise((resolve) => {
      const end = (status: number | null, signal: NodeJS.Signals | null): void => {
        this.#isRunning = false;
        resolve({ status, signal, isAsked: this.#isAsked, isSilent: this.#isSilent });
      };
      child.once('exit', end);
      child.once('error', () => end(null, null));
    });
  }

  /** It writes its log to a file, so that it never depends on a pipe to us. */
  static async spawn({ binDir }: Installation, layout: Layout): Promise<Postmaster> {
    await rotate(layout.log);
    const log = await open(layout.log, 'a', 0o600);
    try {
      const child = spawn(join(binDir, 'postgres'), ['-D', layout.data], {
        stdio: ['ignore', log.fd, log.fd],
        env: cleanEnvironment(),
        cwd: layout.directory,
        detached: true,
      });
      return new Postmaster(child, layout.data);
    } finally {
      await log.close();
    }
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** A fast shutdown: sessions end, everything is written, copiers get the rest. False: not within the time. */
  async stopInOrder(timeoutMs: number): Promise<boolean> {
    this.#isAsked = true;
    if (this.#isRunning) signalProcess(this.#child.pid!, 'SIGINT');
    let timer: NodeJS.Timeout | undefined;
    const isLate = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), timeoutMs);
    });
    const hasEnded = await Promise.race([this.exited.then(() => true), isLate]);
    clearTimeout(timer);
    return hasEnded;
  }

  /** It answers no more: whoever watches its exit hears of an end that nobody asked for. */
  async killSilent(): Promise<void> {
    if (this.#isAsked || !this.#isRunning) return;
    this.#isSilent = true;
    await endProcesses(this.#dataDir, this.#child.pid, 0);
  }

  /** As endProcesses; children that outlived their postmaster included. */
  async stopNow(): Promise<void> {
    this.#isAsked = true;
    await endProcesses(this.#dataDir, this.#isRunning ? this.#child.pid : undefined);
    await this.exited;
  }
}
