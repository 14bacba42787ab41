/**
 * One simulated replica process: the real ordering core and state machine, fed with decoded messages, ticks
 * of its own clock and completions of its own storage; stopped, restarted and paused at will. What a restart remembers
 * is what lies on its disk; without one, or if that is lost, the replica comes back as an observer.
 */
import { assert } from '../base/index.js';
import type { ClientId, Digest, Prng, ReplicaId } from '../base/index.js';
import { encodePeerMessage, rejoinNonceBytes } from '../codec/index.js';
import type { PeerMessage, ServerMessage } from '../codec/index.js';
import type { HaltReason, Input, Output, ReplicaStatus, Start, StateMachine } from '../ordering/index.js';
import { weakQuorumSize } from '../ordering/index.js';
import { SpareReplies } from '../replica/index.js';
import type { DeliveredBatch } from './checkers/committed-order.js';
import type { Clock } from './clock.js';
import { RecordingStateMachine } from './recording-state-machine.js';
import { ServerStreams, type ClientOutput } from './server-streams.js';
import type { Sharing } from './sharing.js';
import type { Simulator } from './simulator.js';
import { isSealed, WaitingForShares } from './waiting-for-shares.js';
import type { OpenedStorage, ProcessStorage, ReplicaDisk } from './storage.js';

/** What the simulator drives: OrderingReplica, or a canary in its place. */
export interface ReplicaCore {
  step(input: Input): readonly Output[];
  status(): ReplicaStatus;
  stateDigest(): Digest;
  validate(): void;
}

/** What a host needs from the world around it. */
export interface HostWorld {
  readonly simulator: Simulator;
  readonly options: { readonly sharing?: Sharing; readonly toldPerTurn?: number };
  readonly tickUs: number;
  createStateMachine(replica: ReplicaId): StateMachine;
  createCore(replica: ReplicaId, stateMachine: StateMachine, start: Start): ReplicaCore;
  openStorage(replica: ReplicaId, disk: ReplicaDisk | null): OpenedStorage;
  /** Outputs as the replica makes them; a canary or a Byzantine behaviour gives others back. */
  tamper(replica: ReplicaId, input: Input, outputs: readonly Output[]): readonly Output[];
  sendToPeer(from: ReplicaId, to: ReplicaId, message: PeerMessage, bytes: Uint8Array): void;
  sendToClient(from: ReplicaId, node: number, message: ServerMessage): void;
  /** For the checkers. */
  onStarted(replica: ReplicaId): void;
  onDelivered(replica: ReplicaId, batch: DeliveredBatch): void;
  onStepped(host: ReplicaHost, input: Input): void;
  onHalted(replica: ReplicaId, reason: HaltReason): void;
  onNotice(replica: ReplicaId, text: string): void;
  /** The client may not use the service any more: its streams to the replica break. */
  onClientEnded(replica: ReplicaId, client: ClientId): void;
}

/** Inputs that a paused process's sockets hold before they drop. */
const pausedInputsMax = 512;

export class ReplicaHost {
  readonly id: ReplicaId;
  readonly clock: Clock;
  readonly streams = new ServerStreams();
  readonly #world: HostWorld;
  readonly #peers: readonly ReplicaId[];
  readonly #nonces: Prng;
  #core: ReplicaCore | null = null;
  #machine: RecordingStateMachine | null = null;
  #storage: ProcessStorage | null = null;
  /** Null: nothing outlives the process. */
  readonly disk: ReplicaDisk | null;
  /** Counts starts, so that timers of a dead process do nothing. */
  #life = 0;
  #isPaused = false;
  #queued: Input[] = [];
  /** What waits for this replica's shares. */
  readonly #untold: WaitingForShares;
  #spare: SpareReplies;

