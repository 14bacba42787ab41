/**
 * Clients that insert, take and claim for as long as they are let, and write into a ledger what they are told. Some are
 * impatient, so that a kill leaves outcomes that nobody knows.
 */
import type { Prng } from '../../src/base/index.js';
import { any, connect, UnavailableError, UnknownOutcomeError } from '../../src/client/index.js';
import type { Client, Entry, Space } from '../../src/client/index.js';
import type { ItemKind, Ledger, Told } from './kill-ledger.js';

const patientMs = 60_000;
const impatientMs = 400;
const workersPerClient = 8;
const poolMin = 20;

interface Outcome<T> {
  readonly told: Told;
  readonly result: T | null;
}

async function told<T>(call: Promise<T>): Promise<Outcome<T>> {
  try {
    return { told: 'done', result: await call };
  } catch (error) {
    if (error instanceof UnknownOutcomeError) return { told: 'unknown', result: null };
    if (error instanceof UnavailableError) return { told: 'failed', result: null };
    throw error;
  }
}

export class KillClient {
  readonly client: Client;
  readonly #space: Space;
  readonly #ledger: Ledger;
  readonly #random: Prng;
  readonly #name: string;
  #claims = 0;

  static async connect(clusterFile: string, name: string, ledger: Ledger, random: Prng): Promise<KillClient> {
    const client = await connect({ cluster: clusterFile, identity: 'admin', timeoutMs: patientMs });
    return new KillClient(client, name, ledger, random.stream(name));
  }

  private constructor(client: Client, name: string, ledger: Ledger, random: Prng) {
    this.client = client;
    this.#space = client.space('default');
    this.#ledger = ledger;
    this.#random = random;
    this.#name = name;
  }

  /** Works until `isOver`, and then until the last outcome is in. */
  async work(isOver: () => boolean): Promise<void> {
    const isImpatient = this.#random.chance(1, 3);
    const timeout = isImpatient ? impatientMs : patientMs;
    const worker = async (): Promise<void> => {
      while (!isOver()) await this.#step(timeout);
    };
    await Promise.all(Array.from({ length: workersPerClient }, worker));
  }

  /** All that match, read in pieces. */
  async all(kind: string): Promise<Entry[]> {
    const limit = 1_000;
    const found: Entry[] = [];
    for (;;) {
      const after = found.at(-1)?.id;
      const template = kind === 'once' ? [kind, any, any] : [kind, any, any, any];
      const page = await this.#space.rdAll(template, { limit, ...(after === undefined ? {} : { after }) });
      found.push(...page);
      if (page.length < limit) return found;
    }
  }

  async #step(timeout: number): Promise<void> {
    const random = this.#random;
    if (random.chance(1, 10)) return this.#claim(timeout);
    const kind = random.pick<ItemKind>(['own', 'own', 'pool']);
    if (random.chance(1, 2)) return this.#out(kind, timeout);
    if (kind === 'pool' && this.#ledger.poolSize >= poolMin) return this.#takeFromPool(timeout);
    const value = this.#ledger.valueToTake((count) => random.below(count));
    return value === null ? this.#out(kind, timeout) : this.#takeOwn(value, timeout);
  }

  async #out(kind: ItemKind, timeout: number): Promise<void> {
    const value = this.#ledger.newValue();
    const content = new Uint8Array(this.#random.chance(1, 50) ? 4_096 : 40).fill(value);
    const outcome = await told(this.#space.out([kind, value, this.#name, content], { timeout }));
    this.#ledger.outEnded(kind, value, outcome.told, outcome.result);
  }

  async #takeOwn(value: number, timeout: number): Promise<void> {
    const outcome = await told(this.#space.inp(['own', value, any, any], { timeout }));
    this.#ledger.ownTakeEnded(value, outcome.told, outcome.result);
  }

  async #takeFromPool(timeout: number): Promise<void> {
    const outcome = await told(this.#space.inp(['pool', any, any, any], { timeout }));
    this.#ledger.poolTakeEnded(outcome.told, outcome.result);
  }

  async #claim(timeout: number): Promise<void> {
    const key = this.#ledger.keyToClaim(this.#random.chance(1, 3));
    const tag = `${this.#name}-${this.#claims++}`;
    this.#ledger.claimBegan(key, tag);
    const outcome = await told(this.#space.cas(['once', key, any], ['once', key, tag], { timeout }));
    this.#ledger.claimEnded(key, tag, outcome.told, outcome.result);
  }
}
