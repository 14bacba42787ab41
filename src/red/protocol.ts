/**
 * Inputs and outputs of a coordinator's state machine (coordinator.ts): `coordinator.step(input) → outputs`. Plain data; whoever
 * runs it (runner.ts, the simulator) carries the outputs out in the order given.
 */
import { InvalidInputError, leaseMinMs } from '../client/index.js';
import type { Entry, TemplateInput, TupleInput } from '../client/index.js';
import type { CoordinatorMessage, LineProblem, MemberId, ReplicaMessage } from './messages.js';

export type RedOperation =
  | { readonly kind: 'out'; readonly tuple: TupleInput; readonly leaseMs: number | null }
  | {
      readonly kind: 'cas';
      readonly template: TemplateInput;
      readonly tuple: TupleInput;
      readonly leaseMs: number | null;
    }
  | { readonly kind: 'replace'; readonly template: TemplateInput; readonly tuple: TupleInput }
  | { readonly kind: 'inp' | 'rdp' | 'rdAll'; readonly template: TemplateInput }
  | { readonly kind: 'renew'; readonly template: TemplateInput; readonly leaseMs: number };

export type Answer =
  /** Of `out`, `inp`, `rdp`, `replace`, `renew`. */
  | { readonly kind: 'entry'; readonly entry: Entry | null }
  | { readonly kind: 'cas'; readonly isInserted: boolean; readonly entry: Entry | null }
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
  /** Certainly not done. */
  | { readonly kind: 'refused'; readonly code: string }
  /** Whether it was done, or will be, is not known. */
  | { readonly kind: 'failed' };

export type CoordinatorInput =
  /** The coordinator's monotonic clock, ms. The time of every input is that of the last tick. */
  | { readonly kind: 'tick'; readonly nowMs: number }
  /** The database replica has connected; there is one at a time. */
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'message'; readonly message: ReplicaMessage }
  /** `line`: absent if it was not kept. */
  | { readonly kind: 'malformed'; readonly problem: LineProblem; readonly line?: string }
  | { readonly kind: 'answered'; readonly callId: number; readonly answer: Answer }
  /** Something happened to a tuple of the space, or it may have. */
  | { readonly kind: 'changed' };

export type Role = 'absent' | 'stopped' | 'copier' | 'writer' | 'steppingDown';

export type CoordinatorOutput =
  | {
      readonly kind: 'call';
      readonly callId: number;
      readonly operation: RedOperation;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'tell'; readonly message: CoordinatorMessage }
  /** The connection is over: the replica is stopped by its own rule. No `disconnected` follows. */
  | { readonly kind: 'hangUp'; readonly code: 'REPLICA_SILENT' | 'STEPDOWN' | 'MAKESTOPPED' | 'ACK_MISSING' }
  /** For logs and checkers: what the replica was told to be, after that was said. */
  | { readonly kind: 'role'; readonly role: Role; readonly token: bigint | null };

export interface CoordinatorSettings {
  readonly id: MemberId;
  /** Of the tuples of a replica, ms. */
  readonly leaseMs: number;
  /** That of the cluster. */
  readonly clockSkewMaxMs: number;
  /** How long before its lease may end a writer is told to step down: it needs so long to be stopped for certain. */
  readonly marginMs: number;
  /** A replica that speaks red/2 and is silent for so long has failed. */
  readonly silenceMaxMs: number;
  /** Looks without being told of a change: a safety net. */
  readonly pollMs: number;
  /** `race`: whoever comes first; `lowest`: the copier with the smallest entry id, for coordinators that at worst crash. */
  readonly election: 'race' | 'lowest';
}

/** The most that policy/red.ts takes. */
const leaseMaxMs = 60_000;
export const defaultLeaseMs = 10_000;

/** @throws InvalidInputError LEASE_OUT_OF_RANGE. */
export function checkCoordinatorLease(leaseMs: number, clockSkewMaxMs: number): void {
  const minMs = 2 * leaseMinMs(clockSkewMaxMs);
  if (leaseMs >= minMs && leaseMs <= leaseMaxMs) return;
  const message = `a lease of ${leaseMs} ms is refused: below ${minMs} ms clocks may differ by too much of it for renewals to be in time, and the policy of ReD none above ${leaseMaxMs} ms. Choose one between, such as ${defaultLeaseMs} ms.`;
  throw new InvalidInputError('LEASE_OUT_OF_RANGE', message, {
    leaseMs,
    leaseMinMs: minMs,
    leaseMaxMs,
  });
}

/** With all times derived from the lease. */
export function coordinatorSettings(
  id: MemberId,
  clockSkewMaxMs: number,
  { leaseMs = defaultLeaseMs, election = 'race' }: { leaseMs?: number; election?: 'race' | 'lowest' } = {},
): CoordinatorSettings {
  const marginMs = Math.floor(leaseMs * 0.15);
  const silenceMaxMs = Math.floor(leaseMs / 3);
  return { id, leaseMs, clockSkewMaxMs, marginMs, silenceMaxMs, pollMs: Math.floor(leaseMs / 2), election };
}
