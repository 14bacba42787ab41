/**
 * Starts one replica as a part of this process. Reads no environment and sets no exit status: that is the
 * composition root's.
 */
import { pino, type Logger } from 'pino';
import { InvalidInputError, type ReplicaId } from '../base/index.js';
import { createAuthenticator, parseAddress, sha256, type ClusterDescription } from '../crypto/index.js';
import { defaultOrderingConfig, OrderingReplica, type OrderingConfig } from '../ordering/index.js';
import type { Authenticator, ReplicaStatus, Start, StateMachine } from '../ordering/index.js';
import { createService, type Service } from '../service/index.js';
import { SteadyClock } from './clock.js';
import { readReplicaFiles } from './replica-files.js';
import { ReplicaNode, type ReplicaNodeOptions } from './replica-node.js';
import type { OrderingCore, StopReason } from './runtime.js';
import { checkSharingKeys } from './share-jobs.js';
import { createShares } from './share-thread.js';
import { defaultDiskFreeBytesMin, freeBytesAt } from './storage/disk-space.js';
import { openStorage, type Durability, type OpenedStorage } from './storage/open-storage.js';

export type OrderingSettings = Omit<OrderingConfig, 'id' | 'n'>;

export interface StartReplicaOptions {
  readonly clusterFile: string;
  readonly id: number;
  /** Holds replica.key, tls.key and tls.crt and, before the very first start, the marker `genesis`. */
  readonly dataDir: string;
  /** The replicated application; the tuple space if absent. The same at every replica. */
  readonly stateMachine?: StateMachine;
  /** If absent, warnings and worse go to stderr. */
  readonly log?: Logger;
  /** host:port to listen on instead of the address in the cluster file; port 0 for any. */
  readonly listen?: string;
  /** Where to dial replica `id` instead of its address in the cluster file; null while not known. */
  readonly peerAddress?: (id: number) => string | null;
  /** Serves /healthz and /metrics; host 127.0.0.1 unless given. Wins over the cluster file's setting. */
  readonly metrics?: { readonly host?: string; readonly port: number };
  /** What of votes and state survives: a power cut (`sync`, the default), a killed process, or nothing. */
  readonly durability?: Durability;
  /** Starts without a vote log where there is none, and asks the others to be let in again. */
  readonly rejoin?: boolean;
  /** Puts a damaged vote log aside and starts as with `rejoin`. */
  readonly repair?: boolean;
  /** Less room than this where the data directory is, and clients are refused; 256 MiB unless given. */
  readonly diskFreeBytesMin?: number;
  /** For tests: the room there is, instead of what the file system says. */
  readonly freeBytes?: () => Promise<number>;
  /** Overrides of the cluster file's settings, which override the defaults. Equal at every replica. */
  readonly settings?: Partial<OrderingSettings>;
  /** Fault injection: what is to be around the replica. Refused unless the cluster file allows it. */
  readonly around?: (replica: OrderingReplica, own: OwnMeans) => OrderingCore;
  /** For tests: something else than the ordering layer behind the network. */
  readonly createCore?: (config: OrderingConfig, start: Start) => OrderingCore;
}

/** What a replica has and can do that others cannot. */
export interface OwnMeans {
  readonly config: OrderingConfig;
  readonly hash: Authenticator['hash'];
  readonly sign: Authenticator['sign'];
}

export interface RunningReplicaStatus extends ReplicaStatus {
  readonly peersConnected: number;
  readonly clientsConnected: number;
  /** What was dropped since start, by reason. */
  readonly drops: Readonly<Record<string, number>>;
}

export interface RunningReplica {
  readonly id: ReplicaId;
  /** host:port it listens on. */
  readonly address: string;
  /** Port of /healthz and /metrics; null if off. */
  readonly metricsPort: number | null;
  status(): RunningReplicaStatus;
  /** Resolves when nothing of the replica runs any more; never rejects. */
  readonly stopped: Promise<StopReason>;
  /** Sends what is queued, ends the streams and stops; resolves with `stopped`. */
  close(): Promise<void>;
}

interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

function listenAddress(text: string): ListenAddress {
  // The grammar of cluster files has no port 0.
  const isAnyPort = text.endsWith(':0');
  const parsed = parseAddress(isAnyPort ? text.replace(/0$/, '1') : text);
  if (parsed !== null) return { host: parsed.host, port: isAnyPort ? 0 : parsed.port };
  throw new InvalidInputError('ADDRESS_UNUSABLE', `"${text}" is not host:port.`, { address: text });
}

const formatAddress = (host: string, port: number): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

function orderingConfig(
  id: ReplicaId,
  { replicas, settings }: ClusterDescription,
  overrides: Partial<OrderingSettings> = {},
): OrderingConfig {
  const { metrics: _, ...clusterSettings } = settings;
  return { ...defaultOrderingConfig, ...clusterSettings, ...overrides, id, n: replicas.length };
}

