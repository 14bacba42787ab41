/**
 * Drives the pure core (DESIGN section 2): gathers inputs, gives them to it in turns of the event loop, and
 * carries its outputs out in their order. A turn takes all that has come in since the last one; what it
 * wants to send leaves at its end, in one frame per peer and client stream. Decides nothing itself.
 */
import { assert, viewNumber } from '../base/index.js';
import type { ClientId, Digest, ReplicaId, SequenceNumber, ViewNumber } from '../base/index.js';
import { encodePeerMessage } from '../codec/index.js';
import type { HaltReason, Input, Output, ReplicaStatus, StateToSave } from '../ordering/index.js';
import type { Clock } from './clock.js';
import { InputQueues } from './input-queues.js';
import type { SlowChecks } from './slow-checks.js';
import type { Storage } from './storage/port.js';
import type { Drops } from './tally.js';
import type { PeerPort } from './transport/peers.js';

/** What the runtime needs of the ordering layer's OrderingReplica. */
export interface OrderingCore {
  step(input: Input): readonly Output[];
  status(): ReplicaStatus;
  /** As of what is executed. */
  isClient(client: ClientId): boolean;
  /** Digest of the state after `status().executed`; may be costly. */
  stateDigest(): Digest;
  /** That of the newest stable checkpoint; null while it is not here. */
  stableState(): StateToSave | null;
  /** What leaves for `to` in place of an encoded message, where faults are injected. */
  frames?(to: ReplicaId, message: Uint8Array): readonly Uint8Array[];
}

type OutputOf<Kind extends Output['kind']> = Extract<Output, { kind: Kind }>;

/** Where the runtime hands what concerns clients. */
export interface ClientPort {
  reply(reply: OutputOf<'reply'>, view: ViewNumber): void;
  opened(opened: OutputOf<'opened'>, view: ViewNumber): void;
  readReply(reply: OutputOf<'readReply'>): void;
  feedEvent(event: OutputOf<'feedEvent'>): void;
  feedTruncated(end: OutputOf<'feedTruncated'>): void;
  clientEnded(end: OutputOf<'clientEnded'>): void;
  /** End of the turn. */
  flush(): void;
}

/** Hears what logs and metrics are made of; must be cheap. */
export interface RuntimeWatch {
  delivered(batch: OutputOf<'deliver'>): void;
  evidence(from: ReplicaId | ClientId, code: string): void;
  event(event: string, fields: Readonly<Record<string, number | string>>): void;
}

export type StopReason =
  | { readonly kind: 'closed' }
  /** The core asked for it: it would answer wrong or could never vote again. */
  | { readonly kind: 'halted'; readonly reason: HaltReason }
  /** A broken invariant or a failing port. */
  | { readonly kind: 'failed'; readonly error: unknown };

export interface RuntimePorts {
  readonly clock: Clock;
  readonly peers: PeerPort;
  readonly clients: ClientPort;
  readonly storage: Storage;
  readonly slowChecks: SlowChecks;
  readonly watch: RuntimeWatch;
  readonly drops: Drops;
  /** Keeps what a repair found for later analysis. */
  keepEvidence(divergence: OutputOf<'divergence'>): void;
  /** Called once, when the core must not be stepped any more. */
  stopped(reason: StopReason): void;
}

const tickIntervalMs = 20;
const tasksMax = 1_024;

export class Runtime {
  readonly #ports: RuntimePorts;
  #core: OrderingCore | null = null;
  readonly #inputs = new InputQueues();
  #tasks: (() => void)[] = [];
  #isScheduled = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | null = null;
  #lastTickMs = -1;
  /** Highest record number reported durable by the storage, and by us to the core. */
  #storedUpTo = 0;
  #storedReported = 0;
  #view = viewNumber(0);
  #digest: { executed: SequenceNumber; digest: Digest } | null = null;

  constructor(ports: RuntimePorts) {
    this.#ports = ports;
    ports.storage.listen({
      stored: (recordNumber) => {
        this.#storedUpTo = Math.max(this.#storedUpTo, recordNumber);
        this.#schedule();
      },
      stateSaved: (sequenceNumber) => void this.submit({ kind: 'stateSaved', sequenceNumber }),
      failed: (error) => this.stop({ kind: 'failed', error }),
    });
  }

  /** The view as of the last turns; for hints to clients only. */
  get view(): ViewNumber {
    return this.#view;
  }

  get isStarted(): boolean {
    return this.#core !== null;
  }

