/**
 * What users hand in, checked before anything is sent: options, names, limits. An option that is not known is
 * refused rather than ignored, since a caller who gives one relies on it.
 */
import { inspect } from 'node:util';
import { clientName, InvalidInputError, utf8Length, type ClientName } from '../base/index.js';
import { sortedNames, type Access } from '../codec/index.js';
import { operationBytesMax } from './settings.js';

/** Of every operation. */
export interface CallOptions {
  /** ms after which the call ends, whatever is known; default: the client's. */
  readonly timeout?: number | undefined;
  /** Ends the call: with the signal's reason if nothing was sent yet, else with an unknown outcome. */
  readonly signal?: AbortSignal | undefined;
}

/** Who alone may read or take an entry, among those who may in the space; empty: nobody. */
export interface AccessOptions {
  readonly readers?: readonly string[] | undefined;
  readonly takers?: readonly string[] | undefined;
}

/** Of operations that wait at the replicas. */
export interface WaitOptions {
  /** ms of ordered time to wait for a match, at least 1; without it, until there is one. */
  readonly timeout?: number | undefined;
  /** Ends the wait: with the signal's reason, unless an entry has been found or taken already. */
  readonly signal?: AbortSignal | undefined;
  /** Called once f+1 replicas say that they hold the wait; not if there is a match at once. */
  readonly onWaiting?: (() => void) | undefined;
}

export interface SubscribeOptions {
  /** Sequence number of the first event wanted; without it, from now on. */
  readonly from?: number | bigint | undefined;
  /** Ends the subscription with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** @throws InvalidInputError INVALID_OPTION. */
export function checkCallback(callback: unknown, option: string): (() => void) | undefined {
  if (callback === undefined || typeof callback === 'function') return callback as (() => void) | undefined;
  return refuse('INVALID_OPTION', `${option} is a function`, { option });
}

export const callOptions = ['timeout', 'signal'] as const;
export const accessOptions = ['readers', 'takers'] as const;

function refuse(code: string, message: string, fields: Readonly<Record<string, unknown>> = {}): never {
  throw new InvalidInputError(code, message, fields);
}

/** @throws InvalidInputError UNKNOWN_OPTION, or INVALID_OPTION if it is no object. */
export function checkOptions(options: unknown, known: readonly string[], method: string): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) {
    refuse('INVALID_OPTION', `${method}: options are an object with ${known.join(', ')}`);
  }
  for (const option of Object.keys(options)) {
    if (known.includes(option)) continue;
    refuse('UNKNOWN_OPTION', `${method} has no option "${option}"; it takes ${known.join(', ')}`, { option });
  }
}

/** @throws InvalidInputError INVALID_OPTION. */
export function checkTimeout(timeout: unknown, option: string): number {
  if (typeof timeout === 'number' && timeout > 0 && timeout < Infinity) return timeout;
  return refuse('INVALID_OPTION', `${option} is a number of milliseconds above 0`, { option });
}

/** ms to wait; null: without end. @throws InvalidInputError WAIT_INVALID. */
export function checkWait(timeout: unknown): number | null {
  if (timeout === undefined) return null;
  if (Number.isSafeInteger(timeout) && (timeout as number) >= 1) return timeout as number;
  const shown = inspect(timeout, { depth: 0 });
  return refuse(
    'WAIT_INVALID',
    `the time to wait is a whole number of milliseconds from 1 to 2^53 − 1, not ${shown}`,
    { value: shown },
  );
}

/** The sequence number of an event; null: from now on. @throws InvalidInputError INVALID_OPTION. */
export function checkFrom(from: unknown): number | null {
  if (from === undefined) return null;
  const sequence = typeof from === 'bigint' ? Number(from) : from;
  if (Number.isSafeInteger(sequence) && (sequence as number) >= 1) return sequence as number;
  return refuse('INVALID_OPTION', 'from is the sequence number of an event, 1 or greater', {
    option: 'from',
  });
}

/** @throws InvalidInputError INVALID_OPTION. */
export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  return refuse('INVALID_OPTION', 'signal is an AbortSignal', { option: 'signal' });
}

