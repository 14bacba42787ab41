/** Theodora under load: one client for each identity, among which the workers are shared. */
import { any, connect } from '../../client/index.js';
import type { Client, Space } from '../../client/index.js';
import { TheodoraError } from '../../base/index.js';
import { inParallel } from './in-parallel.js';
import {
  contentOf,
  loads,
  preparedEntries,
  preparedTimedEntries,
  readKey,
  shortLeaseMs,
  type LoadName,
  type OperationName,
} from './loads.js';

interface Settings {
  readonly clusterFile: string;
  readonly identities: readonly string[];
  readonly payloadBytes: number;
  readonly timeoutMs: number;
}

/** Handshakes of many clients at once would take longer than the replicas wait for. */
const connectingMax = 10;
/** Few, since the entries may be large. */
const preparingMax = 10;
const hourMs = 3_600_000;

export class TheodoraTarget {
  readonly #clients: readonly Client[];
  readonly #spaces: readonly Space[];
  readonly #content: Uint8Array;

  static async connect({
    clusterFile,
    identities,
    payloadBytes,
    timeoutMs,
  }: Settings): Promise<TheodoraTarget> {
    const clients: Client[] = [];
    await inParallel(connectingMax, identities.length, async (index) => {
      clients[index] = await connect({ cluster: clusterFile, identity: identities[index]!, timeoutMs });
    });
    return new TheodoraTarget(clients, payloadBytes);
  }

  private constructor(clients: readonly Client[], payloadBytes: number) {
    this.#clients = clients;
    this.#spaces = clients.map((client) => client.space('default'));
    this.#content = contentOf(payloadBytes);
  }

  async prepare(load: LoadName): Promise<void> {
    const { preparation } = loads[load];
    if (preparation === 'nothing') return;
    const isTimed = preparation === 'timed entries';
    // Only who inserted an entry may renew it.
    const spaces = isTimed ? [...this.#spaces.entries()] : [[0, this.#spaces[0]!] as const];
    for (const [owner, space] of spaces) {
      await inParallel(preparingMax, isTimed ? preparedTimedEntries : preparedEntries, (key) =>
        isTimed
          ? space.out(['timed', owner, key, this.#content], { lease: hourMs })
          : space.out(['read', key, this.#content]),
      );
    }
  }

  async operate(operation: OperationName, worker: number, iteration: number): Promise<void> {
    const owner = worker % this.#spaces.length;
    const space = this.#spaces[owner]!;
    switch (operation) {
      case 'out':
        await space.out(['bench', worker, iteration, this.#content]);
        return;
      case 'out with a lease':
        await space.out(['bench', worker, iteration, this.#content], { lease: shortLeaseMs });
        return;
      case 'rdp':
      case 'rdp at one server': {
        const key = readKey(worker, iteration);
        if ((await space.rdp(['read', key, any])) === null) throw new Error(`entry ${key} is gone`);
        return;
      }
      case 'inp': {
        const taken = await space.inp(['bench', worker, iteration - 1, any]);
        // In an open loop it may overtake the insertion.
        if (taken === null) throw new TheodoraError('NO_MATCH', `nothing to take at ${worker}, ${iteration}`);
        return;
      }
      case 'cas': {
        const { inserted } = await space.cas(
          ['cas', worker, iteration, any],
          ['cas', worker, iteration, this.#content],
        );
        if (!inserted) throw new Error(`cas found an entry that nobody inserted`);
        return;
      }
      case 'renew': {
        const key = iteration % preparedTimedEntries;
        if ((await space.renew(['timed', owner, key, any], hourMs)) === null)
          throw new Error(`timed entry ${key} is gone`);
      }
    }
  }

  async findPrimary(): Promise<number> {
    let latest = { view: -1, primary: 0 };
    for (const replica of await this.#clients[0]!.status()) {
      if (replica.reachable && replica.view > latest.view) latest = replica;
    }
    return latest.primary;
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}
