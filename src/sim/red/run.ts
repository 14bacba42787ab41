/**
 * A random run of the ReD layer: coordinators with the real state machine, the real client library and policy, their database
 * replicas, and the coordination service with every fault of random runs; crashes, pauses and broken connections of
 * coordinators and databases besides, and a coordinator that does as it likes. S1, S2 and what was acknowledged are checked all
 * along; once the faults are over there must be a writer that writes, and everybody else copies and is known to it (L1 to L3).
 */
import { assert, prng, type Prng } from '../../base/index.js';
import type { MemberId } from '../../red/index.js';
import { withAdversaries } from '../byzantine/index.js';
import { RedBeliefs } from '../checkers/red-beliefs.js';
import { Violation } from '../checkers/violation.js';
import { SimulatedCluster } from '../cluster/simulated-cluster.js';
import { readyPolicies } from '../guarded/ready-policies.js';
import { parametersOf, type FixedParameters, type RunParameters } from '../parameters.js';
import { failureOf, reportOf, type SimulationFailure, type SimulationReport } from '../simulation.js';
import { CoordinatorHost } from './coordinator-host.js';
import type { Database } from './database.js';
import { Rogue } from './rogue.js';
import type { RedTampering } from './tampering.js';

export interface RedOptions extends Omit<FixedParameters, 'guards' | 'operations' | 'durable'> {
  readonly seed: number;
  /** Deliberate bugs, of each coordinator. */
  readonly tampering?: () => RedTampering;
  /** In place of policy/red.ts. */
  readonly policy?: (source: string) => string;
}

export interface RedReport extends SimulationReport {
  /** How often a database replica was made the writer. */
  readonly terms: number;
  readonly commits: number;
}

const space = 'red';
const rogueName = 'rogue';
const livenessMsMax = 180_000;

interface Run {
  readonly cluster: SimulatedCluster;
  readonly parameters: RunParameters;
  readonly random: Prng;
  readonly beliefs: RedBeliefs;
  readonly hosts: readonly CoordinatorHost[];
  /** Pairs of databases that do not reach each other now. */
  readonly cuts: Set<string>;
  readonly leaseMs: number;
  writes: number;
}

function createRun(options: RedOptions): Run {
  const { seed, tampering = () => ({}) } = options;
  const parameters = parametersOf(seed, { ...options, guards: false, smallLimits: false });
  const random = prng(seed).stream('red');
  const members = Array.from({ length: random.between(2, 4) }, (_, index) => `r${index + 1}`);
  const cluster = new SimulatedCluster(
    { seed, replicas: parameters.world.n, clients: ['admin', rogueName, ...members] },
    {
      ...parameters.world,
      clients: 0,
      waitsPerClientMax: 1_000,
      eventsPerSpaceMax: 65_536,
      tampering: withAdversaries(parameters.adversaries, random.stream('byzantine')),
      checks: { ...parameters.world.checks, isUnmodelled: true },
    },
  );
  for (const [replica, names] of parameters.adversaries)
    cluster.world.byzantine.set(replica, names.join(' '));
  const beliefs = new RedBeliefs();
  const { clockSkewMaxMs } = cluster.world.config;
  const leaseMs = 4 * (clockSkewMaxMs + 50) + random.pick([2_000, 5_000, 10_000]);
  const election = random.chance(1, 3) ? 'lowest' : 'race';
  const cuts = new Set<string>();
  const hosts: CoordinatorHost[] = [];
  const peer = (from: MemberId, id: MemberId): Database | null => {
    const database = hosts.find((host) => host.id === id)?.database;
    return database === undefined || cuts.has([from, id].sort(ascending).join()) ? null : database;
  };
  for (const id of members) {
    const parts = {
      cluster,
      id,
      seed,
      space,
      leaseMs,
      clockSkewMaxMs,
      election,
      beliefs,
      tampering: tampering(),
      peer,
    } as const;
    hosts.push(new CoordinatorHost(parts));
  }
  return { cluster, parameters, random, beliefs, hosts, cuts, leaseMs, writes: 0 };
}

const ascending = (a: string, b: string): number => (a < b ? -1 : 1);

export async function runRed(options: RedOptions): Promise<RedReport> {
  const run = createRun(options);
  let failure: SimulationFailure | null = null;
  try {
    await play(run, options.policy?.(readyPolicies.red) ?? readyPolicies.red);
  } catch (thrown) {
    failure = failureOf(run.cluster.world, thrown);
  }
  const report = reportOf(run.cluster.world, options.seed, failure);
  return { ...report, operations: run.writes, terms: run.beliefs.terms, commits: run.beliefs.acknowledged };
}

