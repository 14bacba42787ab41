/**
 * The options that every command understands, and what a command works with: where the cluster file is, who
 * asks, in which space, how long to wait. Options win over the environment, the environment over defaults.
 */
import { InvalidInputError } from '../base/index.js';
import { Output } from './output.js';
import type { Terminal } from './output.js';

export const defaultDirectory = '.theodora';
export const clusterFileName = 'cluster.yaml';
const defaultSpace = 'default';
export const defaultTimeoutMs = 10_000;

/** As commander delivers them. */
export interface GlobalOptions {
  readonly cluster?: string;
  readonly as?: string;
  readonly space?: string;
  readonly json?: boolean;
  readonly timeout: number;
}

export interface Context {
  readonly terminal: Terminal;
  readonly output: Output;
  /** Path of the cluster file, as the user wrote it. */
  readonly clusterFile: string;
  /** Name of a client identity. */
  readonly identity: string;
  readonly space: string;
  /** What --space says; null: nothing. */
  readonly namedSpace: string | null;
  readonly timeoutMs: number;
}

/** An environment variable; an empty one counts as unset. */
function fromEnvironment(terminal: Terminal, name: string): string | undefined {
  const value = terminal.env[name];
  return value === '' ? undefined : value;
}

function nonEmpty(option: string, value: string): string {
  if (value === '') throw new InvalidInputError('USAGE', `${option} must not be empty`, { option });
  return value;
}

export function createContext(terminal: Terminal, options: GlobalOptions): Context {
  const namedSpace = options.space === undefined ? null : nonEmpty('--space', options.space);
  return {
    terminal,
    output: new Output(terminal, options.json === true),
    clusterFile: nonEmpty(
      '--cluster',
      options.cluster ??
        fromEnvironment(terminal, 'THEODORA_CLUSTER') ??
        `${defaultDirectory}/${clusterFileName}`,
    ),
    identity: nonEmpty('--as', options.as ?? fromEnvironment(terminal, 'THEODORA_IDENTITY') ?? 'admin'),
    space: namedSpace ?? defaultSpace,
    namedSpace,
    timeoutMs: options.timeout,
  };
}
