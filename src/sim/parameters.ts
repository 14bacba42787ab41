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
import type { LeaseLimits } from './checkers/tuple-space-model.js';
import { boundedClockError, driftingClockError, frozenClock } from './clock.js';
import type { ClockError } from './clock.js';
import type { ContenderProfile } from './contenders.js';
import type { GuardedProfile } from './guarded/guarded-workload.js';
import { faultKinds, isStrike } from './nemesis.js';
import type { FaultKind, NemesisProfile } from './nemesis.js';
import { calmLinks } from './network.js';
import type { LinkProfile } from './network.js';
import { outlaws } from './outlaws/table.js';
import { drawSmallLimits } from './small-limits.js';
import type { SubscriberProfile } from './subscribers.js';
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
  /** Malicious clients beside the correct ones, and how each behaves. */
  readonly outlaws: readonly (readonly string[])[];
  /** Operations issued in the safety phase; the rest follows after it. */
  readonly safetyOperations: number;
  /** A pause of the clients halfway, in which time has to go on by itself. */
  readonly quietUs: number;
  readonly contenders: ContenderProfile;
  readonly subscribers: SubscriberProfile;
  /** Null: clients are not registered, and there is one space without guards. */
  readonly guarded: GuardedProfile | null;
}

/** What the caller fixes; the seed decides the rest. */
export interface FixedParameters {
  readonly n?: number;
  readonly operations?: number;
  /** Kinds of faults that may occur; each is switched on or off by the seed. */
  readonly faults?: readonly FaultKind[];
  /** Some replicas are Byzantine, and behave in one or more of these ways alone. */
  readonly behaviours?: readonly string[];
  /** Ways in which malicious clients behave; empty: there are none. */
  readonly outlaws?: readonly string[];
  /** Whether clients are registered and spaces guarded. */
  readonly guards?: boolean;
  /** Whether processes remember what they stored. */
  readonly durable?: boolean;
  /** False: all limits are those of production, and no correct client is refused anything for its own load. */
  readonly smallLimits?: boolean;
}

const horizonUs = 300_000_000;

/** Few operations under way on a slow disk would be a service that bears none of the loads that are drawn. */
const slowestNarrowSyncUs = 5_000;
const isNarrow = ({ windowBatches = Infinity, batchOperationsMax = Infinity }: DrawnConfig): boolean =>
  windowBatches * batchOperationsMax <= 8;

