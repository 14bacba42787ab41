/**
 * A random run of a confidential space: honest clients with the real library, inserters who lie, readers who forge, up to f
 * replicas that lie with their shares and otherwise, and every fault of random runs. Honest readers must get what was
 * inserted or a repaired absence, whoever lied and was read is blacklisted, nobody else is, and nothing leaks.
 */
import { assert, prng, replicaId, type Prng, type ReplicaId } from '../../base/index.js';
import { loadGroup, type Group } from '../../crypto/index.js';
import { withAdversaries } from '../byzantine/index.js';
import { Blacklists } from '../checkers/blacklists.js';
import { stepsOf } from '../checkers/committed-order.js';
import { OpenedTuples } from '../checkers/opened-tuples.js';
import { Secrecy } from '../checkers/secrecy.js';
import { Violation, violated } from '../checkers/violation.js';
import { SimulatedCluster } from '../cluster/simulated-cluster.js';
import { faultKinds } from '../nemesis.js';
import { parametersOf, type FixedParameters, type RunParameters } from '../parameters.js';
import { drawnBytes, Sharing, type ShareTampering } from '../sharing.js';
import { failureOf, isConverged, reportOf } from '../simulation.js';
import type { SimulationFailure, SimulationReport } from '../simulation.js';
import type { Tampering } from '../world-options.js';
import type { World } from '../world.js';
import { forgeRepairs, insertLies, type DishonestParts } from './dishonest.js';
import { Honest, hushText } from './honest.js';
import { sampleTuple } from './lies.js';
import { Outlaw, type SealedEntry } from './outlaw.js';
import { lyingWithShares, shareLies, type ShareLiars } from './share-lies.js';

export interface ConfidentialOptions extends Omit<FixedParameters, 'guards'> {
  readonly seed: number;
  /** Deliberate bugs. */
  readonly tampering?: Tampering;
  readonly shareTampering?: ShareTampering;
}

export interface ConfidentialReport extends SimulationReport {
  /** Entries that honest readers opened. */
  readonly opened: number;
  /** Entries that were shown to be no good. */
  readonly repaired: number;
  readonly forgedRepairs: number;
}

const space = 'vault';
const honestNames = ['ann', 'bob', 'cid'];
const liarNames = ['lia', 'lou'];
const forgerName = 'fay';
const dishonest = new Set([...liarNames, forgerName]);
const convergenceMsMax = 90_000;
const programMsMax = 600_000;

function drawShareLiars(random: Prng, { adversaries, world }: RunParameters, mayLie: boolean): ShareLiars {
  const f = Math.floor((world.n - 1) / 3);
  const liars = new Set<ReplicaId>(adversaries.keys());
  while (mayLie && liars.size < f && random.chance(3, 4)) liars.add(replicaId(random.below(world.n)));
  const names = Object.keys(shareLies);
  return new Map([...liars].map((id) => [id, Array.from({ length: 2 }, () => random.pick(names))]));
}

interface Run {
  readonly cluster: SimulatedCluster;
  readonly sharing: Sharing;
  readonly parameters: RunParameters;
  readonly random: Prng;
  readonly opened: OpenedTuples;
  readonly secrecy: Secrecy;
  readonly honest: readonly Honest[];
  readonly operations: number;
  readonly blacklists: Blacklists;
  /** Whether its checkers look at what a replica says. */
  isCorrect(replica: ReplicaId): boolean;
}

