/** `theodora bench`: how fast the service is on this machine; what is measured is in bench/. */
import { Option, type Command } from 'commander';
import type { RequestAuth } from '../../crypto/index.js';
import type { Durability } from '../../replica/index.js';
import type * as BenchRoom from '../bench/index.js';
import type { benchByzantine, BenchOptions, ByzantineLoad } from '../bench/index.js';
import { durabilityOption, integerArgument, requestAuthOption } from '../command.js';
import type { Bind } from '../command.js';
import { usageError, type ExitStatus } from '../errors.js';
import { behavioursArgument, checkFaults, checkFaulty, replicasArgument } from '../faults.js';
import type { Output } from '../output.js';

type ByzantineBench = Parameters<typeof benchByzantine>[0];

interface Options {
  readonly seconds?: number;
  readonly warmUp?: number;
  readonly concurrency?: number;
  readonly identities?: number;
  readonly replicas?: number;
  readonly durability?: Durability;
  readonly requestAuth?: RequestAuth;
  readonly rounds?: number;
  readonly rate?: number;
  readonly minutes?: number;
  readonly entries?: number;
  readonly behaviours?: readonly string[];
  readonly faulty?: readonly number[];
  readonly load?: ByzantineLoad;
}

type Defaults = Partial<Omit<BenchOptions, 'scenario'>>;
type Bench = typeof BenchRoom;

/** A measurement with a shape of its own; `bench` without a name leaves it out. */
interface Special {
  readonly defaults: Defaults;
  run(bench: Bench, benchOptions: BenchOptions, output: Output, options: Options): Promise<ExitStatus>;
}

const million = 1_000_000;
const defaultMinutes = { sustained: 24, soak: 20 } as const;
/** Backups see of each session how long the primary takes, but not often (`tellAllMs`): of a single one it takes them twice as long. */
const byzantineIdentities = 10;
const firstPrimary = 0;

const specials: Readonly<Record<string, Special>> = {
  'space-scale': {
    defaults: { concurrency: 100, rounds: 25 },
    run: (bench, benchOptions, output, { entries = million }) =>
      bench.benchSpaceScale(benchOptions, entries, output),
  },
  sustained: {
    defaults: { concurrency: 200 },
    run: (bench, benchOptions, output, { minutes = defaultMinutes.sustained }) =>
      bench.benchSustained(benchOptions, minutes, output),
  },
  soak: {
    defaults: { concurrency: 200 },
    run: (bench, benchOptions, output, { minutes = defaultMinutes.soak }) =>
      bench.benchSoak(benchOptions, minutes, output),
  },
  memory: {
    defaults: {},
    run: (bench, benchOptions, output, { entries = million }) =>
      bench.benchMemory(benchOptions, entries, output),
  },
  checkpoint: {
    defaults: { rounds: 10 },
    run: (bench, { rounds }, output, { entries = million }) => bench.benchCheckpoint(entries, rounds, output),
  },
  peers: {
    defaults: { seconds: 5, rounds: 3 },
    run: (bench, benchOptions, output) => bench.benchPeers(benchOptions, output),
  },
  policy: { defaults: {}, run: (bench, benchOptions, output) => bench.benchPolicy(benchOptions, output) },
  pvss: {
    // For each group and number of replicas.
    defaults: { seconds: 3 },
    run: (bench, benchOptions, output) => bench.benchPvss(benchOptions, output),
  },
  confidential: {
    defaults: {},
    run: (bench, benchOptions, output) => bench.benchConfidential(benchOptions, output),
  },
  byzantine: {
    // Measured for each behaviour, after the time in which it is noticed.
    defaults: { seconds: 5, warmUpSeconds: 8, identities: byzantineIdentities },
    run: async (bench, benchOptions, output, options) =>
      bench.benchByzantine(await byzantineOptions(benchOptions, options), output),
  },
  'lease-scale': { defaults: {}, run: (bench, _, output) => bench.benchLeaseScale(output) },
  recovery: {
    // How long a replica is away.
    defaults: { seconds: 60, concurrency: 200 },
    run: (bench, benchOptions, output, { entries = million }) =>
      bench.benchRecovery(benchOptions, entries, output),
  },
  smoke: {
    defaults: {},
    // Brings the simulator with it.
    run: async (_, __, output) => (await import('../bench/smoke.js')).benchSmoke(output),
  },
};

async function byzantineOptions(
  benchOptions: BenchOptions,
  { behaviours, faulty = [firstPrimary], load = 'out' }: Options,
): Promise<ByzantineBench> {
  const { byzantineBehaviours } = await import('../../sim/index.js');
  checkFaulty(faulty, benchOptions.replicas);
  const all = Object.keys(byzantineBehaviours);
  if (behaviours !== undefined) await checkFaults(new Map([[0, behaviours]]), 1);
  return { ...benchOptions, behaviours: behaviours ?? all, faulty, load };
}

