/** Dealings made ahead, in a thread of their own if the program has files for one: milliseconds each (DESIGN section 7). */
import { Worker } from 'node:worker_threads';
import { assert } from '../base/index.js';
import { prepareSealing, type ConfidentialCluster } from '../confidential/index.js';
import { freshBytes, type PreparedDealing, type RandomBytes, type SharingKeys } from '../crypto/index.js';

/** Where dealings come from. */
export interface Dealer {
  prepare(): Promise<PreparedDealing>;
  close(): void;
}

export function inlineDealer(cluster: ConfidentialCluster, random: RandomBytes): Dealer {
  return { prepare: () => Promise.resolve(prepareSealing(cluster, random)), close: () => undefined };
}

interface Waiting {
  resolve(prepared: PreparedDealing): void;
  reject(error: Error): void;
}

/** Does not keep the process alive but while a dealing is waited for. */
export function threadDealer(settings: SharingKeys): Dealer {
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
export async function createDealer(settings: SharingKeys, cluster: ConfidentialCluster): Promise<Dealer> {
  return import.meta.url.endsWith('.js') ? threadDealer(settings) : inlineDealer(cluster, freshBytes);
}
