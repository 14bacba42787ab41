/**
 * `theodora sim`: whole clusters in one process under one seed. A failing seed is printed with the commit
 * and the command that repeats it; each way to fail has an exit status of its own.
 */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { InvalidInputError } from '../../base/index.js';
import type { FaultKind, SimulationFailure, SimulationOptions, SimulationReport } from '../../sim/index.js';
import { integerArgument } from '../command.js';
import type { Bind } from '../command.js';
import { exitStatus, usageError } from '../errors.js';
import type { AnyExitStatus } from '../errors.js';
import { shellQuoted } from '../launcher.js';
import type { Output } from '../output.js';
import { searchInParallel } from '../parallel-sim.js';
import { onStopSignals } from '../signals.js';
import { packageVersion } from '../version.js';

export interface SimOptions {
  readonly seed?: number;
  readonly seeds?: number;
  readonly seconds?: number;
  readonly scenario: string;
  readonly faults?: string;
  readonly behaviours?: string;
  readonly replicas?: number;
  readonly operations?: number;
  /** Processes; true: one for each core. */
  readonly parallel?: number | true;
}

const randomScenario = 'random';
/** Random, always with registered clients and guarded spaces. */
const policiesScenario = 'policies';
/** Random, of a confidential space with liars. */
const confidentialScenario = 'confidential';
/** Random, of coordinators and databases. */
const redScenario = 'red';
/** The scenario of Twins with that number. */
const twinsScenario = 'twins';
/** Random, with replicas that say a few things a little wrong. */
const mutationsScenario = 'mutations';
const drawnScenarios: readonly string[] = [
  randomScenario,
  policiesScenario,
  confidentialScenario,
  redScenario,
  twinsScenario,
  mutationsScenario,
];
/** Each of them for every seed. */
const allScenarios = 'all';
const isDrawn = (scenario: string): boolean => drawnScenarios.includes(scenario);
const seedMax = 2 ** 32 - 1;
const defaultSeeds = 10;

/** Beside those of every command. */
export const failureStatus: Readonly<Record<SimulationFailure['kind'], number>> = {
  crash: exitStatus.internal,
  safety: 71,
  liveness: 72,
};

/** What was run, so that a seed means something; a seed of another commit is another run. */
function currentCommit(): string {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  // An installed package may lie within somebody else's repository.
  if (!existsSync(`${root}/.git`)) return `theodora ${packageVersion()}`;
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
    return (
      git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain') === '' ? '' : ' with changes')
    );
  } catch {
    // No git here, or no commit yet.
    return `theodora ${packageVersion()}`;
  }
}

/** What may be chosen from. */
interface Known {
  readonly faults: readonly FaultKind[];
  readonly behaviours: readonly string[];
}

function parseNames<Name extends string>(
  text: string | undefined,
  what: 'fault' | 'behaviour',
  known: readonly Name[],
): Name[] | undefined {
  return text?.split(',').map((name) => {
    const found = known.find((candidate) => candidate === name.trim());
    if (found === undefined)
      throw usageError(`unknown ${what} "${name}": choose from ${known.join(', ')}`, { [what]: name });
    return found;
  });
}

function readScenario(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new InvalidInputError(
      'SCENARIO_UNREADABLE',
      `--scenario ${path}: neither ${[...drawnScenarios, allScenarios].map((name) => `"${name}"`).join(', ')} nor a file that can be read`,
      { path },
      error,
    );
  }
}

export function repeatCommand(options: SimOptions, seed: number): string {
  const { scenario, faults, behaviours, replicas, operations } = options;
  if (!isDrawn(scenario)) return `npx theodora sim --scenario ${shellQuoted(scenario)}`;
  return [
    `npx theodora sim${scenario === randomScenario ? '' : ` --scenario ${scenario}`} --seed ${seed}`,
    ...(faults === undefined ? [] : [`--faults ${shellQuoted(faults)}`]),
    ...(behaviours === undefined ? [] : [`--behaviours ${shellQuoted(behaviours)}`]),
    ...(replicas === undefined ? [] : [`--replicas ${replicas}`]),
    ...(operations === undefined ? [] : [`--operations ${operations}`]),
  ].join(' ');
}

