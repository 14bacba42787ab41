/** The first data of a database: a server's files, its roles and one database, complete or not there at all. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accessText, replicationRole, superuser } from './configuration.js';
import { writeAtomically } from './files.js';
import type { Installation } from './installation.js';
import type { Layout } from './layout.js';
import { lineageStatements } from './lineage.js';
import { scramVerifier } from './password.js';
import { mustRun } from './programs.js';
import { quoteLiteral, quoteName } from './quoting.js';

export const configurationFile = 'theodora.conf';
const includeLine = `include '${configurationFile}'`;

/** What pg_rewind asks a server for, which is not everybody's to ask. */
const functionsOfRewind = [
  'pg_ls_dir(text, boolean, boolean)',
  'pg_stat_file(text, boolean)',
  'pg_read_binary_file(text)',
  'pg_read_binary_file(text, bigint, bigint, boolean)',
];

function statements(database: string, verifier: string): string[] {
  const role = quoteName(replicationRole);
  const made = database === 'postgres' ? [] : [`CREATE DATABASE ${quoteName(database)}`];
  return [
    `CREATE ROLE ${role} LOGIN REPLICATION PASSWORD ${quoteLiteral(verifier)}`,
    `GRANT pg_checkpoint TO ${role}`,
    ...functionsOfRewind.map((name) => `GRANT EXECUTE ON FUNCTION pg_catalog.${name} TO ${role}`),
    ...lineageStatements,
    ...made,
  ];
}

/** postgresql.conf keeps what people change in it; ours is read after it. */
export async function includeConfiguration(dataDir: string): Promise<void> {
  const path = join(dataDir, 'postgresql.conf');
  const text = await readFile(path, 'utf8');
  if (text.trimEnd().endsWith(`\n${includeLine}`)) return;
  const others = text.split('\n').filter((line) => line !== includeLine);
  await writeAtomically(path, `${others.join('\n').trimEnd()}\n\n${includeLine}\n`);
}

/** @throws TheodoraError POSTGRES_COMMAND_FAILED; the signal's reason. */
export async function initialise(
  installation: Installation,
  layout: Layout,
  { database, password, signal }: { database: string; password: string; signal?: AbortSignal | undefined },
): Promise<void> {
  const staging = await layout.stage();
  // Sorted by bytes: an index made by one machine's idea of a language is broken at another's.
  const form = ['--encoding=UTF8', '--locale=C', '--data-checksums'];
  try {
    await mustRun(
      installation,
      'initdb',
      ['-D', staging, '-U', superuser, '--auth=trust', '--no-instructions', ...form],
      { signal },
    );
    // Nobody else can connect to a server in single-user mode; a statement ends with its line.
    await mustRun(
      installation,
      'postgres',
      [
        ...['--single', '-D', staging, '-c', 'exit_on_error=on'],
        ...['-c', 'log_min_error_statement=panic', 'postgres'],
      ],
      { input: `${statements(database, scramVerifier(password, randomBytes(16))).join('\n')}\n`, signal },
    );
    await writeAtomically(join(staging, 'pg_hba.conf'), accessText());
    await includeConfiguration(staging);
  } catch (error) {
    await layout.unstage();
    throw error;
  }
  await layout.adopt();
}
