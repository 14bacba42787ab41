/**
 * A whole cluster in one process: replicas, clients, links, clocks and logs under one seed, with checkers
 * that look at every step. Messages cross the network as encoded bytes only. Drives nothing by itself:
 * nemesis, workload or scenario do.
 */
import { assert, prng, replicaId } from '../base/index.js';
import type { ClientId, Prng, ReplicaId, ViewNumber } from '../base/index.js';
import {
  decodeClientMessage,
  decodePeerMessage,
  decodeServerMessage,
  encodeClientMessage,
  encodeServerMessage,
} from '../codec/index.js';
import type { ClientMessage, Envelope, PeerMessage, ServerMessage } from '../codec/index.js';
import { defaultOrderingConfig, faultsTolerated, OrderingReplica } from '../ordering/index.js';
import type {
  Authenticator,
  HaltReason,
  Input,
  OrderingConfig,
  Output,
  Start,
  StateMachine,
} from '../ordering/index.js';
import { createService } from '../service/index.js';
import { Keyring, sha256 } from './authenticator.js';
import type { ClientSigner } from './authenticator.js';
import { Checks } from './checks.js';
import type { RegisteredClient } from './checkers/registered-clients.js';
import { registeredOf } from './guarded/registered.js';
import { Violation, violated } from './checkers/violation.js';
import type { DeliveredBatch } from './checkers/committed-order.js';
import type { WaitLimits } from './checkers/waiting.js';
import type { Belief } from './checkers/holder-truth.js';
import { enter } from './client-door.js';
import { createClientCore } from './client-core.js';
import { ClientHost } from './client-host.js';
import type { ClientWorld } from './client-host.js';
import type { ClientEndpoint } from './client-streams.js';
import { Clock } from './clock.js';
import { History } from './history.js';
import { Network } from './network.js';
import { ReplicaHost } from './replica-host.js';
import type { HostWorld, ReplicaCore } from './replica-host.js';
import { Simulator } from './simulator.js';
import { openStorage, ReplicaDisk } from './storage.js';
import type { OpenedStorage } from './storage.js';
import { Trace } from './trace.js';
import type { ClientProtocol, PacketFilter } from './world-ports.js';
import type { WorldOptions } from './world-options.js';

export class World implements HostWorld, ClientWorld {
  readonly n: number;
  readonly f: number;
  readonly simulator = new Simulator();
  readonly trace = new Trace();
  readonly history = new History();
  readonly network: Network;
  readonly checks: Checks;
  readonly config: Omit<OrderingConfig, 'id'>;
  readonly tickUs: number;
  readonly random: Prng;
  readonly replicas: readonly ReplicaHost[];
  readonly clients: readonly ClientHost[];
  /** Where clients are registered: who administers, and those that may be revoked. */
  readonly admin: ClientHost | null;
  readonly guests: readonly ClientHost[];
  /** Clients from the start, fixed before it; null: everybody is admitted. */
  registered: readonly RegisteredClient[] | null;
  /** All client processes by node, those of the workload and others. */
  readonly #endpoints = new Map<number, ClientEndpoint>();
  readonly #keyring: Keyring;
  readonly authenticators: readonly Authenticator[];
  /** Nothing is promised about these and the checkers do not look at them. */
  readonly byzantine = new Map<ReplicaId, string>();
  /** Clients that keep to no rule, by node, and how they behave. */
  readonly outlaws = new Map<number, string>();
  filter: PacketFilter | null = null;
  /** Evidence and events of the replicas, as text. */
  onNoticed: ((replica: ReplicaId, text: string) => void) | null = null;
  onEnvelope: ((node: number, envelope: Envelope) => void) | null = null;
  readonly counters = { stateTransfers: 0, rejoins: 0, restarts: 0, delivered: 0 };
  #cores = 0;
  readonly options: WorldOptions;
  /** Replicas that restarted and do not vote yet. */
  readonly #observing = new Set<ReplicaId>();
  readonly #restores = new Map<ReplicaId, number>();

