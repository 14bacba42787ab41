/**
 * The parts of one replica and how they hang together: listener and links, client streams, runtime, vote
 * log, metrics. Knows the order of starting and stopping, and nothing of what the parts do.
 */
import type { Logger } from 'pino';
import { fromHex, type ClientId, type ReplicaId } from '../base/index.js';
import { encodePeerFrame, frameBytesMax, type StatusReply } from '../codec/index.js';
import { replicaServerName, sha256 } from '../crypto/index.js';
import { weakQuorumSize } from '../ordering/index.js';
import { ClientSessions } from './client-sessions.js';
import type { ClientStreamPorts } from './client-stream.js';
import type { SteadyClock } from './clock.js';
import { startHttp, type Health, type HttpService } from './http.js';
import { createMetrics, type ReplicaCounts } from './metrics.js';
import type { Drops } from './tally.js';
import { largestRefusals, type RefusalSource } from './refusals.js';
import { evidenceKeeper } from './evidence.js';
import type { ReplicaFiles } from './replica-files.js';
import {
  Runtime,
  type ClientPort,
  type OrderingCore,
  type RuntimeWatch,
  type StopReason,
} from './runtime.js';
import { ShareReplies } from './share-replies.js';
import type { Shares } from './share-thread.js';
import { createSlowChecks } from './slow-checks.js';
import { SnapshotDonor } from './snapshot-donor.js';
import { SpareReplies } from './spare-replies.js';
import { DiskSpace, type DiskSpaceOptions } from './storage/disk-space.js';
import type { Storage } from './storage/port.js';
import { createDial, createPeerContext, type TlsMaterial } from './transport/dial.js';
import { shareFrames } from './transport/frame-sender.js';
import { Listener } from './transport/listener.js';
import { PeerLink, peerQueueLimits } from './transport/peer-link.js';
import { PeerReceiver } from './transport/peer-receiver.js';
import { Peers } from './transport/peers.js';
import { programVersion } from './version.js';
import { createCounts, createDrops, createWatch, logStop, startSummaries } from './watch.js';

export interface ReplicaNodeOptions {
  readonly files: ReplicaFiles;
  /** Closed with the replica; null: the cluster has no confidential spaces. */
  readonly shares: Shares | null;
  /** Closed with the replica. */
  readonly storage: Storage;
  /** Of the disk that the storage is on; null: it is on none. */
  readonly diskSpace: Pick<DiskSpaceOptions, 'freeBytes' | 'neededBytes'> | null;
  readonly clock: SteadyClock;
  readonly log: Logger;
  readonly dataDir: string;
  readonly refusals: RefusalSource;
  /** Where to dial a replica now; null if not known. */
  addressOf(id: ReplicaId): string | null;
}

const diskFullRemedy =
  'make room where the data directory is; until then this replica takes nothing from clients and goes by what the others propose';
/** What is queued may still leave within this after the last turn, ms. */
const flushGraceMs = 300;
/** Tag and length that a frame puts around a message. */
const frameOverheadBytes = 16;

export class ReplicaNode {
  readonly counts: ReplicaCounts;
  readonly #drops: Drops;
  readonly peers: Peers;
  readonly clients: ClientSessions;
  readonly runtime: Runtime;
  /** Resolves when everything has been taken down; never rejects. */
  readonly stopped: Promise<StopReason>;
  readonly #options: ReplicaNodeOptions;
  readonly #receiver: PeerReceiver;
  readonly #listener: Listener;
  readonly #disk: DiskSpace | null;
  readonly #tls: TlsMaterial;
  #stopSummaries: () => void = () => undefined;
  #http: HttpService | null = null;
  #stopReason: StopReason | null = null;