  /** `nonces`: the randomness of all starts of this replica. */
  constructor(
    id: ReplicaId,
    n: number,
    clock: Clock,
    disk: ReplicaDisk | null,
    nonces: Prng,
    world: HostWorld,
  ) {
    this.id = id;
    this.disk = disk;
    this.clock = clock;
    this.#nonces = nonces;
    this.#world = world;
    const drawDelayUs = (): number => world.options.sharing?.drawDelayUs(id) ?? 0;
    this.#untold = new WaitingForShares(world.simulator, drawDelayUs);
    this.#peers = Array.from({ length: n }, (_, index) => index as ReplicaId).filter((peer) => peer !== id);
    this.#spare = this.#createSpare();
  }

  get isRunning(): boolean {
    return this.#core !== null;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Running, not paused: it would answer now. */
  get isLive(): boolean {
    return this.isRunning && !this.#isPaused;
  }

  get core(): ReplicaCore {
    assert(this.#core !== null, `replica ${this.id} is stopped`);
    return this.#core;
  }

  /** State transfers of this life. */
  get restores(): number {
    return this.#machine?.restores ?? 0;
  }

  /** Ordered time at which its state machine has something due, or null. */
  get nextDeadline(): number | null {
    return this.#machine?.nextDeadline() ?? null;
  }

  isClient(client: ClientId): boolean {
    return this.#machine?.isClient(client) ?? false;
  }

  get unclaimedExecutions(): number {
    return this.#machine?.unclaimed ?? 0;
  }

  start(kind: 'genesis' | 'restart'): void {
    assert(!this.isRunning, `replica ${this.id} runs already`);
    const life = ++this.#life;
    const opened = this.#world.openStorage(this.id, this.disk);
    const start = this.#startOf(kind, opened);
    this.#storage = opened;
    this.#machine = new RecordingStateMachine(this.#world.createStateMachine(this.id));
    this.#core = this.#world.createCore(this.id, this.#machine, start);
    this.#machine.forgetRestores();
    opened.storage.listen({
      stored: (recordNumber) => this.input({ kind: 'stored', recordNumber }),
      stateSaved: (sequenceNumber) => this.input({ kind: 'stateSaved', sequenceNumber }),
      failed: () => this.stop(),
    });
    if (start.kind !== 'recovered') opened.storage.append(0, { kind: 'started', as: start.kind }, false);
    this.#world.onStarted(this.id);
    this.#tick(life);
  }

  /** A genesis of which nothing has become durable has told nobody anything. */
  #startOf(kind: 'genesis' | 'restart', { remembered, isWiped }: OpenedStorage): Start {
    const { records, state } = remembered;
    if (kind === 'genesis' || (records.length === 0 && !isWiped)) return { kind: 'genesis' };
    const nonce = Uint8Array.from({ length: rejoinNonceBytes }, () => this.#nonces.below(256));
    const life = { startedAt: this.clock.nowMs(), nonce };
    return records.length > 0
      ? { kind: 'recovered', records, state, ...life }
      : { kind: 'observer', ...life };
  }

  /** The process ends (kill −9): everything it knew is gone. */
  stop(): void {
    this.#life++;
    this.#storage?.lose();
    this.#core = this.#machine = this.#storage = null;
    this.#isPaused = false;
    this.#queued = [];
    this.#untold.lose();
    this.#spare = this.#createSpare();
    for (const node of this.streams.nodes()) this.streams.close(node);
  }

  /** SIGSTOP: nothing runs, sockets fill up and then drop. */
  pause(): void {
    if (!this.isRunning) return;
    this.#isPaused = true;
    this.#untold.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#untold.resume();
    const queued = this.#queued;
    this.#queued = [];
    this.input({ kind: 'tick', nowMs: this.clock.nowMs() });
    for (const input of queued) this.input(input);
  }

  input(input: Input): void {
    if (this.#core === null) return;
    if (this.#isPaused) {
      const isOwn = ['stored', 'stateSaved', 'verified'].includes(input.kind);
      if (this.#queued.length < pausedInputsMax || isOwn) this.#queued.push(input);
      return;
    }
    const outputs = this.#world.tamper(this.id, input, this.#core.step(input));
    for (const output of outputs) this.#carryOut(output);
    this.#spare.endTurn();
    if (this.#core !== null) this.#world.onStepped(this, input);
  }

  #tick(life: number): void {
    if (life !== this.#life) return;
    if (!this.#isPaused) this.input({ kind: 'tick', nowMs: this.clock.nowMs() });
    this.#world.simulator.schedule(this.#world.tickUs, () => this.#tick(life));
  }

  #carryOut(output: Output): void {
    switch (output.kind) {
      case 'send':
        return this.#world.sendToPeer(this.id, output.to, output.message, encodePeerMessage(output.message));
      case 'broadcast': {
        const bytes = encodePeerMessage(output.message);
        for (const peer of this.#peers) this.#world.sendToPeer(this.id, peer, output.message, bytes);
        return;
      }
      case 'reply':
      case 'opened':
      case 'readReply':
      case 'feedEvent':
      case 'feedTruncated':
        return this.#tell(output);
      case 'clientEnded':
        this.#spare.releaseAll();
        return this.#world.onClientEnded(this.id, output.client);
      case 'persist':
        return this.#storage?.storage.append(output.recordNumber, output.record, output.isLazy);
      case 'saveState':
        return this.#storage?.storage.saveState(output.state);
      case 'truncate':
        return this.#storage?.storage.truncate(output.sequenceNumber);
      case 'verify':
        return this.#judge(output);
      case 'deliver':
        return this.#deliver(output);
      case 'divergence':
        return;
      case 'evidence':
        return this.#world.onNotice(this.id, `evidence ${output.code} against ${output.from}`);
      case 'event':
        return this.#world.onNotice(this.id, `${output.event} ${fieldsText(output.fields)}`);
      case 'halt':
        this.stop();
        return this.#world.onHalted(this.id, output.reason);
    }
  }

  #deliver(output: Extract<Output, { kind: 'deliver' }>): void {
    const { sequenceNumber, digest, time } = output;
    const executed = this.#machine!.take();
    this.#world.onDelivered(this.id, { sequenceNumber, digest, time, ...executed });
  }

  #tell(output: ClientOutput): void {
    const status = this.core.status();
    const wantsShares = this.#world.options.sharing !== undefined && this.streams.wantsShares(output);
    const send = (): void => {
      for (const { node, message } of this.streams.route(output, status))
        this.#world.sendToClient(this.id, node, wantsShares ? this.#withShares(message) : message);
    };
    if (output.kind === 'reply' && !isSealed(output)) this.#spare.reply(output, send);
    else this.#untold.tell(output, wantsShares, send);
  }

  #createSpare(): SpareReplies {
    const { options, simulator } = this.#world;
    const n = this.#peers.length + 1;
    const { toldPerTurn } = options;
    const nowMs = (): number => simulator.nowMs;
    const told = toldPerTurn === undefined ? {} : { toldPerTurn };
    return new SpareReplies({ replica: this.id, n, weakQuorumSize: weakQuorumSize(n), ...told, nowMs });
  }

  #withShares(message: ServerMessage): ServerMessage {
    return this.#world.options.sharing?.beside(this.id, message) ?? message;
  }

  /** Without sharing keys nothing can be proven. */
  #judge({ check, bytes }: Extract<Output, { kind: 'verify' }>): void {
    const life = this.#life;
    const { sharing } = this.#world.options;
    this.#world.simulator.schedule(sharing?.drawDelayUs(this.id) ?? 1_000, () => {
      if (life !== this.#life) return;
      const isValid = sharing?.judge(bytes) ?? false;
      this.input({ kind: 'verified', check, isValid });
    });
  }
}

function fieldsText(fields: Readonly<Record<string, number | string>>): string {
  const names = Object.keys(fields).sort((a, b) => (a < b ? -1 : 1));
  return names.map((name) => `${name}=${fields[name]}`).join(' ');
}
