/**
 * All checkers of one simulation, called where they belong: at each delivery, after each step, and once at
 * the end on the whole history. Byzantine replicas are never asked: nothing is promised about them.
 */
import type { ClientId, ReplicaId, SequenceNumber } from '../base/index.js';
import type { OrderingConfig, StateMachine } from '../ordering/index.js';
import { BoundedMemory } from './checkers/bounded-memory.js';
import { CommittedOrder, requestKey } from './checkers/committed-order.js';
import type { DeliveredBatch, Execution } from './checkers/committed-order.js';
import { ExactlyOnce } from './checkers/exactly-once.js';
import { checkFastReads } from './checkers/fast-reads.js';
import { checkSpaceHistory } from './checkers/space-history.js';
import { OrderedTime } from './checkers/ordered-time.js';
import { checkRealTime } from './checkers/real-time.js';
import { checkAnswers, checkReplay, positionsOf } from './checkers/replay.js';
import { StateDigests } from './checkers/state-digests.js';
import { violated } from './checkers/violation.js';
import type { History, HistoryEntry } from './history.js';
import { sizeLimits } from './size-limits.js';
import type { ReplicaHost } from './replica-host.js';

export interface CheckSettings {
  /** The replica asserts its invariants every so many steps. */
  readonly validateEvery: number;
  /** State digests are compared at every multiple of this sequence number. */
  readonly digestEvery: number;
  /** Histories up to this length are also searched exhaustively. */
  readonly searchMax: number;
}

export const defaultCheckSettings: CheckSettings = { validateEvery: 16, digestEvery: 8, searchMax: 24 };

export class Checks {
  readonly order = new CommittedOrder();
  readonly exactlyOnce = new ExactlyOnce();
  readonly stateDigests = new StateDigests();
  readonly memory: BoundedMemory;
  readonly #orderedTime: OrderedTime;
  readonly #settings: CheckSettings;
  readonly #createStateMachine: () => StateMachine;
  readonly #clients = new Map<number, ClientId>();
  /** Steps of each replica so far. */
  readonly #steps = new Map<ReplicaId, number>();
  /** Last delivery of each replica whose state digest is still to be looked at. */
  readonly #undigested = new Map<ReplicaId, SequenceNumber>();

  constructor(
    config: Omit<OrderingConfig, 'id'>,
    settings: CheckSettings,
    createStateMachine: () => StateMachine,
  ) {
    this.#settings = settings;
    this.#createStateMachine = createStateMachine;
    this.memory = new BoundedMemory(sizeLimits(config));
    // A backup accepts what its own clock, itself off by half the skew at most, allows.
    this.#orderedTime = new OrderedTime(config.clockSkewMaxMs + Math.ceil(config.clockSkewMaxMs / 2) + 1);
  }

  addClient(node: number, client: ClientId): void {
    this.#clients.set(node, client);
    this.exactlyOnce.addCorrectClient(client);
  }

  started(replica: ReplicaId): void {
    this.#orderedTime.restart(replica);
    this.#undigested.delete(replica);
  }

  delivered(replica: ReplicaId, batch: DeliveredBatch, trueMs: number): void {
    this.#undigested.set(replica, batch.sequenceNumber);
    this.#orderedTime.deliver(replica, batch.sequenceNumber, batch.time, trueMs);
    if (this.order.deliver(replica, batch)) this.exactlyOnce.deliver(batch);
  }

  stepped(host: ReplicaHost): void {
    if (host.unclaimedExecutions > 0)
      violated('agreement', `replica ${host.id} executed what it did not deliver`);
    const executed = this.#undigested.get(host.id);
    if (executed !== undefined) {
      this.#undigested.delete(host.id);
      // The same numbers at every replica, or there would be nothing to compare.
      if (executed % this.#settings.digestEvery === 0)
        this.stateDigests.observe(host.id, executed, host.core.stateDigest());
    }
    const steps = (this.#steps.get(host.id) ?? 0) + 1;
    this.#steps.set(host.id, steps);
    if (steps % this.#settings.validateEvery !== 0) return;
    host.core.validate();
    this.memory.observe(host.id, host.core.status());
  }

  /** The whole history, once nothing runs any more. */
  finish(history: History): void {
    const { entries } = history;
    const executions = this.order.executions();
    const positions = positionsOf(executions);
    checkReplay(executions, this.#createStateMachine());
    checkAnswers(entries, executions, positions);
    this.#checkOrphans(entries, executions);
    checkRealTime(entries, positions);
    const machine = this.#createStateMachine();
    checkFastReads(entries, executions, positions, machine, (entry, time) =>
      machine.query(this.#clientOf(entry), entry.bytes, time),
    );
    if (entries.length <= this.#settings.searchMax)
      checkSpaceHistory(entries, (entry) => this.#clientOf(entry));
  }

  #clientOf(entry: HistoryEntry): ClientId {
    return this.#clients.get(entry.client)!;
  }

  /** What was executed for a correct client is what a call of that client asked for. */
  #checkOrphans(history: readonly HistoryEntry[], executions: readonly Execution[]): void {
    const asked = new Set(
      history.flatMap(({ requests }) => requests.map(({ session, number }) => requestKey(session, number))),
    );
    const clients = new Set(this.#clients.values());
    for (const { operation } of executions) {
      const key = requestKey(operation.session, operation.number);
      if (clients.has(operation.client) && !asked.has(key))
        violated('exactly-once', `${key} was executed, but no call asked for it`);
    }
  }
}