  constructor(options: ReplicaNodeOptions) {
    this.#options = options;
    const { cluster, tls } = options.files;
    const nameOf = (client: ClientId): string =>
      cluster.clients.find(({ publicKey }) => publicKey === client)?.name ?? client;
    this.counts = createCounts(nameOf);
    this.#drops = createDrops(this.counts);
    this.#tls = { ...tls, certificateAuthority: cluster.certificateAuthority };
    this.#disk = this.#createDiskSpace();
    this.peers = this.#createPeers();
    this.clients = this.#createClients();
    this.#receiver = this.#createReceiver();
    this.#listener = this.#createListener();
    let settle: (reason: StopReason) => void = () => undefined;
    this.stopped = new Promise((resolve) => (settle = resolve));
    this.runtime = new Runtime({
      clock: options.clock,
      peers: {
        send: (to, message) => this.peers.send(to, message),
        broadcast: (message) => this.peers.broadcast(message),
        flush: () => {
          this.peers.flush();
          this.#receiver.endTurn();
        },
      },
      clients: this.#withShares(),
      storage: options.storage,
      slowChecks: createSlowChecks(options.shares?.judge),
      watch: this.#createWatch(),
      drops: this.#drops,
      keepEvidence: evidenceKeeper(options.dataDir, options.log),
      stopped: (reason) => {
        this.#stopReason = reason;
        logStop(reason, options.log);
        void this.#takeDown(reason)
          .catch((error: unknown) => options.log.error({ err: error }, 'not everything could be closed'))
          .finally(() => settle(reason));
      },
    });
  }

  /** Resolves to the port. @throws InvalidInputError PORT_IN_USE, ADDRESS_UNUSABLE. */
  listen(host: string, port: number): Promise<number> {
    return this.#listener.listen(host, port);
  }

  start(core: OrderingCore): void {
    this.#stopSummaries = startSummaries(this.counts, this.#options.clock, this.#options.log);
    this.runtime.start(core);
    this.peers.start();
    this.#disk?.start();
  }

  /** Resolves to the port. @throws InvalidInputError METRICS_PORT_UNUSABLE. */
  async serveHttp(host: string, port: number): Promise<number> {
    const registry = createMetrics({
      counts: this.counts,
      status: () => this.runtime.status(),
      peersConnected: () => this.peers.connected,
      clientsConnected: () => this.clients.connected,
      queuedBytes: () => this.peers.queuedBytes(),
      refusals: () => this.#options.refusals?.refusals() ?? [],
      diskFreeBytes: () => this.#disk?.freeBytes ?? null,
      isDiskFull: () => this.#disk?.isFull ?? false,
    });
    this.#http = await startHttp({ host, port, registry, health: () => this.#health() });
    return this.#http.port;
  }

  /** Takes down what listens although the replica never started. */
  async abandon(): Promise<void> {
    await this.#listener.close();
    await this.#http?.close();
    await this.#options.storage.close();
    await this.#options.shares?.close();
  }