  constructor(options: WorldOptions) {
    this.options = options;
    this.n = options.n;
    this.f = faultsTolerated(options.n);
    this.random = prng(options.seed);
    this.config = { ...defaultOrderingConfig, ...options.config, n: options.n };
    this.tickUs = options.tickUs;
    this.network = new Network(this.simulator, this.random.stream('network'), options.links);
    const { config } = this;
    const { clockErrorMaxMs } = options;
    const limits = this.#limits();
    const createStateMachine = (): StateMachine => this.#createService();
    const registered = (): World['registered'] => this.registered;
    const hasOutlaws = (): boolean => this.outlaws.size > 0;
    const checked = { config, createStateMachine, limits, registered, hasOutlaws, clockErrorMaxMs };
    this.checks = new Checks(checked, options.checks);
    this.#keyring = new Keyring(this.random.stream('keys'), options.requestAuth === 'mac' ? this.n : 0);
    const ids = Array.from({ length: this.n }, (_, index) => replicaId(index));
    this.authenticators = ids.map((id) => this.#keyring.createReplica(id));
    this.replicas = ids.map((id) => {
      const clock = new Clock(this.simulator, options.replicaClock(id));
      const { storage } = options;
      const random = this.random.stream(`disk ${id}`);
      const disk = storage.isDurable ? new ReplicaDisk(this.simulator, random, storage) : null;
      return new ReplicaHost(id, this.n, clock, disk, this.random.stream(`rejoin nonces ${id}`), this);
    });
    this.clients = this.#createClients(options.clients);
    const { guards } = options;
    this.admin = guards === undefined ? null : this.#createClients(1)[0]!;
    this.guests = this.#createClients(guards?.guests ?? 0);
    this.registered = guards === undefined ? null : registeredOf(this, guards);
  }

  start(): void {
    for (const replica of this.replicas) replica.start('genesis');
    for (const client of this.allClients) client.start();
  }

  get allClients(): readonly ClientHost[] {
    return [...this.clients, ...(this.admin === null ? [] : [this.admin]), ...this.guests];
  }

  /** Whether some correct replica still, or already, knows the client. */
  isAdmitted({ client }: ClientHost): boolean {
    return this.correctReplicas().some((replica) => replica.isClient(client));
  }

  #createClients(count: number): ClientHost[] {
    return Array.from({ length: count }, () => this.#createClient(this.#cores));
  }

  #createClient(index: number): ClientHost {
    const { client, core, node, random } = this.createClientCore();
    this.checks.addClient(node, client);
    const clock = new Clock(this.simulator, this.options.clientClock(index));
    const host = new ClientHost(node, client, this.n, core, clock, random, this);
    this.addEndpoint(host);
    return host;
  }

  /** The protocol of one more client process, and the node that it is. */
  createClientCore(keys: ClientSigner = this.#keyring.createClient()): ClientProtocol {
    const index = this.#cores++;
    const random = this.random.stream(`client ${index}`);
    const { client } = keys;
    const { clientSettings, tampering } = this.options;
    const core = createClientCore({
      ...keys,
      n: this.n,
      random: random.stream('nonce'),
      settings: clientSettings,
    });
    tampering?.client?.(core);
    return { client, keys, core, node: this.n + index, random };
  }

  get endpoints(): readonly ClientEndpoint[] {
    return [...this.#endpoints.values()];
  }

  addEndpoint(endpoint: ClientEndpoint): void {
    this.#endpoints.set(endpoint.node, endpoint);
  }

  #limits(): WaitLimits {
    const { leaseLimits, eventsPerSpaceMax, waitsPerClientMax = 16_384 } = this.options;
    return { ...leaseLimits, eventsPerSpaceMax, waitsPerClientMax };
  }

