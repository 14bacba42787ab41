/** ZooKeeper under load: one session with each server, among which the workers are shared. */
import { TheodoraError } from '../../../base/index.js';
import { contentOf, loads, preparedEntries, readKey, type LoadName, type OperationName } from '../loads.js';
import { ZooKeeperClient } from './zookeeper-client.js';
import { notOffered, type PeerSettings } from './settings.js';

export class ZooKeeperTarget {
  readonly #clients: readonly ZooKeeperClient[];
  readonly #content: Uint8Array;

  static async connect({ addresses, payloadBytes, timeoutMs }: PeerSettings): Promise<ZooKeeperTarget> {
    const clients = await Promise.all(
      addresses.map((address) => ZooKeeperClient.connect(address, timeoutMs)),
    );
    return new ZooKeeperTarget(clients, contentOf(payloadBytes));
  }

  private constructor(clients: readonly ZooKeeperClient[], content: Uint8Array) {
    this.#clients = clients;
    this.#content = content;
  }

  async prepare(load: LoadName): Promise<void> {
    if (loads[load].preparation !== 'entries') return;
    const keys = Array.from({ length: preparedEntries }, (_, key) => key);
    await Promise.all(keys.map((key) => this.#clients[0]!.create(`/read-${key}`, this.#content)));
  }

  async operate(operation: OperationName, worker: number, iteration: number): Promise<void> {
    const client = this.#clients[worker % this.#clients.length]!;
    switch (operation) {
      case 'out':
        if (!(await client.create(`/bench-${worker}-${iteration}`, this.#content)))
          throw new Error(`a node that nobody created is there: ${worker}, ${iteration}`);
        return;
      // The server asked answers from what it has: reads are not linearizable.
      case 'rdp at one server': {
        const key = readKey(worker, iteration);
        if ((await client.getData(`/read-${key}`)).length !== this.#content.length)
          throw new TheodoraError('PEER_PROTOCOL', `node ${key} has lost its data`);
        return;
      }
      default:
        throw notOffered('ZooKeeper', operation);
    }
  }

  findPrimary(): Promise<number> {
    return Promise.resolve(0);
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}