  async #takeDown(reason: StopReason): Promise<void> {
    this.#stopSummaries();
    this.#disk?.stop();
    // A replica that halts must say nothing more; one that closes may finish its sentence.
    const isHalted = reason.kind !== 'closed';
    this.clients.close(isHalted);
    await this.peers.close(isHalted ? 0 : flushGraceMs);
    await this.#listener.close();
    await this.#options.storage.close();
    await this.#options.shares?.close();
    await this.#http?.close();
  }

  /** Evidence against a client that rests on its own stream has consequences here; the rest is for people. */
  #createWatch(): RuntimeWatch {
    const watch = createWatch(this.counts, this.#options.log);
    return {
      ...watch,
      evidence: (from, code) => {
        watch.evidence(from, code);
        if (typeof from === 'string' && code === 'ENVELOPE_NOT_AUTHENTIC') this.clients.banish(from);
      },
    };
  }

  #createPeers(): Peers {
    const { files, log, addressOf } = this.#options;
    const { replicas, clusterId } = files.cluster;
    const context = createPeerContext(this.#tls);
    const encodeFrame = shareFrames(encodePeerFrame);
    const links = new Map<ReplicaId, PeerLink>();
    for (const { id, tlsFingerprint: fingerprint } of replicas) {
      if (id === files.self.id) continue;
      const serverName = replicaServerName(id, clusterId);
      const link = new PeerLink({
        dial: createDial({ address: () => addressOf(id), fingerprint, serverName }, context),
        queue: peerQueueLimits,
        encodeFrame,
        onUp: () => log.info({ peer: id }, 'link up'),
        onDown: (reason) => log.debug({ peer: id, reason }, 'link down'),
      });
      links.set(id, link);
    }
    return new Peers(links, this.#drops, frameBytesMax - frameOverheadBytes);
  }

  #createClients(): ClientSessions {
    const { files } = this.#options;
    const admin = files.cluster.clients.find(({ name }) => name === 'admin');
    const donor = this.#createDonor();
    const { id: replica } = files.self;
    const n = files.cluster.replicas.length;
    const nowMs = (): number => this.#options.clock.now();
    const spare = new SpareReplies({ replica, n, weakQuorumSize: weakQuorumSize(n), nowMs });
    const ports: ClientStreamPorts = {
      replica,
      certificateFingerprint: fromHex(files.self.tlsFingerprint)!,
      clusterId: files.cluster.clusterId,
      drops: this.#drops,
      view: () => this.runtime.view,
      nowMs,
      isClient: (client) => this.runtime.isClient(client),
      isDiskFull: () => this.#disk?.isFull ?? false,
      submit: (input, client) => this.runtime.submit(input, client),
      isAdmin: (client) => client === admin?.publicKey,
      fetchSnapshot: (request, send) => this.runtime.runInTurn(() => donor.take(request, send)),
      requestStatus: (requestId, send) => this.runtime.runInTurn(() => send(this.#statusReply(requestId))),
    };
    return new ClientSessions(ports, spare);
  }

  #withShares(): ClientPort {
    const { shares } = this.#options;
    if (shares === null) return this.clients;
    return new ShareReplies({
      clients: this.clients,
      source: shares,
      drops: this.#drops,
      failed: (error) => this.runtime.stop({ kind: 'failed', error }),
    });
  }

  #createDonor(): SnapshotDonor {
    return new SnapshotDonor({
      hash: sha256,
      nowMs: () => this.#options.clock.now(),
      executed: () => this.runtime.status().executed,
      stableState: () => this.runtime.stableState(),
      later: (task, delayMs) => void setTimeout(() => this.runtime.runInTurn(task), delayMs).unref(),
    });
  }

  #createDiskSpace(): DiskSpace | null {
    const { diskSpace, log } = this.#options;
    if (diskSpace === null) return null;
    return new DiskSpace({
      ...diskSpace,
      changed: (isFull, freeBytes, neededBytes) => {
        this.counts.events.add(isFull ? 'disk-full' : 'disk-free');
        if (isFull) log.warn({ freeBytes, neededBytes, remedy: diskFullRemedy }, 'disk-full');
        else log.info({ freeBytes, neededBytes }, 'disk-free');
        this.clients.diskChanged(isFull);
      },
    });
  }

  #createReceiver(): PeerReceiver {
    return new PeerReceiver({
      deliver: (from, message) => void this.runtime.submit({ kind: 'message', from, message }),
      waitingOf: (from) => this.runtime.waitingOf(from),
      drops: this.#drops,
    });
  }

  #createListener(): Listener {
    const { cluster, self } = this.#options.files;
    const pins = new Map<string, ReplicaId>();
    for (const { id, tlsFingerprint } of cluster.replicas) {
      if (id !== self.id) pins.set(tlsFingerprint, id);
    }
    return new Listener({
      tls: this.#tls,
      replicaOf: (fingerprint) => pins.get(fingerprint) ?? null,
      acceptPeer: (replica, stream) => {
        this.peers.nudge(replica);
        return this.#receiver.accept(replica, stream);
      },
      acceptClient: (stream) => this.clients.accept(stream),
      drops: this.#drops,
    });
  }

  #statusReply(requestId: number): StatusReply {
    const status = this.runtime.status();
    return {
      kind: 'statusReply',
      requestId,
      replica: this.#options.files.self.id,
      view: status.view,
      primary: status.primary,
      isActive: status.isActive,
      isObserver: status.isObserver,
      executed: status.executed,
      stableCheckpoint: status.stableCheckpoint,
      stateDigest: this.runtime.stateDigest(),
      peersConnected: this.peers.connected,
      clientsConnected: this.clients.connected,
      version: programVersion,
      refusals: largestRefusals(this.#options.refusals?.refusals() ?? []),
      suspicions: this.counts.suspicions.largest(),
    };
  }

  #health(): Health {
    if (!this.runtime.isStarted) return { status: 'starting', view: 0, executed: 0, isObserver: true };
    const { view, executed, isObserver, isActive } = this.runtime.status();
    const running = isObserver ? 'observer' : isActive ? 'ok' : 'changing-view';
    return { status: this.#stopReason === null ? running : 'stopped', view, executed, isObserver };
  }
}
