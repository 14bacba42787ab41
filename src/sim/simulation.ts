/**
 * One random simulation: a safety phase in which everything within the fault model goes wrong, then a
 * liveness phase in which nothing does any more and everything must come to an end: each open operation
 * answered, every replica, restarted ones too, at the same point with the same state (TigerBeetle's two
 * phases). The report of a seed is always the same.
 */
import { prng, toHex } from '../base/index.js';
import { decodeResult } from '../codec/index.js';
import { defaultOrderingConfig } from '../ordering/index.js';
import { withAdversaries } from './byzantine/index.js';
import { IdleExpiry, idleExpiryBoundMs } from './checkers/idle-expiry.js';
import { Violation } from './checkers/violation.js';
import type { ViolationKind } from './checkers/violation.js';
import type { ClientHost } from './client-host.js';
import { epochMs } from './clock.js';
import { Contenders } from './contenders.js';
import { GuardedWorkload } from './guarded/guarded-workload.js';
import type { HistoryEntry } from './history.js';
import { Nemesis } from './nemesis.js';
import { livenessLinks, parametersOf } from './parameters.js';
import type { FixedParameters, RunParameters } from './parameters.js';
import { addOutlaws, endOutlaws } from './outlaws/index.js';
import { Subscribers } from './subscribers.js';
import { Workload } from './workload.js';
import { World } from './world.js';
import type { Tampering } from './world-options.js';

export interface SimulationOptions extends FixedParameters {
  readonly seed: number;
  /** A deliberate bug or a Byzantine behaviour. */
  readonly tampering?: Tampering;
  /** Gets the world before it starts, to look into it or to arrange more. */
  readonly prepare?: (world: World) => void;
}

export interface SimulationFailure {
  readonly kind: ViolationKind;
  /** The checker that noticed. */
  readonly checker: string;
  readonly message: string;
  readonly atMs: number;
}

export interface SimulationReport {
  readonly seed: number;
  readonly ok: boolean;
  readonly failure?: SimulationFailure;
  readonly n: number;
  /** Byzantine replicas and their behaviours, or another reason not to look at them. */
  readonly byzantine: readonly string[];
  /** Malicious clients. */
  readonly outlaws: readonly string[];
  readonly operations: number;
  /** How the operations ended. */
  readonly outcomes: Readonly<
    Record<'ordered' | 'fast' | 'unknown' | 'refused' | 'unavailable' | 'open', number>
  >;
  readonly virtualMs: number;
  readonly batches: number;
  /** Highest view that a correct replica reached. */
  readonly viewChanges: number;
  readonly stateTransfers: number;
  readonly restarts: number;
  readonly rejoins: number;
  /** Times that a client came to believe in a lock of its own, or again. */
  readonly beliefs: number;
  readonly packets: number;
  /** Equal for equal runs. */
  readonly traceDigest: string;
  /** The last events before a failure. */
  readonly trace?: readonly string[];
}

/** Virtual time within which everything must have come to an end once the faults have stopped. */
const livenessUsMax = 90_000_000;
const probeTimeoutMs = 10_000;
const probeAgainUs = 100_000;

export function runRandom(options: SimulationOptions): SimulationReport {
  const parameters = parametersOf(options.seed, options);
  const random = prng(options.seed).stream('byzantine');
  const tampering = withAdversaries(parameters.adversaries, random, options.tampering);
  const world = new World({ ...parameters.world, tampering });
  for (const [replica, names] of parameters.adversaries) world.byzantine.set(replica, names.join(' '));
  options.prepare?.(world);
  const failure = attempt(world, () => play(world, parameters));
  return reportOf(world, options.seed, failure);
}

/** Runs and turns whatever is thrown into a failure. */
export function attempt(world: World, run: () => void): SimulationFailure | null {
  try {
    run();
    return null;
  } catch (thrown) {
    return failureOf(world, thrown);
  }
}

export function failureOf(world: World, thrown: unknown): SimulationFailure {
  const atMs = world.simulator.nowMs;
  if (thrown instanceof Violation)
    return { kind: thrown.kind, checker: thrown.checker, message: thrown.message, atMs };
  const message = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return { kind: 'crash', checker: 'exception', message, atMs };
}