export function parametersOf(seed: number, fixed: FixedParameters = {}): RunParameters {
  const random = prng(seed).stream('parameters');
  const n = fixed.n ?? drawClusterSize(random);
  const small = drawSmallLimits(random.stream('small limits'), fixed.smallLimits);
  const sharedChecksMin = random.stream('shared checks').pick([1, 2, 32]);
  const config = { ...drawConfig(random), sharedChecksMin, ...small.config };
  const links = drawLinks(random);
  const drawnWorkload = drawWorkload(random, fixed.operations, config.clockSkewMaxMs);
  const tickUs = random.pick([5_000, 20_000, 25_000]);
  const clocks = drawClocks(random.stream('clocks'), config.clockSkewMaxMs, tickUs);
  const adversaries = drawAdversaries(random, n, fixed);
  const drawnSyncUs = random.pick([0, 500, 5_000, 50_000]);
  const syncUsMax = isNarrow(config) ? Math.min(drawnSyncUs, slowestNarrowSyncUs) : drawnSyncUs;
  const clients = random.between(1, 6);
  const storage = random.stream('storage');
  const guarded = random.stream('guarded');
  const isGuarded = fixed.guards ?? guarded.chance(1, 4);
  const guests = guarded.between(1, 3);
  const dishonest = drawOutlaws(random.stream('outlaws'), fixed);
  // Clients are to be trusted with MACs.
  const hasMacs = dishonest.length === 0 && random.stream('request authentication').chance(1, 6);
  const subscribers = drawSubscribers(random.stream('subscribers'), drawnWorkload, clients);
  const isAway = subscribers.absenceUsMax > 0;
  const drawnEventsMax = random.stream('events').pick([64, 128, 65_536]);
  const workload = isAway ? withManyEvents(drawnWorkload, fixed.operations) : drawnWorkload;
  return {
    world: {
      seed,
      n,
      clients,
      config,
      clientSettings: small.clientSettings,
      links,
      storage: {
        syncUsMin: Math.floor(syncUsMax / 10),
        syncUsMax,
        isDurable: fixed.durable ?? storage.chance(2, 3),
        segmentBytes: storage.pick([1 << 10, 16 << 10, 64 << 10]),
      },
      replicaClock: (replica) =>
        adversaries.has(replica) ? clocks.adversary(replica) : clocks.correct(replica),
      clientClock: (client) => driftingClockError(random.stream(`clock of client ${client}`)),
      clockErrorMaxMs: clocks.errorMaxMs,
      leaseLimits: leaseLimitsOf(config.clockSkewMaxMs),
      eventsPerSpaceMax: isAway ? 1 : drawnEventsMax,
      waitsPerClientMax: random.stream('waits per client').pick([1, 3, 16_384, 16_384]),
      tickUs,
      breakNoticeUs: random.pick([1_000, 50_000]),
      checks: defaultCheckSettings,
      requestAuth: hasMacs ? 'mac' : 'signature',
      toldPerTurn: random.stream('spare replies').pick([0, 8]),
      ...(isGuarded ? { guards: { guests, lateGuests: guarded.below(guests + 1) } } : {}),
    },
    guarded: isGuarded ? drawGuarded(guarded, drawnWorkload) : null,
    workload,
    adversaries,
    outlaws: dishonest,
    nemesis: drawNemesis(random, fixed.faults ?? faultKinds),
    safetyUs: random.between(5, 20) * 1_000_000,
    safetyOperations: Math.ceil(workload.operations * 0.9),
    quietUs: random.pick([0, 0, 1_000_000, 6_000_000]),
    subscribers,
    contenders: drawContenders(
      random,
      config.clockSkewMaxMs,
      clients,
      clocks.isWide || isSmall(drawnWorkload),
    ),
  };
}

/** Clock error of correct replicas that lease holders reckon with (ε of DESIGN section 3). */
const clockErrorMs = 50;

/** The least lease of DESIGN section 3, and a longest one that a run can outlive. */
export const leaseLimitsOf = (clockSkewMaxMs: number): LeaseLimits => ({
  leaseMinMs: 4 * (clockSkewMaxMs + clockErrorMs),
  leaseMaxMs: 60_000,
});

interface Clocks {
  readonly correct: (replica: ReplicaId) => ClockError;
  readonly adversary: (replica: ReplicaId) => ClockError;
  readonly errorMaxMs: number;
  /** Worse than lease holders reckon with, though two of them never differ by more than clockSkewMax. */
  readonly isWide: boolean;
}

function drawClocks(random: Prng, clockSkewMaxMs: number, tickUs: number): Clocks {
  const isWide = random.chance(1, 4);
  // Beside the clock's own error a replica looks at it only every so often, and in whole milliseconds.
  const lookMs = Math.ceil(tickUs / 1_000) + 2;
  const boundMs = isWide ? Math.floor(clockSkewMaxMs / 2) : clockErrorMs - lookMs;
  const bounded = (replica: ReplicaId): ClockError =>
    boundedClockError(random.stream(`replica ${replica}`), boundMs * 1_000, horizonUs);
  return {
    isWide,
    errorMaxMs: boundMs + lookMs,
    correct: bounded,
    adversary: (replica) => {
      const own = random.stream(`adversary ${replica}`);
      const skewUs = own.pick([-10_000_000, -900_000, 900_000, 10_000_000]);
      return own.pick([bounded(replica), bounded(replica), frozenClock, { skewUs, driftPpm: 0 }]);
    },
  };
}

