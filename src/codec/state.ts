/** The ordering layer's replicated state as it stands in checkpoint pages. Plain data. */
import type { ClientId, Digest, ReplicaId, SequenceNumber, SessionId } from '../base/index.js';
import type { Outcome } from './envelope.js';

/** The last ordered REJOIN of a replica. */
export interface IncarnationRecord {
  readonly replica: ReplicaId;
  /** How many REJOINs of this replica have been ordered. */
  readonly incarnation: number;
  /** Where the last one was ordered: it votes only 256 numbers above. */
  readonly sequenceNumber: SequenceNumber;
  readonly startedAt: number;
  /** Of that REJOIN, 16 bytes. */
  readonly nonce: Uint8Array;
}

export interface HeaderPage {
  readonly protocolVersion: number;
  readonly stateMachineVersion: number;
  readonly lastExecuted: SequenceNumber;
  readonly orderedTime: number;
  /** Hash chain over the digests of all executed batches. */
  readonly chain: Digest;
  readonly lastSession: SessionId;
  /** Ascending by replica. */
  readonly incarnations: readonly IncarnationRecord[];
}

export interface SessionPage {
  readonly id: SessionId;
  readonly client: ClientId;
  readonly nonce: Uint8Array;
  readonly isUsed: boolean;
  readonly expiresAt: number;
  readonly lowestUnanswered: number;
  /** Cached outcomes, ascending by request number. */
  readonly outcomes: readonly (readonly [number: number, outcome: Outcome])[];
  /** Operations left waiting whose late outcome has not arrived at the client; ascending by request number. */
  readonly waiting: readonly (readonly [number: number, outcome: Outcome])[];
}
