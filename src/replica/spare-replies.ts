/**
 * Replies that the client most likely does without. It believes what f+1 replicas say alike, so of n equal replies the others
 * are spare, and where a turn answers many clients each of them costs a frame of its own. For each session some replicas, by
 * turns, keep such a reply back until the client's next envelope shows that it has its answer, or should have shown it by
 * the time that this session's envelopes take: then the reply leaves after all, and for a while all of this session do.
 * So whoever of the f+1 is silent or lies costs a client one late answer in many. Holds nothing that the ordering
 * layer does not hold too: a client that asks again is told again.
 */
import type { ClientId, ReplicaId, SessionId } from '../base/index.js';
import { mayContainSealed } from '../codec/index.js';
import type { Output } from '../ordering/index.js';

type ReplyOutput = Extract<Output, { kind: 'reply' }>;

export interface SpareRepliesOptions {
  readonly replica: ReplicaId;
  /** Number of replicas. */
  readonly n: number;
  /** f+1. */
  readonly weakQuorumSize: number;
  /** So many replies of a turn leave without further thought; 8 unless given. */
  readonly toldPerTurn?: number;
  /** Monotonic. */
  nowMs(): number;
}

interface Rhythm {
  readonly client: ClientId;
  /** When the last reply was due. */
  repliedMs: number;
  /** From one reply to the next, smoothed; null: not known yet. */
  cycleMs: number | null;
  /** Replies that are not kept back whatever comes. */
  eager: number;
  /** Those that the next miss brings. */
  eagerNext: number;
  kept: Kept | null;
}

interface Kept {
  readonly lastNumber: number;
  readonly dueMs: number;
  readonly tell: () => void;
}

const toldPerTurnDefault = 8;
/** After the first miss; twice as many after each one in succession. */
const eagerAtFirst = 32;
const eagerMax = 1_024;
/** Sessions slower than this ask for so little that nothing is kept back of theirs. */
const cycleMsMax = 100;
const patienceMsMin = 20;
/** Clients ask again 300 ms after the request, which came a cycle before the reply. */
const patienceAndCycleMsMax = 250;
/** A repetition that comes sooner was sent to all replicas in the first place. */
const missedAfterMs = 100;
const bytesMax = 4_096;
/** Sessions remembered, the most recent. */
const sessionsMax = 8_192;
const looksEveryMs = 5;

export class SpareReplies {
  readonly #options: SpareRepliesOptions;
  readonly #toldPerTurn: number;
  /** The one heard of longest ago first. */
  readonly #rhythms = new Map<SessionId, Rhythm>();
  /** Those of which something is kept. */
  readonly #keeping = new Set<Rhythm>();
  #toldInTurn = 0;
  #lookedMs = -Infinity;

  constructor(options: SpareRepliesOptions) {
    this.#options = options;
    this.#toldPerTurn = options.toldPerTurn ?? toldPerTurnDefault;
  }

  /** How many are kept back. */
  get count(): number {
    return this.#keeping.size;
  }

  /** Tells the reply, or keeps it back; `isOwn`: no other replica can give it. */
  reply(reply: ReplyOutput, tell: () => void, isOwn = false): void {
    const { session, client, firstNumber, outcomes, lowestUnanswered } = reply;
    if (lowestUnanswered === undefined) {
      this.#repeated(reply);
      tell();
      return;
    }
    const rhythm = this.#rhythmOf(session, client);
    this.#noteCycle(rhythm);
    if (rhythm.kept !== null && lowestUnanswered > rhythm.kept.lastNumber) {
      rhythm.eagerNext = eagerAtFirst;
      this.#forget(rhythm);
    }
    if (!isOwn && rhythm.kept === null && this.#isSpare(session, rhythm) && isBrief(reply)) {
      const lastNumber = firstNumber + outcomes.length - 1;
      rhythm.kept = { lastNumber, dueMs: rhythm.repliedMs + patienceMs(rhythm.cycleMs!), tell };
      this.#keeping.add(rhythm);
      return;
    }
    this.#toldInTurn += 1;
    if (rhythm.eager > 0) rhythm.eager -= 1;
    // In one frame with what its client has not heard of.
    this.#release(rhythm);
    tell();
  }