  #createService(): StateMachine {
    const { clockSkewMaxMs } = this.config;
    const { tampering } = this.options;
    const clients = this.registered === null ? {} : { clients: this.registered };
    const service = createService({ hash: sha256, limits: this.#limits(), clockSkewMaxMs, ...clients });
    return tampering?.service?.(service) ?? service;
  }

  // For replicas.

  createStateMachine(replica: ReplicaId): StateMachine {
    const service = this.#createService();
    return this.options.tampering?.stateMachine?.(service, replica) ?? service;
  }

  createCore(replica: ReplicaId, stateMachine: StateMachine, start: Start): ReplicaCore {
    const config = { ...this.config, id: replica };
    const { tampering } = this.options;
    const own = this.authenticators[replica]!;
    const authenticator = tampering?.authenticator?.(own, replica) ?? own;
    const core = new OrderingReplica({ config, authenticator, stateMachine, start });
    return tampering?.core?.(core, replica, this) ?? core;
  }

  openStorage(replica: ReplicaId, disk: ReplicaDisk | null): OpenedStorage {
    const random = this.random.stream(`log ${replica} ${this.simulator.eventsExecuted}`);
    const { storage, tampering } = this.options;
    return openStorage(this.simulator, random, storage, disk, tampering);
  }

  tamper(replica: ReplicaId, input: Input, outputs: readonly Output[]): readonly Output[] {
    return this.options.tampering?.outputs?.(outputs, replica, this, input) ?? outputs;
  }

  sendToPeer(from: ReplicaId, to: ReplicaId, message: PeerMessage, bytes: Uint8Array): void {
    if (message.kind === 'prePrepare') this.checks.proposed(message.batch);
    for (const frame of this.options.tampering?.frames?.(bytes, from, to) ?? [bytes]) {
      const deliver = (): void => this.#deliverToPeer(from, to, frame);
      if (!this.filter?.({ from, to, message, deliver })) this.network.send(from, to, deliver);
    }
  }

  sendToClient(from: ReplicaId, node: number, message: ServerMessage): void {
    const client = this.#endpoints.get(node)!;
    const generation = client.streams.generationOf(from);
    const bytes = encodeServerMessage(message);
    const deliver = (): void => {
      this.trace.record(this.simulator.nowUs, node, `${message.kind} from ${from}`, bytes);
      client.streams.onMessage(from, generation, this.#decoded(decodeServerMessage(bytes), message.kind));
    };
    if (this.filter?.({ from, to: node, message, deliver })) return;
    if (!this.network.sendStream(from, node, deliver))
      this.simulator.schedule(1_000, () => this.#break(client, from, generation));
  }

  onStarted(replica: ReplicaId): void {
    this.checks.started(replica);
    this.#restores.delete(replica);
    this.trace.record(this.simulator.nowUs, replica, 'started');
  }

  onDelivered(replica: ReplicaId, batch: DeliveredBatch): void {
    const text = `delivered ${batch.sequenceNumber} ${batch.digest.slice(0, 8)}`;
    this.trace.record(this.simulator.nowUs, replica, text);
    this.counters.delivered++;
    if (!this.byzantine.has(replica)) this.checks.delivered(replica, batch, this.simulator.nowUs);
  }

  onStepped(host: ReplicaHost, input: Input): void {
    if (this.byzantine.has(host.id)) return;
    this.checks.stepped(host);
    const restores = host.restores - (this.#restores.get(host.id) ?? 0);
    this.counters.stateTransfers += restores;
    this.#restores.set(host.id, host.restores);
    if (input.kind !== 'tick' || !this.#observing.has(host.id)) return;
    if (host.core.status().isObserver) return;
    this.#observing.delete(host.id);
    this.counters.rejoins++;
    this.trace.record(this.simulator.nowUs, host.id, 'votes again');
  }

  onHalted(replica: ReplicaId, reason: HaltReason): void {
    this.trace.record(this.simulator.nowUs, replica, `halted ${reason}`);
    if (!this.byzantine.has(replica)) violated('halt', `replica ${replica} stopped itself: ${reason}`);
  }

  onNotice(replica: ReplicaId, text: string): void {
    this.trace.record(this.simulator.nowUs, replica, text);
    this.onNoticed?.(replica, text);
  }

  onClientEnded(replica: ReplicaId, client: ClientId): void {
    const { streams } = this.replicas[replica]!;
    for (const endpoint of this.#endpoints.values()) {
      if (streams.clientOf(endpoint.node) !== client) continue;
      const generation = endpoint.streams.generationOf(replica);
      this.simulator.schedule(1_000, () => this.#break(endpoint, replica, generation));
    }
  }

  // For clients.

  openStream(node: number, client: ClientId, replica: ReplicaId): ViewNumber | null {
    const host = this.replicas[replica]!;
    if (!host.isLive || this.network.isCut(node, replica) || this.network.isCut(replica, node)) return null;
    this.closeStream(node, replica);
    if (!host.isClient(client)) return null;
    host.streams.open(node, client);
    return host.core.status().view;
  }

  closeStream(node: number, replica: ReplicaId): void {
    const host = this.replicas[replica]!;
    const stream = host.streams.idOf(node);
    host.streams.close(node);
    if (stream !== undefined) host.input({ kind: 'streamClosed', stream });
  }

  sendToReplica(node: number, to: ReplicaId, generation: number, message: ClientMessage): boolean {
    const bytes = encodeClientMessage(message);
    const deliver = (): void => this.#arriveAtReplica(node, to, generation, bytes);
    if (this.filter?.({ from: node, to, message, deliver })) return true;
    return this.network.sendStream(node, to, deliver);
  }

  /** Any bytes, past whoever looks at messages. */
  sendBytesToReplica(node: number, to: ReplicaId, generation: number, bytes: Uint8Array): void {
    this.network.sendStream(node, to, () => this.#arriveAtReplica(node, to, generation, bytes));
  }

  onSubmitted(node: number, envelope: Envelope): void {
    const { body } = envelope;
    if (body.kind === 'requests') {
      for (const [index, operation] of body.operations.entries())
        this.checks.exactlyOnce.submit(body.client, body.session, body.firstNumber + index, operation);
    }
    this.onEnvelope?.(node, envelope);
  }

  onBelief(belief: Belief): void {
    this.checks.holderTruth.believe(belief);
  }

  get holderSkewMs(): number {
    return this.options.tampering?.holderSkewMs ?? this.config.clockSkewMaxMs;
  }

  // Faults.

  stopReplica(replica: ReplicaId): void {
    const host = this.replicas[replica]!;
    if (!host.isRunning) return;
    this.trace.record(this.simulator.nowUs, replica, 'stopped');
    host.stop();
    for (const client of this.#endpoints.values()) {
      const generation = client.streams.generationOf(replica);
      const delayUs = this.options.breakNoticeUs;
      this.simulator.schedule(delayUs, () => this.#break(client, replica, generation));
    }
  }

  /** With what lies on its disk; without any memory as an observer. */
  restartReplica(replica: ReplicaId): void {
    const host = this.replicas[replica]!;
    host.start('restart');
    if (host.core.status().isObserver) this.#observing.add(replica);
    this.counters.restarts++;
  }

  /** Byzantine, stopped, paused or without its vote: what the limit f is about. */
  isFaulty(replica: ReplicaId): boolean {
    return this.byzantine.has(replica) || !this.replicas[replica]!.isLive || this.#observing.has(replica);
  }

  faultyCount(): number {
    return this.replicas.filter(({ id }) => this.isFaulty(id)).length;
  }

  correctReplicas(): ReplicaHost[] {
    return this.replicas.filter(({ id }) => !this.byzantine.has(id));
  }

  #deliverToPeer(from: ReplicaId, to: ReplicaId, bytes: Uint8Array): void {
    const message = decodePeerMessage(bytes);
    const isFaulty = this.byzantine.has(from);
    if (message === null && isFaulty) return;
    if (message === null) throw new Violation('crash', 'codec', `replica ${from} sent malformed bytes`);
    if (message.kind === 'prePrepare' && isFaulty) this.checks.proposed(message.batch);
    this.trace.record(this.simulator.nowUs, to, `${message.kind} from ${from}`, bytes);
    this.replicas[to]!.input({ kind: 'message', from, message });
  }

  #arriveAtReplica(node: number, to: ReplicaId, generation: number, bytes: Uint8Array): void {
    const { streams } = this.#endpoints.get(node)!;
    if (streams.isConnected(to) && streams.generationOf(to) === generation)
      this.#deliverToReplica(node, to, bytes);
  }

  #deliverToReplica(node: number, to: ReplicaId, bytes: Uint8Array): void {
    const message = decodeClientMessage(bytes);
    const isOutlaw = this.outlaws.has(node);
    const host = this.replicas[to]!;
    const client = host.streams.clientOf(node);
    if (client === undefined || (message === null && isOutlaw)) return;
    const decoded = this.#decoded(message, 'client message');
    this.trace.record(this.simulator.nowUs, to, `${decoded.kind} from ${node}`, bytes);
    const isTaken = enter(host, node, client, decoded, this.options.tampering?.isDoorOpen === true);
    assert(isTaken || isOutlaw, 'an envelope of a correct client is no good');
  }

  #break({ streams }: ClientEndpoint, replica: ReplicaId, generation: number): void {
    if (streams.generationOf(replica) === generation) streams.disconnect(replica);
  }

  #decoded<T>(message: T | null, what: string): T {
    assert(message !== null, `${what} does not decode`);
    return message;
  }
}
