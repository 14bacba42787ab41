/** Dealings made ahead, in a thread of their own if the program has files for one: milliseconds each (DESIGN section 7). */
import { randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { assert, fromHex, InvalidInputError } from '../base/index.js';
import {
  createConfidentialCluster,
  prepareSealing,
  type ConfidentialCluster,
} from '../confidential/index.js';
import { loadGroup, type ClusterDescription, type PreparedDealing } from '../crypto/index.js';

/** Structured-cloneable. */
export interface SealSettings {
  readonly clusterId: string;
  readonly keyGeneration: number;
  /** By replica; 64 hexadecimal characters each. */
  readonly sharingKeys: readonly string[];
}

/** Null: the cluster has no sharing keys, and no confidential spaces. */
export function sealSettingsOf({
  clusterId,
  keyGeneration,
  replicas,
}: ClusterDescription): SealSettings | null {
  if (keyGeneration === undefined) return null;
  return { clusterId, keyGeneration, sharingKeys: replicas.map(({ sharingKey }) => sharingKey!) };
}

export const freshBytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** @throws InvalidInputError SHARING_KEY_INVALID. */
export async function openCluster(settings: SealSettings): Promise<ConfidentialCluster> {
  const { clusterId, keyGeneration, sharingKeys } = settings;
  const publicKeys = sharingKeys.map((key) => fromHex(key)!);
  const cluster = createConfidentialCluster(await loadGroup(), clusterId, keyGeneration, publicKeys);
  if (cluster !== null) return cluster;
  const message =
    'a sharingKey in the cluster file is no point of ristretto255. Copy the cluster file again.';
  throw new InvalidInputError('SHARING_KEY_INVALID', message);
}

/** Where dealings come from. */
export interface Dealer {
  prepare(): Promise<PreparedDealing>;
  close(): void;
}

export function inlineDealer(cluster: ConfidentialCluster): Dealer {
  return { prepare: () => Promise.resolve(prepareSealing(cluster, freshBytes)), close: () => undefined };
}

interface Waiting {
  resolve(prepared: PreparedDealing): void;
  reject(error: Error): void;
}

/** Does not keep the process alive but while a dealing is waited for. */
export function threadDealer(settings: SealSettings): Dealer {
  const worker = new Worker(new URL('./seal-worker.js', import.meta.url), { workerData: settings });
  const waiting: Waiting[] = [];
  let failure: Error | null = null;
  const fail = (error: Error): void => {
    failure ??= error;
    for (const { reject } of waiting.splice(0)) reject(failure);
  };
  worker.unref();
  worker.on('message', (prepared: PreparedDealing) => {
    const next = waiting.shift();
    assert(next !== undefined, 'a dealing is made when it is asked for');
    if (waiting.length === 0) worker.unref();
    next.resolve(prepared);
  });
  worker.on('error', (error) => fail(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', () => fail(new Error('the dealing thread has ended')));
  return {
    prepare: () =>
      new Promise((resolve, reject) => {
        if (failure !== null) {
          reject(failure);
          return;
        }
        waiting.push({ resolve, reject });
        worker.ref();
        worker.postMessage(null);
      }),
    close: () => void worker.terminate(),
  };
}

/** A thread needs a file, which a program that runs from its sources does not have. */
export async function createDealer(settings: SealSettings, cluster: ConfidentialCluster): Promise<Dealer> {
  return import.meta.url.endsWith('.js') ? threadDealer(settings) : inlineDealer(cluster);
}
