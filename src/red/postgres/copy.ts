/** Data that come from another server: a base backup of it, or what of it differs since the paths parted. */
import { rm } from 'node:fs/promises';
import { replicationConnection } from './configuration.js';
import type { Installation } from './installation.js';
import type { Layout } from './layout.js';
import { continuesIn, lastTimeline, lineageQuery, parseLineage, type OwnHistory } from './lineage.js';
import { mustRun, runProgram } from './programs.js';
import { connectionString, addressText, checkAddress, type Address } from './quoting.js';
import { prepareSource } from './source.js';

/** @throws TheodoraError POSTGRES_COMMAND_FAILED; the signal's reason. What data there were are then still there. */
export async function clone(
  installation: Installation,
  layout: Layout,
  source: Address,
  signal?: AbortSignal,
): Promise<void> {
  const connection = connectionString(replicationConnection(checkAddress(source), layout.passfile));
  const staging = await layout.stage();
  const args = ['-D', staging, '-d', connection, '--checkpoint=fast', '--wal-method=stream', '--no-password'];
  try {
    await mustRun(installation, 'pg_basebackup', args, { signal });
  } catch (error) {
    await layout.unstage();
    throw error;
  }
  await layout.adopt();
}

/**
 * Reads the table of writers in single-user mode. That replays the log of a server that was killed, as pg_rewind needs it; as
 * no standby, which single-user mode does not know.
 */
async function ownHistory(
  installation: Installation,
  layout: Layout,
  signal?: AbortSignal,
): Promise<OwnHistory> {
  await rm(layout.inData('standby.signal'), { force: true });
  const args = ['--single', '-D', layout.data, 'postgres'];
  const output = await mustRun(installation, 'postgres', args, { input: `${lineageQuery}\n`, signal });
  return {
    lineage: parseLineage(/lineage = "([^"]*)"/.exec(output)?.[1] ?? ''),
    lastTimeline: await lastTimeline(layout.inData('pg_wal')),
    pendingToken: await layout.pendingToken(),
  };
}

/**
 * True: the data continue those of `source`, which must be a writer; start with it. False: that cannot be done; a clone can.
 * After a false the old data are still whole, unless the rewind itself failed half-way: then `hasData` denies them.
 */
export async function rewind(
  installation: Installation,
  layout: Layout,
  source: Address,
  { password, signal }: { password: string; signal?: AbortSignal | undefined },
): Promise<boolean> {
  if (!(await layout.hasData())) return false;
  const connection = replicationConnection(checkAddress(source), layout.passfile);
  const writer = await prepareSource(source, password);
  if (!continuesIn(await ownHistory(installation, layout, signal), writer)) return false;
  const server = connectionString({ ...connection, dbname: 'postgres' });
  const args = ['--target-pgdata', layout.data, '--source-server', server];
  const trial = await runProgram(installation, 'pg_rewind', [...args, '--dry-run'], { signal });
  if (!trial.isSuccess) return false;
  await layout.beginRewind();
  const rewound = await runProgram(installation, 'pg_rewind', args, { signal });
  if (!rewound.isSuccess) return false;
  await layout.endRewind(addressText(source));
  return true;
}