/** With the clients that the cluster file lists; others are added by ordered operations. */
const createTupleSpace = ({ clients }: ClusterDescription, { clockSkewMaxMs }: OrderingConfig): Service =>
  createService({ hash: sha256, clockSkewMaxMs, clients });

function metricsAddress(options: StartReplicaOptions, description: ClusterDescription): ListenAddress | null {
  const { metrics } = options;
  if (metrics !== undefined) return { host: metrics.host ?? '127.0.0.1', port: metrics.port };
  const basePort = description.settings.metrics?.basePort;
  return basePort === undefined ? null : { host: '127.0.0.1', port: basePort + options.id };
}

async function openReplicaStorage(
  { dataDir, durability = 'sync', rejoin = false, repair = false }: StartReplicaOptions,
  replica: ReplicaId,
  nowMs: number,
  log: Logger,
): Promise<OpenedStorage> {
  const options = { dataDir, durability, replica, nowMs, isRejoining: rejoin, isRepairing: repair };
  const opened = await openStorage(options);
  for (const { event, fields } of opened.events) log.warn(fields, event);
  return opened;
}

function diskSpaceOf(
  { dataDir, freeBytes, diskFreeBytesMin = defaultDiskFreeBytesMin }: StartReplicaOptions,
  { neededBytes }: OpenedStorage,
): ReplicaNodeOptions['diskSpace'] {
  if (neededBytes === null) return null;
  return {
    freeBytes: freeBytes ?? (() => freeBytesAt(dataDir)),
    neededBytes: () => Math.max(diskFreeBytesMin, neededBytes()),
  };
}

function checkFaultInjection({ faultInjection }: ClusterDescription, path: string): void {
  if (faultInjection === true) return;
  throw new InvalidInputError(
    'FAULT_INJECTION_OFF',
    `${path} does not allow replicas to misbehave. Add the line \`faultInjection: true\` if nobody relies on this cluster.`,
    { path },
  );
}

/**
 * Resolves when the replica listens and takes part; the links to the others come up by themselves.
 * @throws InvalidInputError FAULT_INJECTION_OFF, PORT_IN_USE, ADDRESS_UNUSABLE, METRICS_PORT_UNUSABLE, and what readReplicaFiles and
 * openStorage throw. Nothing keeps running then.
 */
export async function startReplica(options: StartReplicaOptions): Promise<RunningReplica> {
  const log = options.log ?? pino({ level: 'warn', base: { replica: options.id } }, pino.destination(2));
  const clock = new SteadyClock();
  const files = readReplicaFiles(options, clock.now(), log);
  const { cluster, self, key, sharing } = files;
  if (options.around !== undefined) checkFaultInjection(cluster, options.clusterFile);
  if (sharing !== null) await checkSharingKeys(sharing);
  const config = orderingConfig(self.id, cluster, options.settings);
  const service = options.stateMachine === undefined ? createTupleSpace(cluster, config) : null;
  const stateMachine = options.stateMachine ?? service!;
  const { host, port } = listenAddress(options.listen ?? self.address);
  const metrics = metricsAddress(options, cluster);
  const opened = await openReplicaStorage(options, self.id, clock.now(), log);
  const node = new ReplicaNode({
    files,
    shares: sharing === null ? null : createShares(sharing),
    storage: opened.storage,
    diskSpace: diskSpaceOf(options, opened),
    clock,
    log,
    dataDir: options.dataDir,
    refusals: service,
    addressOf: (id) =>
      options.peerAddress ? options.peerAddress(id) : (cluster.replicas[id]?.address ?? null),
  });

  const createCore =
    options.createCore ??
    ((config: OrderingConfig, start: Start): OrderingCore => {
      const authenticator = createAuthenticator({ cluster, key });
      const replica = new OrderingReplica({ config, authenticator, stateMachine, start });
      const { hash, sign } = authenticator;
      return options.around?.(replica, { config, hash, sign }) ?? replica;
    });

  let metricsPort: number | null = null;
  let address: string;
  try {
    if (metrics !== null) metricsPort = await node.serveHttp(metrics.host, metrics.port);
    address = formatAddress(host, await node.listen(host, port));
    // From here to the start nothing else can run, so nothing comes in too early.
    const start = opened.start();
    node.start(createCore(config, start));
    log.info({ address, start: start.kind }, 'replica started');
  } catch (error) {
    await node.abandon();
    throw error;
  }
  return {
    id: self.id,
    address,
    metricsPort,
    status: () => ({
      ...node.runtime.status(),
      peersConnected: node.peers.connected,
      clientsConnected: node.clients.connected,
      drops: node.counts.drops.totals(),
    }),
    stopped: node.stopped,
    close: async () => {
      node.runtime.stop({ kind: 'closed' });
      await node.stopped;
    },
  };
}
