/**
 * `theodora up`: a whole cluster on this machine, one process a replica, until Ctrl-C. Makes cluster file and
 * keys on first use. It does not restart a replica that died: it says so and how to.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ClusterDescription, RequestAuth } from '../../crypto/index.js';
import type { Durability } from '../../replica/index.js';
import { readClusterText, writeClusterDirectory } from '../cluster-directory.js';
import { durabilityOption, integerArgument, requestAuthOption } from '../command.js';
import type { Bind } from '../command.js';
import { clusterFileName, defaultDirectory } from '../config.js';
import { exitStatus, usageError } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import { checkFaults, faultArgument, toleratedOf, type Faults } from '../faults.js';
import type { ExitInfo, ReplicaPlace } from '../launcher.js';
import type { Output } from '../output.js';
import type { ReplicaGroup } from '../replica-group.js';
import { onStopSignals } from '../signals.js';

interface UpOptions {
  readonly replicas?: number;
  readonly dir: string;
  readonly basePort?: number;
  readonly durability: Durability;
  readonly requestAuth?: RequestAuth;
  readonly rejoin?: boolean;
  readonly repair?: boolean;
  readonly fault?: Faults;
}

const defaultReplicas = 4;

const survival: Readonly<Record<Durability, string>> = {
  sync: 'Votes and state are on disk: the cluster goes on from them next time.',
  async: 'Votes and state are on disk, but not safe from a power cut.',
  memory: 'State is kept in memory: the cluster starts empty next time.',
};

async function createCluster(options: UpOptions): Promise<void> {
  const { createClusterMaterial } = await import('../../crypto/index.js');
  const { freePorts } = await import('../launcher.js');
  const { basePort, fault, requestAuth, replicas: count = defaultReplicas } = options;
  if (basePort !== undefined && basePort + count - 1 > 65_535) {
    throw usageError(`--base-port ${basePort} leaves no room for ${count} ports`, { basePort });
  }
  const ports =
    basePort === undefined ? await freePorts(count) : Array.from({ length: count }, (_, id) => basePort + id);
  const hosts = ports.map((port) => `127.0.0.1:${port}`);
  const { files } = await createClusterMaterial({
    hosts,
    now: new Date(),
    faultInjection: fault !== undefined,
    settings: requestAuth === undefined ? {} : { requestAuth },
  });
  writeClusterDirectory(options.dir, files);
}

/** What the options say must be what the directory holds. */
function checkAgreement(options: UpOptions, { replicas, settings }: ClusterDescription): void {
  const { requestAuth = 'signature' } = settings;
  if (options.requestAuth !== undefined && options.requestAuth !== requestAuth) {
    throw usageError(
      `${options.dir} holds a cluster with requestAuth ${requestAuth}: choose another --dir, or change its settings`,
      { requestAuth },
    );
  }
  if (options.replicas !== undefined && options.replicas !== replicas.length) {
    throw usageError(
      `${options.dir} holds a cluster of ${replicas.length} replicas, not ${options.replicas}: choose another --dir`,
      { replicas: replicas.length },
    );
  }
  const differs = replicas.find(
    ({ id, address }) => options.basePort !== undefined && !address.endsWith(`:${options.basePort + id}`),
  );
  if (differs !== undefined) {
    throw usageError(
      `${options.dir} holds a cluster with replica ${differs.id} at ${differs.address}: choose another --dir or base port`,
      { address: differs.address },
    );
  }
}

function showReady(output: Output, clusterFile: string, group: ReplicaGroup, durability: Durability): void {
  const replicas = group.running;
  const f = toleratedOf(replicas.length);
  const shown = replicas.map(({ id, address, pid }) => ({ id, address, pid }));
  output.record({ event: 'ready', cluster: resolve(clusterFile), replicas: shown, f });
  const option = clusterFile === join(defaultDirectory, clusterFileName) ? '' : ` --cluster ${clusterFile}`;
  output.say(
    [
      output.table(
        ['replica', 'address', 'pid', 'log'],
        replicas.map(({ id, address, pid, dataDir }) => [
          String(id),
          address,
          String(pid),
          join(dataDir, 'replica.log'),
        ]),
      ),
      '',
      `${output.style('green', 'ready')}: ${replicas.length} replicas, ${f} of them may fail in any way. ${survival[durability]}`,
      'In another terminal:',
      `  npx theodora${option} out '["hello", "world"]'`,
      `  npx theodora${option} rdp '["hello", null]'`,
      `  npx theodora${option} status`,
      'Ctrl-C stops the cluster.',
    ].join('\n'),
  );
}

function exitText({ code, signal, error }: ExitInfo): string {
  const how = signal === null ? `exited with status ${code}` : `was ended by ${signal}`;
  return error === null ? how : `${how}: ${error.message}`;
}