/** In some runs they are away while what they have not heard falls out of the history. */
function drawSubscribers(random: Prng, { keys }: WorkloadProfile, clients: number): SubscriberProfile {
  const usual = {
    subscribers: random.pick([0, 1, clients]),
    keys,
    timeoutMs: random.pick([1_000, 10_000]),
    useUsMax: random.pick([0, 20_000, 500_000]),
    stayUsMax: random.pick([500_000, 5_000_000]),
    absenceUsMax: 0,
  };
  const absences = random.stream('absences');
  return clients > 1 && absences.chance(1, 8)
    ? { ...usual, subscribers: clients, absenceUsMax: absences.pick([6_000_000, 12_000_000]) }
    : usual;
}

/** So many in a short time that those of whole pages are gone before who is away comes back. */
const withManyEvents = (drawn: WorkloadProfile, operations = 800): WorkloadProfile => ({
  ...drawn,
  operations,
  thinkUsMax: Math.min(drawn.thinkUsMax, 50_000),
});

function drawGuarded(random: Prng, { leaseMsMin, leaseMsMax }: WorkloadProfile): GuardedProfile {
  return {
    operations: random.between(80, 280),
    spaces: random.between(1, 3),
    thinkUsMax: random.pick([5_000, 50_000, 500_000]),
    adminThinkUsMax: random.pick([50_000, 500_000, 2_000_000]),
    timeoutMs: random.pick([1_000, 5_000]),
    fastReadPercent: random.pick([0, 50, 100]),
    leaseMsMin,
    leaseMsMax,
    waitMsMax: random.pick([200, 1_000, 4_000]),
  };
}

const isSmall = ({ operations }: WorkloadProfile): boolean => operations <= defaultCheckSettings.searchMax;

function drawContenders(
  random: Prng,
  clockSkewMaxMs: number,
  clients: number,
  isWithout: boolean,
): ContenderProfile {
  const { leaseMinMs } = leaseLimitsOf(clockSkewMaxMs);
  return {
    contenders: isWithout ? 0 : random.pick([0, clients]),
    locks: random.between(1, 2),
    leaseMsMin: leaseMinMs,
    leaseMsMax: leaseMinMs + random.pick([0, 3_000]),
    timeoutMs: random.pick([500, 5_000]),
    thinkUsMax: random.pick([100_000, 1_000_000]),
  };
}

/** Mostly the smallest; larger ones cost the square. */
function drawClusterSize(random: Prng): number {
  const draw = random.below(20);
  return draw < 15 ? 4 : draw < 19 ? 7 : 10;
}

type DrawnConfig = Partial<OrderingConfig> & Pick<OrderingConfig, 'clockSkewMaxMs'>;

function drawConfig(random: Prng): DrawnConfig {
  const checkpointInterval = random.pick([4, 8, 8, 16, 32, defaultOrderingConfig.checkpointInterval]);
  const windowBatches = random.pick([1, 2, 8]);
  const batchOperationsMax = random.pick([1, 3, 512]);
  return {
    windowBatches,
    batchOperationsMax,
    checkpointInterval,
    watermarkWindow: 2 * checkpointInterval,
    clockSkewMaxMs: random.pick([250, 500, 500]),
    requestTimeoutMs: random.pick([300, 700, 1_500]),
    viewChangeTimeoutMs: random.pick([200, 500]),
    viewChangeTimeoutMaxMs: 4_000,
    stateChunkBytes: random.pick([512, 4_096, defaultOrderingConfig.stateChunkBytes]),
    stateBytesPerSecond: random
      .stream('donations')
      .pick([250_000, defaultOrderingConfig.stateBytesPerSecond]),
    feedWindowEvents: random.stream('feed window').pick([64, 100, defaultOrderingConfig.feedWindowEvents]),
    historyBatchesMax: random.stream('history').pick([0, 16, defaultOrderingConfig.historyBatchesMax]),
    rotateAfterBatches: drawRotation(random.stream('rotation'), batchOperationsMax),
  };
}

