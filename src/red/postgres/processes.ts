/**
 * Finds and ends every process of one PostgreSQL server. A process group will not do: each child of the postmaster makes a
 * session of its own, and lives on if the postmaster is killed while the child is stopped. What they have in common is the
 * data directory as working directory, which Linux tells of each process of one's own user; it holds for
 * servers that an earlier agent has left behind, too.
 */
import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from './files.js';
import { postgresError } from './errors.js';
import { ask, until } from './wait.js';

export const stopGraceMs = 500;
const killTimeoutMs = 10_000;

/** Whether it runs the server's program in that directory, and has not ended. */
async function belongs(pid: number, directory: string): Promise<boolean> {
  try {
    if ((await readlink(`/proc/${pid}/cwd`)) !== directory) return false;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return /^\d+ \((postgres|postmaster)\) [^ZX]/.test(stat);
  } catch {
    // Gone meanwhile, or of another user, who cannot run a server in a directory of ours.
    return false;
  }
}

/** @throws TheodoraError POSTGRES_PLATFORM_UNSUPPORTED where processes cannot be told apart. */
export async function processesOf(dataDir: string): Promise<number[]> {
  if (!(await exists('/proc/self/stat'))) {
    const text = 'this system does not tell which processes belong to a database server';
    throw postgresError('POSTGRES_PLATFORM_UNSUPPORTED', text, 'Run the agent on Linux, with /proc mounted');
  }
  if (!(await exists(dataDir))) return [];
  const directory = await realpath(dataDir);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => belongs(pid, directory)));
  return pids.filter((_, index) => found[index]);
}

export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended of itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function postmasterOf(dataDir: string): Promise<number | null> {
  const path = join(dataDir, 'postmaster.pid');
  if (!(await exists(path))) return null;
  const pid = Number.parseInt(await readFile(path, 'utf8'), 10);
  return Number.isInteger(pid) && pid > 1 ? pid : null;
}

/**
 * An immediate shutdown; what is left of it after the grace is killed. Resolves once no process of the server lives.
 * `mainPid`: a postmaster of ours that may not have come as far as its data directory.
 * @throws TheodoraError POSTGRES_UNKILLABLE.
 */
export async function endProcesses(dataDir: string, mainPid?: number, graceMs = stopGraceMs): Promise<void> {
  const alive = await processesOf(dataDir);
  const postmaster = mainPid ?? (await postmasterOf(dataDir));
  // A number in a file may be another process's by now, unless it is one of those found.
  if (postmaster !== null && (mainPid !== undefined || alive.includes(postmaster))) {
    signalProcess(postmaster, 'SIGQUIT');
  }
  const isGone = async (): Promise<true | null> => ((await processesOf(dataDir)).length === 0 ? true : null);
  if (alive.length > 0 && (await ask(graceMs, isGone)) !== null) return;
  if (mainPid !== undefined) signalProcess(mainPid, 'SIGKILL');
  await until('all of its processes end after SIGKILL', killTimeoutMs, async () => {
    const left = await processesOf(dataDir);
    for (const pid of left) signalProcess(pid, 'SIGKILL');
    return left.length === 0;
  }).catch(async (cause: unknown) => {
    const pids = await processesOf(dataDir);
    const text = `processes ${pids.join(', ')} of the database server outlive SIGKILL`;
    const details = { fields: { pids }, cause };
    throw postgresError('POSTGRES_UNKILLABLE', text, 'Look at the disk that they wait for', details);
  });
}
