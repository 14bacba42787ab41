/** Statements to one server, each with a deadline; a connection that failed is replaced at the next. */
import pg from 'pg';
import { postgresError } from './errors.js';

export interface Place {
  /** A host, or the directory of a socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password?: string;
}

export type Row = Readonly<Record<string, unknown>>;

const connectTimeoutMs = 3_000;
const queryTimeoutMs = 5_000;

interface ServerError extends Error {
  readonly code?: unknown;
}

function failure(place: Place, error: ServerError): Error {
  const sqlState = typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : null;
  const fields = { host: place.host, port: place.port, sqlState };
  const details = { fields, cause: error };
  // Class 57: shutting down or starting up; 53300: no connection is free. What else it says, it says of the statement.
  if (sqlState !== null && !sqlState.startsWith('57') && sqlState !== '53300') {
    const text = `the database server refused a statement: ${error.message}`;
    return postgresError('POSTGRES_QUERY_FAILED', text, 'See the field sqlState and its log', details);
  }
  const text = `the database server at ${place.host}, port ${place.port}, does not answer: ${error.message}`;
  return postgresError('POSTGRES_UNREACHABLE', text, 'Is it running? See its log', details);
}

/** One connection, for statements one after the other. */
export class Session {
  readonly #place: Place;
  readonly #client: pg.Client;

  private constructor(place: Place, client: pg.Client) {
    this.#place = place;
    this.#client = client;
  }

  /** @throws TheodoraError POSTGRES_UNREACHABLE. */
  static async open(place: Place, timeoutMs = connectTimeoutMs): Promise<Session> {
    const { host, port, user, database, password } = place;
    const client = new pg.Client({
      ...{ host, port, user, database, ssl: false },
      // Without a password pg looks for one in files.
      password: password ?? '',
      application_name: 'theodora',
      connectionTimeoutMillis: timeoutMs,
    });
    const session = new Session(place, client);
    // Between statements; the next one fails, and says so.
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      session.close();
      throw failure(place, error as ServerError);
    }
    return session;
  }

  /** @throws TheodoraError POSTGRES_QUERY_FAILED, POSTGRES_UNREACHABLE (then of no further use). */
  async query(text: string, values: readonly unknown[] = [], timeoutMs = queryTimeoutMs): Promise<Row[]> {
    try {
      const query = { text, values: [...values], query_timeout: timeoutMs };
      const { rows } = await this.#client.query<Row>(query);
      return rows;
    } catch (error) {
      throw failure(this.#place, error as ServerError);
    }
  }

  close(): void {
    // How a connection ends that nobody uses any more is of no interest.
    this.#client.end().catch(() => undefined);
  }
}

export class Sql {
  readonly place: Place;
  #session: Promise<Session> | null = null;

  constructor(place: Place) {
    this.place = place;
  }

  /** @throws as Session.query. */
  async query(text: string, values: readonly unknown[] = [], timeoutMs = queryTimeoutMs): Promise<Row[]> {
    const opening = (this.#session ??= Session.open(this.place));
    try {
      return await (await opening).query(text, values, timeoutMs);
    } catch (error) {
      // It may still be at work on the statement.
      if (this.#session === opening) this.close();
      throw error;
    }
  }

  /** A connection of its own: for statements that wait, or to be sure that the postmaster accepts one now. */
  async withSession<T>(action: (session: Session) => Promise<T>): Promise<T> {
    const session = await Session.open(this.place);
    try {
      return await action(session);
    } finally {
      session.close();
    }
  }

  close(): void {
    this.#session?.then(
      (session) => session.close(),
      () => undefined,
    );
    this.#session = null;
  }
}
