/** Servers of a peer as our children: started together, killed together. */
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { TheodoraError } from '../../../base/index.js';
import type { RunningPeer } from './peer.js';

export interface ServerCommand {
  readonly program: string;
  readonly words: readonly string[];
  readonly directory: string;
}

const startedWithinMs = 60_000;
const pollMs = 250;
/** Of what a server wrote last, for the error that says why it ended. */
const lastWordsLength = 400;

export class Servers {
  readonly #name: string;
  readonly #children: readonly ChildProcess[];
  #ended: string | null = null;
  #isStopping = false;

  constructor(name: string, commands: readonly ServerCommand[]) {
    this.#name = name;
    this.#children = commands.map(({ program, words, directory }) => {
      // In a group of its own: at Ctrl-C we stop it.
      const child = spawn(program, words, {
        cwd: directory,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      this.#follow(child);
      return child;
    });
    process.once('exit', this.#killAll);
  }

  /** Tries until `isReady` holds; throws if a server ends before, or if it takes too long. */
  async untilReady(isReady: () => Promise<boolean>): Promise<void> {
    const endMs = performance.now() + startedWithinMs;
    for (;;) {
      this.check();
      if (await isReady().catch(() => false)) return;
      if (performance.now() > endMs)
        throw new TheodoraError('PEER_UNAVAILABLE', `${this.#name} was not ready in ${startedWithinMs} ms`);
      await sleep(pollMs);
    }
  }

  /** Throws if a server has ended. */
  check(): void {
    if (this.#ended !== null)
      throw new TheodoraError('PEER_UNAVAILABLE', `a server of ${this.#name} ended: ${this.#ended}`);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const ends = this.#children.map((child) =>
      child.exitCode !== null || child.signalCode !== null || child.pid === undefined
        ? Promise.resolve()
        : new Promise<void>((resolve) => child.once('exit', () => resolve())),
    );
    this.#killAll();
    await Promise.all(ends);
    process.off('exit', this.#killAll);
  }

  readonly #killAll = (): void => {
    for (const child of this.#children) child.kill('SIGKILL');
  };

  #follow(child: ChildProcess): void {
    let lastWords = '';
    const keep = (chunk: Buffer): void => {
      lastWords = (lastWords + chunk.toString('utf8')).slice(-lastWordsLength);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', (error) => (this.#ended ??= error.message));
    child.on('exit', (code, signal) => {
      if (!this.#isStopping) this.#ended ??= `${signal ?? code}; ${lastWords.trim()}`;
    });
  }
}

/** Resolves once they are ready; stopped if they do not get there. */
export async function runPeer(
  servers: Servers,
  isReady: () => Promise<boolean>,
  about: Pick<RunningPeer, 'target' | 'version'>,
): Promise<RunningPeer> {
  try {
    await servers.untilReady(isReady);
  } catch (error) {
    await servers.stop();
    throw error;
  }
  return { ...about, check: () => servers.check(), stop: () => servers.stop() };
}