function unknownScenario(name: string, known: readonly string[]): Error {
  const message = `there is no scenario "${name}": choose one of ${[...known, ...Object.keys(specials)].join(', ')}`;
  return usageError(message, { scenario: name });
}

/** An open loop is of the scenarios that are one load, and the kind of requests of those with clusters for it. */
function checkRate(name: string | undefined, { rate, requestAuth }: Options, isOfLoads: boolean): void {
  if (requestAuth !== undefined && !isOfLoads && name !== 'sustained' && name !== 'soak')
    throw usageError(`--request-auth is not for ${name}`, { scenario: name });
  if (rate === undefined || (isOfLoads && name !== 'wakeup')) return;
  throw usageError(`--rate says nothing to ${name}: it is for the scenarios that are a load of operations`, {
    scenario: name,
  });
}

function merge(defaults: Defaults, options: Options): Defaults {
  const { seconds, warmUp, concurrency, identities, replicas, durability, requestAuth, rounds, rate } =
    options;
  const said = {
    ...{ seconds, concurrency, identities, replicas, durability, requestAuth, rounds },
    ...{ warmUpSeconds: warmUp, ratePerSecond: rate },
  };
  return {
    ...defaults,
    ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)),
  };
}

async function runByName(name: string | undefined, options: Options, output: Output): Promise<ExitStatus> {
  const bench = await import('../bench/index.js');
  const special = name === undefined ? undefined : specials[name];
  checkRate(name, options, special === undefined);
  if (special !== undefined) {
    const benchOptions = {
      ...bench.defaultBenchOptions,
      ...merge(special.defaults, options),
      scenario: null,
    };
    return special.run(bench, benchOptions, output, options);
  }
  const scenario = bench.scenarioNames.find((known) => known === name) ?? null;
  if (name !== undefined && scenario === null) throw unknownScenario(name, bench.scenarioNames);
  const defaults = scenario === null ? {} : bench.scenarios[scenario].defaults;
  return bench.runBench({ ...bench.defaultBenchOptions, ...merge(defaults, options), scenario }, output);
}

function registerCompare(bench: Command, bind: Bind): void {
  bench
    .command('compare')
    .argument('<first>', 'file of results, as written by bench --json')
    .argument('<second>', 'another one')
    .description('two files of results side by side: figures, ratios, and where the conditions differ')
    .addHelpText('after', '\nExample:\n  $ theodora bench compare before.jsonl after.jsonl')
    .action(
      bind(async ({ output }, [first, second]) => {
        const { benchCompare } = await import('../bench/index.js');
        return benchCompare(first!, second!, output);
      }),
    );
}

export function registerBench(program: Command, bind: Bind): void {
  const bench = program
    .command('bench')
    .argument(
      '[scenario]',
      `out, rdp, inp, cas, mixed, mixed-50, renew, failover, wakeup (default: all of these), payload, replicas, identities, durability, auth, targets, ${Object.keys(specials).join(', ')}`,
    )
    .description('measure throughput and latency on a cluster of its own')
    .option('--seconds <n>', 'how long to measure in each round', integerArgument(1, 3_600))
    .option('--warm-up <n>', 'seconds of load before that', integerArgument(0, 3_600))
    .option('--rounds <n>', 'how many times, the points of a scenario in turns', integerArgument(1, 1_000))
    .option('--concurrency <n>', 'operations under way at any time', integerArgument(1, 10_000))
    .option(
      '--rate <n>',
      'operations begun each second, answered or not, in place of --concurrency',
      integerArgument(1, 1_000_000),
    )
    .option('--identities <n>', 'client identities that share them', integerArgument(1, 1_000))
    .option('--replicas <n>', 'size of the cluster', integerArgument(1, 64))
    .option('--minutes <n>', 'sustained (default: 24), soak (default: 20)', integerArgument(1, 100_000))
    .option(
      '--entries <n>',
      'recovery, memory, space-scale, checkpoint: entries in the space (default: 1000000)',
      integerArgument(1_000, 10_000_000),
    )
    .option(
      '--behaviours <names>',
      'byzantine: these alone, separated by commas (default: all there are)',
      behavioursArgument,
    )
    .option('--faulty <ids>', 'byzantine: the replicas that behave so (default: 0)', replicasArgument)
    .addOption(
      new Option('--load <kind>', 'byzantine: what clients do (default: out)').choices(['out', 'mixed']),
    )
    .addOption(durabilityOption())
    .addOption(requestAuthOption())
    .addHelpText('after', '\nExample:\n  $ theodora bench out --seconds 5 --concurrency 200')
    .action(bind<Options>(({ output }, [name], options) => runByName(name, options, output)));
  registerCompare(bench, bind);
}
