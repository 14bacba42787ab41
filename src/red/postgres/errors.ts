/**
 * What can go wrong with a PostgreSQL server, as errors that people can act upon: what is the matter, what to do about it
 * (in the message and in the field `remedy`), and the last lines that PostgreSQL itself wrote (`log`).
 */
import { InvalidInputError, TheodoraError } from '../../client/index.js';

export interface ErrorDetails {
  readonly fields?: Readonly<Record<string, unknown>>;
  /** The last lines of PostgreSQL's own log or of the program's output. */
  readonly log?: string;
  readonly cause?: unknown;
}

function fieldsOf(remedy: string, { fields, log = '' }: ErrorDetails): Record<string, unknown> {
  return { ...fields, remedy, ...(log === '' ? {} : { log }) };
}

const text = (problem: string, remedy: string): string => `${problem}. ${remedy}.`;

/** Something happened to the server, or to a program of PostgreSQL's. */
export function postgresError(
  code: string,
  problem: string,
  remedy: string,
  details: ErrorDetails = {},
): TheodoraError {
  return new TheodoraError(code, text(problem, remedy), fieldsOf(remedy, details), details.cause);
}

/** What we were given cannot be used; nothing was done. */
export function postgresInputError(
  code: string,
  problem: string,
  remedy: string,
  details: ErrorDetails = {},
): InvalidInputError {
  return new InvalidInputError(code, text(problem, remedy), fieldsOf(remedy, details), details.cause);
}

/** The last lines of a text, no more than a person reads. */
export function lastLines(output: string, count = 20): string {
  return output.trimEnd().split('\n').slice(-count).join('\n').slice(-4_000);
}

/** The same error, with what PostgreSQL said. */
export function withLog(error: unknown, log: string): unknown {
  if (!(error instanceof TheodoraError) || log === '' || 'log' in error.fields) return error;
  return new TheodoraError(error.code, error.message, { ...error.fields, log }, error.cause);
}
