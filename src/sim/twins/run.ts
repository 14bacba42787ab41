/**
 * One scenario of Twins: what the two copies do, the network makes them do. Messages of a view cross only within the groups of
 * that view, whenever they are sent again; after a while everybody reaches everybody, and the service must go on.
 */
import { prng, replicaId } from '../../base/index.js';
import type { PeerMessage } from '../../codec/index.js';
import { defaultCheckSettings } from '../checks.js';
import { perfectClock } from '../clock.js';
import { calmLinks } from '../network.js';
import { leaseLimitsOf } from '../parameters.js';
import {
  attempt,
  compareStates,
  isConverged,
  reportOf,
  stuck,
  type SimulationReport,
} from '../simulation.js';
import { Workload, type WorkloadProfile } from '../workload.js';
import { World } from '../world.js';
import type { Tampering, WorldOptions } from '../world-options.js';
import {
  canReach,
  replicas,
  scenarioText,
  secondCopy,
  twinsScenario,
  type TwinsScenario,
} from './schedule.js';
import { SecondCopy } from './second-copy.js';

export interface TwinsOptions {
  /** The number of the scenario, too; they repeat. */
  readonly seed: number;
  /** A deliberate bug. */
  readonly tampering?: Tampering;
}

const clockSkewMaxMs = 500;
const tickUs = 10_000;
/** Several times what two views take. */
const partedUs = 3_000_000;
const endUs = 60_000_000;
/** Apart, so that the first views see some of the operations each. */
const thinkUsMax = 200_000;

const workload: WorkloadProfile = {
  operations: 16,
  concurrency: 2,
  thinkUsMax,
  timeoutMsMin: 30_000,
  timeoutMsMax: 30_000,
  fastReadPercent: 50,
  keys: 2,
  leasePercent: 0,
  leaseMsMin: 2_200,
  leaseMsMax: 2_200,
  waitPercent: 0,
  waitMsMax: 0,
  hasAllTypes: false,
};

function optionsOf({ seed, tampering = {} }: TwinsOptions): WorldOptions {
  return {
    seed,
    n: replicas,
    clients: 2,
    config: {
      checkpointInterval: 8,
      watermarkWindow: 16,
      requestTimeoutMs: 300,
      viewChangeTimeoutMs: 200,
      viewChangeTimeoutMaxMs: 2_000,
    },
    clientSettings: {},
    links: calmLinks,
    storage: { syncUsMin: 100, syncUsMax: 100, isDurable: false, segmentBytes: 64 << 10 },
    replicaClock: () => perfectClock,
    clientClock: () => perfectClock,
    clockErrorMaxMs: Math.ceil(tickUs / 1_000) + 2,
    leaseLimits: leaseLimitsOf(clockSkewMaxMs),
    eventsPerSpaceMax: 65_536,
    tickUs,
    breakNoticeUs: 1_000,
    checks: { ...defaultCheckSettings, validateEvery: 1, digestEvery: 1 },
    tampering,
  };
}

export function runTwins(options: TwinsOptions): SimulationReport {
  const scenario = twinsScenario(options.seed);
  const world = new World(optionsOf(options));
  const pair = replicaId(scenario.pair);
  world.byzantine.set(pair, `twins ${scenarioText(scenario)}`);
  const second = pairUp(world, scenario);
  const failure = attempt(world, () => {
    world.start();
    second.host.start('genesis');
    const clients = new Workload(world, prng(options.seed).stream('workload'), workload);
    clients.start();
    clients.allow(workload.operations);
    world.simulator.run(partedUs);
    const isOver = (): boolean => clients.isIdle && isConverged(world);
    if (!world.simulator.runUntil(isOver, endUs, 100_000)) throw stuck(world, clients);
    compareStates(world);
    world.checks.finish(world.history);
  });
  return reportOf(world, options.seed, failure);
}

/** Puts the second copy beside the first, and the partitions between all. */
function pairUp(world: World, scenario: TwinsScenario): SecondCopy {
  const { pair } = scenario;
  const viewOf = (node: number, message: PeerMessage): number => {
    if ('view' in message) return message.view;
    const host = node === secondCopy ? second.host : world.replicas[node]!;
    return host.isRunning ? host.core.status().view : 0;
  };
  const isConnected = (from: number, to: number, message: PeerMessage): boolean =>
    world.simulator.nowUs >= partedUs || canReach(scenario, viewOf(from, message), from, to);
  const second: SecondCopy = new SecondCopy(world, replicaId(pair), isConnected);
  world.filter = ({ from, to, message, deliver }) => {
    if (from >= world.n || to >= world.n) return false;
    const said = message as PeerMessage;
    if (to === pair && isConnected(from, secondCopy, said)) second.hear(replicaId(from), said);
    if (isConnected(from, to, said)) world.network.send(from, to, deliver);
    return true;
  };
  return second;
}