function play(world: World, parameters: RunParameters): void {
  const { simulator } = world;
  const waitFor = (condition: () => boolean): void => {
    if (!simulator.runUntil(condition, livenessUsMax + rejoinUs(parameters), 100_000))
      throw stuck(world, workload);
  };
  const workload = new Workload(world, world.random.stream('workload'), parameters.workload);
  const nemesis = new Nemesis(
    world,
    world.random.stream('nemesis'),
    parameters.nemesis,
    parameters.world.links,
  );
  const contenders = new Contenders(world, world.random.stream('contenders'), parameters.contenders);
  const subscribers = new Subscribers(world, world.random.stream('subscribers'), parameters.subscribers);
  const { guarded: profile } = parameters;
  const guarded =
    profile === null ? null : new GuardedWorkload(world, world.random.stream('guarded'), profile);
  const outlaws = addOutlaws(world, parameters.outlaws);
  world.start();
  for (const outlaw of outlaws) outlaw.start();
  workload.start();
  contenders.start();
  subscribers.start();
  guarded?.start();
  nemesis.start();
  workload.allow(Math.ceil(parameters.safetyOperations / 2));
  simulator.runUntil(() => workload.isIdle, parameters.safetyUs / 2, 50_000);
  simulator.run(parameters.quietUs);
  workload.allow(parameters.safetyOperations);
  simulator.runUntil(() => workload.isIdle, parameters.safetyUs / 2, 50_000);
  world.trace.record(simulator.nowUs, -1, 'faults stop');
  nemesis.stop(livenessLinks);
  subscribers.comeBack();
  endOutlaws(world, outlaws);
  // What did not fit into the safety phase is not made up for.
  const { operations } = parameters.workload;
  workload.allow(workload.issued + operations - parameters.safetyOperations);
  waitFor(() => workload.isIdle);
  contenders.stop();
  guarded?.stop();
  subscribers.stay();
  const areIdle = (): boolean => contenders.isIdle && subscribers.isIdle && guarded?.isIdle !== false;
  waitFor(() => areIdle() && isConverged(world));
  probe(world);
  waitFor(() => subscribers.isIdle && isConverged(world));
  idle(world, parameters);
  waitFor(() => isConverged(world));
  compareStates(world);
  world.checks.finish(world.history);
}

/**
 * Who lost its log has its REJOIN ordered once the window of its last one has passed, and votes again from the first
 * checkpoint a window later (DESIGN: amnesia); each batch takes its rounds and syncs.
 */
function rejoinUs({ world: { config, storage } }: RunParameters): number {
  const { watermarkWindow, checkpointInterval, windowBatches } = { ...defaultOrderingConfig, ...config };
  const batches = 2 * watermarkWindow + checkpointInterval;
  return Math.ceil(batches / windowBatches) * 6 * storage.syncUsMax;
}

/** No traffic at all, until every lease that the clients asked for has had its time. */
function idle(world: World, { adversaries, workload, world: { clockErrorMaxMs } }: RunParameters): void {
  const circumstances = { clockErrorMaxMs, faultyPrimaries: adversaries.size };
  const checker = new IdleExpiry(idleExpiryBoundMs(world.config, circumstances));
  watchIdle(world, (workload.leaseMsMax + checker.boundMs) * 1_000, checker);
}

/** Lets time pass and looks at what is due at each correct replica. */
export function watchIdle(world: World, durationUs: number, checker: IdleExpiry): void {
  const { simulator } = world;
  const untilUs = simulator.nowUs + durationUs;
  while (simulator.nowUs < untilUs) {
    simulator.run(Math.min(10_000, untilUs - simulator.nowUs));
    for (const { id, isLive, nextDeadline } of world.correctReplicas())
      if (isLive) checker.observe(id, nextDeadline, epochMs + simulator.nowMs);
  }
}

/**
 * Every correct replica lives, votes and has executed the same, and nothing waits. Up to f that left the
 * view alone may stay behind until the next view change (OSDI'99 section 4.5.2).
 */
export function isConverged(world: World): boolean {
  const replicas = world.correctReplicas();
  if (!replicas.every(({ isLive }) => isLive)) return false;
  const statuses = replicas.map(({ core }) => core.status());
  const { executed } = statuses[0]!;
  const inactive = statuses.filter(({ isActive }) => !isActive).length;
  return (
    inactive <= world.f &&
    statuses.every(
      (status) =>
        !status.isObserver && status.executed === executed && (status.pending === 0 || !status.isActive),
    )
  );
}

