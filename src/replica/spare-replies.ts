/**
 * Replies that the client most likely does without. It believes what f+1 replicas say alike, so of n equal replies the others
 * are spare, and where a turn answers many clients each of them costs a frame of its own. For each session some replicas, by
 * turns, keep such a reply back until the client's next envelope shows that it has its answer, or should have shown it by
 * the time that this session's envelopes take: then the reply leaves after all, and for a while all of this session do.
 * So whoever of the f+1 is silent or lies costs its client one late answer in many. Holds nothing that the ordering
 * layer does not hold too: a client that asks again is told again.
 */
import type { ReplicaId, SessionId } from '../base/index.js';
import type { Output } from '../ordering/index.js';

type ReplyOutput = Extract<Output, { kind: 'reply' }>;

export interface SpareRepliesOptions {
  readonly replica: ReplicaId;
  /** Number of replicas. */
  readonly n: number;
  /** f+1. */
  readonly weakQuorumSize: number;
  /** So many are told in a turn without further thought. */
  readonly toldPerTurn: number;
  /** Monotonic. */
  nowMs(): number;
}

interface Rhythm {
  /** When the last reply was due. */
  repliedMs: number;
  /** From one reply to the next, smoothed; null: not known yet. */
  cycleMs: number | null;
  /** Replies that are not kept back whatever comes. */
  eager: number;
  kept: Kept | null;
}

interface Kept {
  readonly lastNumber: number;
  readonly dueMs: number;
  readonly tell: () => void;
}

export const toldPerTurnDefault = 8;
const eagerReplies = 32;
/** Sessions slower than this ask for so little that nothing is kept back of theirs. */
const cycleMsMax = 150;
const patienceMsMin = 20;
/** Clients ask again after 300 ms. */
const patienceMsMax = 250;
const bytesMax = 4_096;
/** Sessions remembered, the most recent. */
const sessionsMax = 8_192;
const looksEveryMs = 5;

/** All is said with it, and it is small. */
function isBrief({ outcomes }: ReplyOutput): boolean {
  let bytes = 0;
  for (const outcome of outcomes) {
    if (outcome.kind === 'waiting') return false;
    if (outcome.kind === 'result') bytes += outcome.result.length;
  }
  return bytes <= bytesMax;
}

const patienceMs = ({ cycleMs }: Rhythm): number =>
  Math.min(Math.max(patienceMsMin, 2 * (cycleMs ?? 0)), patienceMsMax);

export class SpareReplies {
  readonly #options: SpareRepliesOptions;
  /** The one heard of longest ago first. */
  readonly #rhythms = new Map<SessionId, Rhythm>();
  /** Those of which something is kept. */
  readonly #keeping = new Set<Rhythm>();
  #toldInTurn = 0;
  #lookedMs = -Infinity;

  constructor(options: SpareRepliesOptions) {
    this.#options = options;
  }

  /** How many are kept back. */
  get count(): number {
    return this.#keeping.size;
  }

  /** Tells the reply, or keeps it back. */
  reply(reply: ReplyOutput, tell: () => void): void {
    const { session, firstNumber, outcomes, lowestUnanswered } = reply;
    const rhythm = this.#rhythmOf(session);
    if (lowestUnanswered !== undefined) {
      this.#noteCycle(rhythm);
      if (rhythm.kept !== null && lowestUnanswered > rhythm.kept.lastNumber) this.#forget(rhythm);
      if (rhythm.kept === null && this.#isSpare(session, rhythm) && isBrief(reply)) {
        const lastNumber = firstNumber + outcomes.length - 1;
        rhythm.kept = { lastNumber, dueMs: rhythm.repliedMs + patienceMs(rhythm), tell };
        this.#keeping.add(rhythm);
        return;
      }
      this.#toldInTurn += 1;
      if (rhythm.eager > 0) rhythm.eager -= 1;
    }
    // In one frame with what its client has not heard of.
    this.#release(rhythm, false);
    tell();
  }

  /** Tells what is overdue; before the streams are flushed. */
  endTurn(): void {
    this.#toldInTurn = 0;
    if (this.#keeping.size === 0) return;
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#lookedMs < looksEveryMs) return;
    this.#lookedMs = nowMs;
    for (const rhythm of this.#keeping) if (rhythm.kept!.dueMs <= nowMs) this.#release(rhythm, true);
  }

  #rhythmOf(session: SessionId): Rhythm {
    const known = this.#rhythms.get(session);
    const rhythm = known ?? { repliedMs: -Infinity, cycleMs: null, eager: 0, kept: null };
    if (known !== undefined) this.#rhythms.delete(session);
    else if (this.#rhythms.size >= sessionsMax) this.#forgetOldest();
    this.#rhythms.set(session, rhythm);
    return rhythm;
  }

  #forgetOldest(): void {
    const [session, rhythm] = this.#rhythms.entries().next().value!;
    this.#release(rhythm, false);
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
    const { n, replica, weakQuorumSize, toldPerTurn } = this.#options;
    if (cycleMs === null || eager > 0 || this.#toldInTurn < toldPerTurn) return false;
    return (replica + session) % n >= weakQuorumSize;
  }

  #release(rhythm: Rhythm, wasMissed: boolean): void {
    if (wasMissed) rhythm.eager = eagerReplies;
    const { kept } = rhythm;
    this.#forget(rhythm);
    kept?.tell();
  }

  #forget(rhythm: Rhythm): void {
    rhythm.kept = null;
    this.#keeping.delete(rhythm);
  }
}
