/**
 * Keeps a second agent out of a directory, whose server it would take for one left behind. Node has no file locks; flock(1), which
 * every Linux has, holds one for as long as we hold the pipe to it, however we end.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { ask } from './wait.js';
import { postgresError, postgresInputError } from './errors.js';

const heldStatus = 75;
/** The lock of an agent that was killed ends a moment after it. */
const patienceMs = 2_000;

export class DirectoryLock {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @throws InvalidInputError POSTGRES_DIRECTORY_IN_USE; TheodoraError POSTGRES_PLATFORM_UNSUPPORTED. */
  static async take(path: string): Promise<DirectoryLock> {
    const lock = await ask(patienceMs, () => attempt(path));
    if (lock !== null) return new DirectoryLock(lock);
    const text = `another agent holds ${path}`;
    const remedy = 'Stop it, or choose another directory; is this agent running already?';
    throw postgresInputError('POSTGRES_DIRECTORY_IN_USE', text, remedy, { fields: { path } });
  }

  release(): void {
    this.#child.stdin?.end();
  }
}

/** Null: somebody else holds it. */
function attempt(path: string): Promise<ChildProcess | null> {
  // A session of its own: a Ctrl-C is not for it.
  const child = spawn('flock', ['-n', '-E', String(heldStatus), path, 'sh', '-c', 'echo; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      const text = `${path} cannot be locked with flock(1)`;
      const remedy = 'Run the agent on Linux, with util-linux, where it may write to its directory';
      reject(postgresError('POSTGRES_PLATFORM_UNSUPPORTED', text, remedy, { fields: { path }, cause }));
    };
    child.once('error', fail);
    child.once('exit', (status) => {
      if (status === heldStatus) resolve(null);
      else fail(new Error(`it ended with status ${status}`));
    });
    child.stdout?.once('data', () => {
      // It must not keep us from ending.
      child.unref();
      resolve(child);
    });
  });
}