  /** Tells what is overdue; before the streams are flushed. */
  endTurn(): void {
    this.#toldInTurn = 0;
    if (this.#keeping.size === 0) return;
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#lookedMs < looksEveryMs) return;
    this.#lookedMs = nowMs;
    for (const rhythm of this.#keeping) {
      if (rhythm.kept!.dueMs > nowMs) continue;
      this.#noteMissed(rhythm);
      this.#release(rhythm);
    }
  }

  /** Tells all that is kept: the streams are about to end. */
  releaseAll(): void {
    for (const rhythm of this.#keeping) this.#release(rhythm);
  }

  /** Late, or asked for again: its client waits, also for what is kept. */
  #repeated({ session, client }: ReplyOutput): void {
    const rhythm = this.#rhythms.get(session);
    if (rhythm === undefined || rhythm.client !== client || rhythm.kept === null) return;
    if (this.#options.nowMs() - rhythm.repliedMs >= missedAfterMs) this.#noteMissed(rhythm);
    this.#release(rhythm);
  }

  #noteMissed(rhythm: Rhythm): void {
    rhythm.eager = rhythm.eagerNext;
    rhythm.eagerNext = Math.min(2 * rhythm.eagerNext, eagerMax);
  }

  #rhythmOf(session: SessionId, client: ClientId): Rhythm {
    const known = this.#rhythms.get(session);
    if (known !== undefined) this.#rhythms.delete(session);
    else if (this.#rhythms.size >= sessionsMax) this.#forgetOldest();
    const unknown = { repliedMs: -Infinity, cycleMs: null, eager: 0, eagerNext: eagerAtFirst, kept: null };
    const rhythm = known ?? { client, ...unknown };
    this.#rhythms.set(session, rhythm);
    return rhythm;
  }

  #forgetOldest(): void {
    const [session, rhythm] = this.#rhythms.entries().next().value!;
    this.#release(rhythm);
    this.#rhythms.delete(session);
  }

  #noteCycle(rhythm: Rhythm): void {
    const nowMs = this.#options.nowMs();
    const lastedMs = nowMs - rhythm.repliedMs;
    rhythm.repliedMs = nowMs;
    // The first, or after a pause: neither says how long the client takes.
    if (lastedMs > cycleMsMax) rhythm.cycleMs = null;
    else rhythm.cycleMs = rhythm.cycleMs === null ? lastedMs : (3 * rhythm.cycleMs + lastedMs) / 4;
  }

  #isSpare(session: SessionId, { cycleMs, eager }: Rhythm): boolean {
    const { n, replica, weakQuorumSize } = this.#options;
    if (cycleMs === null || eager > 0 || this.#toldInTurn < this.#toldPerTurn) return false;
    return (replica + session) % n >= weakQuorumSize;
  }

  #release(rhythm: Rhythm): void {
    const { kept } = rhythm;
    this.#forget(rhythm);
    kept?.tell();
  }

  #forget(rhythm: Rhythm): void {
    rhythm.kept = null;
    this.#keeping.delete(rhythm);
  }
}

const patienceMs = (cycleMs: number): number =>
  Math.min(Math.max(patienceMsMin, 2 * cycleMs), patienceAndCycleMsMax - cycleMs);

/** All is said with it, and it is small. */
function isBrief({ outcomes }: ReplyOutput): boolean {
  let bytes = 0;
  for (const outcome of outcomes) {
    if (outcome.kind === 'waiting') return false;
    if (outcome.kind !== 'result') continue;
    if (mayContainSealed(outcome.result)) return false;
    bytes += outcome.result.length;
  }
  return bytes <= bytesMax;
}
