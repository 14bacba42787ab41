/**
 * A client of a replicated database that writes one row after the other and knows which of them were acknowledged: by an answer
 * in its time, and without a warning (a commit whose wait was cancelled comes with one). All else is not known.
 */
import pg from 'pg';
import { superuser } from './configuration.js';
import { checkUser, findInstallation } from './installation.js';
import { Layout } from './layout.js';
import { processesOf, signalProcess } from './processes.js';
import { parseAddressText, quoteLiteral } from './quoting.js';
import { Session, type Row } from './sql.js';

export interface TrialOptions {
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Of a connection, and of each row; well below a lease. */
  readonly timeoutMs: number;
}

export const trialTable = 'trial';

/** For the superuser of a new database: a role with this password, and the table that it writes to. */
export const trialStatements = ({ user, password }: TrialOptions): readonly string[] => [
  `CREATE ROLE ${user} LOGIN PASSWORD ${quoteLiteral(password)}`,
  `CREATE TABLE ${trialTable} (n bigint PRIMARY KEY, token text NOT NULL)`,
  `GRANT SELECT, INSERT ON ${trialTable} TO ${user}`,
];

export class TrialClient {
  readonly #options: TrialOptions;
  #connection: pg.Client | null = null;
  #hasWarned = false;

  constructor(options: TrialOptions) {
    this.#options = options;
  }

  /** The fencing token that the row was written with. Null: it is not known to be there. */
  async insert(address: () => Promise<string | null>, n: number): Promise<bigint | null> {
    try {
      const connection = (this.#connection ??= await this.#connect(await address()));
      this.#hasWarned = false;
      const { rows } = await connection.query<{ token: string }>({
        text: `INSERT INTO ${trialTable} VALUES ($1, current_setting('red.token')) RETURNING token`,
        values: [n],
        query_timeout: this.#options.timeoutMs,
      } as pg.QueryConfig);
      if (!this.#hasWarned) return BigInt(rows[0]!.token);
    } catch {
      // Refused, or without an answer: one is as unknown as the other.
    }
    this.close();
    return null;
  }

  close(): void {
    this.#connection?.end().catch(() => undefined);
    this.#connection = null;
  }

  async #connect(text: string | null): Promise<pg.Client> {
    const address = text === null ? null : parseAddressText(text);
    if (address === null) throw new Error('there is no writer');
    const { user, password, database, timeoutMs } = this.#options;
    const connection = new pg.Client({
      ...{ ...address, user, password, database },
      connectionTimeoutMillis: timeoutMs,
    });
    connection.on('error', () => undefined);
    connection.on('notice', () => (this.#hasWarned = true));
    await connection.connect();
    return connection;
  }
}

/** Where a server's superuser gets in, and where its processes are at home. */
export interface ServerPlace {
  /** That of the replica. */
  readonly directory: string;
  readonly port: number;
}

/** Of one statement of the superuser, in a session of its own. */
export async function askSuperuser(
  { directory, port }: ServerPlace,
  database: string,
  text: string,
): Promise<Row[]> {
  const session = await Session.open({
    host: new Layout(directory, port).socketDirectory,
    port,
    user: superuser,
    database,
  });
  try {
    return await session.query(text);
  } finally {
    session.close();
  }
}

/** SIGKILL of every process of a server, as a machine ends that loses its power. */
export async function killServer({ directory, port }: ServerPlace): Promise<void> {
  for (const pid of await processesOf(new Layout(directory, port).data)) signalProcess(pid, 'SIGKILL');
}

/** @throws InvalidInputError POSTGRES_IS_ROOT, POSTGRES_NOT_FOUND, POSTGRES_TOO_OLD. */
export async function checkPostgres(binDir?: string): Promise<void> {
  checkUser();
  await findInstallation(binDir);
}
