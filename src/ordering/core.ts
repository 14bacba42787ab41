/**
 * The state of one replica's ordering core: plain data that the handlers (one file per message or phase)
 * change and whose outputs they append to. Nothing here acts by itself.
 */
import {
  digest,
  PageTree,
  replicaId,
  sequenceNumber,
  viewNumber,
  type ClientId,
  type Digest,
  type PageSnapshot,
  type ReplicaId,
  type SequenceNumber,
  type ViewNumber,
} from '../base/index.js';
import type {
  CheckpointCertificate,
  IncarnationRecord,
  LogRecord,
  NewView,
  PeerMessage,
  ViewChange,
} from '../codec/index.js';
import { createAllowances, type Allowances } from './allowance.js';
import { createCheckers, type Checkers } from './checkers.js';
import type { OrderingConfig } from './config.js';
import { createDonations, type Donations } from './donations.js';
import type { StateFetch } from './donors.js';
import type { Output, SavedState } from './interface.js';
import { createExpectation, type Expectation } from './expectation.js';
import { createFeeds, type Feeds } from './feeds.js';
import { createHistory, type History } from './history.js';
import { createLog, type Log } from './log.js';
import type { NewViewDecision } from './new-view-decision.js';
import { createPool, type Pool } from './pool.js';
import type { Authenticator, StateMachine } from './ports.js';
import { quorumSize, weakQuorumSize } from './quorum.js';
import { createSessionTable, type SessionTable } from './sessions.js';
import type { Body } from './slot.js';

/** What tells one life of a replica from all others, should it have to rejoin. */
export interface Life {
  /** Wall clock, ms; it may have been set back. */
  readonly startedAt: number;
  /** 16 random bytes, fresh at every start: equal ones would let it take an earlier life's REJOIN for its own. */
  readonly nonce: Uint8Array;
}

/** How a replica starts: with the whole cluster for the first time, without its vote log, or with all that it stored. */
export type Start =
  | { readonly kind: 'genesis' }
  | ({ readonly kind: 'observer' } & Life)
  | ({
      readonly kind: 'recovered';
      /** Of the whole vote log, in order; the standing ones first. */
      readonly records: readonly LogRecord[];
      /** Null: none was saved, or it was damaged. */
      readonly state: SavedState | null;
    } & Life);

export interface CoreOptions {
  readonly config: OrderingConfig;
  readonly authenticator: Authenticator;
  readonly stateMachine: StateMachine;
  readonly start: Start;
}

/** A vote or signed statement that may leave once the record is durable. */
export interface HeldMessage {
  readonly afterRecord: number;
  readonly message: PeerMessage;
}

/** A fast read that waits until everything prepared before it arrived is executed. */
export interface PendingRead {
  readonly client: ClientId;
  readonly readId: number;
  readonly operation: Uint8Array;
  readonly waitFor: SequenceNumber;
}

/** This replica's own state at a checkpoint, kept until a later one is stable. */
export interface Snapshot {
  readonly stateDigest: Digest;
  readonly ordering: PageSnapshot;
  readonly application: PageSnapshot;
}

export interface CheckpointVote {
  readonly stateDigest: Digest;
  readonly signature: Uint8Array;
}

/** A certified state and the valid signatures seen under it. */
export interface ProvenState {
  readonly stateDigest: Digest;
  readonly signatures: Map<ReplicaId, Uint8Array>;
}

/** A body that is needed and not held; peers are asked in turn. */
export interface Wanted {
  lastAskedMs: number;
  attempts: number;
}

/** A set S of VIEW-CHANGEs, ascending by replica, and what it decides; null: nothing yet. */
export interface Considered {
  readonly viewChanges: readonly ViewChange[];
  readonly decision: NewViewDecision | null;
}

/** State transfer towards a certified checkpoint ahead of this replica, or one at which its own state differs. */
export interface Transfer {
  target: CheckpointCertificate;
  /** The newest certificate seen since fetching began: the next target once nobody holds this one's state. */
  newer: CheckpointCertificate | null;
  noticedAtMs: number;
  /** Executed number when the target was noticed: while it still grows, no transfer is needed. */
  lastSeenExecuted: SequenceNumber;
  /** Null: not begun. */
  fetching: StateFetch | null;
}

/** Without its complete vote log a replica follows and executes, but does not vote (DESIGN: amnesia). */
export interface Rejoining {
  readonly kind: 'rejoining';
  startedAt: number;
  /** Of this life's REJOIN. */
  readonly nonce: Uint8Array;
  lastAskedMs: number;
  /** Latest STATUS of each peer that says it observes too, to tell when too many logs are lost. */
  readonly otherObservers: Set<ReplicaId>;
  lastProgressMs: number;
}

