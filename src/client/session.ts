/**
 * One session as the client sees it: its request numbers, the envelopes in flight, and the votes on each
 * number's outcome (DESIGN section 2, "Exactly once, by session"). A number is used once, an envelope's
 * bytes never change, and a number leaves the table only when f+1 replicas answered it alike or when the
 * whole session is given up; so `lowestUnanswered` never lies. Must not know why a call was made.
 */
import { equalBytes } from '../base/index.js';
import type { ReplicaId, SessionId } from '../base/index.js';
import type { Outcome, Reply } from '../codec/index.js';
import type { Retransmission } from './alarm.js';
import { Tally, type Candidate } from './tally.js';

/** A call of the user until its outcome is told. */
export interface Call {
  readonly callId: number;
  readonly operation: Uint8Array;
  readonly deadlineMs: number;
  /** False only while it is certain that no replica was sent this call in a way that can still execute. */
  isSent: boolean;
  /** Its fast read under way. */
  readId: number | null;
  /** Its request number in flight. */
  slot: Slot | null;
}

export interface SentEnvelope {
  readonly bytes: Uint8Array;
  readonly firstNumber: number;
  readonly operationCount: number;
  /** Started when it was first sent. */
  readonly retransmission: Retransmission;
  /** The only replica it has gone to; null: all that were connected. */
  sentTo: ReplicaId | null;
  /** Numbers not yet decided. At 0 the envelope is gone. */
  unanswered: number;
  /** Calls not yet told. */
  waiting: number;
}

/** A request number that is not decided yet. */
export interface Slot {
  readonly session: Session;
  readonly number: number;
  readonly envelope: SentEnvelope;
  readonly tally: Tally<Outcome>;
  /** Null once the call was told something without knowing the outcome. */
  call: Call | null;
}

export interface Decision {
  readonly slot: Slot;
  readonly outcome: Outcome;
}

export function isSameOutcome(a: Outcome, b: Outcome): boolean {
  if (a.kind === 'result') return b.kind === 'result' && equalBytes(a.result, b.result);
  return b.kind === 'refused' && a.code === b.code;
}

const sizeOf = (outcome: Outcome): number => (outcome.kind === 'result' ? outcome.result.length : 0);

/** Bytes of undecided outcomes, charged to the replica that sent them first, so that a liar fills no memory. */
export class HeldBytes {
  readonly #bytes: number[];
  readonly #max: number;

  constructor(n: number, max: number) {
    this.#bytes = new Array<number>(n).fill(0);
    this.#max = max;
  }

  take(replica: ReplicaId, outcome: Outcome): boolean {
    const bytes = this.#bytes[replica]! + sizeOf(outcome);
    if (bytes > this.#max) return false;
    this.#bytes[replica] = bytes;
    return true;
  }

  release(candidates: readonly Candidate<Outcome>[]): void {
    for (const { value, voters } of candidates) this.#bytes[voters[0]!]! -= sizeOf(value);
  }

  get total(): number {
    return this.#bytes.reduce((sum, bytes) => sum + bytes, 0);
  }
}

export class Session {
  readonly id: SessionId;
  /** True from the moment at which no new envelope may use it. */
  isRetired = false;
  #nextNumber = 1;
  /** Invariant: exactly the numbers sent and not decided, ascending. */
  readonly #slots = new Map<number, Slot>();
  readonly #envelopes = new Set<SentEnvelope>();
  readonly #held: HeldBytes;
  /** How long an executed envelope makes the session worth using, from its first sending on. */
  readonly #renewalMs: number;
  #trustedUntilMs: number;
  #isUsed = false;

  /** `trustedUntilMs`: while nothing is known to be executed in it. */
  constructor(id: SessionId, trustedUntilMs: number, renewalMs: number, held: HeldBytes) {
    this.id = id;
    this.#trustedUntilMs = trustedUntilMs;
    this.#renewalMs = renewalMs;
    this.#held = held;
  }

  /** Later than this the session may have ended before a new envelope arrives. */
  get trustedUntilMs(): number {
    return this.#trustedUntilMs;
  }

  get nextNumber(): number {
    return this.#nextNumber;
  }

  get lowestUnanswered(): number {
    for (const number of this.#slots.keys()) return number;
    return this.#nextNumber;
  }

  get unansweredCount(): number {
    return this.#slots.size;
  }

  get envelopes(): ReadonlySet<SentEnvelope> {
    return this.#envelopes;
  }

  /** Takes the next numbers for the calls of a sealed envelope. */
  add(envelope: SentEnvelope, calls: readonly Call[]): void {
    this.#envelopes.add(envelope);
    for (const call of calls) {
      const number = this.#nextNumber++;
      const slot: Slot = { session: this, number, envelope, tally: new Tally(isSameOutcome), call };
      this.#slots.set(number, slot);
      call.slot = slot;
      call.isSent = true;
    }
  }

  /** Counts a replica's reply; returns the numbers that it decided. Unknown numbers are ignored. */
  onReply(from: ReplicaId, reply: Reply, weakQuorumSize: number): Decision[] {
    const decisions: Decision[] = [];
    for (const [index, outcome] of reply.outcomes.entries()) {
      const slot = this.#slots.get(reply.firstNumber + index);
      if (slot === undefined || slot.tally.hasVoted(from)) continue;
      if (slot.tally.find(outcome) === undefined && !this.#held.take(from, outcome)) continue;
      const candidate = slot.tally.add(from, outcome);
      if (candidate.voters.length < weakQuorumSize) continue;
      this.#settle(slot, outcome);
      decisions.push({ slot, outcome: candidate.value });
    }
    return decisions;
  }

  #settle(slot: Slot, outcome: Outcome): void {
    const { envelope } = slot;
    this.#remove(slot);
    if (slot.call !== null) envelope.waiting--;
    if (--envelope.unanswered === 0) this.#envelopes.delete(envelope);
    else if (this.isRetired) this.#dropUnlessAwaited(envelope);
    if (outcome.kind !== 'result') return;
    const renewedUntilMs = envelope.retransmission.startedAtMs + this.#renewalMs;
    this.#trustedUntilMs = this.#isUsed ? Math.max(this.#trustedUntilMs, renewedUntilMs) : renewedUntilMs;
    this.#isUsed = true;
  }

  #remove(slot: Slot): void {
    this.#slots.delete(slot.number);
    this.#held.release(slot.tally.candidates);
  }

  /** The call was told without an outcome; its number stays until it is decided or the session given up. */
  abandon(slot: Slot): void {
    slot.call = null;
    slot.envelope.waiting--;
    if (this.isRetired) this.#dropUnlessAwaited(slot.envelope);
  }

  /** No new envelope will use the session; those in flight stay while a call waits for them. */
  retire(): void {
    this.isRetired = true;
    for (const envelope of this.#envelopes) this.#dropUnlessAwaited(envelope);
  }

  #dropUnlessAwaited(envelope: SentEnvelope): void {
    if (envelope.waiting > 0) return;
    this.#envelopes.delete(envelope);
    for (let i = 0; i < envelope.operationCount; i++) {
      const slot = this.#slots.get(envelope.firstNumber + i);
      if (slot !== undefined) this.#remove(slot);
    }
  }
}
