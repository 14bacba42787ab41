/**
 * Runs a scenario: a script of commands (script.ts, commands.ts) against a world with steady links and
 * exact clocks, all checkers on. Deterministic: the first line fixes everything.
 *
 *   cluster n=4 clients=2 checkpoint=8 window=16 history=0 batches=8 operations=1 delay=1ms sync=100us
 *     skew=0:300ms,1:-200ms wrong=2:-2s drift=-9900 skewMax=500ms adversaries=0:equivocate+silent,1:flood
 *     outlaws=hoard-waits+lease-abuse,malformed auth=mac
 *
 * all on one line. `skew` is of correct replicas' clocks, `wrong` of faulty ones, `drift` of the clients'. Outlaws are clients of their own.
 */
import { defaultOrderingConfig } from '../../ordering/index.js';
import { prng, replicaId } from '../../base/index.js';
import type { ReplicaId } from '../../base/index.js';
import { behaviours, withAdversaries } from '../byzantine/index.js';
import type { Adversaries } from '../byzantine/index.js';
import { calmLinks } from '../network.js';
import { addOutlaws, outlaws } from '../outlaws/index.js';
import { attempt, reportOf } from '../simulation.js';
import type { SimulationReport } from '../simulation.js';
import { defaultCheckSettings } from '../checks.js';
import { perfectClock } from '../clock.js';
import type { ClockError } from '../clock.js';
import { leaseLimitsOf } from '../parameters.js';
import { World } from '../world.js';
import type { Tampering, WorldOptions } from '../world-options.js';
import { handlers } from './commands.js';
import type { Command } from './script.js';
import { parseDurationUs, parseInteger, parseScript, refuseScript } from './script.js';
import { Stage } from './stage.js';

const tickUs = 10_000;

export interface ScenarioOptions {
  /** A deliberate bug. */
  readonly tampering?: Tampering;
}

export function runScenario(text: string, options: ScenarioOptions = {}): SimulationReport {
  const [cluster, ...commands] = parseScript(text);
  if (cluster?.name !== 'cluster') refuseScript(cluster?.line ?? 1, 'a scenario starts with cluster');
  const puppets = new Set<ReplicaId>();
  const seed = prng(parseInteger(cluster.options.get('seed') ?? '1', cluster.line));
  const tampering = withAdversaries(adversariesOf(cluster), seed.stream('byzantine'), options.tampering);
  const worldOptions = optionsOf(cluster, puppets, tampering);
  const world = new World(worldOptions);
  for (const [replica, names] of adversariesOf(cluster)) world.byzantine.set(replica, names.join(' '));
  const dishonest = addOutlaws(world, outlawsOf(cluster));
  const stage = new Stage(world, puppets);
  const failure = attempt(world, () => {
    world.start();
    for (const outlaw of dishonest) outlaw.start();
    stage.noteGenesis(world.replicas[0]!.core.stateDigest());
    // Clients connect before anything else happens.
    world.simulator.run(1_000_000);
    for (const command of commands) perform(stage, command);
    world.checks.finish(world.history);
  });
  return reportOf(world, worldOptions.seed, failure);
}

function perform(stage: Stage, command: Command): void {
  const handler = handlers[command.name] ?? refuseScript(command.line, `unknown command ${command.name}`);
  stage.world.trace.record(stage.world.simulator.nowUs, -1, command.text);
  handler(stage, command);
}