/** A view has to be worth its change: no load can be borne where each orders an operation or two. */
function drawRotation(random: Prng, batchOperationsMax: number): number {
  if (!random.chance(1, 10)) return 0;
  return Math.max(random.pick([1, 4, 20]), Math.ceil(20 / batchOperationsMax));
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

function drawWorkload(random: Prng, operations: number | undefined, clockSkewMaxMs: number): WorkloadProfile {
  const { leaseMinMs } = leaseLimitsOf(clockSkewMaxMs);
  const isSmallOne = random.chance(1, 8);
  const drawn = isSmallOne ? random.between(8, defaultCheckSettings.searchMax) : random.between(200, 400);
  const timeoutMsMax = random.pick([2_000, 10_000]);
  return {
    operations: operations ?? drawn,
    concurrency: random.pick([1, 2, 4, 16]),
    thinkUsMax: random.pick([0, 5_000, 50_000, 300_000, 1_000_000]),
    timeoutMsMin: random.pick([200, timeoutMsMax]),
    timeoutMsMax,
    fastReadPercent: random.pick([0, 50, 100]),
    keys: random.pick([1, 3, 10]),
    leasePercent: random.pick([0, 30, 80]),
    leaseMsMin: leaseMinMs,
    leaseMsMax: leaseMinMs + random.pick([10, 2_000, 6_000]),
    waitPercent: random.stream('waits').pick([0, 15, 40]),
    waitMsMax: random.stream('wait times').pick([50, 1_000, 4_000]),
    hasAllTypes: random.stream('types').chance(1, 2),
  };
}

/** Behaviours of one replica: mostly few, since many of them hide what each alone would show. */
const behaviourCounts = [0, 1, 1, 1, 2, 2, 3, 5, 8];

/** Beside what each has of its own, several have one in common at times. */
function drawAdversaries(random: Prng, n: number, fixed: FixedParameters): Adversaries {
  const adversaries = new Map<ReplicaId, readonly string[]>();
  const isDrawn = random.chance(1, 2) && (fixed.faults ?? faultKinds).includes('byzantine');
  const isAllowed = isDrawn || fixed.behaviours !== undefined;
  const count = isAllowed ? random.between(1, faultsTolerated(n)) : 0;
  const own = random.stream('adversaries');
  const names = fixed.behaviours ?? Object.keys(behaviours);
  const conspiracies = names.filter((name) => name === 'collude' || name === 'vote-for-all');
  const common = own.chance(1, 2) ? [own.pick([...names, ...conspiracies])] : [];
  while (adversaries.size < count) {
    const drawn = Array.from({ length: own.pick(behaviourCounts) }, () => own.pick(names));
    const all = [...drawn, ...(count > 1 ? common : [])];
    if (all.length === 0 && fixed.behaviours !== undefined) continue;
    adversaries.set(replicaId(own.below(n)), [...new Set(all)]);
  }
  return adversaries;
}

/** In some runs one or two. */
function drawOutlaws(random: Prng, fixed: FixedParameters): readonly (readonly string[])[] {
  const isDrawn = random.chance(1, 4) && (fixed.faults ?? faultKinds).includes('outlaws');
  if (!isDrawn && fixed.outlaws === undefined) return [];
  const names = fixed.outlaws ?? Object.keys(outlaws);
  if (names.length === 0) return [];
  return Array.from({ length: random.pick([1, 1, 2]) }, () => {
    const drawn = Array.from({ length: random.pick([1, 1, 2, 4]) }, () => random.pick(names));
    return [...new Set(drawn)];
  });
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
    losesLogs: allowed.includes('lost-logs') && random.stream('lost logs').chance(1, 8),
  };
}

/** Links once the faults have stopped. */
export const livenessLinks: LinkProfile = { ...calmLinks, delayUsMax: 5_000 };