/** ms. @throws InvalidInputError LEASE_INVALID. */
export function checkLease(lease: unknown): number {
  if (Number.isSafeInteger(lease) && (lease as number) >= 1) return lease as number;
  const shown = inspect(lease, { depth: 0 });
  return refuse(
    'LEASE_INVALID',
    `a lease is a whole number of milliseconds from 1 to 2^53 − 1, not ${shown}`,
    { value: shown },
  );
}

/** @throws InvalidInputError INVALID_OPTION. */
export function checkHold(hold: unknown, lease: number | null): boolean {
  if (hold === undefined || hold === false) return false;
  if (hold === true && lease !== null) return true;
  return refuse('INVALID_OPTION', 'hold is true or false, and needs a lease', { option: 'hold' });
}

/** An unsigned 32-bit integer. @throws InvalidInputError INVALID_OPTION. */
export function checkLimit(limit: unknown): number {
  if (limit === undefined) return 0;
  if (typeof limit === 'number' && limit >>> 0 === limit) return limit;
  return refuse('INVALID_OPTION', 'limit is a whole number from 0 (all) to 4294967295', { option: 'limit' });
}

/** An entry id or 0. @throws InvalidInputError INVALID_OPTION. */
export function checkAfter(after: unknown): bigint {
  if (after === undefined) return 0n;
  const isInteger = typeof after === 'bigint' || Number.isSafeInteger(after);
  const id = isInteger ? BigInt(after as bigint | number) : -1n;
  if (id >= 0n && id < 1n << 64n) return id;
  return refuse('INVALID_OPTION', 'after is the id of an entry (a bigint)', { option: 'after' });
}

/** What clients can be called; which of them there are, only the service knows. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Names of clients as lists have them; absent or null: no list. @throws InvalidInputError INVALID_NAMES. */
export function checkNames(names: unknown, option: string): readonly ClientName[] | null {
  if (names === undefined || names === null) return null;
  if (!Array.isArray(names))
    return refuse('INVALID_NAMES', `${option} is an array of names of clients`, { option });
  const wrong = (names as readonly unknown[]).find(
    (name) => typeof name !== 'string' || !namePattern.test(name),
  );
  if (wrong === undefined) return sortedNames((names as readonly string[]).map(clientName));
  const shown = inspect(wrong, { depth: 0 });
  return refuse(
    'INVALID_NAMES',
    `${option}: ${shown} is no name of a client: 1 to 64 letters, digits, ".", "_" or "-", the first a letter or digit`,
    { option, value: shown },
  );
}

/** As operations carry it. @throws InvalidInputError INVALID_NAMES. */
export function checkAccess(options: AccessOptions | undefined): Access {
  const readers = checkNames(options?.readers, 'readers');
  const takers = checkNames(options?.takers, 'takers');
  return { ...(readers === null ? {} : { readers }), ...(takers === null ? {} : { takers }) };
}

const spaceNameBytesMax = 256;

/** @throws InvalidInputError INVALID_SPACE_NAME. */
export function checkSpaceName(name: unknown): string {
  if (typeof name === 'string') {
    const sizeBytes = utf8Length(name);
    if (sizeBytes >= 1 && sizeBytes <= spaceNameBytesMax) return name;
  }
  return refuse(
    'INVALID_SPACE_NAME',
    `a space's name is a string of 1 to ${spaceNameBytesMax} bytes of UTF-8`,
  );
}

/** @throws InvalidInputError INVALID_TUPLE or INVALID_TEMPLATE. */
export function checkFields(fields: unknown, what: 'tuple' | 'template'): readonly unknown[] {
  if (Array.isArray(fields)) return fields as readonly unknown[];
  return refuse(what === 'tuple' ? 'INVALID_TUPLE' : 'INVALID_TEMPLATE', `a ${what} is an array of fields`);
}

/** Template and tuple may each be within their limit and still be too much for one envelope. */
export function checkOperationSize(sizeBytes: number): void {
  if (sizeBytes <= operationBytesMax) return;
  const message = `template and tuple together take ${sizeBytes} bytes, at most ${operationBytesMax} are allowed`;
  refuse('TUPLE_TOO_LARGE', message, { sizeBytes, sizeBytesMax: operationBytesMax });
}