function createRun(group: Group, options: ConfidentialOptions): Run {
  const { seed, faults = faultKinds } = options;
  const parameters = parametersOf(seed, { ...options, guards: false, smallLimits: false });
  const random = prng(seed).stream('confidential');
  const { n } = parameters.world;
  const liars = drawShareLiars(random.stream('share liars'), parameters, faults.includes('byzantine'));
  const lying = lyingWithShares(liars, random);
  const { shareTampering } = options;
  const sharing = new Sharing({
    ...{ group, n, random },
    tampering: (shares, seat, told) => {
      const own = shareTampering?.(shares, seat, told) ?? shares;
      return lying(own, seat, told);
    },
  });
  const secrecy = new Secrecy(hushText);
  const beneath = withAdversaries(parameters.adversaries, random.stream('byzantine'), options.tampering);
  const cluster = new SimulatedCluster(
    { seed, replicas: n, clients: ['admin', ...honestNames, ...dishonest] },
    {
      ...parameters.world,
      clients: 0,
      waitsPerClientMax: 1_000,
      eventsPerSpaceMax: 65_536,
      sharing,
      tampering: lookingAtDisks(beneath, secrecy),
      checks: { ...parameters.world.checks, isUnmodelled: true },
    },
  );
  for (const [replica, names] of liars)
    cluster.world.byzantine.set(
      replica,
      [...names, ...(parameters.adversaries.get(replica) ?? [])].join(' '),
    );
  const opened = new OpenedTuples(dishonest, sampleTuple);
  const honest = honestNames.map(
    (name) => new Honest({ cluster, name, space, opened, random: random.stream(`honest ${name}`) }),
  );
  const operations = options.operations ?? random.between(4, 16);
  const isCorrect = (replica: ReplicaId): boolean => !liars.has(replica);
  const blacklists = new Blacklists(cluster.world.registered!, dishonest);
  const run = {
    cluster,
    sharing,
    parameters,
    random,
    opened,
    secrecy,
    honest,
    operations,
    blacklists,
    isCorrect,
  };
  lookAtLinks(run);
  return run;
}

function lookingAtDisks(beneath: Tampering, secrecy: Secrecy): Tampering {
  return {
    ...beneath,
    outputs: (outputs, replica, world, input) => {
      for (const output of outputs)
        if (output.kind === 'persist' || output.kind === 'saveState')
          secrecy.look(`what replica ${replica} stores`, output);
      return beneath.outputs?.(outputs, replica, world, input) ?? outputs;
    },
  };
}

function lookAtLinks({ cluster: { world }, secrecy, isCorrect }: Run): void {
  world.filter = ({ from, to, message }) => {
    secrecy.look(`${message.kind} from ${from} to ${to}`, message);
    if (message.kind === 'read') secrecy.lookAtRead(from, to, message);
    const isTold = message.kind === 'reply' || message.kind === 'readReply' || message.kind === 'feedEvent';
    if (isTold && isCorrect(replicaId(from))) secrecy.lookAtShares(replicaId(from), to, message);
    return false;
  };
}

export async function runConfidential(options: ConfidentialOptions): Promise<ConfidentialReport> {
  const group = await loadGroup();
  const run = createRun(group, options);
  let failure: SimulationFailure | null = null;
  try {
    await play(run);
  } catch (thrown) {
    failure = failureOf(run.cluster.world, thrown);
  }
  const calls = run.honest.reduce((sum, { calls: own }) => sum + own, 0);
  const unknown = run.honest.reduce((sum, { failures }) => sum + failures, 0);
  const report = reportOf(run.cluster.world, options.seed, failure);
  return {
    ...report,
    operations: calls,
    outcomes: { ...report.outcomes, ordered: calls - unknown, unknown },
    opened: run.opened.count,
    repaired: run.blacklists.repaired.size,
    forgedRepairs: run.blacklists.forgedRepairs,
  };
}

async function play(run: Run): Promise<void> {
  const { cluster, parameters, random, honest, operations } = run;
  const { admin } = cluster.client('admin');
  await cluster.run(admin.createSpace(space, { confidential: true }, { timeout: 60_000 }));
  cluster.disturb(parameters.nemesis);
  const listening = new AbortController();
  const listeners = honest.map((one) => one.listen(listening.signal));
  const rogues = [...dishonest].map((name) => roguePartsOf(run, name));
  const working = Promise.all([
    ...honest.map((one) => one.work(operations)),
    ...rogues.slice(0, -1).map((parts) => insertLies(parts, 6)),
    forgeRepairs(rogues.at(-1)!, 8),
    pardon(run),
    cluster.sleep(Math.floor(parameters.safetyUs / 1_000)).then(() => cluster.calm()),
  ]);
  await cluster.run(Promise.race([working, failed(listeners)]), programMsMax);
  cluster.calm();
  // After all that, everything comes to an end.
  await converge(cluster);
  await cluster.run(Promise.all([insertLies(rogues[0]!, 3), insertLies(rogues[1]!, 3)]), programMsMax);
  await cluster.run(Promise.all(honest.map((one) => one.work(2))), programMsMax);
  await checkEnd(run, new Outlaw(cluster.process('admin'), run.sharing, space, drawnBytes(random)));
  listening.abort();
  await cluster.run(Promise.all(listeners), programMsMax);
  await converge(cluster);
  await cluster.finish();
}