/** Nor does it without the state that its votes are about: they count again once it is back. */
export interface AwaitingState {
  readonly kind: 'awaitingState';
  /** Newest stable checkpoint of its vote log. */
  readonly target: SequenceNumber;
  /** What it voted above that. */
  readonly records: readonly LogRecord[];
}

export type Observing = Rejoining | AwaitingState;

export interface Core {
  readonly config: OrderingConfig;
  readonly quorum: number;
  readonly weakQuorum: number;
  readonly authenticator: Authenticator;
  readonly stateMachine: StateMachine;
  outputs: Output[];
  nowMs: number;

  view: ViewNumber;
  /** False from sending VIEW-CHANGE for `view` until its NEW-VIEW is accepted. */
  isActive: boolean;
  activeSinceMs: number;
  /** Last view this replica must not propose in, because it may have proposed there and forgotten. */
  noProposalsUpTo: ViewNumber | -1;
  /** Next number the primary assigns. */
  nextSequenceNumber: SequenceNumber;
  lastEmptyProposalMs: number;

  /** The highest VIEW-CHANGE of each replica, validated. */
  readonly viewChanges: Map<ReplicaId, ViewChange>;
  /** NEW-VIEW of the current view, kept for peers that missed it. Null in view 0 and while inactive. */
  newView: NewView | null;
  /** Low watermark up to which the NEW-VIEW's choice was put into the slots. */
  appliedLow: SequenceNumber;
  /** As new primary: the decision of the VIEW-CHANGEs so far, kept until there is another one. */
  considered: Considered | null;
  /** A decided NEW-VIEW that waits for its record to be durable. */
  isNewViewPending: boolean;
  /** Running since a quorum of VIEW-CHANGEs for this view or later ones; null before. */
  viewChangeTimerStartedMs: number | null;
  /** Timeouts are doubled this many times; one less after each executed batch. */
  timeoutDoublings: number;
  /** Batches with envelopes executed since this view became active. */
  executedInView: number;
  /** When the last batch was executed here. */
  lastExecutionMs: number;
  readonly expectation: Expectation;

  readonly log: Log;
  readonly history: History;
  readonly pool: Pool;
  /** Slots about which something was learnt since `advance` last looked at them. */
  readonly touched: Set<SequenceNumber>;
  readonly wanted: Map<Digest, Wanted>;
  /** Bodies fetched for a NEW-VIEW in the making, before any slot refers to them. */
  readonly candidateBodies: Map<Digest, Body>;
  /** Verdicts of slow checks by digest of the checked bytes; undefined while asked for. */
  readonly verdicts: Map<Digest, boolean | undefined>;
  readonly reads: PendingRead[];
  /** How many of them are whose. Invariant: no zeros. */
  readonly readsOf: Map<ClientId, number>;
  /** Envelopes whose signature was in vain, by who sent or passed them on. */
  readonly forgeries: Allowances<ReplicaId | ClientId>;
  readonly checkers: Checkers;
  /** Bytes of bodies that each peer is given. */
  readonly bodiesGiven: Allowances<ReplicaId>;
  readonly feeds: Feeds;

  /** Replicated state of the ordering layer; see state.ts. */
  sessions: SessionTable;
  orderedTime: number;
  chain: Digest;
  readonly incarnations: Map<ReplicaId, IncarnationRecord>;
  readonly tree: PageTree;

  readonly checkpointVotes: Map<ReplicaId, Map<SequenceNumber, CheckpointVote>>;
  readonly snapshots: Map<SequenceNumber, Snapshot>;
  /** States that a quorum was seen to have signed, the genesis among them. */
  readonly proven: Map<SequenceNumber, ProvenState>;
  transfer: Transfer | null;
  /** What each peer fetches of this replica's states. */
  readonly donations: Donations;

  observing: Observing | null;
  /** Its own state at a checkpoint where it is not the certified one; nothing is executed or answered until that is here. */
  diverged: Snapshot | null;
  /** Times that this happened in close succession, and the checkpoint at which it did last. */
  divergences: { count: number; last: SequenceNumber };
  /** Newest checkpoint whose state is saved; 0 before. */
  saved: SequenceNumber;
  /** The one that is being saved. */
  saving: SequenceNumber | null;
  /** While the vote log is replayed: what follows from it is durable already. */
  isReplaying: boolean;
  isHalted: boolean;

  lastRecord: number;
  held: HeldMessage[];
  lastStatusMs: number;
  readonly lastHelpedMs: Map<ReplicaId, number>;
  /** What each peer said it had executed in its last STATUS: one that stands still gets help. */
  readonly peerExecuted: Map<ReplicaId, SequenceNumber>;
}

