/**
 * Every parameter of a random run, out of its seed: cluster size, settings of the ordering layer, links,
 * clocks, logs, clients and which faults occur. Small checkpoint intervals are preferred, so that a short
 * run crosses many of them.
 */
import { prng, replicaId } from '../base/index.js';
import type { Prng, ReplicaId } from '../base/index.js';
import type { OrderingConfig } from '../ordering/index.js';
import { defaultOrderingConfig, faultsTolerated } from '../ordering/index.js';
import { behaviours } from './byzantine/index.js';
import type { Adversaries } from './byzantine/index.js';
import { defaultCheckSettings } from './checks.js';
import { boundedClockError } from './clock.js';
import { faultKinds, isStrike } from './nemesis.js';
import type { FaultKind, NemesisProfile } from './nemesis.js';
import { calmLinks } from './network.js';
import type { LinkProfile } from './network.js';
import type { WorkloadProfile } from './workload.js';
import type { WorldOptions } from './world-options.js';

export interface RunParameters {
  readonly world: WorldOptions;
  readonly workload: WorkloadProfile;
  readonly nemesis: NemesisProfile;
  /** The safety phase ends after so long at the latest. */
  readonly safetyUs: number;
  /** At most f. */
  readonly adversaries: Adversaries;
  /** Operations issued in the safety phase; the rest follows after it. */
  readonly safetyOperations: number;
}

/** What the caller fixes; the seed decides the rest. */
export interface FixedParameters {
  readonly n?: number;
  readonly operations?: number;
  /** Kinds of faults that may occur; each is switched on or off by the seed. */
  readonly faults?: readonly FaultKind[];
}

const horizonUs = 300_000_000;

export function parametersOf(seed: number, fixed: FixedParameters = {}): RunParameters {
  const random = prng(seed).stream('parameters');
  const n = fixed.n ?? drawClusterSize(random);
  const config = drawConfig(random);
  const links = drawLinks(random);
  const workload = drawWorkload(random, fixed.operations);
  const clocks = random.stream('clocks');
  const clock = (name: string): ReturnType<typeof boundedClockError> =>
    boundedClockError(clocks.stream(name), (config.clockSkewMaxMs ?? 500) * 1_000, horizonUs);
  const syncUsMax = random.pick([0, 500, 5_000, 50_000]);
  return {
    world: {
      seed,
      n,
      clients: random.between(1, 6),
      config,
      clientSettings: {},
      links,
      storage: { syncUsMin: Math.floor(syncUsMax / 10), syncUsMax },
      replicaClock: (replica) => clock(`replica ${replica}`),
      clientClock: (client) => clock(`client ${client}`),
      tickUs: random.pick([5_000, 20_000, 25_000]),
      breakNoticeUs: random.pick([1_000, 50_000]),
      checks: defaultCheckSettings,
    },
    workload,
    adversaries: drawAdversaries(random, n, fixed.faults ?? faultKinds),
    nemesis: drawNemesis(random, fixed.faults ?? faultKinds),
    safetyUs: random.between(5, 20) * 1_000_000,
    safetyOperations: Math.ceil(workload.operations * 0.9),
  };
}

/** Mostly the smallest; larger ones cost the square. */
function drawClusterSize(random: Prng): number {
  const draw = random.below(20);
  return draw < 15 ? 4 : draw < 19 ? 7 : 10;
}

function drawConfig(random: Prng): Partial<OrderingConfig> {
  const checkpointInterval = random.pick([4, 8, 8, 16, 32, defaultOrderingConfig.checkpointInterval]);
  return {
    windowBatches: random.pick([1, 2, 8]),
    batchOperationsMax: random.pick([1, 3, 512]),
    checkpointInterval,
    watermarkWindow: 2 * checkpointInterval,
    requestTimeoutMs: random.pick([300, 700, 1_500]),
    viewChangeTimeoutMs: random.pick([200, 500]),
    viewChangeTimeoutMaxMs: 4_000,
    stateChunkBytes: random.pick([512, 4_096, defaultOrderingConfig.stateChunkBytes]),
    historyBatchesMax: random.stream('history').pick([0, 16, defaultOrderingConfig.historyBatchesMax]),
  };
}

function drawLinks(random: Prng): LinkProfile {
  const delayUsMax = random.pick([500, 2_000, 10_000, 40_000]);
  return {
    delayUsMin: random.pick([50, Math.floor(delayUsMax / 2)]),
    delayUsMax,
    lossPer10k: random.pick([0, 0, 10, 100, 500]),
    duplicatePer10k: random.pick([0, 0, 100, 1_000]),
    reorderPer10k: random.pick([0, 0, 100, 1_000]),
    reorderUsMax: random.pick([10_000, 200_000]),
  };
}

function drawWorkload(random: Prng, operations: number | undefined): WorkloadProfile {
  const isSmall = random.chance(1, 8);
  const drawn = isSmall ? random.between(8, defaultCheckSettings.searchMax) : random.between(200, 400);
  const timeoutMsMax = random.pick([2_000, 10_000]);
  return {
    operations: operations ?? drawn,
    concurrency: random.pick([1, 2, 4, 16]),
    thinkUsMax: random.pick([0, 5_000, 50_000, 300_000]),
    timeoutMsMin: random.pick([200, timeoutMsMax]),
    timeoutMsMax,
    fastReadPercent: random.pick([0, 50, 100]),
    keys: random.pick([1, 3, 10]),
  };
}

function drawAdversaries(random: Prng, n: number, allowed: readonly FaultKind[]): Adversaries {
  const adversaries = new Map<ReplicaId, readonly string[]>();
  const isAllowed = random.chance(1, 2) && allowed.includes('byzantine');
  const count = isAllowed ? random.between(1, faultsTolerated(n)) : 0;
  while (adversaries.size < count) {
    const oneIn = random.between(1, 4);
    const names = Object.keys(behaviours).filter(() => random.chance(1, oneIn));
    adversaries.set(replicaId(random.below(n)), names);
  }
  return adversaries;
}

function drawNemesis(random: Prng, allowed: readonly FaultKind[]): NemesisProfile {
  const kinds = allowed.filter(isStrike).filter(() => random.chance(1, 2));
  const intervalUsMax = random.pick([200_000, 1_000_000, 3_000_000]);
  const durationUsMax = random.pick([100_000, 1_000_000, 4_000_000]);
  return {
    kinds,
    intervalUsMin: 10_000,
    intervalUsMax,
    durationUsMin: 10_000,
    durationUsMax,
    storm: {
      delayUsMin: 1_000,
      delayUsMax: random.pick([50_000, 300_000]),
      lossPer10k: random.pick([500, 3_000]),
      duplicatePer10k: random.pick([0, 2_000]),
      reorderPer10k: 3_000,
      reorderUsMax: 500_000,
    },
  };
}

/** Links once the faults have stopped. */
export const livenessLinks: LinkProfile = { ...calmLinks, delayUsMax: 5_000 };
