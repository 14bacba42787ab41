/**
 * What a client sees of a policy: one cluster with two spaces, one of them with the ready policy for work queues, asked in
 * turns so that both meet the same machine. The clients are in this process, the replicas are not.
 */
import { any, connect } from '../../client/index.js';
import type { Client, Space } from '../../client/index.js';
import { startBenchCluster } from './cluster.js';
import { inParallel } from './in-parallel.js';
import { compileReadyPolicy } from './policy.js';
import { median } from './statistics.js';

export interface PolicyClusterPlan {
  readonly replicas: number;
  readonly identities: number;
  readonly concurrency: number;
  /** For each of the two spaces. */
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly timeoutMs: number;
}

/** Operations a second, of the median round. */
export interface PolicyThroughput {
  readonly withoutPerSecond: number;
  readonly withPerSecond: number;
  /** Of rounds next to each other: the median again, which busy neighbours of the machine disturb less. */
  readonly share: number;
}

/** By operation. */
export type PolicyThroughputs = Readonly<Record<string, PolicyThroughput>>;

/** Few, so that a round with the policy and one without are close to each other. */
const jobsPerRound = 500;
const roundsMin = 3;
const leaseMs = 3_600_000;
const payload = new Uint8Array(48).fill(7);

/** One space; every round leaves it as it was. */
class Subject {
  readonly #spaces: readonly Space[];
  readonly #names: readonly string[];
  readonly #concurrency: number;
  #first = 0;

  constructor(clients: readonly Client[], names: readonly string[], space: string, concurrency: number) {
    this.#spaces = clients.map((client) => client.space(space));
    this.#names = names;
    this.#concurrency = concurrency;
  }

  /** Operations a second. Jobs come and are claimed, found, given up and taken back. */
  readonly phases: Readonly<Record<string, () => Promise<number>>> = {
    out: () => this.#measure((space, me, job) => space.out(['job', job, me, payload])),
    cas: () =>
      this.#measure(async (space, me, job) => {
        const { inserted } = await space.cas(['claim', job, any], ['claim', job, me], { lease: leaseMs });
        return inserted ? true : null;
      }),
    rdp: () => this.#measure((space, _me, job) => space.rdp(['job', job, any, any])),
    inp: async () => {
      const released = await this.#measure((space, me, job) => space.inp(['claim', job, me]));
      const taken = await this.#measure((space, me, job) => space.inp(['job', job, me, any]));
      this.#first += jobsPerRound;
      return 2 / (1 / released + 1 / taken);
    },
  };

  async #measure(operation: (space: Space, me: string, job: string) => Promise<unknown>): Promise<number> {
    const beganMs = performance.now();
    await inParallel(this.#concurrency, jobsPerRound, async (index) => {
      const at = index % this.#spaces.length;
      const job = `job-${this.#first + index}`;
      const found = await operation(this.#spaces[at]!, this.#names[at]!, job);
      if (found === null) throw new Error(`${job} is not as it was left`);
    });
    return (jobsPerRound * 1_000) / (performance.now() - beganMs);
  }
}

/** Both spaces, with whoever takes part; only one of them has the policy. */
async function createSpaces(admin: Client, names: readonly string[]): Promise<void> {
  const policy = await compileReadyPolicy('work-queue');
  for (const [space, configuration] of [
    ['without', {}],
    ['with', { policy }],
  ] as const) {
    await admin.admin.createSpace(space, configuration);
    for (const name of names)
      for (const role of ['producer', 'worker']) await admin.space(space).out(['role', name, role]);
  }
}

async function measureInTurns(
  [without, ruled]: readonly [Subject, Subject],
  { warmUpMs, measureMs }: PolicyClusterPlan,
): Promise<Map<string, [number[], number[]]>> {
  const rates = new Map(Object.keys(without.phases).map((name) => [name, [[], []] as [number[], number[]]]));
  const warmUntilMs = performance.now() + 2 * warmUpMs;
  let measured = 0;
  let untilMs = Infinity;
  for (let round = 0; measured < roundsMin || performance.now() < untilMs; round++) {
    const isWarm = performance.now() >= warmUntilMs;
    if (isWarm && measured++ === 0) untilMs = performance.now() + 2 * measureMs;
    for (const [name, both] of rates) {
      const order = round % 2 === 0 ? [0, 1] : [1, 0];
      for (const which of order) {
        const rate = await [without, ruled][which]!.phases[name]!();
        if (isWarm) both[which]!.push(rate);
      }
    }
  }
  return rates;
}

export async function runPolicyCluster(plan: PolicyClusterPlan): Promise<PolicyThroughputs> {
  const cluster = await startBenchCluster(plan);
  const clients: Client[] = [];
  try {
    const { clusterFile, identities: names } = cluster;
    for (const identity of ['admin', ...names])
      clients.push(await connect({ cluster: clusterFile, identity, timeoutMs: plan.timeoutMs }));
    const [admin, ...others] = clients as [Client, ...Client[]];
    await createSpaces(admin, names);
    const subject = (space: string) => new Subject(others, names, space, plan.concurrency);
    const rates = await measureInTurns([subject('without'), subject('with')], plan);
    const throughputs: Record<string, PolicyThroughput> = {};
    for (const [name, [without, ruled]] of rates) {
      throughputs[name] = {
        withoutPerSecond: Math.round(median(without)),
        withPerSecond: Math.round(median(ruled)),
        share: Number(median(ruled.map((rate, i) => rate / without[i]!)).toFixed(3)),
      };
    }
    return throughputs;
  } finally {
    for (const client of clients) await client.close();
    await cluster.remove();
  }
}
