/**
 * One replica of the ordering layer: `step(input) → outputs`. Synchronous and deterministic; the runtime
 * around it owns sockets, disks and clocks. Inputs are recorded by their handler, then `advance` draws
 * the conclusions.
 */
import { assert, digest, sequenceNumber, type ClientId, type Digest, type ReplicaId } from '../base/index.js';
import { nullBatch, type CheckpointCertificate, type PeerMessage } from '../codec/index.js';
import { advance, touchProposals } from './advance.js';
import { endChecks } from './checkers.js';
import { onCheckpoint, prove } from './checkpoint.js';
import { broadcast, createCore, isClient, primaryOf, reject, type Core, type CoreOptions } from './core.js';
import { onFetchState, statesHeld, tickDonations } from './donate.js';
import { onAttached } from './effects.js';
import { tickExpectation } from './slow-primary.js';
import { onStreamClosed, tickFeeds, validateFeeds } from './feeds.js';
import { onBatchBody, onFetchBatch, retryWanted } from './fetch-batch.js';
import { onFollow, pumpFeeds } from './follow.js';
import { onEnvelope, onForward, tickForward } from './intake.js';
import type { Input, Output, ReplicaStatus, StateToSave } from './interface.js';
import { lowWatermark, validateLog } from './log.js';
import { onNewView } from './new-view.js';
import { poolSize } from './pool.js';
import { onRead } from './reads.js';
import { recover } from './recover.js';
import { checkLostLogs, tickRejoin } from './rejoin.js';
import { onStateSaved } from './save.js';
import { validateSessions } from './sessions.js';
import { takeSnapshot } from './state.js';
import { onStatus, tickStatus } from './status.js';
import { onStableCheckpoint, onStateGone, onStateNodes, tickTransfer } from './transfer.js';
import { onViewChange, tickViewChange } from './view-change.js';
import { onCommit, onCommitted, onPrepare, onPrePrepare } from './votes.js';

export class OrderingReplica {
  private readonly core: Core;

  constructor(options: CoreOptions) {
    const { config, authenticator } = options;
    assert(config.n >= 4 && config.id >= 0 && config.id < config.n, 'a cluster needs at least 4 replicas');
    const unknown: CheckpointCertificate = {
      sequenceNumber: sequenceNumber(0),
      stateDigest: digest(''),
      signatures: [],
    };
    const core = createCore(options, unknown, authenticator.hash(nullBatch));
    const genesis = takeSnapshot(core);
    core.log.stable = { ...unknown, stateDigest: genesis.stateDigest };
    core.snapshots.set(sequenceNumber(0), genesis);
    prove(core, core.log.stable);
    this.core = core;
    if (options.start.kind !== 'recovered') return;
    recover(core, options.start);
    // What it had signed is signed again, and durable.
    onStored(core, 0);
  }

  /** Takes one input; the outputs are to be carried out in the order given. After `halt` nothing follows. */
  step(input: Input): readonly Output[] {
    const { core } = this;
    if (!core.isHalted) handleInput(core, input);
    if (!core.isHalted) advance(core);
    if (!core.isHalted && core.diverged === null) pumpFeeds(core);
    const { outputs } = core;
    core.outputs = [];
    return outputs;
  }

  status(): ReplicaStatus {
    const { core } = this;
    return {
      view: core.view,
      primary: primaryOf(core, core.view),
      isActive: core.isActive,
      isObserver: core.observing !== null,
      executed: core.log.lastExecuted,
      stableCheckpoint: lowWatermark(core.log),
      orderedTime: core.orderedTime,
      pending: poolSize(core.pool),
      sizes: sizesOf(core),
    };
  }

  /** As of what is executed here. */
  isClient(client: ClientId): boolean {
    return isClient(this.core, client);
  }

  /** Digest of the whole replicated state after the last executed batch. */
  stateDigest(): Digest {
    return takeSnapshot(this.core).stateDigest;
  }

  /** That of the newest stable checkpoint; null while it is not here. */
  stableState(): StateToSave | null {
    const certificate = this.core.log.stable;
    const snapshot = this.core.snapshots.get(certificate.sequenceNumber);
    if (snapshot === undefined) return null;
    return { certificate, ordering: snapshot.ordering, application: snapshot.application };
  }

  /** Asserts the invariants of the state; for tests and simulation. */
  validate(): void {
    validateLog(this.core.log);
    validateSessions(this.core.sessions);
    validateFeeds(this.core.feeds, this.core.config);
    assert(this.core.snapshots.size <= 4, 'too many snapshots');
    assert(
      !this.core.isActive || this.core.view === 0 || this.core.newView !== null,
      'active without NEW-VIEW',
    );
  }
}