async function play(run: Run, policy: string): Promise<void> {
  const { cluster, parameters, hosts, random } = run;
  const { admin } = cluster.client('admin');
  await cluster.run(admin.createSpace(space, { policy }, { timeout: 60_000 }));
  for (const host of hosts) {
    host.start();
    host.startDatabase();
  }
  const rogue = random.chance(1, 2) ? new Rogue(cluster, rogueName, space, random.stream('rogue')) : null;
  rogue?.start(hosts.map(({ id }) => id));
  write(run);
  cluster.disturb(parameters.nemesis);
  const safetyMs = Math.floor(parameters.safetyUs / 1_000) + run.leaseMs * random.between(2, 8);
  harm(run, safetyMs);
  await cluster.advance(safetyMs);
  cluster.calm();
  rogue?.stop();
  mend(run);
  await becomesWell(run);
  await exchangeCopiers(run);
  for (const { problems } of hosts)
    assert(
      problems.length === 0,
      `a coordinator met what it never should: ${problems.slice(0, 3).join('; ')}`,
    );
  for (const host of hosts) {
    host.crashDatabase();
    host.crash();
  }
  await cluster.finish();
}

/** Clients of the database that write through whoever takes it. */
function write(run: Run): void {
  const { cluster, hosts, random } = run;
  const own = random.stream('writes');
  const next = (): void => {
    const number = ++run.writes;
    for (const { database } of hosts) database.write(number);
    cluster.world.simulator.schedule(own.between(20_000, 400_000), next);
  };
  next();
}

/** What happens to coordinators and databases, one thing after the other, until the safety phase is over. */
function harm(run: Run, untilMs: number): void {
  const { cluster, hosts, random, cuts, leaseMs } = run;
  const own = random.stream('harm');
  const { simulator } = cluster.world;
  const endUs = simulator.nowUs + untilMs * 1_000;
  const later = (us: number, action: () => void): void =>
    simulator.schedule(us, () => {
      if (simulator.nowUs < endUs) action();
    });
  const strike = (): void => {
    const host = own.pick(hosts);
    const durationUs = own.between(100, leaseMs * 3) * 1_000;
    switch (own.below(7)) {
      case 0:
        host.crash();
        later(durationUs, () => host.restart());
        break;
      case 1:
        if (!host.isRunning) break;
        cluster.stop(host.id);
        later(durationUs, () => cluster.continue(host.id));
        break;
      case 2:
        host.crashDatabase();
        later(durationUs, () => host.startDatabase());
        break;
      case 3:
        host.database.pause();
        later(durationUs, () => host.database.continue());
        break;
      case 4:
        host.breakWire();
        break;
      case 5: {
        const pair = [host.id, own.pick(hosts).id].sort(ascending).join();
        cuts.add(pair);
        later(durationUs, () => cuts.delete(pair));
        break;
      }
      case 6:
        cluster.cutOff(host.id);
        later(durationUs, () => cluster.heal());
        break;
    }
    later(own.between(200, leaseMs * 2) * 1_000, strike);
  };
  later(own.between(0, leaseMs) * 1_000, strike);
}

function mend({ cluster, hosts, cuts }: Run): void {
  cuts.clear();
  cluster.heal();
  for (const host of hosts) {
    cluster.continue(host.id);
    host.restart();
    if (host.database.isRunning) host.database.continue();
    else host.startDatabase();
  }
}

/** Null: all is well, with those whose databases run. */
function trouble({ hosts: all, beliefs }: Run, before: number): string | null {
  const hosts = all.filter(({ database }) => database.isRunning);
  const writer = hosts.find(({ database }) => database.isWriting);
  if (writer === undefined) return 'nobody writes';
  const others = hosts.filter((host) => host !== writer);
  const idle = others.find(
    ({ database }) => database.role !== 'copier' || database.following?.id !== writer.id,
  );
  if (idle !== undefined) return `${idle.id} does not follow ${writer.id}`;
  const known = [...writer.database.copiers].sort(ascending).join();
  const there = others
    .map(({ id }) => id)
    .sort(ascending)
    .join();
  if (known !== there) return `${writer.id} knows ${known} and not ${there}`;
  return beliefs.acknowledged > before ? null : `${writer.id} acknowledges nothing`;
}

/** One copier fails while another comes back and the writer is slow: the writer must hear of both. */
async function exchangeCopiers(run: Run): Promise<void> {
  const { cluster, hosts, random, leaseMs } = run;
  const writer = hosts.find(({ database }) => database.isWriting);
  const [leaving, coming] = hosts.filter((host) => host !== writer);
  if (writer === undefined || leaving === undefined || coming === undefined) return;
  const own = random.stream('exchange');
  coming.crashDatabase();
  await becomesWell(run);
  leaving.crashDatabase();
  await cluster.advance(Math.floor((leaseMs * own.between(50, 100)) / 100));
  writer.database.pause();
  coming.startDatabase();
  await cluster.advance(Math.floor(leaseMs / 4));
  writer.database.continue();
  await becomesWell(run);
}

async function becomesWell(run: Run): Promise<void> {
  const { cluster, hosts, beliefs } = run;
  const before = beliefs.acknowledged;
  for (let ms = 0; ; ms += 200) {
    const wrong = trouble(run, before);
    if (wrong === null) return;
    if (ms > livenessMsMax) {
      const roles = hosts.map(({ id, role, database }) => `${id}: ${role}, database ${database.role}`);
      throw new Violation('liveness', 'red-liveness', `${wrong}; ${roles.join('; ')}`);
    }
    await cluster.advance(200);
  }
}
