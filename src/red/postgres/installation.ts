/** Finds PostgreSQL's programs on this machine, and says what is missing. */
import { execFile } from 'node:child_process';
import { access, constants, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { postgresInputError } from './errors.js';

const debianRoot = '/usr/lib/postgresql';
const programs = ['postgres', 'initdb', 'pg_basebackup', 'pg_rewind', 'pg_controldata'] as const;
/** pg_rewind gets on without a superuser only since a role may be allowed to checkpoint. */
const majorMin = 15;

export type Program = (typeof programs)[number];

export interface Installation {
  readonly binDir: string;
  readonly major: number;
}

async function firstMissing(binDir: string): Promise<string | null> {
  for (const program of programs) {
    try {
      await access(join(binDir, program), constants.X_OK);
    } catch {
      // Not there, or not ours to run: one is as good as the other.
      return program;
    }
  }
  return null;
}

/** Newest first. */
async function debianDirectories(): Promise<string[]> {
  const names = await readdir(debianRoot).catch(() => []);
  return names
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(b) - Number(a))
    .map((name) => join(debianRoot, name, 'bin'));
}

async function majorOf(binDir: string): Promise<number> {
  const { stdout } = await promisify(execFile)(join(binDir, 'postgres'), ['--version']);
  return Number(/ (\d+)/.exec(stdout)?.[1] ?? 0);
}

const remedy =
  'Install the package postgresql (the server, not only the client), or name the directory of its programs with --bin-dir';

/** @throws InvalidInputError POSTGRES_NOT_FOUND or POSTGRES_TOO_OLD. */
export async function findInstallation(binDir?: string): Promise<Installation> {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((path) => path !== '');
  const places = binDir === undefined ? [...(await debianDirectories()), ...onPath] : [binDir];
  for (const place of places) {
    const missing = await firstMissing(place);
    if (missing !== null) {
      if (binDir === undefined) continue;
      const fields = { binDir, program: missing };
      throw postgresInputError('POSTGRES_NOT_FOUND', `${binDir}: there is no ${missing}`, remedy, { fields });
    }
    const major = await majorOf(place);
    if (major >= majorMin) return { binDir: place, major };
    const text = `${place}: PostgreSQL ${major} is too old`;
    throw postgresInputError('POSTGRES_TOO_OLD', text, `Use PostgreSQL ${majorMin} or later`, {
      fields: { binDir: place, major },
    });
  }
  const text = `PostgreSQL's programs are neither in ${debianRoot} nor on the PATH`;
  throw postgresInputError('POSTGRES_NOT_FOUND', text, remedy, { fields: { places } });
}

/** @throws InvalidInputError POSTGRES_IS_ROOT: the server refuses to run as root. */
export function checkUser(uid = process.geteuid?.()): void {
  if (uid !== 0) return;
  throw postgresInputError(
    'POSTGRES_IS_ROOT',
    'PostgreSQL refuses to run as root',
    'Run the agent as another user who owns the data directory, for example with runuser -u postgres',
  );
}