/** Never resolves. */
function failed(listeners: readonly Promise<void>[]): Promise<never> {
  return new Promise((_, reject) => {
    for (const one of listeners) one.catch(reject);
  });
}

function roguePartsOf({ cluster, sharing, random, opened }: Run, name: string): DishonestParts {
  const own = random.stream(`rogue ${name}`);
  const bytes = drawnBytes(own.stream('bytes'));
  const outlaw = new Outlaw(cluster.process(name), sharing, space, bytes);
  return { cluster, name, opened, outlaw, space, random: own, dishonest };
}

/** The admin gives liars another chance. */
async function pardon({ cluster, random }: Run): Promise<void> {
  const own = random.stream('pardons');
  for (let done = 0; done < 8; done++) {
    await cluster.sleep(own.between(500, 4_000));
    try {
      await cluster.client('admin').admin.pardonClient(own.pick(liarNames));
    } catch {
      // Faults: it stays as it is, or not.
    }
  }
}

async function converge(cluster: SimulatedCluster): Promise<void> {
  const { world } = cluster;
  for (let ms = 0; !isConverged(world); ms += 100) {
    if (ms > convergenceMsMax) throw new Violation('liveness', 'convergence', statusOf(world));
    await cluster.advance(100);
  }
}

function statusOf({ replicas }: World): string {
  return replicas
    .map((host) => `${host.id}: ${host.isRunning ? JSON.stringify(host.core.status()) : 'stopped'}`)
    .join('; ');
}

/** Without faults: what is there opens for everybody, what does not is gone, and its owner is on the list. */
async function checkEnd(run: Run, spy: Outlaw): Promise<void> {
  const { cluster, honest, blacklists } = run;
  const before = await cluster.run(contents(spy));
  const listings = [];
  for (const one of honest) listings.push(await cluster.run(one.readAll()));
  const clients = await cluster.run(cluster.client('admin').admin.clients());
  let orderedTimeMs = 0;
  for (const step of stepsOf(cluster.world.checks.order.batches())) {
    blacklists.follow(step);
    orderedTimeMs = Math.max(orderedTimeMs, step.time);
  }
  blacklists.check(clients);
  const listed = new Set(clients.filter(({ blacklisted }) => blacklisted !== null).map(({ name }) => name));
  const [first] = listings;
  assert(first !== undefined, 'there are honest readers');
  const opened = new Set(first.map(({ id }) => id));
  for (const entry of before) {
    const { id, owner } = entry;
    if (opened.has(id)) continue;
    run.opened.lacks(entry, orderedTimeMs);
    if (!dishonest.has(owner)) continue;
    if (!blacklists.repaired.has(id))
      violated('blacklists', `entry ${id} of ${owner} was read, but not repaired`);
    if (!listed.has(owner)) violated('blacklists', `${owner} inserted entry ${id}, and is not on the list`);
  }
}

async function contents(spy: Outlaw): Promise<readonly SealedEntry[]> {
  const template = Array.from({ length: 6 }, () => ({ kind: 'any' }) as const);
  const { result } = await spy.ask({ kind: 'rdAll', space, template, limit: 0, after: 0n });
  if (result?.kind !== 'entries') return violated('opened-tuples', 'the space cannot be read without faults');
  return result.entries as readonly SealedEntry[];
}
