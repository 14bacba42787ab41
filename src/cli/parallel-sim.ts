/**
 * Seeds in several processes at once, each with seeds of its own: a simulation computes on one core. The first that
 * fails ends all. What a process reports, it reports as JSON lines, which are handed on as they come.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TheodoraError } from '../base/index.js';

export interface Search {
  readonly workers: number;
  /** Seeds in all; Infinity: until somebody stops it. */
  readonly count: number;
  /** Words of the command for so many seeds from the `offset`-th on. */
  readonly wordsFor: (offset: number, count: number) => readonly string[];
  /** Aborted: no more, and nothing has failed. */
  readonly signal: AbortSignal;
  /** One record; false: that was a failure. */
  onRecord(record: unknown): boolean;
}

/** A process starts anew after so many, which costs it little. */
const seedsAtOnce = 16;
const mainPath = fileURLToPath(new URL('./main.js', import.meta.url));

export async function searchInParallel(search: Search): Promise<void> {
  const { workers, count, signal } = search;
  const children = new Set<ChildProcess>();
  let next = 0;
  let isOver = false;
  const end = (): void => {
    isOver = true;
    for (const child of children) child.kill('SIGKILL');
  };
  signal.addEventListener('abort', end, { once: true });
  const work = async (): Promise<void> => {
    while (!isOver && !signal.aborted && next < count) {
      const seeds = Math.min(seedsAtOnce, Math.ceil((count - next) / workers));
      const offset = next;
      next += seeds;
      const child = spawn(process.execPath, [mainPath, '--json', ...search.wordsFor(offset, seeds)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.add(child);
      const isFine = await follow(child, (record) => {
        // Others may have failed in the meantime: one failure is told.
        if (isOver) return true;
        if (search.onRecord(record)) return true;
        end();
        return false;
      });
      children.delete(child);
      if (!isFine && !isOver) {
        end();
        throw new TheodoraError('SIMULATION_ENDED', 'a process of the simulation ended without a report');
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: workers }, work));
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

/** Until the process has ended; false: not as one ends that has done all it was to do. */
async function follow(child: ChildProcess, onRecord: (record: unknown) => boolean): Promise<boolean> {
  const exited = new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false));
    // Ctrl-C reaches the whole group of processes, this one perhaps a moment later.
    child.once('close', (code, signal) => resolve(code === 0 || signal === 'SIGINT'));
  });
  let hasFailed = false;
  for await (const line of createInterface({ input: child.stdout! }))
    if (!onRecord(JSON.parse(line))) hasFailed = true;
  return (await exited) || hasFailed;
}
