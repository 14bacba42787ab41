/**
 * Keeps a second process out of a data directory. Node has no file locks, LevelDB has: so an empty database is kept open
 * that nothing is ever written to. The system releases its lock when the process ends, however that ends.
 */
import { access, constants, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { InvalidInputError, TheodoraError } from '../../base/index.js';

export interface DirectoryLock {
  release(): Promise<void>;
}

interface Caused {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: Caused;
}

/** Code and text of what LevelDB failed with, which may be wrapped. */
export function levelFailure(error: unknown): { readonly code: string; readonly text: string } {
  const { code, message } = (error as Caused).cause ?? (error as Caused);
  return { code: String(code), text: String(message) };
}

export const inUse = (path: string, cause: unknown): InvalidInputError =>
  new InvalidInputError(
    'DATA_DIRECTORY_IN_USE',
    `${path}: another process runs a replica with this data directory. Stop it; is this replica running already?`,
    { path },
    cause,
  );

export const unusable = (path: string, why: string, cause: unknown): TheodoraError =>
  new TheodoraError(
    'STORAGE_UNUSABLE',
    `${path}: cannot be used (${why}). It takes the right to write there, free space, and a sound disk.`,
    { path },
    cause,
  );

/** All but the lock itself, which another process may hold. */
async function removeContents(path: string): Promise<void> {
  for (const name of await readdir(path)) if (name !== 'LOCK') await rm(join(path, name), { force: true });
}

/** @throws InvalidInputError DATA_DIRECTORY_IN_USE; TheodoraError STORAGE_UNUSABLE. */
export async function lockDirectory(dataDir: string): Promise<DirectoryLock> {
  const path = join(dataDir, 'lock');
  for (let attempt = 1; ; attempt++) {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
      const database = new ClassicLevel(path, { writeBufferSize: 1 << 16 });
      await database.open();
      return { release: () => database.close() };
    } catch (error) {
      const { code, text } = levelFailure(error);
      if (code === 'LEVEL_LOCKED') throw inUse(dataDir, error);
      // Nothing is in it, so damage to it is no loss.
      if (attempt > 1 || !code.startsWith('LEVEL_')) throw unusable(path, text, error);
      await removeContents(path);
    }
  }
}
