/**
 * Whom this replica asks for parts of a certified state, and what it has asked of each. Volatile, plain data;
 * fetching.ts decides by it.
 */
import type { ReplicaId } from '../base/index.js';
import type { StateNode } from '../codec/index.js';
import { nodeKey, rootsNode, type Missing, type StateSync } from './state-sync.js';

/** A node asked of a donor, as far as it has come. */
export interface Asked {
  readonly node: StateNode;
  /** Null: the roots, which show that a donor has the state; they are asked of each. */
  readonly missing: Missing | null;
  /** When it was asked for, or when a part of it came last. */
  atMs: number;
  readonly parts: Uint8Array[];
  receivedBytes: number;
  /** As the donor says; 0 before the first part. */
  totalBytes: number;
}

export interface Donor {
  readonly id: ReplicaId;
  /**
   * `unknown`: asked whether it has the state. `ready`: it has. `gone`: not any more. `rejected`: it lied about this
   * state and is not asked for it again.
   */
  status: 'unknown' | 'ready' | 'gone' | 'rejected';
  /** By the node's key. */
  readonly asked: Map<string, Asked>;
  /** Nodes that may be under way at once: many from one that is quick, one from one that is slow. */
  window: number;
  lastHeardMs: number;
  /** Silence for so long while something is asked of it counts as a stall. Doubles with each: the way to it may be narrow. */
  patienceMs: number;
}

export interface StateFetch {
  readonly sync: StateSync;
  readonly donors: readonly Donor[];
  /** Those that gave something that was believed. */
  readonly givers: Set<ReplicaId>;
  lastProgressMs: number;
}

const windowAtFirst = 4;
const windowMax = 256;
export const patienceAtFirstMs = 500;
const patienceMaxMs = 64_000;
/** Answers within this time widen the window, answers after twice as long narrow it. */
const quickMs = 100;

export const createDonor = (id: ReplicaId): Donor => ({
  id,
  status: 'unknown',
  asked: new Map(),
  window: windowAtFirst,
  lastHeardMs: 0,
  patienceMs: patienceAtFirstMs,
});

export function noteAsked(donor: Donor, missing: Missing | null, nowMs: number): void {
  const node = missing ?? rootsNode;
  // Silence counts from the first question on that is open.
  if (donor.asked.size === 0) donor.lastHeardMs = nowMs;
  if (missing !== null) missing.askedOf += 1;
  donor.asked.set(nodeKey(node), { node, missing, atMs: nowMs, parts: [], receivedBytes: 0, totalBytes: 0 });
}

/** The donor has answered it or will not: whom nobody is asked for any more, somebody else may be. */
export function release(sync: StateSync, donor: Donor, asked: Asked): void {
  donor.asked.delete(nodeKey(asked.node));
  const { missing } = asked;
  if (missing === null) return;
  missing.askedOf -= 1;
  if (missing.askedOf === 0 && !missing.isTaken) sync.giveBack(missing);
}

export function releaseAll(sync: StateSync, donor: Donor): void {
  for (const asked of donor.asked.values()) release(sync, donor, asked);
}

/** It has not answered in time: others get what it was asked for, and it gets more time from now on. */
export function noteStall(sync: StateSync, donor: Donor): void {
  releaseAll(sync, donor);
  donor.status = 'unknown';
  donor.window = 1;
  donor.patienceMs = Math.min(2 * donor.patienceMs, patienceMaxMs);
}

export function adaptWindow(donor: Donor, answered: number, tookMs: number): void {
  if (tookMs <= quickMs) donor.window = Math.min(windowMax, donor.window + answered);
  else if (tookMs > 2 * quickMs) donor.window = Math.max(1, donor.window >> 1);
}
