/**
 * What confidentiality costs those who use it, and those who do not: operations one after the other on a confidential space,
 * and a plain client's operations alone, beside as many plain ones and beside a flood of confidential ones.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TheodoraError } from '../../base/index.js';
import { any, connect, type Client, type Space } from '../../client/index.js';
import { startBenchCluster } from './cluster.js';
import { Histogram } from './histogram.js';

export interface ConfidentialPlan {
  readonly replicas: number;
  readonly measureMs: number;
  readonly timeoutMs: number;
  /** Confidential operations under way in the flood. */
  readonly concurrency: number;
  readonly note: (text: string) => void;
}

export interface QuantilesMs {
  readonly operations: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
}

export interface ConfidentialFigures {
  /** On an idle cluster, by operation; `rdp again`: the replicas have decrypted their shares before. */
  readonly alone: Readonly<Record<string, QuantilesMs>>;
  /** A plain client's `out` and `rdp`. */
  readonly plain: QuantilesMs;
  /** Beside a flood of as many operations under way, in the same space and in a confidential one. */
  readonly besidePlainFlood: QuantilesMs;
  readonly besideFlood: QuantilesMs;
  readonly viewChanges: number;
}

const floodProgram = fileURLToPath(new URL('./confidential-flood.js', import.meta.url));

function quantilesOf(latencies: Histogram): QuantilesMs {
  const at = (quantile: number): number => Number(latencies.quantileMs(quantile).toFixed(3));
  return { operations: latencies.count, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99) };
}

async function timed(latencies: Histogram, operation: () => Promise<unknown>): Promise<void> {
  const beganMs = performance.now();
  await operation();
  latencies.add(performance.now() - beganMs);
}

async function measureAlone(space: Space, measureMs: number): Promise<Record<string, QuantilesMs>> {
  const names = ['out', 'rdp', 'rdp again', 'cas', 'inp'] as const;
  const latencies = Object.fromEntries(names.map((name) => [name, new Histogram()]));
  const endMs = performance.now() + measureMs;
  for (let key = 0; performance.now() < endMs; key++) {
    const tuple = ['key', key, 'a value'];
    await timed(latencies['out']!, () => space.out(tuple));
    await timed(latencies['rdp']!, () => space.rdp(['key', key, any]));
    await timed(latencies['rdp again']!, () => space.rdp(['key', key, any]));
    await timed(latencies['cas']!, () => space.cas(['lock', key, any], ['lock', key, 'holder']));
    await timed(latencies['inp']!, () => space.inp(['key', key, any]));
  }
  return Object.fromEntries(names.map((name) => [name, quantilesOf(latencies[name]!)]));
}

async function measurePlain(space: Space, name: string, measureMs: number): Promise<QuantilesMs> {
  const latencies = new Histogram();
  const endMs = performance.now() + measureMs;
  for (let key = 0; performance.now() < endMs; key++) {
    await timed(latencies, () => space.out([name, key]));
    await timed(latencies, () => space.rdp([name, key]));
  }
  return quantilesOf(latencies);
}

function startFlood(...words: readonly string[]): Promise<ChildProcess> {
  // Sealing and opening are the flood's own work, which elsewhere takes no processor from the replicas.
  const child = fork(floodProgram, words, {
    execPath: 'nice',
    execArgv: ['-n', '19', process.execPath],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve(child));
    child.once('error', reject);
    child.once('exit', () => reject(new TheodoraError('LOAD_FAILED', 'the flood ended early')));
  });
}

const viewOf = async (client: Client): Promise<number> =>
  Math.max(...(await client.status()).map((status) => (status.reachable ? status.view : 0)));

export async function runConfidential(plan: ConfidentialPlan): Promise<ConfidentialFigures> {
  const { replicas, measureMs, timeoutMs, concurrency, note } = plan;
  const cluster = await startBenchCluster({ replicas, identities: 2, durability: 'sync' });
  const { clusterFile, identities } = cluster;
  const clients: Client[] = [];
  try {
    for (const identity of ['admin', identities[0]!])
      clients.push(await connect({ cluster: clusterFile, identity, timeoutMs }));
    const [admin, client] = clients as [Client, Client];
    await admin.admin.createSpace('confidential', { confidential: true });
    const space = client.space('confidential');
    await measureAlone(space, measureMs / 4);
    const view = await viewOf(client);
    note('confidential: one operation after the other');
    const alone = await measureAlone(space, measureMs);
    note('confidential: a plain client alone, then beside floods');
    const plainSpace = client.space('default');
    await measurePlain(plainSpace, 'warm-up', measureMs / 4);
    const plain = await measurePlain(plainSpace, 'alone', measureMs);
    const beside = async (name: string): Promise<QuantilesMs> => {
      const flood = await startFlood(clusterFile, identities[1]!, name, String(concurrency));
      await measurePlain(plainSpace, `warm-up beside ${name}`, measureMs / 4);
      const quantiles = await measurePlain(plainSpace, `beside ${name}`, measureMs);
      flood.kill('SIGKILL');
      return quantiles;
    };
    const besidePlainFlood = await beside('default');
    const besideFlood = await beside('confidential');
    const viewChanges = (await viewOf(client)) - view;
    return { alone, plain, besidePlainFlood, besideFlood, viewChanges };
  } finally {
    for (const client of clients) await client.close();
    await cluster.remove();
  }
}
