/**
 * From an error to what the user learns of it: an exit status, and text or a JSON line on stderr. The three
 * outcomes stay apart (pitfall 38): refused, nothing done, and nobody knows.
 */
import { CommanderError } from 'commander';
import {
  InvalidInputError,
  RefusedError,
  TheodoraError,
  UnavailableError,
  UnknownOutcomeError,
} from '../base/index.js';
import { toJsonLine, toPrintable } from './output.js';
import type { Output } from './output.js';

/** The command line's contract; scripts rest on these numbers. */
export const exitStatus = {
  ok: 0,
  noMatch: 1,
  badInput: 2,
  refused: 3,
  unavailable: 4,
  internal: 70,
} as const;
export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

/** What simulations and benchmarks add: a status of their own for each way to fail. */
export type AnyExitStatus = number;

export interface ErrorReport {
  readonly status: ExitStatus;
  readonly code: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Further lines for people. */
  readonly hint?: string;
}

// What the operating system says about a file or an address that the user named.
const environmentMessages: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file or directory'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'not permitted'],
  ['EISDIR', 'is a directory'],
  ['ENOTDIR', 'not a directory'],
  ['EEXIST', 'exists already'],
  ['ENOSPC', 'no space left on the device'],
  ['EROFS', 'read-only file system'],
  ['EADDRINUSE', 'the address is in use'],
  ['EADDRNOTAVAIL', 'this machine does not have that address'],
]);

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return (
    error instanceof Error && 'syscall' in error && typeof (error as NodeJS.ErrnoException).code === 'string'
  );
}

function describeUsage(error: CommanderError): ErrorReport {
  // A command that only has subcommands, called without one: commander has shown its help.
  const isHelp = error.code === 'commander.help';
  const message = isHelp ? 'a command is missing' : error.message.replace(/^error: /, '');
  return { status: exitStatus.badInput, code: 'USAGE', message, fields: {} };
}

function describeSystem(error: NodeJS.ErrnoException & { code: string }): ErrorReport | null {
  const text = environmentMessages.get(error.code);
  if (text === undefined) return null;
  const subject = error.path ?? error.syscall ?? '';
  return {
    status: exitStatus.badInput,
    code: error.code,
    message: `${subject}: ${text}`,
    fields: error.path === undefined ? {} : { path: error.path },
  };
}

function describeOperational(error: TheodoraError): ErrorReport {
  const { code, fields, message } = error;
  if (error instanceof RefusedError) return { status: exitStatus.refused, code, message, fields };
  if (error instanceof UnavailableError) {
    return {
      status: exitStatus.unavailable,
      code,
      message: `unavailable: nothing was done; ${message}`,
      fields,
    };
  }
  if (error instanceof UnknownOutcomeError) {
    return {
      status: exitStatus.unavailable,
      code,
      message: `outcome unknown: it may have been executed; ${message}`,
      fields,
    };
  }
  if (error instanceof InvalidInputError) return { status: exitStatus.badInput, code, message, fields };
  return { status: exitStatus.internal, code, message, fields };
}

function describeInternal(error: unknown): ErrorReport {
  const message = error instanceof Error ? error.message : String(error);
  const trace = error instanceof Error && error.stack !== undefined ? error.stack : message;
  return {
    status: exitStatus.internal,
    code: 'INTERNAL',
    message: `internal error: ${message}`,
    fields: { trace },
    hint: `This is a defect of theodora, not of your input. Please report it with the command and this trace:\n${trace}`,
  };
}

export function describeError(error: unknown): ErrorReport {
  if (error instanceof CommanderError) return describeUsage(error);
  if (error instanceof TheodoraError) return describeOperational(error);
  if (isSystemError(error)) return describeSystem(error) ?? describeInternal(error);
  return describeInternal(error);
}

/** Fields as JSON can hold them, beside code and message. */
function plainFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { code: _code, message: _message, ...others } = fields;
  return Object.fromEntries(
    Object.entries(others).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? { int: value.toString() } : value,
    ]),
  );
}

/** Writes the report to stderr. */
export function printError(output: Output, report: ErrorReport): void {
  const { code, message, fields, hint } = report;
  if (output.isJson) {
    output.note(toJsonLine({ error: { code, message, ...plainFields(fields) } }));
    return;
  }
  output.note(
    `${output.styleError('red', 'theodora:')} ${toPrintable(message)}${code === 'USAGE' ? '' : ` [${code}]`}`,
  );
  if (hint !== undefined) output.note(toPrintable(hint));
}

/** An error of the command line itself, such as arguments that do not go together. */
export function usageError(
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): InvalidInputError {
  return new InvalidInputError('USAGE', message, fields);
}