function describeReport(report: SimulationReport): string {
  const { n, byzantine, outlaws, operations, batches, viewChanges, restarts, stateTransfers, virtualMs } =
    report;
  const others = outlaws.map((names) => `a client: ${names}`);
  const faulty =
    [...byzantine, ...others].length === 0 ? '' : ` (Byzantine: ${[...byzantine, ...others].join(', ')})`;
  return `${n} replicas${faulty}, ${operations} operations, ${batches} batches, view ${viewChanges}, ${restarts} restarts, ${stateTransfers} state transfers in ${virtualMs / 1000} s of its time`;
}

/** `options`: what repeats this run. `isOneOf`: several scenarios take turns. */
function showReport(
  output: Output,
  report: SimulationReport,
  options: SimOptions,
  isOneOf = false,
): AnyExitStatus {
  const { seed, failure, trace } = report;
  const name = isOneOf ? `seed ${seed}, ${options.scenario}` : `seed ${seed}`;
  if (failure === undefined) {
    output.record({ scenario: options.scenario, ...report });
    output.say(`${name}: ${output.style('green', 'ok')}, ${describeReport(report)}`);
    return exitStatus.ok;
  }
  const commit = currentCommit();
  const repeat = repeatCommand(options, seed);
  output.record({ scenario: options.scenario, ...report, commit, repeat });
  output.say(
    [
      `${name}: ${output.style('red', `${failure.kind} failure`)} (${failure.checker}) after ${failure.atMs} ms of its time`,
      `  ${failure.message}`,
      `  ${describeReport(report)}`,
      ...(trace === undefined ? [] : ['  last events:', ...trace.map((line) => `    ${line}`)]),
      `  commit: ${commit}`,
      `  repeat: ${repeat}`,
    ].join('\n'),
  );
  return failureStatus[failure.kind];
}

/** How many seeds, and until when. */
function boundsOf({ seed, seeds, seconds }: SimOptions): {
  readonly count: number;
  readonly endsAtMs: number;
} {
  const unnamed = seed === undefined ? defaultSeeds : 1;
  const count = seeds ?? (seconds === undefined ? unnamed : 0);
  const endsAtMs = seconds === undefined ? Infinity : performance.now() + seconds * 1_000;
  return { count: count === 0 ? Infinity : count, endsAtMs };
}

type Fixed = Pick<SimulationOptions, 'faults' | 'behaviours' | 'n' | 'operations'>;

/** What is the same for every seed. */
function fixedOf(options: SimOptions, known: Known): Fixed {
  const { replicas, operations } = options;
  const faults = parseNames(options.faults, 'fault', known.faults);
  const behaviours = parseNames(options.behaviours, 'behaviour', known.behaviours);
  return {
    ...(faults === undefined ? {} : { faults }),
    ...(behaviours === undefined ? {} : { behaviours }),
    ...(replicas === undefined ? {} : { n: replicas }),
    ...(operations === undefined ? {} : { operations }),
  };
}

async function runDrawn(
  scenario: string,
  options: Omit<SimulationOptions, 'tampering'>,
): Promise<SimulationReport> {
  const { runConfidential, runRandom, runRed, runTwins } = await import('../../sim/index.js');
  switch (scenario) {
    case confidentialScenario:
      return runConfidential(options);
    case redScenario:
      return runRed(options);
    case twinsScenario:
      return runTwins(options);
    case mutationsScenario:
      return runRandom({ ...options, behaviours: ['mutate'] });
    case policiesScenario:
      return runRandom({ ...options, guards: true });
    default:
      return runRandom(options);
  }
}

/** The same scenarios of as many seeds, in several processes. */
async function simulateInParallel(
  output: Output,
  options: SimOptions,
  scenarios: readonly string[],
): Promise<AnyExitStatus> {
  const { parallel, scenario, seed: _, seeds: __, seconds, ...others } = options;
  const first = options.seed ?? randomInt(seedMax);
  const { count } = boundsOf(options);
  const beganMs = performance.now();
  let runs = 0;
  let status: AnyExitStatus = exitStatus.ok;
  const workers = Math.min(parallel === true ? availableParallelism() : (parallel ?? 1), count);
  const fixed = Object.entries(others).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  const timer = seconds === undefined ? undefined : setTimeout(stop, seconds * 1_000);
  const release = onStopSignals(stop, () => process.exit(exitStatus.unavailable));
  try {
    await searchInParallel({
      ...{ workers, count, signal: controller.signal },
      wordsFor: (offset, many) => {
        const seed = (first + offset) % (seedMax + 1);
        return ['sim', '--scenario', scenario, '--seed', String(seed), '--seeds', String(many), ...fixed];
      },
      onRecord: (record) => {
        const { scenario: played, ...report } = record as SimulationReport & { readonly scenario: string };
        status = showReport(output, report, { ...options, scenario: played }, scenarios.length > 1);
        if (status === exitStatus.ok) runs += 1;
        return status === exitStatus.ok;
      },
    });
  } finally {
    clearTimeout(timer);
    release();
  }
  const done = Math.floor(runs / scenarios.length);
  const perHour = Math.round((done * 3_600_000) / (performance.now() - beganMs));
  const result = status === exitStatus.ok ? ', all ok' : '';
  output.say(`${done} seeds from ${first} on, ${workers} processes, ${perHour} seeds an hour${result}`);
  return status;
}