function showExit(output: Output, place: ReplicaPlace, exit: ExitInfo, restart: string): void {
  const { code, signal, error } = exit;
  output.record({
    event: 'exited',
    id: place.id,
    code,
    signal,
    ...(error === null ? {} : { error }),
    restart,
  });
  output.say(
    `${output.style('red', `replica ${place.id} ${exitText(exit)}`)}. Start it again with:\n  ${restart}`,
  );
}

/** Until a signal, or until no replica is left. */
async function runUntilStopped(
  output: Output,
  group: ReplicaGroup,
  allGone: Promise<void>,
  showReady: () => void,
): Promise<ExitStatus> {
  let release = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    const stop = (): void => {
      output.record({ event: 'stopping' });
      output.say('stopping the replicas (Ctrl-C again kills them)');
      group.stop().then(resolve, resolve);
    };
    release = onStopSignals(stop, () => void group.kill());
  });
  // Whoever reads that may send a signal at once.
  showReady();
  try {
    const isStopped = await Promise.race([stopped.then(() => true), allGone.then(() => false)]);
    if (isStopped) {
      output.record({ event: 'stopped' });
      return exitStatus.ok;
    }
    output.note('no replica is left');
    return exitStatus.unavailable;
  } finally {
    release();
  }
}

function noteFaults(output: Output, faults: Faults, replicas: number): void {
  const f = toleratedOf(replicas);
  for (const [id, names] of faults) output.note(`replica ${id} misbehaves: ${names.join(', ')}`);
  if (faults.size > f) output.note(`${faults.size} of them are more than f = ${f}: nothing is promised`);
}

async function up(output: Output, options: UpOptions): Promise<ExitStatus> {
  const { dir: directory, durability, rejoin = false, repair = false, fault: faults } = options;
  const clusterFile = join(directory, clusterFileName);
  const isNew = !existsSync(clusterFile);
  if (isNew) {
    if (faults !== undefined) await checkFaults(faults, options.replicas ?? defaultReplicas);
    await createCluster(options);
  }
  const { parseClusterFile } = await import('../../crypto/index.js');
  const { replicaCommandLine } = await import('../launcher.js');
  const { ReplicaGroup } = await import('../replica-group.js');
  const description = parseClusterFile(readClusterText(clusterFile), clusterFile);
  checkAgreement(options, description);
  if (faults !== undefined) {
    await checkFaults(faults, description.replicas.length);
    noteFaults(output, faults, description.replicas.length);
  }
  let onAllGone = (): void => undefined;
  const allGone = new Promise<void>((resolve) => (onAllGone = resolve));
  const place = { directory, clusterFile, durability, faults };
  const group: ReplicaGroup = new ReplicaGroup(place, description, {
    exited: (replica, exit) => {
      showExit(output, replica, exit, replicaCommandLine(replica));
      if (group.running.length === 0) onAllGone();
    },
  });
  if (isNew) output.note(`new cluster in ${directory}`);
  else if (group.isEmpty) output.note(`cluster of ${directory}: nothing is on disk, so it starts empty`);
  else output.note(`cluster of ${directory}: goes on from what is on disk`);
  await group.startAll({ rejoin, repair });
  return runUntilStopped(output, group, allGone, () => showReady(output, clusterFile, group, durability));
}

export function registerUp(program: Command, bind: Bind): void {
  program
    .command('up')
    .description('run a whole cluster on this machine until Ctrl-C')
    .option(
      '--replicas <n>',
      `number of replicas, 3f+1 (default: ${defaultReplicas})`,
      integerArgument(1, 64),
    )
    .option('--dir <dir>', 'directory of the cluster, made on first use', defaultDirectory)
    .option('--base-port <n>', 'first of the ports (default: free ones)', integerArgument(1, 65_535))
    .addOption(durabilityOption())
    .addOption(requestAuthOption())
    .option(
      '--rejoin',
      'for replicas whose vote log is gone: start them, and have the others let them in again',
    )
    .option(
      '--fault <id=behaviours>',
      'have a replica misbehave, such as 3=equivocate,slow; again for each (docs/guide/fault-injection.md)',
      faultArgument,
    )
    .option('--repair', 'for replicas whose vote log is damaged: put it aside, and rejoin')
    .addHelpText(
      'after',
      `
Each replica is a process of its own, with its votes and state on disk: after Ctrl-C or a crash, up goes on where it
was. Kill one with the pid shown and see that the service goes on; up prints
the command that starts it again.

Examples:
  $ theodora up
  $ theodora up --replicas 7 --dir seven
  $ theodora up --dir attacked --fault 0=equivocate`,
    )
    .action(bind<UpOptions>(({ output }, _args, options) => up(output, options)));
}
