/**
 * Debian's packages of the peers, unpacked into a directory that goes with them: nothing is installed, so this needs no
 * rights, starts no service and leaves nothing behind.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Why a peer is not measured, as text; or where its packages are. */
export type Unpacked = { readonly root: string; readonly version: string } | { readonly missing: string };

const downloadTimeoutMs = 300_000;

function run(program: string, words: readonly string[], cwd: string): string | null {
  const { status, error, stderr } = spawnSync(program, words, {
    cwd,
    encoding: 'utf8',
    timeout: downloadTimeoutMs,
  });
  if (error !== undefined) return `${program} cannot be run (${(error as NodeJS.ErrnoException).code})`;
  const complaint = stderr.split('\n').find((line) => line.startsWith('E:')) ?? `exit status ${status}`;
  return status === 0 ? null : `${program} ${words.join(' ')}: ${complaint}`;
}

/** Whether a program is there; else what is missing. */
export function findProgram(program: string, remedy: string): string | null {
  const { error } = spawnSync(program, ['-version'], { stdio: 'ignore' });
  return error === undefined ? null : `there is no ${program} (${remedy})`;
}

/** Downloads from the package sources of this system. The version is that of the first package: its file is named after it. */
export function unpackPackages(names: readonly string[], directory: string): Unpacked {
  const [downloads, root] = [join(directory, 'packages'), join(directory, 'root')];
  mkdirSync(downloads, { recursive: true });
  const problem = run('apt-get', ['download', ...names], downloads);
  if (problem !== null) return { missing: problem };
  const files = readdirSync(downloads);
  for (const file of files) {
    const unpacked = run('dpkg-deb', ['--extract', join(downloads, file), root], directory);
    if (unpacked !== null) return { missing: unpacked };
  }
  const first = files.find((file) => file.startsWith(`${names[0]}_`)) ?? '';
  return { root, version: first.replace(/_[^_]*\.deb$/, '').replace('_', ' ') };
}
