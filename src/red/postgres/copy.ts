/** Data that come from another server: a base backup of it, or what of it differs since the paths parted. */
import { rm } from 'node:fs/promises';
import { replicationConnection } from './configuration.js';
import { postgresError } from './errors.js';
import type { Installation } from './installation.js';
import type { Layout } from './layout.js';
import { mustRun, runProgram } from './programs.js';
import { connectionString, checkAddress, type Address } from './quoting.js';
import { checkpointAtWriter } from './source.js';

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

/** A server that was killed must replay its log first; as no standby, which single-user mode does not know. */
async function recover(installation: Installation, layout: Layout, signal?: AbortSignal): Promise<void> {
  await rm(layout.inData('standby.signal'), { force: true });
  const report = await mustRun(installation, 'pg_controldata', ['-D', layout.data]);
  if (/^Database cluster state: +shut down/m.test(report)) return;
  await mustRun(installation, 'postgres', ['--single', '-D', layout.data, 'template1'], { signal });
}

/**
 * True: the data continue those of `source`, which must be a writer. False: that cannot be done; a clone can. After a
 * false the old data are still whole, unless the rewind itself failed half-way: then `hasData` denies them.
 */
export async function rewind(
  installation: Installation,
  layout: Layout,
  source: Address,
  { password, signal }: { password: string; signal?: AbortSignal | undefined },
): Promise<boolean> {
  if (!(await layout.hasData())) return false;
  const connection = replicationConnection(checkAddress(source), layout.passfile);
  if (!(await checkpointAtWriter(source, password))) {
    const text = `the database server at ${source.host}, port ${source.port}, is no writer`;
    throw postgresError(
      'POSTGRES_SOURCE_NOT_WRITER',
      text,
      'Rewind from the writer, once it has been promoted',
      {
        fields: { ...source },
      },
    );
  }
  await recover(installation, layout, signal);
  const server = connectionString({ ...connection, dbname: 'postgres' });
  const args = ['--target-pgdata', layout.data, '--source-server', server];
  const trial = await runProgram(installation, 'pg_rewind', [...args, '--dry-run'], { signal });
  if (!trial.isSuccess) return false;
  await layout.beginRewind();
  const rewound = await runProgram(installation, 'pg_rewind', args, { signal });
  if (!rewound.isSuccess) return false;
  await layout.endRewind();
  return true;
}
