/**
 * ReD with real PostgreSQL, as processes: coordination replicas, a coordinator and an agent for each database replica, and what is
 * done to them. After preparePostgres only.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { processesOf, signalProcess } from '../../src/red/postgres/processes.js';
import { Session, type Row } from '../../src/red/postgres/sql.js';
import { CutCluster } from './cut-cluster.js';
import { freePort } from './postgres.js';
import { TcpProxy } from './tcp-proxy.js';
import { isAlive, Workplace, type Running } from './theodora-process.js';

export const appPassword = 'app-password';

export interface Member {
  readonly id: string;
  readonly port: number;
  readonly directory: string;
  /** By which everybody else reaches its server. */
  readonly proxy: TcpProxy;
  readonly advertised: string;
  coordinator: Running;
  coordinatorAddress: string;
  agent: Running;
}

export interface WriterLine {
  readonly id: string;
  readonly address: string;
  readonly token: number;
}

export class RedPostgres {
  readonly work = new Workplace();
  readonly service = new CutCluster(this.work);
  readonly members = new Map<string, Member>();
  readonly #lease: string;
  /** All there ever were. */
  readonly #agents: { readonly id: string; readonly agent: Running }[] = [];

  constructor(lease: string) {
    this.#lease = lease;
  }

  member(id: string): Member {
    return this.members.get(id)!;
  }

  async start(ids: readonly string[]): Promise<void> {
    await this.service.start(ids);
    await this.work.succeed('red', 'init', '--members', ids.join(','));
    writeFileSync(join(this.work.directory, 'password'), 'a:replication\\password\n', { mode: 0o600 });
    for (const id of ids) {
      const port = await freePort();
      const { coordinator, address } = await this.#coordinator(id, '127.0.0.1:0');
      const proxy = new TcpProxy(port);
      const advertised = await proxy.listen();
      const member = { id, port, directory: id, proxy, advertised, coordinatorAddress: address, coordinator };
      this.members.set(id, { ...member, agent: this.#agent(member) });
    }
  }

  async #coordinator(id: string, listen: string): Promise<{ coordinator: Running; address: string }> {
    const coordinator = this.work.start(
      '--cluster',
      this.service.fileOf(id),
      'red',
      'coordinator',
      '--id',
      id,
      '--listen',
      listen,
      '--lease',
      this.#lease,
    );
    const { address } = await coordinator.event({ event: 'listening' });
    return { coordinator, address: address as string };
  }

  #agent({ id, port, directory, advertised, coordinatorAddress }: Omit<Member, 'agent'>): Running {
    const agent = this.work.start(
      ...['red', 'postgres', '--id', id, '--data', directory, '--coordinator', coordinatorAddress],
      ...['--listen', `127.0.0.1:${port}`, '--password-file', 'password', '--advertise', advertised],
    );
    this.#agents.push({ id, agent });
    return agent;
  }

  startAgent(id: string): Running {
    const member = this.member(id);
    member.agent = this.#agent(member);
    return member.agent;
  }

  /**
   * Once this process of its agent, which was told to end, has: unless another has been started already. Resolves once the new one
   * takes part.
   */
  async restartAgent(id: string, ended: Running): Promise<void> {
    ended.kill('SIGCONT');
    await ended.finished;
    if (this.member(id).agent !== ended) return;
    const agent = this.startAgent(id);
    await Promise.race([agent.event({ event: 'following' }), agent.event({ event: 'role', role: 'writer' })]);
  }

  async restartCoordinator(id: string, ended: Running): Promise<void> {
    const member = this.member(id);
    await ended.finished;
    if (member.coordinator !== ended) return;
    member.coordinator = (await this.#coordinator(id, member.coordinatorAddress)).coordinator;
  }

  /** The service, clients and other databases reach its host no more, nor its coordinator the service. */
  cut(id: string): () => void {
    const { proxy } = this.member(id);
    proxy.cut();
    this.service.cut(id);
    return () => {
      proxy.mend();
      this.service.mend(id);
    };
  }

  /** SIGKILL of the agent and of each process of its server. */
  async kill(id: string): Promise<void> {
    const { agent } = this.member(id);
    agent.kill('SIGKILL');
    await this.killServer(id);
    await agent.finished;
  }

  /** Of everything that belongs to the replica; the returned function sends SIGCONT. */
  async suspend(id: string, { agent, server }: { agent: boolean; server: boolean }): Promise<() => void> {
    const pids = server ? await this.serverProcesses(id) : [];
    if (agent) pids.push(this.member(id).agent.pid);
    const signal = (name: NodeJS.Signals): void => {
      for (const pid of pids) if (isAlive(pid)) signalProcess(pid, name);
    };
    signal('SIGSTOP');
    return () => signal('SIGCONT');
  }

  async killServer(id: string): Promise<void> {
    for (const pid of await this.serverProcesses(id)) signalProcess(pid, 'SIGKILL');
  }

  serverProcesses(id: string): Promise<number[]> {
    return processesOf(join(this.work.directory, this.member(id).directory, 'data'));
  }

  async writer(...more: readonly string[]): Promise<WriterLine | null> {
    const finished = await this.work.run('red', 'writer', ...more);
    return (JSON.parse(finished.out) as { writer: WriterLine | null }).writer;
  }

  /** Of one statement of the superuser, in the application's database. */
  async run(id: string, text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { port, directory } = this.member(id);
    const host = join(this.work.directory, directory, 'socket');
    const session = await Session.open({ host, port, user: 'postgres', database: 'red' });
    try {
      return await session.query(text, values, 30_000);
    } finally {
      session.close();
    }
  }

  /** What the application needs; waits until there is a writer. */
  async makeTable(): Promise<void> {
    const writer = await vi.waitUntil(() => this.writer(), { timeout: 60_000 });
    await this.member(writer.id).agent.event({ event: 'role', role: 'writer' });
    for (const text of [
      `CREATE ROLE app LOGIN PASSWORD '${appPassword}'`,
      'CREATE TABLE items (n bigint PRIMARY KEY, token text NOT NULL)',
      'GRANT SELECT, INSERT ON items TO app',
    ])
      await this.run(writer.id, text);
  }

  /** By id. */
  async roles(): Promise<Record<string, string>> {
    const { members } = await this.work.succeed('red', 'status');
    return Object.fromEntries((members as { id: string; role: string }[]).map(({ id, role }) => [id, role]));
  }

  /** Resolves once all of these, and nobody else, are on record to hold every acknowledged commit. */
  async untilOnRecord(ids: readonly string[]): Promise<void> {
    const wanted = [...ids].sort().join();
    await vi.waitUntil(
      async () => {
        const { sync } = await this.work.succeed('red', 'status');
        return (sync as string[] | null)?.toSorted().join() === wanted;
      },
      { timeout: 90_000, interval: 200 },
    );
  }

  /** What everybody said goes to the console if it was in vain. */
  async close(isFailed = false): Promise<void> {
    for (const [id, { proxy }] of this.members) {
      proxy.close();
      await this.kill(id);
    }
    this.service.close();
    if (isFailed)
      for (const { id, agent } of this.#agents)
        console.log(`agent of ${id}:\n${(await agent.finished).out.slice(-10_000)}`);
    await this.work.close();
  }
}
