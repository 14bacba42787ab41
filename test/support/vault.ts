/**
 * A service with a confidential space "vault", asked past ordering and network: one service stands for all replicas, each
 * of which adds its own shares. Clients are the real ones behind their callers.
 */
import { createHash } from 'node:crypto';
import {
  clientId,
  digest,
  emptyBytes,
  RefusedError,
  replicaId,
  sessionId,
  type ClientId,
  type HashFunction,
  type ReplicaId,
} from '../../src/base/index.js';
import {
  decodeOperation,
  decodeResult,
  encodeOperation,
  encodeResult,
  mayContainSealed,
  type ClientRecord,
  type Operation,
  type Result,
} from '../../src/codec/index.js';
import {
  generateSpaceKey,
  judgeRepair,
  prepareSealing,
  sealSpaceKey,
  ShareKeeper,
} from '../../src/confidential/index.js';
import type { Answer } from '../../src/client/answers.js';
import type { RawCaller } from '../../src/client/raw-caller.js';
import { inlineDealer } from '../../src/client/seal-jobs.js';
import { Seals } from '../../src/client/seals.js';
import { SpaceCaller } from '../../src/client/space-caller.js';
import { SpaceKeys } from '../../src/client/space-keys.js';
import { Space } from '../../src/client/space.js';
import { createService, type Service } from '../../src/service/index.js';
import { createKeep, type Insertion, type Keep } from './confidential.js';
import { NotedEffects } from './effects.js';
import { seededRandom, sodium } from './pvss.js';

const sha256: HashFunction = (bytes) => digest(createHash('sha256').update(bytes).digest('hex'));

/** Key of the client that the liars of confidential.ts insert as. */
const malloryKey = clientId('ab'.repeat(32));
const keys: Readonly<Record<string, ClientId>> = {
  admin: clientId('01'.repeat(32)),
  alice: clientId('02'.repeat(32)),
  bob: clientId('03'.repeat(32)),
  mallory: malloryKey,
};

/** What a faulty replica makes of its shares. */
export type Tampering = (replica: ReplicaId, shares: Uint8Array) => Uint8Array;

export interface VaultClient {
  readonly space: Space;
  readonly seals: Seals;
  readonly keys: SpaceKeys;
  /** Kinds of operations that it has asked for. */
  readonly asked: string[];
}

export class Vault {
  readonly keep: Keep;
  readonly service: Service;
  readonly effects = new NotedEffects();
  tampering: Tampering = (_, shares) => shares;
  readonly #keepers: readonly ShareKeeper[];
  #lastNumber = 0;

  constructor(n = 4) {
    this.keep = createKeep(n);
    const { cluster, random } = this.keep;
    this.#keepers = this.keep.keys.map(
      (key, id) => new ShareKeeper({ cluster, replica: replicaId(id), key, random }),
    );
    const clients = Object.entries(keys).map(([name, publicKey]) => ({ name, publicKey }));
    this.service = createService({ hash: sha256, clients });
    this.service.advanceTime(1_000, this.effects);
    this.#create();
  }

  /** The space's key is that of the keep, so that its liars can make tags. */
  #create(): void {
    const { cluster, random } = this.keep;
    const key = generateSpaceKey(sodium, seededRandom(`keep/${this.keep.keys.length}`));
    const origin = { space: 'vault', inserter: keys['admin']!, session: sessionId(1), number: 1 };
    const sealedKey = sealSpaceKey(cluster, prepareSealing(cluster, random), origin, key);
    const unbounded = { entries: null, bytes: null, waits: null };
    const config = {
      ...{
        insert: null,
        readers: null,
        takers: null,
        policy: null,
        quota: unbounded,
        clientQuota: unbounded,
      },
      confidential: { tagKey: key.tagKey, sealedKey },
    };
    this.execute('admin', encodeOperation({ kind: 'spaceCreate', space: 'vault', config }), 1);
    this.#lastNumber = 1;
  }

  /** As ordered; `number` within session 1, or 7 for mallory. */
  execute(name: string, operation: Uint8Array, number = ++this.#lastNumber): Result {
    const evidence = this.service.slowCheck(operation);
    const bytes = this.service.execute(
      {
        client: keys[name]!,
        session: sessionId(name === 'mallory' ? 7 : 1),
        number,
        operation,
        time: 1_000,
        mayWait: false,
        isVerified: evidence === null || judgeRepair(this.keep.cluster, evidence),
      },
      this.effects,
    );
    return decodeResult(bytes!)!;
  }

  /** What a dishonest inserter seals goes in. */
  insert({ tuple, sealed }: Insertion): Result {
    const operation = { kind: 'out', space: 'vault', tuple, lease: null, sealed: sealed.bytes } as const;
    return this.execute('mallory', encodeOperation(operation), sealed.number);
  }

  clients(): readonly ClientRecord[] {
    const result = this.execute('admin', encodeOperation({ kind: 'clientList', space: '' }));
    return result.kind === 'clients' ? result.clients : [];
  }

  blacklisted(): readonly string[] {
    return this.clients().flatMap(({ name, blacklisted }) => (blacklisted === null ? [] : [name]));
  }

  client(name: string): VaultClient {
    const asked: string[] = [];
    const raw = this.#rawOf(name, asked);
    const { cluster, random } = this.keep;
    const ports = {
      openCluster: () => Promise.resolve(cluster),
      createDealer: () => Promise.resolve(inlineDealer(cluster, random)),
      random,
    };
    const seals = new Seals(ports, keys[name]!, () => undefined);
    const spaceKeys = new SpaceKeys(raw, seals);
    const clock = { nowMs: () => 0, after: () => () => undefined };
    const caller = new SpaceCaller({
      ...{ raw, keys: spaceKeys, seals, clock },
      ...{ timeoutMs: 1_000, clockSkewMaxMs: 500 },
    });
    return { space: new Space('vault', caller), seals, keys: spaceKeys, asked };
  }

  #rawOf(name: string, asked: string[]): RawCaller {
    const ask = async (operation: Uint8Array, number = ++this.#lastNumber): Promise<Answer> => {
      asked.push(decodeOperation(operation)!.kind);
      return this.#answer(this.execute(name, operation, number), operation);
    };
    return {
      call: (operation) => ask(encodeOperation(operation)),
      callBound: (_, operation) => {
        const number = ++this.#lastNumber;
        const bytes = operation.encode({ session: sessionId(1), number });
        if (bytes.length !== operation.length) throw new Error('a bound operation has the length it says');
        return ask(bytes, number);
      },
      wait: (operation) => ask(encodeOperation(operation as Operation)),
      subscribe: () => {
        throw new Error('the vault has no feeds');
      },
    };
  }

  /** As a client is told that a quorum of replicas answered so: here all of them. */
  #answer(result: Result, operation: Uint8Array): Answer {
    const { kind } = decodeOperation(operation)!;
    if (result.kind === 'refused')
      throw new RefusedError(result.code, `${kind}: refused`, { operation: kind });
    const bytes = encodeResult(result);
    if (!mayContainSealed(bytes)) return { result };
    const shares = new Map<ReplicaId, Uint8Array>();
    for (const [id, keeper] of this.#keepers.entries()) {
      const given = this.tampering(replicaId(id), keeper.sharesOfResult(bytes));
      if (given !== emptyBytes) shares.set(replicaId(id), given);
    }
    return { result, shares };
  }
}
