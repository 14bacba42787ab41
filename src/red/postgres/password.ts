/**
 * The password of the replicating role: one for all agents of a database, in a file that only its owner can read. It is
 * on no command line and in no log: programs get it by a passfile, and the server only its SCRAM verifier.
 */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { replicationRole } from './configuration.js';
import { postgresInputError } from './errors.js';
import { quotePassfileField } from './quoting.js';

const remedy =
  'Give a file that only its owner can read (chmod 600), with one line of 8 to 200 printable ASCII characters, the same for all agents of the database';

/** @throws InvalidInputError POSTGRES_PASSWORD_INVALID. */
export async function readPassword(path: string): Promise<string> {
  const refuse = (problem: string, cause?: unknown): never => {
    const details = { fields: { path }, cause };
    throw postgresInputError('POSTGRES_PASSWORD_INVALID', `${path}: ${problem}`, remedy, details);
  };
  const text = await readFile(path, 'utf8').catch((error: unknown) => refuse('cannot be read', error));
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) refuse('others than its owner can read the password');
  const password = text.replace(/\r?\n$/, '');
  // Beyond ASCII, clients disagree on how a password is normalised.
  return /^[\x20-\x7e]{8,200}$/.test(password) ? password : refuse('holds no such password');
}

/** A passfile that knows the password for every server. */
export const passfileText = (password: string): string =>
  `*:*:*:${replicationRole}:${quotePassfileField(password)}\n`;

/** What a server stores of a password (RFC 5802, as PostgreSQL writes it): enough to check it, not to learn it. */
export function scramVerifier(password: string, salt: Uint8Array, iterations = 4_096): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const key = (label: string): Buffer => createHmac('sha256', salted).update(label).digest();
  const storedKey = createHash('sha256').update(key('Client Key')).digest('base64');
  const serverKey = key('Server Key').toString('base64');
  const saltText = Buffer.from(salt).toString('base64');
  return `SCRAM-SHA-256$${iterations}:${saltText}$${storedKey}:${serverKey}`;
}
