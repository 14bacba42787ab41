/**
 * What this replica knows about checks that it leaves to others (shared-checks.ts): how long they take here, and for whose
 * votes it has waited in vain.
 */
import type { ReplicaId } from '../base/index.js';

/** Lately, and as often in succession. */
interface VainWait {
  readonly atMs: number;
  readonly times: number;
}

export interface Checkers {
  readonly waitedInVain: Map<ReplicaId, VainWait>;
  /** What a check takes here, with all else that the processors do meanwhile; smoothed. */
  checkMs: number;
  /** The first checks since the last tick that there were any before; null: none. */
  running: { readonly sinceMs: number; readonly checks: number } | null;
}

/** On a processor of its own, and on one that it shares with another. */
const checkMsMin = 1 / 16;
const checkMsMax = 1 / 8;
/** How long nobody waits for who was waited for in vain; doubles each time in succession. */
const avoidedMs = 500;
const avoidedDoublingsMax = 4;

export const createCheckers = (): Checkers => ({
  waitedInVain: new Map(),
  checkMs: checkMsMin,
  running: null,
});

/** This replica has checked so many envelopes. */
export function noteChecks(checkers: Checkers, checks: number, nowMs: number): void {
  checkers.running ??= { sinceMs: nowMs, checks };
}

/** Time has passed: what was checked before is done. */
export function endChecks(checkers: Checkers, nowMs: number): void {
  const { running, checkMs } = checkers;
  if (running === null || nowMs === running.sinceMs) return;
  const measuredMs = (nowMs - running.sinceMs) / running.checks;
  checkers.checkMs = (3 * checkMs + Math.min(Math.max(measuredMs, checkMsMin), checkMsMax)) / 4;
  checkers.running = null;
}

export function isAvoided({ waitedInVain }: Checkers, replica: ReplicaId, nowMs: number): boolean {
  const wait = waitedInVain.get(replica);
  return wait !== undefined && nowMs - wait.atMs < avoidedMs << Math.min(wait.times - 1, avoidedDoublingsMax);
}

export function avoid({ waitedInVain }: Checkers, replica: ReplicaId, nowMs: number): void {
  const times = (waitedInVain.get(replica)?.times ?? 0) + 1;
  waitedInVain.set(replica, { atMs: nowMs, times });
}

/** It has done its part, and not only after it was given up. */
export function trustAgain(checkers: Checkers, replica: ReplicaId, nowMs: number): void {
  if (!isAvoided(checkers, replica, nowMs)) checkers.waitedInVain.delete(replica);
}
