/**
 * All checkers of one simulation, called where they belong: at each delivery, after each step, and once at
 * the end on the whole history. Byzantine replicas are never asked: nothing is promised about them.
 */
import type { ClientId, Digest, ReplicaId, SequenceNumber } from '../base/index.js';
import { decodeResult, nullBatch } from '../codec/index.js';
import type { Operation } from '../codec/index.js';
import type { OrderingConfig, StateMachine } from '../ordering/index.js';
import { BoundedMemory } from './checkers/bounded-memory.js';
import { CommittedOrder, requestKey, stepsOf } from './checkers/committed-order.js';
import type { CommittedStep, DeliveredBatch } from './checkers/committed-order.js';
import { checkEventStreams } from './checkers/event-streams.js';
import { ExactlyOnce } from './checkers/exactly-once.js';
import { checkFastReadDeadlines } from './checkers/fast-read-deadlines.js';
import { checkFastReads } from './checkers/fast-reads.js';
import type { ReadModel } from './checkers/fast-reads.js';
import { GuardsModel } from './checkers/guards.js';
import type { RegisteredClient } from './checkers/registered-clients.js';
import { HolderTruth } from './checkers/holder-truth.js';
import { checkLeaseTruth } from './checkers/lease-truth.js';
import { checkSpaceHistory } from './checkers/space-history.js';
import { OrderedTime } from './checkers/ordered-time.js';
import { checkRealTime } from './checkers/real-time.js';
import { checkAnswers, checkReplay, placeOf, positionsOf, stepQuietly } from './checkers/replay.js';
import type { Positions } from './checkers/replay.js';
import { checkSessions } from './checkers/sessions.js';
import { StateDigests } from './checkers/state-digests.js';
import type { SpaceCall } from './checkers/tuple-space-model.js';
import { violated } from './checkers/violation.js';
import { checkWaiting } from './checkers/waiting.js';
import type { WaitLimits } from './checkers/waiting.js';
import { sha256 } from './authenticator.js';
import { epochMs } from './clock.js';
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
  /** Something else than the models checks what clients are told: they know nothing of what is sealed. */
  readonly isUnmodelled?: boolean;
}

export const defaultCheckSettings: CheckSettings = { validateEvery: 16, digestEvery: 8, searchMax: 24 };

/** Whether the sequential model of the small histories knows the operation's result. */
function isModelled({ kind }: Operation, result: Uint8Array | null): boolean {
  if (kind === 'cancel' || kind === 'subscribe') return false;
  if (kind !== 'rd' && kind !== 'in') return true;
  return result !== null && decodeResult(result)?.kind === 'entry';
}

/** What the world promises about correct replicas, and what its service was set to. */
export interface CheckedWorld {
  readonly config: Omit<OrderingConfig, 'id'>;
  readonly createStateMachine: () => StateMachine;
  readonly limits: WaitLimits;
  /** Who is registered from the start; null: everybody is admitted, and there are no guards. */
  readonly registered: () => readonly RegisteredClient[] | null;
  /** What somebody else did is in the committed order, but in no history. */
  readonly hasOutlaws: () => boolean;
  /** How far a correct replica's idea of the time may be from true time, the time between two ticks included. */
  readonly clockErrorMaxMs: number;
}

export class Checks {
  readonly order = new CommittedOrder();
  readonly exactlyOnce = new ExactlyOnce();
  readonly stateDigests = new StateDigests();
  readonly holderTruth = new HolderTruth();
  readonly memory: BoundedMemory;
  readonly #orderedTime: OrderedTime;
  readonly #settings: CheckSettings;
  readonly #world: CheckedWorld;
  readonly #clients = new Map<number, ClientId>();
  /** Steps of each replica so far. */
  readonly #steps = new Map<ReplicaId, number>();
  readonly #bodies = new Map<Digest, Uint8Array>([[sha256(nullBatch), nullBatch]]);
  /** A broadcast is the same bytes for everyone. */
  readonly #isNoted = new WeakSet<Uint8Array>();
  /** Last delivery of each replica whose state digest is still to be looked at. */
  readonly #undigested = new Map<ReplicaId, SequenceNumber>();

  constructor(world: CheckedWorld, settings: CheckSettings) {
    this.#settings = settings;
    this.#world = world;
    this.memory = new BoundedMemory(sizeLimits(world.config));
    // A backup accepts what is clockSkewMax ahead of its own clock, which itself may be wrong.
    this.#orderedTime = new OrderedTime(world.config.clockSkewMaxMs + world.clockErrorMaxMs);
  }

