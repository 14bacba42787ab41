/**
 * `theodora replica`: one replica in the foreground. Its events go to stdout, its log to a file in its data
 * directory. Under a supervisor (`up`) it ends with it, however that ends.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { InvalidInputError, TheodoraError } from '../../base/index.js';
import type { Durability, RunningReplica, StartReplicaOptions, StopReason } from '../../replica/index.js';
import { readClusterText } from '../cluster-directory.js';
import { durabilityOption, integerArgument, supervisedOption } from '../command.js';
import type { Bind } from '../command.js';
import type { Context } from '../config.js';
import { describeError, exitStatus, printError } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import { aroundReplica, behavioursArgument, checkFaults, replicasArgument } from '../faults.js';
import type { Output } from '../output.js';
import { onStopRequest } from '../signals.js';

interface ReplicaOptions {
  readonly id: number;
  readonly data: string;
  readonly listen?: string;
  readonly metricsPort?: number;
  readonly durability: Durability;
  readonly rejoin?: boolean;
  readonly repair?: boolean;
  readonly minFreeDisk?: number;
  readonly fault?: readonly string[];
  readonly accomplices?: readonly number[];
  readonly supervised?: boolean;
}

const logFileName = 'replica.log';
/** A stop that has not come to its end by then is forced, ms. */
const stopGraceMs = 5_000;

function checkDataDirectory(path: string): void {
  if (existsSync(path)) return;
  throw new InvalidInputError(
    'DATA_DIR_MISSING',
    `${path}: no such directory. It is the folder replica-N that \`theodora init\` or \`theodora up\` made.`,
    { path },
  );
}

async function reportStop(output: Output, id: number, reason: StopReason): Promise<ExitStatus> {
  if (reason.kind === 'closed') {
    output.result({ event: 'stopped', id }, () => `replica ${id} stopped`);
    return exitStatus.ok;
  }
  if (reason.kind === 'halted') {
    const { remedies } = await import('../../replica/index.js');
    const message = `replica ${id} halted: ${remedies[reason.reason]}`;
    output.record({ event: 'halted', id, reason: reason.reason });
    printError(output, describeError(new TheodoraError(reason.reason, message, { replica: id })));
    return reason.reason === 'STATE_DIVERGED' ? exitStatus.internal : exitStatus.unavailable;
  }
  output.record({ event: 'failed', id });
  printError(output, describeError(reason.error));
  return exitStatus.internal;
}

async function runReplica({ output, clusterFile }: Context, options: ReplicaOptions): Promise<ExitStatus> {
  const { id, data, listen, metricsPort, durability, rejoin, repair, minFreeDisk, supervised } = options;
  // Until it runs there is nothing to close.
  let close = (): void => process.exit(exitStatus.ok);
  const release = onStopRequest(
    supervised === true,
    () => close(),
    () => process.exit(exitStatus.internal),
  );
  checkDataDirectory(data);
  const { pino, destination } = await import('pino');
  const { startReplica } = await import('../../replica/index.js');
  const around = await injectionOf(clusterFile, options);
  const logFile = join(data, logFileName);
  const replica = await startReplica({
    clusterFile,
    id,
    dataDir: data,
    durability,
    rejoin: rejoin === true,
    repair: repair === true,
    ...(minFreeDisk === undefined ? {} : { diskFreeBytesMin: minFreeDisk * 2 ** 20 }),
    log: pino({ base: { replica: id } }, destination({ dest: logFile, sync: true })),
    ...(listen === undefined ? {} : { listen }),
    ...(around === undefined ? {} : { around }),
    ...(metricsPort === undefined ? {} : { metrics: { port: metricsPort } }),
  });
  close = () => {
    setTimeout(() => process.exit(exitStatus.internal), stopGraceMs).unref();
    void replica.close();
  };
  showListening(output, replica, logFile);
  const reason = await replica.stopped;
  release();
  return reportStop(output, id, reason);
}

/** Undefined: it behaves. */
async function injectionOf(
  clusterFile: string,
  { id, fault, accomplices = [id] }: ReplicaOptions,
): Promise<StartReplicaOptions['around']> {
  if (fault === undefined) return undefined;
  const { parseClusterFile } = await import('../../crypto/index.js');
  const { clusterId, replicas } = parseClusterFile(readClusterText(clusterFile), clusterFile);
  await checkFaults(new Map([[id, fault]]), replicas.length);
  return aroundReplica(clusterId, fault, accomplices);
}

function showListening(output: Output, { id, address, metricsPort }: RunningReplica, logFile: string): void {
  const { pid } = process;
  const metrics = metricsPort === null ? {} : { metricsPort };
  output.result({ event: 'listening', id, address, pid, ...metrics }, () =>
    [
      `replica ${id} listens on ${address} (process ${pid}); its log: ${logFile}`,
      ...(metricsPort === null ? [] : [`metrics: http://127.0.0.1:${metricsPort}/metrics`]),
    ].join('\n'),
  );
}

export function registerReplica(program: Command, bind: Bind): void {
  program
    .command('replica')
    .description('run one replica in the foreground')
    .requiredOption('--id <n>', 'number of the replica in the cluster file', integerArgument(0, 63))
    .requiredOption('--data <dir>', "the replica's folder with its keys; votes, state and log go there too")
    .addOption(durabilityOption())
    .option(
      '--rejoin',
      'start although there is no vote log: it is lost, and the others are asked to let the replica in again',
    )
    .option('--repair', 'put a damaged vote log aside, and rejoin')
    .option(
      '--fault <behaviours>',
      'misbehave, as in `theodora up --fault`; the cluster file must say `faultInjection: true`',
      behavioursArgument,
    )
    .option('--accomplices <ids>', 'all replicas that misbehave, where they conspire', replicasArgument)
    .option('--listen <host:port>', 'listen here instead of the address in the cluster file')
    .option(
      '--metrics-port <n>',
      'serve /metrics and /healthz on this port (off by default)',
      integerArgument(0, 65_535),
    )
    .option(
      '--min-free-disk <MiB>',
      'refuse clients while less than this is free where the data is (default: 256)',
      integerArgument(0, 1 << 30),
    )
    .addOption(supervisedOption())
    .addHelpText(
      'after',
      `
The first start takes the marker that \`init\` left in the folder. Votes and state are kept there too, and a replica that
starts again goes on from them. One that has lost its votes (--rejoin, --repair, --durability memory) follows the
others until they have let it back in, and votes from then on.

Example:
  $ theodora replica --cluster cluster.yaml --id 2 --data replica-2`,
    )
    .action(bind<ReplicaOptions>((context, _args, options) => runReplica(context, options)));
}
