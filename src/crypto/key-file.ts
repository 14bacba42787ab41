/** Files that hold a private key: only their owner may read them, and no error message may hold any part of one. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { InvalidInputError } from '../base/index.js';

export function malformedKey(file: string, what: string, expected: string): InvalidInputError {
  return new InvalidInputError(
    'KEY_FILE_MALFORMED',
    `${file}: ${what}; expected ${expected}. Restore it from a backup.`,
    { path: file },
  );
}

function fileError(path: string, cause: unknown): InvalidInputError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new InvalidInputError(
      'KEY_FILE_MISSING',
      `${path}: no such key file. Check the directory, or make the key with \`theodora init\` or \`theodora client add\`.`,
      { path },
      cause,
    );
  }
  return new InvalidInputError(
    'KEY_FILE_PERMISSIONS',
    `${path}: cannot be read (${String(code)}). Run as the user who owns it.`,
    { path },
    cause,
  );
}

const fileBytesMax = 64 << 10;

/**
 * Reads through one descriptor, so that what was checked is what is read. `expected`: what the file should hold.
 * @throws InvalidInputError KEY_FILE_MISSING, KEY_FILE_PERMISSIONS or KEY_FILE_MALFORMED.
 */
export function readKeyBytes(path: string, expected: string): Uint8Array {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    throw fileError(path, cause);
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile() || status.size > fileBytesMax) throw malformedKey(path, 'not a key file', expected);
    // Windows has no such bits: its ACLs are the operator's.
    if (process.platform !== 'win32' && (status.mode & 0o077) !== 0) {
      const mode = (status.mode & 0o777).toString(8).padStart(4, '0');
      throw new InvalidInputError(
        'KEY_FILE_PERMISSIONS',
        `${path}: mode ${mode} lets others at a private key. Run: chmod 600 ${path}`,
        { path },
      );
    }
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** As `readKeyBytes`, of a text. */
export function readKeyFile(path: string, expected: string): string {
  return new TextDecoder().decode(readKeyBytes(path, expected));
}
