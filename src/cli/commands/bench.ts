/** `theodora bench`: how fast the service is on this machine; what is measured is in bench/. */
import { Option, type Command } from 'commander';
import type { RequestAuth } from '../../crypto/index.js';
import type { Durability } from '../../replica/index.js';
import type { benchByzantine, BenchOptions, ByzantineLoad } from '../bench/index.js';
import { durabilityOption, integerArgument, requestAuthOption } from '../command.js';
import type { Bind } from '../command.js';
import { usageError } from '../errors.js';
import { behavioursArgument, checkFaults } from '../faults.js';

type ByzantineBench = Parameters<typeof benchByzantine>[0];

interface Options {
  readonly seconds?: number;
  readonly concurrency?: number;
  readonly identities?: number;
  readonly replicas?: number;
  readonly durability?: Durability;
  readonly requestAuth?: RequestAuth;
  readonly entries?: number;
  readonly behaviours?: readonly string[];
  readonly load?: ByzantineLoad;
}

const onlyWhenAsked = [
  'policy',
  'pvss',
  'confidential',
  'byzantine',
  'lease-scale',
  'recovery',
  'smoke',
] as const;

/** For each group and number of replicas. */
const pvssSeconds = 3;
/** How long a replica is away. */
const recoverySeconds = 60;
const recoveryConcurrency = 200;
const recoveryEntries = 1_000_000;
/** Measured for each behaviour, after the time in which it is noticed. */
const byzantineSeconds = 5;
const noticedSeconds = 8;
/** Backups see of each session how long the primary takes, but not often (`tellAllMs`): of a single one it takes them twice as long. */
const byzantineIdentities = 10;

async function byzantineOptions({ behaviours, load, ...options }: Options): Promise<ByzantineBench> {
  const { byzantineBehaviours } = await import('../../sim/index.js');
  const { defaultBenchOptions } = await import('../bench/index.js');
  if (behaviours !== undefined) await checkFaults(new Map([[0, behaviours]]), 1);
  return {
    ...defaultBenchOptions,
    ...{ seconds: byzantineSeconds, warmUpSeconds: noticedSeconds, identities: byzantineIdentities },
    ...options,
    ...{ scenario: null, replicas: 4 },
    behaviours: behaviours ?? Object.keys(byzantineBehaviours),
    load: load ?? 'out',
  };
}

function unknownScenario(name: string, known: readonly string[]): Error {
  const message = `there is no scenario "${name}": choose one of ${[...known, ...onlyWhenAsked].join(', ')}`;
  return usageError(message, { scenario: name });
}

export function registerBench(program: Command, bind: Bind): void {
  program
    .command('bench')
    .argument(
      '[scenario]',
      `out, rdp, cas, mixed, failover, wakeup (default: all of these), ${onlyWhenAsked.join(', ')}`,
    )
    .description('measure throughput and latency on a cluster of its own')
    .option('--seconds <n>', 'how long to measure each scenario', integerArgument(1, 3_600))
    .option('--concurrency <n>', 'operations under way at any time', integerArgument(1, 10_000))
    .option('--identities <n>', 'client identities that share them', integerArgument(1, 1_000))
    .option('--replicas <n>', 'size of the cluster', integerArgument(1, 64))
    .option(
      '--entries <n>',
      'recovery: entries in the space (default: 1000000)',
      integerArgument(1_000, 10_000_000),
    )
    .option(
      '--behaviours <names>',
      'byzantine: these alone, separated by commas (default: all there are)',
      behavioursArgument,
    )
    .addOption(
      new Option('--load <kind>', 'byzantine: what clients do (default: out)').choices(['out', 'mixed']),
    )
    .addOption(durabilityOption())
    .addOption(requestAuthOption())
    .addHelpText('after', '\nExample:\n  $ theodora bench out --seconds 5 --concurrency 200')
    .action(
      bind<Options>(async ({ output }, [name], options) => {
        const {
          benchByzantine,
          benchConfidential,
          benchLeaseScale,
          benchPolicy,
          benchPvss,
          benchRecovery,
          defaultBenchOptions,
          runBench,
          scenarioNames,
        } = await import('../bench/index.js');
        if (options.requestAuth !== undefined && onlyWhenAsked.some((other) => other === name))
          throw usageError(`--request-auth is not for ${name}`, { scenario: name });
        if (name === 'smoke') return (await import('../bench/smoke.js')).benchSmoke(output);
        if (name === 'lease-scale') return benchLeaseScale(output);
        if (name === 'byzantine') return benchByzantine(await byzantineOptions(options), output);
        if (name === 'confidential')
          return benchConfidential({ ...defaultBenchOptions, ...options, scenario: null }, output);
        if (name === 'policy')
          return benchPolicy({ ...defaultBenchOptions, ...options, scenario: null }, output);
        if (name === 'pvss')
          return benchPvss(
            { ...defaultBenchOptions, seconds: pvssSeconds, ...options, scenario: null },
            output,
          );
        if (name === 'recovery') {
          const recovery = { seconds: recoverySeconds, concurrency: recoveryConcurrency };
          const benchOptions = { ...defaultBenchOptions, ...recovery, ...options, scenario: null };
          return benchRecovery(benchOptions, options.entries ?? recoveryEntries, output);
        }
        const scenario = scenarioNames.find((known) => known === name) ?? null;
        if (name !== undefined && scenario === null) throw unknownScenario(name, scenarioNames);
        const benchOptions: BenchOptions = { ...defaultBenchOptions, ...options, scenario };
        return runBench(benchOptions, output);
      }),
    );
}