function stateRequestsOf({ donations }: Core): number {
  let count = 0;
  for (const { queue } of donations.byPeer.values()) count += queue.length;
  return count;
}

function sizesOf(core: Core): Record<string, number> {
  return {
    slots: core.log.slots.size,
    bodies: core.log.bodies.size,
    pending: poolSize(core.pool),
    wanted: core.wanted.size,
    history: core.history.batches.size,
    statesHeld: statesHeld(core),
    stateRequests: stateRequestsOf(core),
    stateNodesMissing: core.transfer?.fetching?.sync.missingCount ?? 0,
    candidateBodies: core.candidateBodies.size,
    verdicts: core.verdicts.size,
    reads: core.reads.length,
    held: core.held.length,
    snapshots: core.snapshots.size,
    viewChanges: core.viewChanges.size,
    sessions: core.sessions.used.size + core.sessions.unused.size,
    waiting: core.sessions.waitingCount,
    followers: core.feeds.followerCount,
  };
}

function handleInput(core: Core, input: Input): void {
  switch (input.kind) {
    case 'message':
      handleMessage(core, input.from, input.message);
      break;
    case 'envelope':
      onEnvelope(core, input.envelope, null);
      break;
    case 'read':
      onRead(core, input.client, input.readId, input.operation);
      break;
    case 'attached':
      onAttached(core, input.client, input.session);
      break;
    case 'follow':
      onFollow(core, input);
      break;
    case 'streamClosed':
      onStreamClosed(core.feeds, input.stream);
      break;
    case 'tick':
      onTick(core, input.nowMs);
      break;
    case 'stored':
      onStored(core, input.recordNumber);
      break;
    case 'stateSaved':
      onStateSaved(core, input.sequenceNumber);
      break;
    case 'verified':
      if (core.verdicts.has(input.check)) core.verdicts.set(input.check, input.isValid);
      break;
  }
}

function onTick(core: Core, nowMs: number): void {
  assert(nowMs >= core.nowMs, 'the clock ran backwards');
  const isFirst = core.activeSinceMs > nowMs;
  if (isFirst || nowMs - core.nowMs >= core.config.requestTimeoutMs) resumeTimers(core, nowMs);
  const passedMs = nowMs - core.nowMs;
  core.nowMs = nowMs;
  tickExpectation(core, passedMs);
  endChecks(core.checkers, nowMs);
  tickFeeds(core.feeds);
  tickViewChange(core);
  tickForward(core);
  retryWanted(core);
  tickTransfer(core);
  tickDonations(core);
  tickRejoin(core);
  checkLostLogs(core);
  tickStatus(core);
  touchProposals(core);
}

/**
 * Time in which it stood still itself, reading its log or taking over a large state, says nothing about the primary, nor
 * about whether the peers' histories help.
 */
function resumeTimers(core: Core, nowMs: number): void {
  core.activeSinceMs = nowMs;
  if (core.transfer !== null) core.transfer.noticedAtMs = nowMs;
}

/** What became durable may leave, and counts for this replica itself from here on. */
function onStored(core: Core, recordNumber: number): void {
  let released = 0;
  while (released < core.held.length && core.held[released]!.afterRecord <= recordNumber) released += 1;
  for (const { message } of core.held.splice(0, released)) {
    if (core.isHalted) return;
    broadcast(core, message);
    handleMessage(core, core.config.id, message);
  }
}

function handleMessage(core: Core, from: ReplicaId, message: PeerMessage): void {
  if (from >= core.config.n) return reject(core, from, 'NOT_A_MEMBER');
  switch (message.kind) {
    case 'prePrepare':
      return onPrePrepare(core, from, message);
    case 'prepare':
      return onPrepare(core, from, message);
    case 'commit':
      return onCommit(core, from, message);
    case 'committed':
      return onCommitted(core, from, message);
    case 'checkpoint':
      return onCheckpoint(core, from, message);
    case 'viewChange':
      return onViewChange(core, from, message);
    case 'newView':
      return onNewView(core, from, message);
    case 'status':
      return onStatus(core, from, message);
    case 'stableCheckpoint':
      return onStableCheckpoint(core, from, message);
    case 'fetchBatch':
      return onFetchBatch(core, from, message);
    case 'batchBody':
      return onBatchBody(core, from, message);
    case 'fetchState':
      return onFetchState(core, from, message);
    case 'stateNodes':
      return onStateNodes(core, from, message);
    case 'stateGone':
      return onStateGone(core, from, message);
    case 'forward':
      return onForward(core, from, message);
  }
}
