/**
 * One session as the client sees it: its request numbers, the envelopes in flight, and the votes on each
 * number's outcome (DESIGN section 2, "Exactly once, by session"). A number is used once, an envelope's
 * bytes never change, and a number leaves the table only when f+1 replicas answered it alike or when the
 * whole session is given up; so `lowestUnanswered` never lies. What f+1 say waits is answered as far as that
 * goes; its late outcome is voted on by itself. Must not know why a call was made.
 */
import { emptyBytes, type ReplicaId, type SessionId } from '../base/index.js';
import { mayContainSealed, type Outcome, type Reply } from '../codec/index.js';
import type { Retransmission } from './alarm.js';
import type { HeldBytes } from './held-bytes.js';
import type { CallOperation, Shares } from './protocol.js';
import { bytesKept, isSameOutcome } from './held-bytes.js';
import { Tally } from './tally.js';

/** A call of the user until its outcome is told. */
export interface Call {
  readonly callId: number;
  readonly operation: CallOperation;
  /** Null once it waits at the replicas. */
  deadlineMs: number | null;
  /** Whether its outcome may come late. */
  readonly mayWait: boolean;
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
  /** Late outcomes that this envelope reports to have arrived. */
  readonly finished: readonly number[];
}

/** A request number that is not decided yet. */
export interface Slot {
  readonly session: Session;
  readonly number: number;
  readonly envelope: SentEnvelope;
  /** Votes on the outcome that counts. */
  readonly tally: Tally<Outcome>;
  /** Replicas that say it waits; null: none. */
  waitVoters: Set<ReplicaId> | null;
  /** Whether its outcome is to be reported finished. */
  readonly mayWait: boolean;
  /** Of the call that it was for; null for a keep-alive. */
  readonly callId: number | null;
  /** Whether f+1 replicas say that it waits. */
  isWaiting: boolean;
  /** Null once the call was told something without knowing the outcome. */
  call: Call | null;
}

/** `waiting` comes first, if at all, and then the outcome that counts. */
export interface Decision {
  readonly slot: Slot;
  readonly outcome: Outcome;
  readonly shares: Shares;
}

/** How many replicas are surely not all faulty, and how many have f+1 correct ones among them. */
export interface Quorums {
  readonly weakQuorumSize: number;
  readonly quorumSize: number;
}

/** DESIGN section 7: f+1 say what is so; f+1 good shares are among those of a quorum. */
export function votesNeeded(outcome: Outcome, { weakQuorumSize, quorumSize }: Quorums): number {
  return outcome.kind === 'result' && mayContainSealed(outcome.result) ? quorumSize : weakQuorumSize;
}

export class Session {
  readonly id: SessionId;
  /** True from the moment at which no new envelope may use it. */
  isRetired = false;
  #nextNumber = 1;
  /** Invariant: exactly the numbers sent and not decided, ascending. */
  readonly #slots = new Map<number, Slot>();
  /** What waits at the replicas, f+1 of them say. */
  readonly #waiting = new Map<number, Slot>();
  /** Calls that wait. */
  #awaited = 0;
  /** Late outcomes that have arrived, as far as no executed envelope has reported them. */
  readonly #finished = new Set<number>();
  /** Feeds that are followed in this session. */
  feedCount = 0;
  readonly #envelopes = new Set<SentEnvelope>();
  readonly #held: HeldBytes;
  /** How long an executed envelope makes the session worth using, from its first sending on. */
  readonly #renewalMs: number;
  /** When all replicas were last sent an envelope of it at once, or its use began. */
  toldAllMs: number;
  sentMs: number;
  #trustedUntilMs: number;
  #isUsed = false;
  /** When the last envelope that is known to be executed was first sent. */
  #renewedAtMs: number;

