/** A cluster of its own for one measurement: processes in a temporary directory that goes with them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClientMaterial, createClusterMaterial, formatClusterFile } from '../../crypto/index.js';
import type { ClusterDescription, ClusterSettings, MaterialFile } from '../../crypto/index.js';
import type { Durability } from '../../replica/index.js';
import { writeClusterDirectory } from '../cluster-directory.js';
import { clusterFileName } from '../config.js';
import type { Faults } from '../faults.js';
import { freePorts } from '../launcher.js';
import { ReplicaGroup } from '../replica-group.js';
import { removedAfter } from './cleanup.js';

export interface BenchCluster {
  readonly clusterFile: string;
  /** The same without a list of all clients, as those have it that were added later. */
  readonly visitorFile: string;
  /** The clients' names. */
  readonly identities: readonly string[];
  readonly replicas: ReplicaGroup;
  /** Replicas that have ended without being told to stop. */
  readonly lost: readonly number[];
  /** Stops the replicas and removes their files. */
  remove(): Promise<void>;
}

const visitorFileName = 'visitors.yaml';

interface Files {
  readonly description: ClusterDescription;
  readonly files: readonly MaterialFile[];
}

/** Files of a new cluster with these clients beside its admin. */
async function createFiles(
  hosts: readonly string[],
  identities: readonly string[],
  faultInjection: boolean,
  settings: ClusterSettings,
): Promise<Files> {
  const now = new Date();
  const material = await createClusterMaterial({ hosts, now, faultInjection, settings });
  const contentOf = (path: string): string =>
    material.files.find((file) => file.path === path)?.content ?? '';
  const authority = { caKeyPem: contentOf('ca/ca.key'), caCertPem: contentOf('ca/ca.crt'), now };
  const clients = await Promise.all(
    identities.map(async (name) => ({ name, ...(await createClientMaterial({ name, ...authority })) })),
  );
  const registered = clients.map(({ name, publicKey }) => ({ name, publicKey }));
  const description = {
    ...material.description,
    clients: [...material.description.clients, ...registered],
  };
  const files = [
    { path: clusterFileName, content: formatClusterFile(description), mode: 0o644 as const },
    { path: visitorFileName, content: formatClusterFile(material.description), mode: 0o644 as const },
    ...material.files.filter(({ path }) => path !== clusterFileName),
    ...clients.flatMap((client) => client.files),
  ];
  return { description, files };
}

export interface BenchClusterOptions {
  readonly replicas: number;
  /** How many. */
  readonly identities: number;
  readonly durability?: Durability;
  readonly faults?: Faults;
  readonly settings?: ClusterSettings;
}

export async function startBenchCluster(options: BenchClusterOptions): Promise<BenchCluster> {
  const { durability = 'memory', faults = new Map(), settings = {} } = options;
  const top = mkdtempSync(join(tmpdir(), 'theodora-bench-'));
  const removeFiles = (): void => rmSync(top, { recursive: true, force: true });
  try {
    const identities = Array.from({ length: options.identities }, (_, index) => `bench-${index}`);
    const hosts = (await freePorts(options.replicas)).map((port) => `127.0.0.1:${port}`);
    const directory = join(top, 'cluster');
    const { description, files } = await createFiles(hosts, identities, faults.size > 0, settings);
    const clusterFile = writeClusterDirectory(directory, files);
    const lost: number[] = [];
    const replicas = new ReplicaGroup({ directory, clusterFile, durability, faults }, description, {
      exited: ({ id }) => lost.push(id),
    });
    await replicas.startAll();
    const visitorFile = join(directory, visitorFileName);
    const remove = (): Promise<void> => replicas.stop().finally(removeFiles);
    return { clusterFile, visitorFile, identities, replicas, lost, remove };
  } catch (error) {
    removeFiles();
    throw error;
  }
}

/** The cluster goes away with `use`, however that ends. */
export async function withBenchCluster<T>(
  options: BenchClusterOptions,
  use: (cluster: BenchCluster) => Promise<T>,
): Promise<T> {
  const cluster = await startBenchCluster(options);
  return removedAfter(
    () => cluster.remove(),
    () => use(cluster),
  );
}
