/**
 * Real PostgreSQL for tests. The server refuses to run as root, so a test process that is root becomes the user `postgres`,
 * for good: vitest gives each test file a process of its own. Each place has a directory of its own, removed with it.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { findInstallation } from '../../src/red/postgres/installation.js';
import { PostgresServer, type Address, type ServerOptions } from '../../src/red/postgres/index.js';
import { Session, type Row } from '../../src/red/postgres/sql.js';

const user = 'postgres';
export const password = 'a:test\\password';

function install(): void {
  // Debian would otherwise make a server of its own and start it.
  mkdirSync('/etc/postgresql-common/createcluster.d', { recursive: true });
  writeFileSync('/etc/postgresql-common/createcluster.d/no-main.conf', 'create_main_cluster = false\n');
  execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'postgresql-15'], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: 'pipe',
  });
}

/** Why PostgreSQL cannot be used here; null: it can, and this process is no longer root. */
export async function preparePostgres(): Promise<string | null> {
  const isRoot = process.getuid?.() === 0;
  try {
    await findInstallation().catch(async (error: unknown) => {
      if (!isRoot || !existsSync('/usr/bin/apt-get')) throw error;
      install();
      await findInstallation();
    });
    if (isRoot) {
      process.setgroups?.([]);
      process.setgid?.(user);
      process.setuid?.(user);
    }
    return null;
  } catch (error) {
    return String(error);
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** One server, with sessions at it. */
export class TestServer {
  readonly server: PostgresServer;
  readonly options: ServerOptions;
  readonly #sessions: Session[] = [];

  constructor(server: PostgresServer, options: ServerOptions) {
    this.server = server;
    this.options = options;
  }

  get address(): Address {
    return this.options.listen;
  }

  get dataDir(): string {
    return join(this.options.directory, 'data');
  }

  /** A new session of the superuser, as people have them. */
  async session(database = 'red'): Promise<Session> {
    const { port } = this.options.listen;
    const place = { host: this.server.socketDirectory, port, user, database };
    const session = await Session.open(place);
    this.#sessions.push(session);
    return session;
  }

  /** Of one statement in a session of its own. */
  async run(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.session()).query(text, values, 60_000);
  }

  /** Resolves once so many commits wait for copiers. */
  async untilWaiting(count: number): Promise<void> {
    const text = `SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`;
    await vi.waitUntil(async () => (await this.server.sql.query(text)).length === count, { timeout: 20_000 });
  }

  /** Resolves once the table has exactly these rows. */
  async untilRows(expected: readonly string[]): Promise<void> {
    await vi.waitUntil(async () => (await this.rows()).join() === expected.join(), { timeout: 20_000 });
  }

  async rows(): Promise<string[]> {
    return (await this.run('SELECT name FROM items ORDER BY name')).map((row) => String(row['name']));
  }

  insert(name: string): Promise<Row[]> {
    return this.run('INSERT INTO items VALUES ($1)', [name]);
  }

  closeSessions(): void {
    for (const session of this.#sessions) session.close();
  }
}

export class PostgresPlace {
  readonly directory = mkdtempSync(join(tmpdir(), 'theodora-pg-'));
  readonly passwordFile = join(this.directory, 'password');
  readonly #servers: TestServer[] = [];

  constructor() {
    writeFileSync(this.passwordFile, `${password}\n`, { mode: 0o600 });
  }

  async open(id: string, changes: Partial<ServerOptions> = {}): Promise<TestServer> {
    const options: ServerOptions = {
      directory: join(this.directory, `r${this.#servers.length}`),
      id,
      listen: { host: '127.0.0.1', port: await freePort() },
      passwordFile: this.passwordFile,
      ...changes,
    };
    const opened = new TestServer(await PostgresServer.open(options), options);
    this.#servers.push(opened);
    return opened;
  }

  /** The writer of a new database with an empty table, for whom no copier counts. */
  async openWriter(id: string, token = 1n): Promise<TestServer> {
    const writer = await this.open(id);
    await writer.server.initialise();
    await writer.server.startAsCopier(null);
    await writer.server.promote(token, []);
    await writer.run('CREATE TABLE items (name text PRIMARY KEY)');
    return writer;
  }

  /** A copier that streams, in a directory of that name. */
  async openCopier(id: string, writer: TestServer, name = `of ${id}`): Promise<TestServer> {
    const copier = await this.open(id, { directory: join(this.directory, name) });
    await writer.server.admit(id);
    await copier.server.cloneFrom(writer.address);
    await copier.server.startAsCopier(writer.address);
    if (!(await copier.server.isFollowingWithin(20_000))) throw new Error(`${id} does not follow`);
    return copier;
  }

  async close(): Promise<void> {
    for (const opened of this.#servers) {
      opened.closeSessions();
      await opened.server.stop();
      await opened.server.close();
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The process whose command line holds all of these words; null: none does. */
export function processWith(...words: readonly string[]): number | null {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      if (words.every((word) => line.includes(word))) return Number(name);
    } catch {
      // Gone meanwhile.
    }
  }
  return null;
}