export const rejoining = ({ startedAt, nonce }: Life): Rejoining => ({
  kind: 'rejoining',
  ...{ startedAt, nonce, lastAskedMs: 0, otherObservers: new Set(), lastProgressMs: 0 },
});

export function createCore(options: CoreOptions, genesis: CheckpointCertificate, nullDigest: Digest): Core {
  const { config, authenticator, stateMachine, start } = options;
  return {
    config,
    quorum: quorumSize(config.n),
    weakQuorum: weakQuorumSize(config.n),
    authenticator,
    stateMachine,
    outputs: [],
    nowMs: 0,
    view: viewNumber(0),
    isActive: true,
    activeSinceMs: 0,
    noProposalsUpTo: -1,
    nextSequenceNumber: sequenceNumber(1),
    lastEmptyProposalMs: 0,
    viewChanges: new Map(),
    newView: null,
    appliedLow: sequenceNumber(0),
    considered: null,
    isNewViewPending: false,
    viewChangeTimerStartedMs: null,
    timeoutDoublings: 0,
    executedInView: 0,
    lastExecutionMs: 0,
    expectation: createExpectation(),
    log: createLog(config.watermarkWindow, nullDigest, genesis),
    history: createHistory(config.historyBytesMax, config.historyBatchesMax),
    pool: createPool(),
    touched: new Set(),
    wanted: new Map(),
    candidateBodies: new Map(),
    verdicts: new Map(),
    reads: [],
    readsOf: new Map(),
    forgeries: createAllowances({ perSecond: 4, burst: 8, keysMax: 1_024 }),
    checkers: createCheckers(),
    bodiesGiven: createAllowances({ perSecond: 32 << 20, burst: 32 << 20, keysMax: config.n }),
    feeds: createFeeds(),
    sessions: createSessionTable(),
    orderedTime: 0,
    chain: digest('00'.repeat(32)),
    incarnations: new Map(),
    tree: new PageTree(authenticator.hash),
    checkpointVotes: new Map(),
    snapshots: new Map(),
    proven: new Map(),
    transfer: null,
    donations: createDonations(),
    observing: start.kind === 'observer' ? rejoining(start) : null,
    diverged: null,
    divergences: { count: 0, last: sequenceNumber(0) },
    saved: sequenceNumber(0),
    saving: null,
    isReplaying: false,
    isHalted: false,
    lastRecord: 0,
    held: [],
    lastStatusMs: 0,
    lastHelpedMs: new Map(),
    peerExecuted: new Map(),
  };
}

/** The primary of view v is replica v mod n (OSDI'99 section 4). */
export const primaryOf = (core: Core, view: ViewNumber): ReplicaId => replicaId(view % core.config.n);
/** As of what is executed here: a replica that lags may not know a client yet, or still take one for it. */
export const isClient = (core: Core, client: ClientId): boolean =>
  core.stateMachine.isClient?.(client) ?? true;
export const isPrimary = (core: Core): boolean => primaryOf(core, core.view) === core.config.id;

export function send(core: Core, to: ReplicaId, message: PeerMessage): void {
  if (to !== core.config.id) core.outputs.push({ kind: 'send', to, message });
}

export function broadcast(core: Core, message: PeerMessage): void {
  core.outputs.push({ kind: 'broadcast', message });
}

/** `reject`: the sender broke the protocol. Never thrown, always told. */
export function reject(core: Core, from: ReplicaId | ClientId, code: string): void {
  core.outputs.push({ kind: 'evidence', from, code });
}

export function event(core: Core, name: string, fields: Readonly<Record<string, number | string>>): void {
  core.outputs.push({ kind: 'event', event: name, fields });
}

/** Appends a record to the vote log, before whatever leaves after it. */
export function persist(core: Core, record: LogRecord): void {
  append(core, record, false);
}

/** As `persist`, but nothing that leaves has to wait for it. */
export function persistLazily(core: Core, record: LogRecord): void {
  append(core, record, true);
}

function append(core: Core, record: LogRecord, isLazy: boolean): void {
  if (core.isReplaying) return;
  core.lastRecord += 1;
  core.outputs.push({ kind: 'persist', recordNumber: core.lastRecord, record, isLazy });
}

/** The message leaves, and counts for this replica itself, once everything persisted so far is durable. */
export function sendAfterStored(core: Core, message: PeerMessage): void {
  core.held.push({ afterRecord: core.lastRecord, message });
}

/** Timeouts double per failed view and shrink again after progress (TOCS'02 section 4.5.2). */
export function backedOff(core: Core, timeoutMs: number): number {
  return Math.min(core.config.viewChangeTimeoutMaxMs, timeoutMs * 2 ** Math.min(core.timeoutDoublings, 16));
}
