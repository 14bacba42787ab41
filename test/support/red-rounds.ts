/**
 * A replicated PostgreSQL database to which something happens again and again, under a counting client: agents, servers,
 * coordinators and replicas of the coordination service are killed, suspended or cut off. After each round everybody must be on
 * record again, and what was acknowledged is held against the writer.
 */
import { prng, type Prng } from '../../src/base/index.js';
import { CountingClient, pause } from './counting-client.js';
import { replicaName } from './cut-cluster.js';
import { appPassword, RedPostgres } from './red-postgres.js';

const ids = ['r1', 'r2', 'r3'];
const leaseMs = 5_000;

const memberHarms = [
  'kill',
  'killAgent',
  'killServer',
  'suspend',
  'suspendAgent',
  'suspendServer',
  'suspendCoordinator',
  'cut',
  'killCoordinator',
  'end',
] as const;

type Mend = () => Promise<void>;

export interface RedRound {
  readonly round: number;
  readonly harms: readonly string[];
  readonly outageMs: number;
  readonly wholeAfterMs: number;
  readonly acknowledged: number;
}

export class RedRounds {
  readonly red = new RedPostgres(`${leaseMs}ms`);
  readonly #random: Prng;
  #client: CountingClient | null = null;

  constructor(seed: number) {
    this.#random = prng(seed);
  }

  async start(): Promise<void> {
    await this.red.start(ids);
    await this.red.makeTable();
    this.#client = await CountingClient.start({
      clusterFile: this.red.work.clusterFile,
      identity: 'admin',
      user: 'app',
      password: appPassword,
      insertTimeoutMs: leaseMs / 5,
    });
    await this.red.untilOnRecord(ids);
  }

  async round(round: number): Promise<RedRound> {
    const random = this.#random.stream(`round ${round}`);
    const client = this.#client!;
    await client.next();
    const writer = (await this.red.writer('--wait', '60s'))!;
    const startMs = performance.now();
    const countBefore = client.acknowledged.length;
    const harms: string[] = [];
    const first = random.chance(2, 3) ? writer.id : random.pick(ids);
    const mends = [await this.#harm(random, first, harms)];
    if (random.chance(1, 3)) {
      await pause(random.between(0, 2 * leaseMs));
      mends.push(await this.#harm(random, random.pick(ids), harms));
    }
    if (random.chance(1, 2)) await pause(random.between(0, 2 * leaseMs));
    await Promise.all(mends.map((mend) => mend()));
    await this.red.untilOnRecord(ids);
    await client.next();
    const wholeAfterMs = Math.round(performance.now() - startMs);
    await this.check();
    const times = [startMs, ...client.acknowledged.slice(countBefore).map(({ atMs }) => atMs)];
    const outageMs = Math.round(Math.max(...times.slice(1).map((atMs, index) => atMs - times[index]!)));
    return { round, harms, outageMs, wholeAfterMs, acknowledged: client.acknowledged.length };
  }

  /** What was acknowledged is there, each with its token, and tokens never went back. */
  async check(): Promise<void> {
    const acknowledged = [...this.#client!.acknowledged];
    const { id } = (await this.red.writer('--wait', '60s'))!;
    const rows = await this.red.run(id, 'SELECT n::int AS n, token FROM items');
    const there = new Map(rows.map(({ n, token }) => [n as number, BigInt(token as string)]));
    const missing = acknowledged.filter(({ n, token }) => there.get(n) !== token);
    if (missing.length > 0)
      throw new Error(`${missing.length} acknowledged are not at ${id}: ${missing[0]!.n} first`);
    const back = acknowledged.find(({ token }, index) => token < (acknowledged[index - 1]?.token ?? 0n));
    if (back !== undefined) throw new Error(`the token of ${back.n} went back to ${back.token}`);
  }

  async close(isFailed: boolean): Promise<void> {
    await this.#client?.stop();
    await this.red.close(isFailed);
  }

  /** Returns how to mend it. */
  #harm(random: Prng, id: string, harms: string[]): Promise<Mend> {
    const isOfService = random.chance(1, 5) && !harms.some((harm) => harm.includes('replica'));
    return isOfService ? this.#harmService(random, harms) : this.#harmMember(random, id, harms);
  }

  async #harmMember(random: Prng, id: string, harms: string[]): Promise<Mend> {
    const { red } = this;
    const { agent, coordinator } = red.member(id);
    const kind = random.pick(memberHarms);
    harms.push(`${kind} ${id}`);
    switch (kind) {
      case 'kill':
        await red.kill(id);
        return () => red.restartAgent(id, agent);
      case 'killAgent':
      case 'end':
        agent.kill(kind === 'end' ? 'SIGTERM' : 'SIGKILL');
        return () => red.restartAgent(id, agent);
      case 'killServer':
        await red.killServer(id);
        return async () => undefined;
      case 'suspend':
      case 'suspendAgent':
      case 'suspendServer': {
        const isAgent = kind !== 'suspendServer';
        const mend = await red.suspend(id, { agent: isAgent, server: kind !== 'suspendAgent' });
        return this.#after(random, mend);
      }
      case 'suspendCoordinator':
        coordinator.kill('SIGSTOP');
        return this.#after(random, () => coordinator.kill('SIGCONT'));
      case 'cut':
        return this.#after(random, red.cut(id));
      case 'killCoordinator':
        coordinator.kill('SIGKILL');
        return () => red.restartCoordinator(id, coordinator);
    }
  }

  async #harmService(random: Prng, harms: string[]): Promise<Mend> {
    const { service } = this.red;
    const id = random.below(4);
    const name = replicaName(id);
    const replica = service.replica(id);
    const kind = random.pick(['kill', 'suspend', 'cut'] as const);
    harms.push(`${kind} ${name}`);
    switch (kind) {
      case 'kill':
        replica.kill('SIGKILL');
        return async () => {
          await replica.finished;
          await service.startReplica(id);
        };
      case 'suspend':
        replica.kill('SIGSTOP');
        return this.#after(random, () => replica.kill('SIGCONT'));
      case 'cut':
        service.cut(name);
        return this.#after(random, () => service.mend(name));
    }
  }

  /** It lasts for a while at least. */
  async #after(random: Prng, mend: () => void): Promise<Mend> {
    await pause(random.between(0, 2 * leaseMs));
    return async () => mend();
  }
}
