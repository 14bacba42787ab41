/** The steps of the tour, in order; each builds on those before. */
import { any, formal } from '../../client/index.js';
import type { CasResult } from '../../client/index.js';
import { tupleToJson } from '../json-tuples.js';
import { toJsonLine } from '../output.js';
import { check } from './tour.js';
import type { ReachableStatus, Tour } from './tour.js';
import type { Step as StepOf } from './walk.js';

type Step = StepOf<Tour>;

const spaceName = 'default';
/** Operations during the failover: enough that the kill falls among them. */
const failoverOperations = 40;
const convergenceTimeoutMs = 60_000;

function show(tuple: Parameters<typeof tupleToJson>[0]): string {
  return toJsonLine(tupleToJson(tuple));
}

const start: Step = {
  name: 'start',
  shows:
    'a cluster: four replicas, each a process of its own, of which any one may fail in any way; the admin registers alice and bob',
  async run(tour) {
    const { group } = tour;
    await group.startAll();
    check(group.running.length === 4, 'four replicas run');
    await tour.register(['alice', 'bob']);
    return group.running.map(({ id, pid }) => `replica ${id} is process ${pid}`).join(', ');
  },
};

const insert: Step = {
  name: 'insert',
  shows: 'out: alice inserts a tuple; it counts once f+1 replicas say so alike',
  async run(tour) {
    const space = (await tour.client('alice')).space(spaceName);
    const entry = await space.out(['job', 1, 'queued']);
    check(entry.owner === 'alice', 'the entry is owned by alice');
    await space.out(['job', 'two', 'queued']);
    return `entry ${entry.id}: ${show(entry.tuple)} of ${entry.owner}`;
  },
};

const read: Step = {
  name: 'read',
  shows: 'rdp: bob reads it by a template, in which null stands for anything; it stays where it is',
  async run(tour) {
    const space = (await tour.client('bob')).space(spaceName);
    const entry = await space.rdp(['job', any, 'queued']);
    check(entry !== null && entry.tuple[1] === 1, 'bob finds the oldest match');
    check((await space.count(['job', any, any])) === 2, 'both entries are still there');
    return `["job",null,"queued"] finds ${show(entry.tuple)}, the older of 2`;
  },
};

const match: Step = {
  name: 'match',
  shows: 'formals match by type: the number 1 and the string "two" are told apart',
  async run(tour) {
    const space = (await tour.client('bob')).space(spaceName);
    const byString = await space.rdp(['job', formal.string, any]);
    const byDouble = await space.rdp(['job', formal.double, any]);
    check(byString?.tuple[1] === 'two', 'a string formal finds the string');
    check(byDouble === null, 'a double formal does not find the integer');
    return `["job",{"formal":"string"},null] finds ${show(byString.tuple)}, {"formal":"double"} nothing`;
  },
};

const take: Step = {
  name: 'take',
  shows: 'inp: bob takes an entry; nobody can take it again',
  async run(tour) {
    const template = ['job', 1, any];
    const taken = await (await tour.client('bob')).space(spaceName).inp(template);
    const again = await (await tour.client('alice')).space(spaceName).inp(template);
    check(taken !== null && again === null, 'the entry is taken exactly once');
    return `bob got ${show(taken.tuple)}, alice then found no match`;
  },
};

async function compete(tour: Tour, name: 'alice' | 'bob'): Promise<CasResult> {
  const client = await tour.client(name);
  return client.space(spaceName).cas(['leader', any], ['leader', name]);
}

const race: Step = {
  name: 'race',
  shows: 'cas: alice and bob both insert "leader" unless there is one; exactly one succeeds',
  async run(tour) {
    const [alice, bob] = await Promise.all([compete(tour, 'alice'), compete(tour, 'bob')]);
    check(alice.inserted !== bob.inserted, 'exactly one of two wins');
    const [winner, loser] = alice.inserted ? ['alice', 'bob'] : ['bob', 'alice'];
    const [won, lost] = alice.inserted ? [alice, bob] : [bob, alice];
    check(lost.entry !== null && lost.entry.id === won.entry?.id, 'the other one sees the winner');
    return `${winner} won with entry ${won.entry?.id}, and ${loser} was shown that entry`;
  },
};

function primaryOf(replicas: readonly ReachableStatus[]): number {
  const newest = replicas.reduce((a, b) => (b.view > a.view ? b : a));
  return newest.primary;
}

/** Which replica was killed, for the step that starts it again. */
const killed = new WeakMap<Tour, number>();

const kill: Step = {
  name: 'kill',
  shows:
    'kill -9 of the primary while operations go on: the others elect a new one, nothing is lost or done twice',
  async run(tour) {
    const primary = primaryOf(await tour.status());
    const space = (await tour.client('alice')).space(spaceName);
    const victim = tour.group.get(primary);
    check(victim !== undefined, 'the primary runs');
    let longestMs = 0;
    for (let i = 0; i < failoverOperations; i++) {
      if (i === failoverOperations / 4) victim.kill('SIGKILL');
      const beganMs = performance.now();
      await space.out(['step', i]);
      longestMs = Math.max(longestMs, performance.now() - beganMs);
    }
    await victim.exited;
    killed.set(tour, primary);
    const count = await space.count(['step', formal.int]);
    check(count === failoverOperations, `each of ${failoverOperations} operations took effect exactly once`);
    const next = primaryOf(await tour.status());
    check(next !== primary, 'another replica is primary now');
    return `replica ${primary} killed, replica ${next} took over; all ${count} operations done once, the slowest in ${Math.round(longestMs)} ms`;
  },
};

const restart: Step = {
  name: 'restart',
  shows: 'the killed replica starts again: it knows what it has voted for, and learns what it has missed',
  async run(tour) {
    const id = killed.get(tour);
    check(id !== undefined, 'a replica was killed');
    const { pid } = await tour.group.start(id);
    const replicas = await tour.awaitStatus('it votes again', convergenceTimeoutMs, (all) =>
      all.some((replica) => replica.id === id && !replica.isObserver),
    );
    const own = replicas.find((replica) => replica.id === id);
    return `replica ${id} is process ${pid} now and has executed batch ${own?.executed}`;
  },
};

const agree: Step = {
  name: 'agree',
  shows: 'the state digest: every replica, the restarted one too, is in the same state',
  async run(tour) {
    const replicas = await tour.awaitStatus(
      'all four are in the same state',
      convergenceTimeoutMs,
      (all) =>
        all.length === 4 &&
        all.every(
          ({ executed, stateDigest }) => executed === all[0]?.executed && stateDigest === all[0].stateDigest,
        ),
    );
    const { executed, stateDigest } = replicas[0]!;
    return `after batch ${executed} all four say ${stateDigest.slice(0, 16)}…`;
  },
};

export const steps: readonly Step[] = [start, insert, read, match, take, race, kill, restart, agree];
