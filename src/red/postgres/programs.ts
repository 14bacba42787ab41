/** Runs PostgreSQL's programs to their end. Each has a process group of its own, since some have children. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { lastLines, postgresError } from './errors.js';
import type { Installation, Program } from './installation.js';

const outputCharactersMax = 65_536;

/** Without what libpq or the server would take from the environment, and with messages in English. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PG'));
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}

export interface ProgramOptions {
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Finished {
  readonly isSuccess: boolean;
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote. */
  readonly output: string;
}

/** Resolves however it ends. @throws the signal's reason, once the program and its children have been killed. */
export async function runProgram(
  { binDir }: Installation,
  program: Program,
  args: readonly string[],
  { input = '', signal }: ProgramOptions = {},
): Promise<Finished> {
  signal?.throwIfAborted();
  const child = spawn(join(binDir, program), args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: cleanEnvironment(),
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => (output = (output + text).slice(-outputCharactersMax)));
  }
  // A program that ends early does not read its input; its status says why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const kill = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  signal?.addEventListener('abort', kill, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, killedBy) => {
        if (signal?.aborted) reject(signal.reason as Error);
        resolve({ isSuccess: status === 0, status, signal: killedBy, output: lastLines(output) });
      });
    });
  } finally {
    signal?.removeEventListener('abort', kill);
  }
}

/** @throws TheodoraError POSTGRES_COMMAND_FAILED; the signal's reason. */
export async function mustRun(
  installation: Installation,
  program: Program,
  args: readonly string[],
  options?: ProgramOptions,
): Promise<string> {
  const { isSuccess, status, signal, output } = await runProgram(installation, program, args, options);
  if (isSuccess) return output;
  const how = signal === null ? `with exit status ${status}` : `killed by ${signal}`;
  const said = output === '' ? 'it said nothing' : output.split('\n').at(-1)!;
  throw postgresError('POSTGRES_COMMAND_FAILED', `${program} ended ${how}: ${said}`, 'See the field log', {
    fields: { program, status, signal },
    log: output,
  });
}