/** After all that, a new operation of each client is answered, and none of whoever is no client. */
function probe(world: World): void {
  const all = world.allClients.map((client) => new Probe(world, client));
  const strangers = all.filter(({ client }) => !world.isAdmitted(client));
  for (const each of all) each.ask();
  const isAnswered = (): boolean => all.every(({ isDone }) => isDone);
  // Replies of an earlier session may leave no room: it is given up after a lease without an answer, and ends a lease later.
  const longestMs = 2 * world.config.sessionLeaseMs + probeTimeoutMs + 1_000;
  world.simulator.runUntil(isAnswered, longestMs * 1_000, 10_000);
  const entryOf = ({ entry }: Probe): HistoryEntry => entry!;
  const entries = all.filter((each) => !strangers.includes(each)).map(entryOf);
  for (const { client, outcome } of entries) {
    if (outcome?.kind !== 'result')
      throw new Violation(
        'liveness',
        'probe',
        `client ${client} got ${outcome?.kind ?? 'nothing'} without faults`,
      );
    if (decodeResult(outcome.result)?.kind !== 'entry')
      throw new Violation('safety', 'probe', `client ${client} was answered ${toHex(outcome.result)}`);
  }
  for (const { client, outcome } of strangers.map(entryOf))
    if (outcome?.kind === 'result')
      throw new Violation('safety', 'probe', `${client} is no client, but was answered`);
}

/** The last operation of a client, asked for again while too many replies to it are under way. */
class Probe {
  readonly client: ClientHost;
  readonly #world: World;
  entry: HistoryEntry | null = null;
  isDone = false;

  constructor(world: World, client: ClientHost) {
    this.#world = world;
    this.client = client;
  }

  ask(): void {
    const tuple = ['probe', this.client.node];
    const operation = { kind: 'out', space: 'default', tuple, lease: null } as const;
    this.entry = this.client.call(operation, false, probeTimeoutMs, ({ outcome }) => {
      this.isDone = outcome?.kind !== 'refused' || outcome.code !== 'REPLIES_FULL';
      if (!this.isDone) this.#world.simulator.schedule(probeAgainUs, () => this.ask());
    });
  }
}

export function compareStates(world: World): void {
  const digests = world.correctReplicas().map(({ core }) => core.stateDigest());
  if (digests.some((digest) => digest !== digests[0]))
    throw new Violation('safety', 'state-digests', 'states differ at the end');
}

export function stuck(world: World, workload: Workload): Violation {
  const states = world.replicas.map((host) => {
    const { id } = host;
    if (!host.isRunning) return `${id}: stopped`;
    const { view, isActive, isObserver, executed, stableCheckpoint, pending } = host.core.status();
    const flags = `${isActive ? '' : ' inactive'}${isObserver ? ' observer' : ''}`;
    return `${id}: view ${view}${flags} executed ${executed} stable ${stableCheckpoint} pending ${pending}`;
  });
  const open = `${workload.issued - workload.finished} operations open`;
  return new Violation('liveness', 'convergence', `${open}; ${states.join('; ')}`);
}

export function reportOf(world: World, seed: number, failure: SimulationFailure | null): SimulationReport {
  const outcomes = { ordered: 0, fast: 0, unknown: 0, refused: 0, unavailable: 0, open: 0 };
  // Nobody tells a client that is none any more what became of its waits.
  const strangers = world.allClients.filter((client) => !world.isAdmitted(client)).map(({ node }) => node);
  for (const { outcome, client } of world.history.entries) {
    if (outcome === null) outcomes[strangers.includes(client) ? 'unknown' : 'open']++;
    else outcomes[outcome.kind === 'result' ? outcome.path : outcome.kind]++;
  }
  const running = world.correctReplicas().filter(({ isRunning }) => isRunning);
  return {
    seed,
    ok: failure === null,
    ...(failure === null ? {} : { failure, trace: world.trace.tail() }),
    n: world.n,
    byzantine: [...world.byzantine].map(([replica, names]) => `${replica}: ${names}`),
    outlaws: [...world.outlaws.values()],
    operations: world.history.entries.length,
    outcomes,
    virtualMs: world.simulator.nowMs,
    batches: world.checks.order.highest,
    viewChanges: Math.max(0, ...running.map(({ core }) => core.status().view)),
    stateTransfers: world.counters.stateTransfers,
    restarts: world.counters.restarts,
    rejoins: world.counters.rejoins,
    beliefs: world.checks.holderTruth.beliefs.length,
    packets: world.network.packets,
    traceDigest: world.trace.digest(),
  };
}