async function simulate(output: Output, options: SimOptions): Promise<AnyExitStatus> {
  const { byzantineBehaviours, faultKinds, runScenario } = await import('../../sim/index.js');
  const isOneOf = options.scenario === allScenarios;
  if (!isOneOf && !isDrawn(options.scenario)) {
    return showReport(output, runScenario(readScenario(options.scenario)), options);
  }
  const scenarios = isOneOf ? drawnScenarios : [options.scenario];
  const known = { faults: faultKinds, behaviours: Object.keys(byzantineBehaviours) };
  const fixed = fixedOf(options, known);
  if (options.parallel !== undefined) return simulateInParallel(output, options, scenarios);
  const first = options.seed ?? randomInt(seedMax);
  const { count, endsAtMs } = boundsOf(options);
  let seeds = 0;
  while (seeds < count && performance.now() < endsAtMs) {
    const seed = (first + seeds++) % (seedMax + 1);
    for (const scenario of scenarios) {
      const report = await runDrawn(scenario, { ...fixed, seed });
      const status = showReport(output, report, { ...options, scenario }, isOneOf);
      if (status !== exitStatus.ok) return status;
      // A simulation never yields: here Ctrl-C gets its turn.
      await nextTurn();
    }
  }
  if (options.seconds !== undefined) output.say(`${seeds} seeds from ${first} on, all ok`);
  return exitStatus.ok;
}

export function registerSim(program: Command, bind: Bind): void {
  program
    .command('sim')
    .description('simulate whole clusters with faults, checking safety and liveness')
    .option('--seed <n>', 'first seed (default: a random one)', integerArgument(0, seedMax))
    .option(
      '--seeds <k>',
      `how many seeds to run, one after the other; 0: until Ctrl-C (default: ${defaultSeeds}, or 1 with --seed)`,
      integerArgument(0, seedMax),
    )
    .option(
      '--seconds <n>',
      'run seeds for so long, at most as many as --seeds says',
      integerArgument(1, 1_000_000),
    )
    .option(
      '--scenario <name>',
      `"${randomScenario}"; "${policiesScenario}": random too, always with guarded spaces and random policies; "${confidentialScenario}": of a confidential space with liars; "${redScenario}": of ReD coordinators and their databases; "${twinsScenario}": a replica that there is twice, with everybody who reaches whom in its first views, by number; "${mutationsScenario}": f replicas that say a few things a little wrong; "${allScenarios}": these in turn; or the file of a scenario`,
      randomScenario,
    )
    .option('--faults <kinds>', 'faults that may occur, separated by commas (default: all kinds)')
    .option(
      '--behaviours <names>',
      'some replicas are Byzantine, in these ways alone, separated by commas (default: drawn by the seed)',
    )
    .option('--replicas <n>', 'size of the cluster (default: drawn by the seed)', integerArgument(4, 31))
    .option(
      '--parallel [n]',
      'seeds in so many processes at once (default: one for each core); with --seeds 0: until Ctrl-C',
      integerArgument(1, 256),
    )
    .option(
      '--operations <n>',
      'number of operations (default: drawn by the seed)',
      integerArgument(1, 1_000_000),
    )
    .addHelpText(
      'after',
      `
The same seed gives the same run. Stops at the first failure.
Exit status: 0 all held, 70 crash, 71 safety violated, 72 liveness violated.

Examples:
  $ theodora sim --seeds 20
  $ theodora sim --seed 7 --faults crash,partition
  $ theodora sim --behaviours equivocate,slow --replicas 7 --seeds 20
  $ theodora sim --scenario policies --seconds 300
  $ theodora sim --scenario confidential --seed 3 --seeds 20
  $ theodora sim --scenario all --seeds 0
  $ theodora sim --scenario all --seeds 1000 --parallel`,
    )
    .action(bind<SimOptions>(({ output }, _args, options) => simulate(output, options)));
}
