/**
 * Runs a program against clusters whose replicas attack it: once for each behaviour and seed, in virtual time. For tests of
 * recipes, policies and whatever else people build on the service.
 */
import { assert, InvalidInputError, prng, replicaId, type ReplicaId } from '../../base/index.js';
import { faultsTolerated } from '../../ordering/index.js';
import { behaviours, withAdversaries } from '../byzantine/index.js';
import { outlaws } from '../outlaws/index.js';
import { SimulatedCluster } from './simulated-cluster.js';

export interface ByzantineOptions {
  /** A process of its own for each of these clients, registered by that name; the one called `admin` administers. */
  readonly clients: readonly string[];
  /** Default 4. */
  readonly replicas?: number;
  /** Each alone, at all who are faulty; default: all that there are (docs/adversaries.md). */
  readonly behaviours?: readonly string[];
  /** Clients that attack as well, one for each of these names, in every run; default: none. */
  readonly outlaws?: readonly string[];
  /** How many replicas are faulty; default f, beyond which nothing is promised. The first primary is among them in every other run. */
  readonly faulty?: number;
  /** Runs of each behaviour; default 1. */
  readonly seeds?: number;
  /** Default 1. */
  readonly firstSeed?: number;
}

/** What is different in each run. */
export interface ByzantineRun {
  readonly seed: number;
  readonly behaviour: string;
  readonly faulty: readonly number[];
}

export type ByzantineProgram = (cluster: SimulatedCluster, run: ByzantineRun) => Promise<void>;

/**
 * Resolves once all runs have ended well: the program as it should, correct replicas with one state, and every history as if
 * there were one server.
 * @throws Error that names the run, with what the program threw, or the Violation that a checker found, as its cause;
 * InvalidInputError BEHAVIOUR_UNKNOWN.
 */
export async function byzantine(options: ByzantineOptions, program: ByzantineProgram): Promise<void> {
  const { seeds = 1, firstSeed = 1 } = options;
  const names = options.behaviours ?? Object.keys(behaviours);
  for (const name of names) checkBehaviour(name, behaviours);
  for (const name of options.outlaws ?? []) checkBehaviour(name, outlaws);
  for (const behaviour of names)
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++)
      await runOne(options, behaviour, seed, program);
}

function checkBehaviour(behaviour: string, table: object): void {
  if (Object.hasOwn(table, behaviour)) return;
  const message = `"${behaviour}" is no behaviour: choose from ${Object.keys(table).join(', ')}.`;
  throw new InvalidInputError('BEHAVIOUR_UNKNOWN', message, { behaviour });
}

async function runOne(
  options: ByzantineOptions,
  behaviour: string,
  seed: number,
  program: ByzantineProgram,
): Promise<void> {
  const { clients, replicas = 4 } = options;
  const faulty = drawFaulty(seed, replicas, options.faulty ?? faultsTolerated(replicas));
  const random = prng(seed).stream('byzantine');
  const adversaries = new Map(faulty.map((id) => [id, [behaviour]]));
  const cluster = new SimulatedCluster(
    { seed, clients, replicas, outlaws: options.outlaws?.map((name) => [name]) },
    { tampering: withAdversaries(adversaries, random) },
  );
  for (const id of faulty) cluster.world.byzantine.set(id, behaviour);
  try {
    await cluster.run(program(cluster, { seed, behaviour, faulty }));
    await cluster.finish();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const again = `byzantine({ …, behaviours: ['${behaviour}'], firstSeed: ${seed} }, …)`;
    throw new Error(`replica ${faulty.join(', ')}: ${behaviour}, seed ${seed}: ${why}. Again: ${again}`, {
      cause,
    });
  }
}

/** With the first primary for odd seeds. */
function drawFaulty(seed: number, replicas: number, count: number): readonly ReplicaId[] {
  assert(count >= 0 && count <= replicas, 'as many faulty replicas as there are at most');
  const random = prng(seed).stream('faulty');
  const faulty = new Set<ReplicaId>(seed % 2 === 1 && count > 0 ? [replicaId(0)] : []);
  while (faulty.size < count) faulty.add(replicaId(random.below(replicas)));
  return [...faulty].sort((a, b) => a - b);
}