function optionsOf(
  command: Command,
  puppets: ReadonlySet<ReplicaId>,
  tampering: Tampering | undefined,
): WorldOptions {
  const { options, line } = command;
  const number = (name: string, usual: number): number =>
    options.has(name) ? parseInteger(options.get(name)!, line) : usual;
  const us = (name: string, usual: string): number => parseDurationUs(options.get(name) ?? usual, line);
  const checkpointInterval = number('checkpoint', 128);
  const delayUs = us('delay', '1ms');
  const syncUs = us('sync', '100us');
  const skews = skewsOf(options.get('skew'), line);
  const wrong = skewsOf(options.get('wrong'), line);
  const skewUsMax = Math.max(0, ...[...skews.values()].map(({ skewUs }) => Math.abs(skewUs)));
  const clockSkewMaxMs = Math.floor(us('skewMax', '500ms') / 1_000);
  return {
    seed: number('seed', 1),
    n: number('n', 4),
    clients: number('clients', 1),
    config: {
      checkpointInterval,
      watermarkWindow: number('window', 2 * checkpointInterval),
      historyBatchesMax: number('history', defaultOrderingConfig.historyBatchesMax),
      feedWindowEvents: number('feedWindow', defaultOrderingConfig.feedWindowEvents),
      windowBatches: number('batches', 8),
      batchOperationsMax: number('operations', 512),
      viewChangeTimeoutMaxMs: 8_000,
      clockSkewMaxMs,
    },
    clientSettings: {},
    links: { ...calmLinks, delayUsMin: delayUs, delayUsMax: delayUs },
    storage: {
      syncUsMin: syncUs,
      syncUsMax: syncUs,
      isDurable: options.get('durable') === 'yes',
      segmentBytes: 64 << 10,
    },
    replicaClock: (replica) => wrong.get(replica) ?? skews.get(replica) ?? perfectClock,
    clientClock: () => ({ skewUs: 0, driftPpm: driftOf(options.get('drift') ?? '0', line) }),
    clockErrorMaxMs: Math.ceil((skewUsMax + tickUs) / 1_000) + 2,
    leaseLimits: leaseLimitsOf(clockSkewMaxMs),
    waitsPerClientMax: number('waits', 16_384),
    eventsPerSpaceMax: number('events', 65_536),
    tickUs,
    breakNoticeUs: 1_000,
    requestAuth: options.get('auth') === 'mac' ? 'mac' : 'signature',
    checks: { ...defaultCheckSettings, validateEvery: 1, digestEvery: 1 },
    tampering: withPuppets(puppets, tampering),
  };
}

/** Of the clients' clocks, in microseconds a second. */
function driftOf(text: string, line: number): number {
  return /^-?\d+$/.test(text) ? Number(text) : refuseScript(line, `${text} is not a drift`);
}

/** `0:equivocate+silent,1:flood`. */
function adversariesOf({ options, line }: Command): Adversaries {
  const adversaries = new Map<ReplicaId, readonly string[]>();
  for (const part of options.get('adversaries')?.split(',') ?? []) {
    const [replica, names = ''] = part.split(':');
    for (const name of names.split('+'))
      if (!Object.hasOwn(behaviours, name)) refuseScript(line, `${name} is not a behaviour`);
    adversaries.set(replicaId(parseInteger(replica ?? '', line)), names.split('+'));
  }
  return adversaries;
}

/** `hoard-waits+lease-abuse,malformed`: two clients. */
function outlawsOf({ options, line }: Command): string[][] {
  const processes = options.get('outlaws')?.split(',') ?? [];
  return processes.map((names) =>
    names.split('+').map((name) => {
      return Object.hasOwn(outlaws, name)
        ? name
        : refuseScript(line, `${name} is not a behaviour of clients`);
    }),
  );
}

function withPuppets(puppets: ReadonlySet<ReplicaId>, tampering: Tampering | undefined): Tampering {
  return {
    ...tampering,
    outputs: (outputs, replica, world, input) => {
      if (puppets.has(replica)) return outputs.filter(({ kind }) => kind === 'persist' || kind === 'deliver');
      return tampering?.outputs?.(outputs, replica, world, input) ?? outputs;
    },
  };
}

function skewsOf(text: string | undefined, line: number): Map<number, ClockError> {
  const skews = new Map<number, ClockError>();
  for (const part of text?.split(',') ?? []) {
    const [replica, skew] = part.split(':');
    skews.set(parseInteger(replica ?? '', line), { skewUs: parseDurationUs(skew ?? '', line), driftPpm: 0 });
  }
  return skews;
}