  /** `trustedUntilMs`: while nothing is known to be executed in it. */
  constructor(id: SessionId, openedAtMs: number, trustedUntilMs: number, renewalMs: number, held: HeldBytes) {
    this.id = id;
    this.#renewedAtMs = openedAtMs;
    this.toldAllMs = this.sentMs = openedAtMs;
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

  /** Whether it must not lapse: something waits, or a feed is followed. */
  get isHolding(): boolean {
    return this.feedCount > 0 || this.#awaited > 0;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  get heldBytes(): number {
    return this.#held.total;
  }

  get renewedAtMs(): number {
    return this.#renewedAtMs;
  }

  get finishedCount(): number {
    return this.#finished.size;
  }

  /** The lowest `countMax` numbers to report finished, ascending. */
  finished(countMax: number): number[] {
    if (this.#finished.size === 0) return [];
    return [...this.#finished].sort((a, b) => a - b).slice(0, countMax);
  }

  get envelopes(): ReadonlySet<SentEnvelope> {
    return this.#envelopes;
  }

  /** Takes the next numbers for the calls of a sealed envelope. */
  add(envelope: SentEnvelope, calls: readonly Call[]): void {
    this.#envelopes.add(envelope);
    for (const call of calls) {
      call.slot = this.#addSlot(envelope, call);
      call.isSent = true;
    }
  }

  /** Takes the next number for an envelope that only keeps the session. */
  addKeepAlive(envelope: SentEnvelope): void {
    this.#envelopes.add(envelope);
    this.#addSlot(envelope, null);
  }

  #addSlot(envelope: SentEnvelope, call: Call | null): Slot {
    const slot: Slot = {
      session: this,
      number: this.#nextNumber++,
      envelope,
      tally: new Tally(isSameOutcome),
      waitVoters: null,
      mayWait: call?.mayWait ?? false,
      callId: call?.callId ?? null,
      isWaiting: false,
      call,
    };
    this.#slots.set(slot.number, slot);
    return slot;
  }

  /** Counts a replica's reply; returns the numbers that it decided. Unknown numbers are ignored. */
  onReply(from: ReplicaId, reply: Reply, quorums: Quorums): Decision[] {
    const decisions: Decision[] = [];
    for (const [index, outcome] of reply.outcomes.entries()) {
      const number = reply.firstNumber + index;
      const slot = this.#slots.get(number) ?? this.#waiting.get(number);
      if (slot === undefined) continue;
      if (outcome.kind === 'waiting') {
        if (this.#noteWaiting(slot, from, quorums.weakQuorumSize))
          decisions.push({ slot, outcome, shares: new Map() });
        continue;
      }
      if (slot.tally.hasVoted(from)) continue;
      const shares = reply.shares?.[index] ?? emptyBytes;
      const kept = bytesKept(outcome, slot.tally.find(outcome) === undefined, shares);
      if (!this.#held.take(from, kept)) continue;
      const candidate = slot.tally.add(from, outcome, shares);
      if (candidate.voters.length < votesNeeded(outcome, quorums)) continue;
      this.#settle(slot, outcome);
      decisions.push({ slot, outcome: candidate.value, shares: candidate.shares });
    }
    return decisions;
  }

  /** True once f+1 replicas say that it waits: an answer, as far as window and envelope go. */
  #noteWaiting(slot: Slot, from: ReplicaId, weakQuorumSize: number): boolean {
    const voters = (slot.waitVoters ??= new Set());
    voters.add(from);
    if (slot.isWaiting || voters.size < weakQuorumSize) return false;
    this.#slots.delete(slot.number);
    this.#waiting.set(slot.number, slot);
    slot.isWaiting = true;
    if (slot.call !== null) this.#awaited++;
    this.#answered(slot);
    this.#noteExecuted(slot.envelope);
    return true;
  }

  #settle(slot: Slot, outcome: Outcome): void {
    this.#remove(slot);
    // It may have waited although no f+1 said so in time.
    if (slot.mayWait || slot.waitVoters !== null) this.#finished.add(slot.number);
    if (slot.isWaiting) return;
    this.#answered(slot);
    if (outcome.kind === 'result') this.#noteExecuted(slot.envelope);
  }

  #answered({ call, envelope }: Slot): void {
    if (call !== null) envelope.waiting--;
    if (--envelope.unanswered === 0) this.#envelopes.delete(envelope);
  }

  #noteExecuted({ retransmission, finished }: SentEnvelope): void {
    for (const number of finished) this.#finished.delete(number);
    const renewedUntilMs = retransmission.startedAtMs + this.#renewalMs;
    this.#trustedUntilMs = this.#isUsed ? Math.max(this.#trustedUntilMs, renewedUntilMs) : renewedUntilMs;
    this.#isUsed = true;
    this.#renewedAtMs = Math.max(this.#renewedAtMs, retransmission.startedAtMs);
  }

  #remove(slot: Slot): void {
    this.#slots.delete(slot.number);
    if (this.#waiting.delete(slot.number) && slot.call !== null) this.#awaited--;
    this.#held.release(slot.tally.candidates);
  }

  /** The call was told without an outcome; its number stays until it is decided or the session given up. */
  abandon(slot: Slot): void {
    slot.call = null;
    if (slot.isWaiting) this.#awaited--;
    else slot.envelope.waiting--;
  }

  /** The session is lost: what waits will not be heard of any more. Returns the calls that waited. */
  endWaits(): Call[] {
    const calls: Call[] = [];
    for (const slot of [...this.#waiting.values()]) {
      this.#remove(slot);
      if (slot.call !== null) calls.push(slot.call);
    }
    return calls;
  }

  /**
   * No new envelope uses it and nothing goes on in it: envelopes in flight stay only while a call waits for them. As
   * long as something goes on, it lasts, and so would a wait that a given up envelope begins.
   */
  get isDropping(): boolean {
    return this.isRetired && !this.isHolding;
  }

  dropUnawaited(): void {
    for (const envelope of this.#envelopes) {
      if (envelope.waiting > 0) continue;
      this.#envelopes.delete(envelope);
      for (let i = 0; i < envelope.operationCount; i++) {
        const slot = this.#slots.get(envelope.firstNumber + i);
        if (slot !== undefined) this.#remove(slot);
      }
    }
  }
}
