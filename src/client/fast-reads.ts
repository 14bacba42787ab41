/**
 * Fast reads (DESIGN section 8; Berger, Reiser & Bessani, SRDS'21): a read asked of replicas directly and
 * decided by a quorum of equal answers. A quorum is asked first and the rest when that one fails or lags.
 * Whatever cannot reach a quorum any more, or in time, is ordered, so that a liar costs time and nothing
 * else. A replica that answers "has to be ordered" (null) is merely not part of the quorum: one faulty
 * or restarted replica must not turn every read into an ordered one. Must never decide with f+1 answers.
 * Where something is sealed in the answer, f+1 of those asked send their shares along, which cost them a millisecond each.
 */
import { assert, equalBytes } from '../base/index.js';
import type { ReplicaId } from '../base/index.js';
import { mayContainSealed, type ReadReply } from '../codec/index.js';
import type { Alarm } from './alarm.js';
import { sharesPart, type CallOutcome, type Outbox } from './protocol.js';
import type { Replicas } from './replicas.js';
import type { Call } from './session.js';
import type { ClientSettings } from './settings.js';
import { Tally, type Candidate } from './tally.js';

interface FastRead {
  readonly id: number;
  readonly call: Call;
  readonly operation: Uint8Array;
  readonly tally: Tally<Uint8Array>;
  readonly asked: Set<ReplicaId>;
  /** Those of the asked that were asked for their shares. */
  readonly sharers: Set<ReplicaId>;
  /** Asked replicas that may still answer. */
  readonly outstanding: Set<ReplicaId>;
  readonly hedgeAtMs: number;
  readonly timeoutAtMs: number;
  isHedged: boolean;
}

export interface FastReadsOptions {
  readonly settings: ClientSettings;
  readonly replicas: Replicas;
  readonly outbox: Outbox;
  readonly alarm: Alarm;
  /** Random, so that streams of the same identity do not take each other's answers for theirs. */
  readonly firstReadId: number;
  readonly finish: (call: Call, outcome: CallOutcome) => void;
  /** The call has to be ordered. */
  readonly order: (call: Call) => void;
}

const demeritsMax = 8;
/** Demerits are halved every so many reads, so that a replica that was slow once is asked again. */
const forgivingInterval = 256;

export class FastReads {
  readonly #options: FastReadsOptions;
  readonly #reads = new Map<number, FastRead>();
  #nextReadId: number;
  /** Times that a replica was late or of another opinion, or lied, up to demeritsMax; the quorum is asked of the best. */
  readonly #demerits: number[];

  constructor(options: FastReadsOptions) {
    this.#options = options;
    this.#nextReadId = options.firstReadId;
    this.#demerits = new Array<number>(options.replicas.n).fill(0);
  }

  get size(): number {
    return this.#reads.size;
  }

  /** False if too few replicas are connected for a quorum: the call has to be ordered. */
  start(call: Call, nowMs: number): boolean {
    const { alarm, replicas, settings } = this.#options;
    const { operation } = call;
    assert(operation instanceof Uint8Array, 'a read that is not ordered has no request number');
    const preferred = this.#preferred();
    if (preferred.length < replicas.quorumSize) return false;
    const read: FastRead = {
      id: this.#nextReadId++,
      call,
      operation,
      tally: new Tally<Uint8Array>(equalBytes),
      asked: new Set(),
      sharers: new Set(),
      outstanding: new Set(),
      hedgeAtMs: nowMs + settings.fastReadHedgeMs,
      timeoutAtMs: nowMs + settings.fastReadTimeoutMs,
      isHedged: false,
    };
    if (read.id % forgivingInterval === 0)
      for (const [i, d] of this.#demerits.entries()) this.#demerits[i] = d >> 1;
    call.readId = read.id;
    call.isSent = true;
    this.#reads.set(read.id, read);
    for (let i = 0; i < replicas.quorumSize; i++) this.#ask(read, preferred[i]!, i < replicas.weakQuorumSize);
    alarm.at(Math.min(read.hedgeAtMs, read.timeoutAtMs));
    return true;
  }

  /** Connected replicas, those with the fewest demerits first, equal ones in turn. */
  #preferred(): ReplicaId[] {
    const { n } = this.#options.replicas;
    const turn = this.#nextReadId % n;
    const rank = (replica: ReplicaId): number => this.#demerits[replica]! * n + ((replica + n - turn) % n);
    return this.#options.replicas.connected().sort((a, b) => rank(a) - rank(b));
  }

