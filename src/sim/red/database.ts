/**
 * A simulated database replica with a local copy: it obeys its coordinator by the rule that the real agent uses (`Member`),
 * follows the writer as a standby, and as the writer acknowledges a commit only once all who are on record (SYNC), and all who
 * are about to be, have it. Stopping takes it a moment. It can be paused, as a process can, and killed.
 */
import { prng, type Prng } from '../../base/index.js';
import {
  Driver,
  formatReplicaMessage,
  Member,
  parseCoordinatorLine,
  SyncRule,
  type Act,
  type Lag,
  type MemberId,
  type MemberInput,
  type MemberOutput,
} from '../../red/index.js';
import type { RedBeliefs } from '../checkers/red-beliefs.js';
import { Clock, driftingClockError } from '../clock.js';
import type { Simulator } from '../simulator.js';

export interface Commit {
  readonly token: bigint;
  readonly number: number;
}

export interface DatabaseParts {
  readonly id: MemberId;
  readonly simulator: Simulator;
  readonly seed: number;
  readonly marginMs: number;
  readonly pingMs: number;
  readonly beliefs: RedBeliefs;
  /** Null: there is no such one, or nobody reaches it from here now. */
  peer(id: MemberId): Database | null;
  /** Says a line to the coordinator. */
  say(line: string): void;
}

/** Between two attempts to replicate. */
const stepUs = 20_000;

export class Database {
  readonly id: MemberId;
  readonly #parts: DatabaseParts;
  readonly #random: Prng;
  readonly #clock: Clock;
  #member: Member;
  #driver: Driver<MemberInput, MemberOutput>;
  /** Counts lives, so that what was meant for an earlier one is dropped. */
  #life = 0;
  #backlog: (() => void)[] | null = null;
  #isRunning = false;
  /** It went on after a pause, and had to stop. */
  #isLate = false;
  /** The local copy: it outlives the process. */
  #log: Commit[] = [];
  #following: { readonly id: MemberId; readonly token: bigint } | null = null;
  #writing: Writing | null = null;

