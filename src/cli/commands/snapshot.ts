/**
 * `theodora snapshot`: backups. `save` takes one from a running cluster, `verify` checks a file on its own, `restore` puts
 * it into the data directory of a replica when all replicas have lost everything.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Bind } from '../command.js';
import { readClusterText } from '../cluster-directory.js';
import type { Context } from '../config.js';
import { exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import type { ClusterDescription } from '../../crypto/index.js';
import type { Snapshot } from '../../client/index.js';
import type { SnapshotContents } from '../snapshot-contents.js';

interface SaveOptions {
  readonly lastCheckpoint?: boolean;
}

const sizeText = (bytes: number): string =>
  bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(1)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;

async function save(context: Context, path: string, options: SaveOptions): Promise<ExitStatus> {
  const { output, clusterFile, identity, timeoutMs, terminal } = context;
  const { saveSnapshot } = await import('../../client/index.js');
  const onProgress = (pages: number, sizeBytes: number): void => {
    if (terminal.isStderrTty) terminal.stderr(`\r${pages} pages, ${sizeText(sizeBytes)} `);
  };
  const saved = await saveSnapshot({
    cluster: clusterFile,
    identity,
    timeoutMs,
    path: resolve(path),
    lastCheckpoint: options.lastCheckpoint === true,
    onProgress,
  });
  if (terminal.isStderrTty) output.note('');
  const { sequenceNumber, stateDigest, pages, sizeBytes, liars } = saved;
  for (const replica of liars)
    output.note(`replica ${replica} gave something that no quorum has signed: it is faulty`);
  output.result({ snapshot: path, sequenceNumber, stateDigest, pages, sizeBytes, liars }, () =>
    [
      `saved ${path}: the state of checkpoint ${sequenceNumber}, ${pages} pages, ${sizeText(sizeBytes)}`,
      'It holds everything that is in any space; keep it where nobody else reads it.',
    ].join('\n'),
  );
  return exitStatus.ok;
}

interface Read {
  readonly cluster: ClusterDescription;
  readonly snapshot: Snapshot;
  readonly contents: SnapshotContents;
}

/** Reads and checks all of it, as far as running the state. */
async function read({ clusterFile }: Context, path: string): Promise<Read> {
  const { readSnapshot } = await import('../../client/index.js');
  const { parseClusterFile } = await import('../../crypto/index.js');
  const { contentsOf } = await import('../snapshot-contents.js');
  const cluster = parseClusterFile(readClusterText(clusterFile), clusterFile);
  const snapshot = await readSnapshot(path, cluster);
  return { cluster, snapshot, contents: contentsOf(snapshot, cluster, path) };
}

function describe(path: string, { snapshot, contents }: Read): object {
  const { certificate, sizeBytes } = snapshot;
  const { sequenceNumber, stateDigest, signatures } = certificate;
  const signers = signatures.map(({ replica }) => replica);
  return { snapshot: path, sequenceNumber, stateDigest, signers, ...contents, sizeBytes };
}

function describeText(path: string, { snapshot, contents }: Read): string {
  const { sequenceNumber, stateDigest, signatures } = snapshot.certificate;
  const { orderedTime, entries, spaces, clients } = contents;
  return [
    `${path}: intact, and certified by replicas ${signatures.map(({ replica }) => replica).join(', ')}`,
    `checkpoint  ${sequenceNumber}`,
    `time        ${new Date(orderedTime).toISOString()}`,
    `digest      ${stateDigest}`,
    `entries     ${entries}`,
    `spaces      ${spaces}`,
    `clients     ${clients}`,
    `size        ${sizeText(snapshot.sizeBytes)}`,
  ].join('\n');
}

async function verify(context: Context, path: string): Promise<ExitStatus> {
  const found = await read(context, path);
  context.output.result(describe(path, found), () => describeText(path, found));
  return exitStatus.ok;
}

async function restore(context: Context, path: string, dataDir: string): Promise<ExitStatus> {
  const found = await read(context, path);
  const { restoreState } = await import('../../replica/index.js');
  await restoreState(dataDir, found.snapshot);
  context.output.result({ ...describe(path, found), restored: dataDir }, () =>
    [
      describeText(path, found),
      `restored to ${dataDir}`,
      'Restore every replica from this very file before any is started, and start all clients anew.',
    ].join('\n'),
  );
  return exitStatus.ok;
}

function registerSave(snapshot: Command, bind: Bind): void {
  snapshot
    .command('save')
    .argument('<file>', 'file to write; replaced once the new one is complete')
    .description('save the state of a running cluster (for the admin)')
    .option(
      '--last-checkpoint',
      'take the newest stable checkpoint as it is: needs no quorum, may lack the last operations',
    )
    .addHelpText(
      'after',
      `
Whatever was acknowledged before the command is in it. Nothing is believed without the signatures of a quorum.

Example:
  $ theodora snapshot save backup.snapshot`,
    )
    .action(bind<SaveOptions>((context, [file = ''], options) => save(context, file, options)));
}

export function registerSnapshot(program: Command, bind: Bind): void {
  const snapshot = program.command('snapshot').description('backups: save, verify, restore');
  registerSave(snapshot, bind);
  snapshot
    .command('verify')
    .argument('<file>', 'a saved snapshot')
    .description('check a snapshot against the cluster file, and tell what is in it; needs no cluster')
    .addHelpText('after', '\nExample:\n  $ theodora snapshot verify backup.snapshot --cluster cluster.yaml')
    .action(bind((context, [file = '']) => verify(context, file)));
  snapshot
    .command('restore')
    .argument('<file>', 'a saved snapshot')
    .requiredOption('--data <dir>', "the replica's folder, with its keys and without votes and pages")
    .description('put a snapshot into the folder of a replica, when all replicas have lost everything')
    .addHelpText(
      'after',
      `
At every replica, from the same file, before any is started. What was acknowledged after the snapshot is gone. Never
restore one replica while others have their data: start it with \`theodora replica --rejoin\` instead.

Example:
  $ theodora snapshot restore backup.snapshot --data replica-2 --cluster cluster.yaml`,
    )
    .action(
      bind<{ readonly data: string }>((context, [file = ''], { data }) => restore(context, file, data)),
    );
}
