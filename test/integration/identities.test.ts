/** A client that is added, and then ended, by ordered operations, against four replicas in this process. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { clientId, fromHex, toHex, type ClientId } from '../../src/base/index.js';
import { connect } from '../../src/client/index.js';
import type { Client, ConnectOptions } from '../../src/client/index.js';
import { generateIdentityKey } from '../../src/crypto/index.js';
import { Counter } from '../support/counter.js';
import { adminKey, makeClusterFiles, startCluster, tlsMaterial } from '../support/cluster-files.js';
import { sha256 } from '../support/lockstep.js';

const { key: bobKey } = generateIdentityKey();
const keyBytes = fromHex(bobKey.publicKey)!;
const admit = Uint8Array.of(1, ...keyBytes);
const end = Uint8Array.of(0, ...keyBytes);
const add = (amount: number): Uint8Array => Uint8Array.of(amount);

/** A counter whose clients come and go by operations with their keys; bob is none at first. */
class Club extends Counter {
  readonly #strangers = new Set<ClientId>([clientId(bobKey.publicKey)]);

  override isClient(client: ClientId): boolean {
    return !this.#strangers.has(client);
  }

  override execute(...[ordered, effects]: Parameters<Counter['execute']>): Uint8Array | null {
    const { operation } = ordered;
    if (operation.length !== 33) return super.execute(ordered, effects);
    const client = clientId(toHex(operation.subarray(1)));
    if (operation[0] === 1) {
      this.#strangers.delete(client);
    } else {
      this.#strangers.add(client);
      effects.endClient(client);
    }
    return operation.subarray(0, 1);
  }
}

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function cluster(): Promise<{ admin(): Promise<Client>; bob(): Promise<Client> }> {
  const files = await makeClusterFiles();
  cleanUps.push(() => files.remove());
  const replicas = await startCluster(files, () => ({ stateMachine: new Club(sha256) }));
  cleanUps.push(async () => void (await Promise.all(replicas.map((replica) => replica.close()))));
  const description = {
    ...files.description,
    replicas: files.description.replicas.map((one, id) => ({ ...one, address: replicas[id]!.address })),
  };
  const { key: tlsKey, certificate: tlsCertificate } = tlsMaterial(files, 'clients/admin');
  const connected = async (identity: string, identityKey = adminKey(files)): Promise<Client> => {
    const keys = { identityKey, tlsKey, tlsCertificate };
    const options: ConnectOptions = { cluster: description, identity, keys };
    const client = await connect(options);
    cleanUps.push(() => client.close());
    return client;
  };
  return { admin: () => connected('admin'), bob: () => connected('bob', bobKey) };
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error,
  );

describe('a client that the cluster file does not list', () => {
  it('is refused by f+1 replicas until an ordered operation has made it one', async () => {
    const { admin, bob } = await cluster();
    const owner = await admin();
    const error = await failure(bob());
    expect(error).toMatchObject({ name: 'RefusedError', code: 'UNKNOWN_CLIENT' });
    expect(String(error)).toContain('theodora client add');
    await owner.execute(admit);
    const client = await bob();
    expect([client.id, client.publicKey]).toEqual(['bob', bobKey.publicKey]);
    expect(await client.execute(add(3))).toEqual(Uint8Array.of(3));
  });

  it('is told soon when it is none any more, and so is whoever connects', async () => {
    const { admin, bob } = await cluster();
    const owner = await admin();
    await owner.execute(admit);
    const client = await bob();
    await client.execute(add(1));
    await owner.execute(end);
    await vi.waitFor(
      async () =>
        expect(await failure(client.execute(add(1)))).toMatchObject({
          name: 'RefusedError',
          code: 'UNKNOWN_CLIENT',
        }),
      { timeout: 8_000 },
    );
    expect(await failure(bob())).toMatchObject({ code: 'UNKNOWN_CLIENT' });
    expect(await owner.execute(add(1))).toEqual(Uint8Array.of(2));
  });
});