  constructor(parts: DatabaseParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.#random = prng(parts.seed).stream(`database ${parts.id}`);
    this.#clock = new Clock(parts.simulator, driftingClockError(this.#random.stream('clock')));
    this.#member = this.#newMember();
    this.#driver = this.#newDriver();
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Paused, or about to stop after a pause: it has not done anything since. */
  get isAsleep(): boolean {
    return this.#backlog !== null || (this.#isLate && this.role === 'stopping');
  }

  get role(): Member['role'] {
    return this.#member.role;
  }

  get following(): { readonly id: MemberId; readonly token: bigint } | null {
    return this.#following;
  }

  get copiers(): ReadonlySet<MemberId> {
    return this.#writing?.rule.copiers ?? new Set();
  }

  get log(): readonly Commit[] {
    return this.#log;
  }

  /** Whether it would acknowledge a write at this moment, as far as it knows. */
  get isWriting(): boolean {
    return this.#writing?.rule.isOpen === true && this.role === 'writer';
  }

  start(): void {
    this.#life++;
    this.#isRunning = true;
    this.#backlog = null;
    this.#member = this.#newMember();
    this.#driver = this.#newDriver();
    this.#loop(this.#life);
  }

  /** SIGKILL of the whole group. */
  kill(): void {
    this.#life++;
    this.#isRunning = false;
    this.#backlog = null;
    this.#cease();
  }

  pause(): void {
    if (this.#isRunning) this.#backlog ??= [];
  }

  continue(): void {
    const actions = this.#backlog ?? [];
    this.#backlog = null;
    // Before anything that came meanwhile.
    if (this.#isRunning) this.#driver.give();
    this.#isLate = this.role === 'stopping';
    for (const action of actions) action();
  }

  connected(): void {
    this.#run(() => this.#give({ kind: 'connected' }));
  }

  disconnected(): void {
    this.#run(() => this.#give({ kind: 'disconnected' }));
  }

  line(text: string): void {
    const parsed = parseCoordinatorLine(text);
    if ('message' in parsed) this.#run(() => this.#give({ kind: 'message', message: parsed.message }));
  }

  /** A client's write; it is acknowledged once everybody who has to has it. */
  write(number: number): void {
    const writing = this.#writing;
    if (this.#backlog !== null || !this.isWriting || writing === null || writing.pending !== null) return;
    writing.pending = { token: writing.token, number };
    this.#log.push(writing.pending);
  }

  /** Of a standby: has it got it from this writer? It gets what it lacks at the same time. */
  take(from: Database, token: bigint): boolean {
    if (!this.#isRunning || this.#backlog !== null || this.role !== 'copier') return false;
    if (this.#following?.id !== from.id || this.#following.token !== token) return false;
    if (this.#log.at(-1) !== from.log.at(-1) || this.#log.length !== from.log.length)
      this.#log = [...from.log];
    return true;
  }

  #newMember(): Member {
    const { id, marginMs, pingMs } = this.#parts;
    return new Member({ id, address: `${id}:5432`, marginMs, pingMs });
  }

  #newDriver(): Driver<MemberInput, MemberOutput> {
    const clock = {
      nowMs: () => this.#clock.nowMs(),
      after: (delayMs: number, action: () => void) => {
        let isCancelled = false;
        this.#later(delayMs * 1_000, () => {
          if (!isCancelled) action();
        });
        return () => void (isCancelled = true);
      },
    };
    return new Driver(this.#member, clock, (output) => this.#carryOut(output));
  }

  #run(action: () => void): void {
    if (!this.#isRunning) return;
    if (this.#backlog !== null) this.#backlog.push(action);
    else action();
  }

  #give(input: MemberInput): void {
    this.#driver.give(input);
  }

  #later(us: number, action: () => void): void {
    const life = this.#life;
    this.#parts.simulator.schedule(us, () => {
      if (life === this.#life) this.#run(action);
    });
  }

  #carryOut(output: MemberOutput): void {
    if (output.kind === 'say') this.#parts.say(formatReplicaMessage(output.message));
    else this.#do(output.act);
  }

  #do(act: Act): void {
    const { beliefs } = this.#parts;
    switch (act.kind) {
      case 'copy':
        beliefs.copies(this);
        return;
      case 'follow':
        if (this.role === 'copier') this.#following = { id: act.id, token: act.token };
        return;
      case 'write':
        // It stops receiving first of all.
        this.#following = null;
        this.#writing = { token: act.token, rule: new SyncRule(this.id, act), pending: null };
        beliefs.writes(this, act.token, act.copiers);
        this.#putOnRecord(this.#writing);
        return;
      case 'admit':
        this.#writing?.rule.copiers.add(act.id);
        beliefs.admits(this, act.id);
        this.#give({ kind: 'acknowledge' });
        return;
      case 'forget':
        this.#writing?.rule.copiers.delete(act.id);
        return;
      case 'synced':
        this.#writing?.rule.wasPutOnRecord(act.ids);
        return;
      case 'stop': {
        const marginUs = Math.max(0, this.#parts.marginMs) * 1_000;
        const life = this.#life;
        // It does so by its own time, however long the process is paused: it acknowledges nothing meanwhile.
        this.#later(this.#random.between(0, Math.floor(marginUs * 0.8)), () => {
          if (life !== this.#life) return;
          this.#cease();
          this.#give({ kind: 'stopped' });
        });
        return;
      }
    }
  }

  #cease(): void {
    this.#following = null;
    this.#writing = null;
    this.#parts.beliefs.stops(this);
  }

  #loop(life: number): void {
    this.#parts.simulator.schedule(stepUs, () => {
      if (life !== this.#life) return;
      if (this.#backlog === null) this.#replicate();
      this.#loop(life);
    });
  }

  #replicate(): void {
    const writing = this.#writing;
    if (writing === null || this.role !== 'writer') return;
    const attached = new Set<MemberId>();
    for (const id of writing.rule.copiers)
      if (this.#parts.peer(id)?.take(this, writing.token) === true) attached.add(id);
    if (writing.rule.isOpen && writing.pending !== null && writing.rule.isHeldBy(attached)) {
      this.#parts.beliefs.acknowledges(this, writing.pending);
      writing.pending = null;
    }
    if (writing.rule.wants(attached)) this.#putOnRecord(writing);
    if (this.#random.chance(1, 50)) this.#give({ kind: 'lag', lags: this.#lags(attached) });
  }

  #lags(attached: ReadonlySet<MemberId>): readonly Lag[] {
    return [...attached].map((id) => ({ id, bytes: this.#random.below(1_000) }));
  }

  #putOnRecord(writing: Writing): void {
    const ids = writing.rule.takeWish();
    if (ids !== null) this.#give({ kind: 'sync', ids });
  }
}

/** What it does as the writer. */
interface Writing {
  readonly token: bigint;
  readonly rule: SyncRule;
  pending: Commit | null;
}
