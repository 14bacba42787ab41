/** What comes right before and after the start of a server. */
import { rm } from 'node:fs/promises';
import { accessText } from './configuration.js';
import { lastLines, postgresError } from './errors.js';
import { readTail, writeAtomically } from './files.js';
import { includeConfiguration } from './initialise.js';
import type { Layout } from './layout.js';
import type { Postmaster } from './postmaster.js';
import { isInRecovery } from './replication.js';
import type { Sql } from './sql.js';
import { until } from './wait.js';

/** Data that come from another server have its settings, and those of a writer would start as one. */
export async function becomeStandby(layout: Layout): Promise<void> {
  await writeAtomically(layout.inData('pg_hba.conf'), accessText());
  await includeConfiguration(layout.data);
  await rm(layout.inData('recovery.signal'), { force: true });
  await writeAtomically(layout.inData('standby.signal'), '');
}

/** Resolves once it answers, which takes as long as it replays its log. @throws what it answered last, or that it ended. */
export async function untilAnswering(postmaster: Postmaster, sql: Sql, timeoutMs: number): Promise<void> {
  let last: unknown = null;
  const isAnswering = async (): Promise<boolean> => {
    if (!postmaster.isRunning) throw new Error('it ended');
    try {
      await isInRecovery(sql);
      return true;
    } catch (error) {
      // Not yet, or never: the deadline tells.
      last = error;
      return false;
    }
  };
  await until('it accepts connections', timeoutMs, isAnswering).catch((error: unknown) => {
    throw last ?? error;
  });
}

export async function startFailure(layout: Layout, cause: unknown): Promise<Error> {
  const log = lastLines(await readTail(layout.log));
  const text = `the database server of ${layout.data} did not start`;
  const fields = { directory: layout.directory };
  return postgresError('POSTGRES_START_FAILED', text, 'See the field log', { fields, log, cause });
}