  #ask(read: FastRead, replica: ReplicaId, wantsShares: boolean): void {
    read.asked.add(replica);
    if (wantsShares) read.sharers.add(replica);
    read.outstanding.add(replica);
    const { id: readId, operation } = read;
    const wanted = wantsShares ? ({ wantsShares } as const) : {};
    this.#options.outbox.send(replica, { kind: 'read', readId, operation, ...wanted });
  }

  onReply(from: ReplicaId, reply: ReadReply): void {
    const read = this.#reads.get(reply.readId);
    // Not asked, or its second answer: its first one counts.
    if (read === undefined || !read.outstanding.delete(from)) return;
    if (reply.result !== null) {
      const candidate = read.tally.add(from, reply.result, reply.shares);
      if (this.#isDecided(candidate)) {
        this.#decide(read, candidate);
        return;
      }
    }
    this.#reconsider(read);
  }

  #isDecided({ value, voters, shares }: Candidate<Uint8Array>): boolean {
    const { quorumSize, weakQuorumSize } = this.#options.replicas;
    return voters.length >= quorumSize && (shares.size >= weakQuorumSize || !mayContainSealed(value));
  }

  #decide(read: FastRead, { value: result, voters, shares }: Candidate<Uint8Array>): void {
    this.#end(read);
    for (const replica of read.asked) {
      const keepsShare = shares.size > 0 && read.sharers.has(replica) && !shares.has(replica);
      if (voters.includes(replica) && !keepsShare)
        this.#demerits[replica] = Math.max(0, this.#demerits[replica]! - 1);
      else if (!read.outstanding.has(replica)) this.#addDemerit(replica);
    }
    this.#options.finish(read.call, { kind: 'result', result, ...sharesPart(shares) });
  }

  /** It has been caught lying: others are asked before it for a while. */
  distrust(replica: ReplicaId): void {
    this.#demerits[replica] = demeritsMax;
  }

  #addDemerit(replica: ReplicaId): void {
    this.#demerits[replica] = Math.min(demeritsMax, this.#demerits[replica]! + 1);
  }

  /** Asks the rest, or gives up, once those asked can no longer decide it. */
  #reconsider(read: FastRead): void {
    if (this.#mayBeDecided(read)) return;
    if (!read.isHedged) this.#hedge(read);
    if (this.#mayBeDecided(read)) return;
    this.#end(read);
    this.#options.order(read.call);
  }

  /** By those asked that have not answered. A quorum without enough shares still waits for somebody. */
  #mayBeDecided({ outstanding, tally }: FastRead): boolean {
    return outstanding.size >= Math.max(1, this.#options.replicas.quorumSize - tally.largest);
  }

  #hedge(read: FastRead): void {
    read.isHedged = true;
    for (const replica of this.#options.replicas.connected())
      if (!read.asked.has(replica)) this.#ask(read, replica, true);
  }

  onDisconnected(replica: ReplicaId): void {
    for (const read of [...this.#reads.values()])
      if (read.outstanding.delete(replica)) this.#reconsider(read);
  }

  onAlarm(nowMs: number): void {
    for (const read of [...this.#reads.values()]) {
      if (read.timeoutAtMs <= nowMs) {
        this.#end(read);
        this.#options.order(read.call);
        continue;
      }
      if (read.hedgeAtMs <= nowMs && !read.isHedged) {
        for (const replica of read.outstanding) this.#addDemerit(replica);
        this.#hedge(read);
      }
      this.#options.alarm.at(read.isHedged ? read.timeoutAtMs : read.hedgeAtMs);
    }
  }

  /** The call ends without its outcome. */
  forget(call: Call): void {
    const read = call.readId === null ? undefined : this.#reads.get(call.readId);
    if (read !== undefined) this.#end(read);
  }

  #end(read: FastRead): void {
    assert(this.#reads.delete(read.id), 'a read ends once');
    read.call.readId = null;
  }
}
