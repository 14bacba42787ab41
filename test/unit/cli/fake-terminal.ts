/** A terminal that remembers what was written to it. */
import { run } from '../../../src/cli/program.js';
import type { Terminal } from '../../../src/cli/output.js';

export interface FakeTerminal extends Terminal {
  readonly out: string[];
  readonly err: string[];
}

export function fakeTerminal(options: Partial<Terminal> = {}): FakeTerminal {
  const out: string[] = [];
  const err: string[] = [];
  return {
    env: {},
    isStdoutTty: false,
    isStderrTty: false,
    stdout: (text) => void out.push(text),
    stderr: (text) => void err.push(text),
    ...options,
    out,
    err,
  };
}

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process. */
export async function runHere(argv: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const terminal = fakeTerminal({ env });
  const status = await run(argv, terminal);
  return { status, out: terminal.out.join(''), err: terminal.err.join('') };
}

/** The error that a command line with --json reported. */
export function reportedError(ran: Ran): Record<string, unknown> {
  const line = ran.err.trim().split('\n').at(-1) ?? '';
  return (JSON.parse(line) as { error: Record<string, unknown> }).error;
}