  /** Someone proposed this batch; whether it is committed remains to be seen. */
  proposed(batch: Uint8Array): void {
    if (this.#isNoted.has(batch)) return;
    this.#isNoted.add(batch);
    this.#bodies.set(sha256(batch), batch);
  }

  addClient(node: number, client: ClientId): void {
    this.#clients.set(node, client);
    this.exactlyOnce.addCorrectClient(client);
  }

  started(replica: ReplicaId): void {
    this.#orderedTime.restart(replica);
    this.#undigested.delete(replica);
  }

  /** `atUs`: true time. */
  delivered(replica: ReplicaId, batch: DeliveredBatch, atUs: number): void {
    this.#undigested.set(replica, batch.sequenceNumber);
    const trueMs = epochMs + Math.floor(atUs / 1_000);
    this.#orderedTime.deliver(replica, batch.sequenceNumber, batch.time, trueMs);
    if (!this.order.deliver(replica, batch)) return;
    this.exactlyOnce.deliver(batch);
    this.holderTruth.deliver(batch, atUs);
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
    const { createStateMachine, config, clockErrorMaxMs } = this.#world;
    const registered = this.#world.registered();
    const batches = this.order.batches();
    const steps = stepsOf(batches);
    const positions = positionsOf(steps);
    checkReplay(steps, createStateMachine());
    checkAnswers(entries, positions);
    if (this.#settings.isUnmodelled !== true) this.#checkResults(history, steps, registered);
    this.#checkOrphans(entries, steps);
    checkRealTime(entries, positions);
    checkSessions(batches, this.#bodies, config, registered);
    if (this.#settings.isUnmodelled !== true)
      checkFastReads(entries, steps, positions, this.#readModel(registered));
    const { clockSkewMaxMs } = config;
    checkFastReadDeadlines(entries, { clockSkewMaxMs, clockErrorMaxMs }, epochMs);
    this.holderTruth.finish();
    if (registered !== null || this.#world.hasOutlaws()) return;
    if (entries.length > this.#settings.searchMax) return;
    const { limits } = this.#world;
    checkSpaceHistory(entries, (entry) => this.#callOf(entry, steps, positions), limits);
  }

  /** What was answered and told, against the models that fit the run. */
  #checkResults(
    { feeds }: History,
    steps: readonly CommittedStep[],
    registered: readonly RegisteredClient[] | null,
  ): void {
    const { limits } = this.#world;
    if (registered === null) {
      checkLeaseTruth(steps, limits);
      return checkEventStreams(feeds, checkWaiting(steps, limits), limits);
    }
    const model = new GuardsModel(registered, limits);
    for (const step of steps) model.follow(step);
    model.subscriptions.check(feeds, limits);
  }

  #readModel(registered: readonly RegisteredClient[] | null): ReadModel {
    if (registered === null) {
      const machine = this.#world.createStateMachine();
      return {
        take: (step, position) => void stepQuietly(machine, step, position),
        // A clock that shows 0 is never near a deadline.
        query: (entry) => machine.query(this.#clientOf(entry), entry.bytes, 0),
      };
    }
    const model = new GuardsModel(registered, this.#world.limits);
    return {
      take: (step) => model.follow(step),
      query: (entry) => model.query(this.#clientOf(entry), entry.operation),
    };
  }

  #clientOf(entry: HistoryEntry): ClientId {
    return this.#clients.get(entry.client)!;
  }

  /** Null if it was never executed. */
  #callOf(entry: HistoryEntry, steps: readonly CommittedStep[], positions: Positions): SpaceCall | null {
    const { operation, outcome } = entry;
    const client = this.#clientOf(entry);
    if (outcome?.kind === 'result' && outcome.path === 'fast') return { client, operation, time: null };
    const place = placeOf(positions, entry);
    // What waited to the end, or was told that it does not wait any more, changed nothing.
    if (place === undefined || place.position === null || !isModelled(operation, place.result)) return null;
    return { client, operation, time: steps[place.position]!.time };
  }

  /** What was executed for a correct client is what a call of that client asked for. */
  #checkOrphans(history: readonly HistoryEntry[], steps: readonly CommittedStep[]): void {
    const asked = new Set(
      history.flatMap(({ requests }) => requests.map(({ session, number }) => requestKey(session, number))),
    );
    const clients = new Set(this.#clients.values());
    for (const { execution } of steps) {
      if (execution === null) continue;
      const { operation } = execution;
      const key = requestKey(operation.session, operation.number);
      if (clients.has(operation.client) && !asked.has(key))
        violated('exactly-once', `${key} was executed, but no call asked for it`);
    }
  }
}
