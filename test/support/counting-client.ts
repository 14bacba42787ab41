/**
 * A client of a replicated database that inserts numbers, one after the other, through whoever is the writer, and knows of each
 * whether it was acknowledged. What it does not know it does not count: an answer after its time, an error, a commit whose wait was
 * cancelled (PostgreSQL says so in a warning).
 */
import pg from 'pg';
import { connect, type Client } from '../../src/client/index.js';
import { readWriter } from '../../src/red/index.js';

export interface Acknowledgement {
  readonly n: number;
  readonly token: bigint;
  readonly atMs: number;
}

export interface CountingOptions {
  readonly clusterFile: string;
  readonly identity: string;
  readonly user: string;
  readonly password: string;
  /** Of each insert; well below a lease. */
  readonly insertTimeoutMs: number;
}

const retryMs = 50;

export class CountingClient {
  readonly acknowledged: Acknowledgement[] = [];
  /** Why what is not known is not. */
  readonly unknown = new Map<string, number>();
  readonly #options: CountingOptions;
  readonly #theodora: Client;
  #connection: pg.Client | null = null;
  #warning: string | null = null;
  #last = 0;
  #isOver = false;
  #listeners: (() => void)[] = [];
  #run: Promise<void> = Promise.resolve();

  private constructor(options: CountingOptions, theodora: Client) {
    this.#options = options;
    this.#theodora = theodora;
  }

  static async start(options: CountingOptions): Promise<CountingClient> {
    const { clusterFile: cluster, identity } = options;
    const client = new CountingClient(options, await connect({ cluster, identity }));
    client.#run = client.#insertOneAfterTheOther();
    return client;
  }

  /** The first acknowledgement of an insert that begins after now: one that is under way may still be the old writer's. */
  async next(): Promise<Acknowledgement> {
    const begun = this.#last;
    for (;;) {
      const next = this.acknowledged.find(({ n }) => n >= begun);
      if (next !== undefined) return next;
      await new Promise<void>((resolve) => this.#listeners.push(resolve));
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#run;
    this.#disconnect();
    await this.#theodora.close();
  }

  async #insertOneAfterTheOther(): Promise<void> {
    while (!this.#isOver) {
      try {
        await this.#insert(this.#last++);
      } catch (error) {
        const why = (error as { code?: string }).code ?? String(error);
        this.unknown.set(why, (this.unknown.get(why) ?? 0) + 1);
        this.#disconnect();
        await pause(retryMs);
      }
    }
  }

  async #insert(n: number): Promise<void> {
    const { insertTimeoutMs } = this.#options;
    const connection = (this.#connection ??= await this.#connect());
    this.#warning = null;
    const { rows } = await connection.query<{ token: string }>({
      text: `INSERT INTO items VALUES ($1, current_setting('red.token')) RETURNING token`,
      values: [n],
      query_timeout: insertTimeoutMs,
    } as pg.QueryConfig);
    if (this.#warning !== null) throw new Error(this.#warning);
    this.acknowledged.push({ n, token: BigInt(rows[0]!.token), atMs: performance.now() });
    for (const listener of this.#listeners.splice(0)) listener();
  }

  async #connect(): Promise<pg.Client> {
    const writer = await readWriter(this.#theodora.space('red'));
    if (writer === null || writer.address === null) throw new Error('there is no writer');
    const [host, port] = writer.address.split(':');
    const { user, password, insertTimeoutMs } = this.#options;
    const connection = new pg.Client({
      ...{ host, port: Number(port), user, password, database: 'red' },
      connectionTimeoutMillis: insertTimeoutMs,
    });
    connection.on('error', () => undefined);
    connection.on('notice', ({ severity, message }) => {
      if (severity === 'WARNING') this.#warning = message ?? severity;
    });
    await connection.connect();
    return connection;
  }

  #disconnect(): void {
    this.#connection?.end().catch(() => undefined);
    this.#connection = null;
  }
}

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    AbortSignal.timeout(ms).addEventListener('abort', () => resolve());
  });
