/** etcd under load: one gRPC channel to each server, among which the workers are shared. */
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { TheodoraError } from '../../../base/index.js';
import { contentOf, loads, preparedEntries, readKey, type LoadName, type OperationName } from '../loads.js';
import { kvMethods, type PutRequest, type RangeRequest, type RangeResponse } from './etcd-wire.js';
import { notOffered, type PeerSettings } from './settings.js';

interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

const noMetadata = new Metadata();
const keyOf = (name: string): Buffer => Buffer.from(name, 'utf8');

export class EtcdTarget {
  readonly #clients: readonly Client[];
  readonly #content: Uint8Array;
  readonly #timeoutMs: number;

  static async connect({ addresses, payloadBytes, timeoutMs }: PeerSettings): Promise<EtcdTarget> {
    const clients = addresses.map((address) => new Client(address, credentials.createInsecure()));
    const deadline = Date.now() + timeoutMs;
    const isReady = (client: Client): Promise<void> =>
      new Promise((resolve, reject) =>
        client.waitForReady(deadline, (error) => (error === undefined ? resolve() : reject(error))),
      );
    await Promise.all(clients.map(isReady));
    return new EtcdTarget(clients, contentOf(payloadBytes), timeoutMs);
  }

  private constructor(clients: readonly Client[], content: Uint8Array, timeoutMs: number) {
    this.#clients = clients;
    this.#content = content;
    this.#timeoutMs = timeoutMs;
  }

  async prepare(load: LoadName): Promise<void> {
    if (loads[load].preparation !== 'entries') return;
    const keys = Array.from({ length: preparedEntries }, (_, key) => key);
    await Promise.all(keys.map((key) => this.#put(this.#clients[0]!, `read-${key}`)));
  }

  async operate(operation: OperationName, worker: number, iteration: number): Promise<void> {
    const client = this.#clients[worker % this.#clients.length]!;
    switch (operation) {
      case 'out':
        return this.#put(client, `bench-${worker}-${iteration}`);
      case 'rdp':
      case 'rdp at one server': {
        const key = readKey(worker, iteration);
        const request = { key: keyOf(`read-${key}`), serializable: operation !== 'rdp' };
        const { kvs } = await this.#call<RangeRequest, RangeResponse>(client, kvMethods.range, request);
        if (kvs[0]?.value.length !== this.#content.length)
          throw new TheodoraError('PEER_PROTOCOL', `key ${key} has lost its value`);
        return;
      }
      default:
        throw notOffered('etcd', operation);
    }
  }

  findPrimary(): Promise<number> {
    return Promise.resolve(0);
  }

  close(): Promise<void> {
    for (const client of this.#clients) client.close();
    return Promise.resolve();
  }

  async #put(client: Client, name: string): Promise<void> {
    const request = { key: keyOf(name), value: this.#content };
    await this.#call<PutRequest, object>(client, kvMethods.put, request);
  }

  #call<Request, Response>(
    client: Client,
    { path, requestSerialize, responseDeserialize }: Method<Request, Response>,
    request: Request,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, response?: Response): void => {
        if (error === null) return resolve(response!);
        reject(new TheodoraError('PEER_REFUSED', `etcd: ${error.details}`, { status: error.code }, error));
      };
      const options = { deadline: Date.now() + this.#timeoutMs };
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        noMetadata,
        options,
        done,
      );
    });
  }
}