  /** Begins the turns. Before this nothing is taken. */
  start(core: OrderingCore): void {
    this.#core = core;
    this.#view = core.status().view;
    this.#timer = setInterval(() => {
      this.#view = core.status().view;
      this.#schedule();
    }, tickIntervalMs);
    this.#schedule();
  }

  /**
   * Takes an input for one of the next turns, `client`'s if given; false: dropped, since too many wait or the runtime
   * does not run.
   */
  submit(input: Input, client: ClientId | null = null): boolean {
    if (this.#core === null || this.#isStopped) return false;
    if (!this.#inputs.push(input, client)) {
      this.#ports.drops.add('INPUTS_FULL');
      return false;
    }
    this.#schedule();
    return true;
  }

  /** Messages of this replica that wait for their turn. */
  waitingOf(peer: ReplicaId): number {
    return this.#inputs.waitingOf(peer);
  }

  /**
   * Runs `task` in the next turn, after its inputs, so that whatever goes wrong in it stops the replica in
   * good order; dropped if too many wait.
   */
  runInTurn(task: () => void): void {
    if (this.#core === null || this.#isStopped) return;
    if (this.#tasks.length >= tasksMax) {
      this.#ports.drops.add('INPUTS_FULL');
      return;
    }
    this.#tasks.push(task);
    this.#schedule();
  }

  status(): ReplicaStatus {
    return this.#startedCore().status();
  }

  isClient(client: ClientId): boolean {
    return this.#startedCore().isClient(client);
  }

  /** Computed at most once per executed batch. */
  stateDigest(): Digest {
    const core = this.#startedCore();
    const { executed } = core.status();
    if (this.#digest?.executed !== executed) this.#digest = { executed, digest: core.stateDigest() };
    return this.#digest.digest;
  }

  stableState(): StateToSave | null {
    return this.#startedCore().stableState();
  }

  /** Ends the turns; later calls change nothing. */
  stop(reason: StopReason): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#inputs.clear();
    this.#tasks = [];
    this.#ports.stopped(reason);
  }

  #startedCore(): OrderingCore {
    assert(this.#core !== null, 'the runtime has been started');
    return this.#core;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    if (this.#isStopped) return;
    try {
      this.#tick();
      this.#drain();
      const tasks = this.#tasks;
      if (tasks.length > 0) this.#tasks = [];
      for (const task of tasks) if (!this.#isStopped) task();
      this.#isScheduled = false;
      // After a halt nothing more may leave.
      if (this.#isStopped) return;
      this.#ports.peers.flush();
      this.#ports.clients.flush();
      // After what the sockets have brought in meanwhile.
      if (!this.#inputs.isEmpty) this.#schedule();
    } catch (error) {
      // An assertion of the core, or a port that failed: stop rather than answer wrong.
      this.stop({ kind: 'failed', error });
    }
  }

  #tick(): void {
    const nowMs = this.#ports.clock.now();
    if (nowMs <= this.#lastTickMs) return;
    this.#lastTickMs = nowMs;
    this.#step({ kind: 'tick', nowMs });
  }

  /** A share of what waits, what comes in meanwhile included; one `stored` for all records of a round. */
  #drain(): void {
    this.#inputs.beginTurn();
    while (!this.#isStopped) {
      const input = this.#inputs.next();
      if (input !== null) {
        this.#step(input);
      } else if (this.#storedReported < this.#storedUpTo) {
        this.#storedReported = this.#storedUpTo;
        this.#step({ kind: 'stored', recordNumber: this.#storedReported });
      } else {
        return;
      }
    }
  }

  #step(input: Input): void {
    if (this.#isStopped) return;
    for (const output of this.#startedCore().step(input)) {
      this.#carryOut(output);
      if (this.#isStopped) return;
    }
  }

  #carryOut(output: Output): void {
    const { peers, clients, storage, watch } = this.#ports;
    switch (output.kind) {
      case 'send':
        this.#send(output.to, encodePeerMessage(output.message));
        break;
      case 'broadcast':
        peers.broadcast(encodePeerMessage(output.message));
        break;
      case 'reply':
        clients.reply(output, this.#view);
        break;
      case 'opened':
        clients.opened(output, this.#view);
        break;
      case 'readReply':
        clients.readReply(output);
        break;
      case 'feedEvent':
        clients.feedEvent(output);
        break;
      case 'feedTruncated':
        clients.feedTruncated(output);
        break;
      case 'clientEnded':
        clients.clientEnded(output);
        break;
      case 'persist':
        storage.append(output.recordNumber, output.record, output.isLazy);
        break;
      case 'saveState':
        storage.saveState(output.state);
        break;
      case 'truncate':
        storage.truncate(output.sequenceNumber);
        break;
      case 'verify':
        this.#judge(output);
        break;
      case 'deliver':
        this.#view = output.view;
        watch.delivered(output);
        break;
      case 'divergence':
        this.#ports.keepEvidence(output);
        break;
      case 'evidence':
        watch.evidence(output.from, output.code);
        break;
      case 'event':
        watch.event(output.event, output.fields);
        break;
      case 'halt':
        this.stop({ kind: 'halted', reason: output.reason });
    }
  }

  #send(to: ReplicaId, message: Uint8Array): void {
    const { peers } = this.#ports;
    const core = this.#startedCore();
    if (core.frames === undefined) peers.send(to, message);
    else for (const frame of core.frames(to, message)) peers.send(to, frame);
  }

  #judge({ check, bytes }: OutputOf<'verify'>): void {
    this.#ports.slowChecks.judge(
      bytes,
      (isValid) => void this.submit({ kind: 'verified', check, isValid }),
      (error) => this.stop({ kind: 'failed', error }),
    );
  }
}
