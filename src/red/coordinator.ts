/**
 * The state machine of a coordinator (ReD; Posse, Lisbon 2011, chapter 4; red/2): one database replica, and tuples that say
 * for the others what it is. `step(input) → outputs`; no clock, no sockets. The algorithm is in candidate.ts and writer.ts; here are
 * what goes on beside it: leases, the replica's connection, and stepping down. The connection is the failure detector: a
 * replica that loses it is stopped by its own rule, so its tuples are left to expire. Must never let a WRITER lapse while its replica
 * has not been told to stop `marginMs` before (DESIGN section 3).
 */
import { LeaseRule } from '../client/index.js';
import { becomeWriter } from './candidate.js';
import { Holdings, type Holding } from './holdings.js';
import { formatReplicaMessage, type CoordinatorMessage, type LineProblem } from './messages.js';
import type { Lag, MemberId, ReplicaMessage } from './messages.js';
import { problemText } from './problems.js';
import { giveBack, type Core, type Effect, type Program } from './program.js';
import { replicaTuple, type State } from './registry.js';
import { write, type WriterEnd } from './writer.js';
import type {
  Answer,
  CoordinatorInput,
  CoordinatorOutput,
  CoordinatorSettings,
  RedOperation,
  Role,
} from './protocol.js';

type HangUp = Extract<CoordinatorOutput, { kind: 'hangUp' }>['code'];

interface Connection {
  isExtended: boolean;
  heardMs: number;
}

const patientMs = 24 * 3_600_000;

export class Coordinator implements Core {
  readonly settings: CoordinatorSettings;
  readonly #outputs: CoordinatorOutput[] = [];
  readonly #holdings = new Holdings();
  #nowMs = 0;
  #lastCallId = 0;
  #connection: Connection | null = null;
  #address: string | null = null;
  #role: Role = 'absent';
  /** Of the WRITER that the replica was told to be, or has been. */
  #token: bigint | null = null;
  #program: Program<unknown> | null = null;
  /** What the program waits for. */
  #call: number | null = null;
  #sleep: Extract<Effect, { kind: 'sleep' }> | null = null;
  /** Something has changed since the last look began. */
  #isStale = false;
  #isAcknowledged = false;
  #wantedSync: readonly MemberId[] | null = null;
  #lags: readonly Lag[] | null = null;
  /** Of the last WRITER that it held. */
  #lastToken: bigint | null = null;

  constructor(settings: CoordinatorSettings) {
    this.settings = settings;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get role(): Role {
    return this.#role;
  }

  get isExtended(): boolean {
    return this.#connection?.isExtended === true;
  }

  get isAcknowledged(): boolean {
    return this.#isAcknowledged;
  }

  get address(): string | null {
    return this.#address;
  }

  /** When the next `tick` has something to do; Infinity: never. */
  get nextDueMs(): number {
    const awakeMs = this.#sleep?.untilMs ?? Infinity;
    return Math.min(awakeMs, this.#silentAtMs, this.#stepDownAtMs, this.#holdings.nextDueMs);
  }

  step(input: CoordinatorInput): readonly CoordinatorOutput[] {
    switch (input.kind) {
      case 'tick':
        this.#nowMs = input.nowMs;
        break;
      case 'connected':
        this.#connection = { isExtended: false, heardMs: this.#nowMs };
        break;
      case 'disconnected':
        this.#onDisconnected();
        break;
      case 'message':
        if (this.#connection !== null) this.#onMessage(this.#connection, input.message);
        break;
      case 'malformed':
        this.#refuse(input.problem, input.line ?? null);
        break;
      case 'answered':
        this.#onAnswer(input.callId, input.answer);
        break;
      case 'changed':
        this.#isStale = true;
        this.#stir('changed');
        break;
    }
    this.#look();
    return this.#outputs.splice(0);
  }

  /** How long what the replica was told last is still true; 0: it is not. */
  get trueForMs(): number {
    if (this.#role !== 'writer' && this.#role !== 'copier') return 0;
    // A copier that is being made the writer has given up its COPIER.
    const holding = this.#holdings.get('WRITER') ?? this.#holdings.get('COPIER');
    return Math.floor(holding?.rule.remainingMs(this.#nowMs) ?? 0);
  }

  // What programs do.

  tell(message: CoordinatorMessage): void {
    this.#outputs.push({ kind: 'tell', message });
  }

  announce(id: MemberId): void {
    this.#isAcknowledged = false;
    this.tell({ kind: 'booted', id });
  }

  become(role: Role, token: bigint | null = null): void {
    if (role === 'copier') this.tell({ kind: 'makeCopier' });
    this.#role = role;
    this.#token = token;
    this.#outputs.push({ kind: 'role', role, token });
  }

  hold(state: State, entryId: bigint, sentAtMs: number): void {
    const { leaseMs, clockSkewMaxMs } = this.settings;
    const rule = new LeaseRule(leaseMs, clockSkewMaxMs, sentAtMs);
    if (state === 'WRITER') this.#lastToken = entryId;
    this.#holdings.hold(state, entryId, rule);
  }

  hasHeld(token: bigint): boolean {
    return token === this.#lastToken;
  }

  letGo(state: State): void {
    this.#holdings.letGo(state);
  }

  beginLook(): void {
    this.#isStale = false;
  }

  takeWantedSync(): readonly MemberId[] | null {
    const ids = this.#wantedSync;
    this.#wantedSync = null;
    return ids;
  }

  giveBackWantedSync(ids: readonly MemberId[]): void {
    this.#wantedSync ??= ids;
  }

  takeLags(): readonly Lag[] | null {
    const lags = this.#lags;
    this.#lags = null;
    return lags;
  }

  // What the replica says.

  #onMessage(connection: Connection, message: ReplicaMessage): void {
    connection.heardMs = this.#nowMs;
    switch (message.kind) {
      case 'hello':
        connection.isExtended = true;
        this.tell({ kind: 'hello' });
        return;
      case 'booted':
        if (message.id === this.settings.id) this.#onBooted();
        else this.#refuse('ID_WRONG', formatReplicaMessage(message));
        return;
      case 'ack':
        this.#isAcknowledged = true;
        this.#stir('acknowledged');
        return;
      case 'address':
        this.#address = message.address;
        return;
      case 'ping':
        this.tell({ kind: 'pong', number: message.number, forMs: this.trueForMs });
        return;
      case 'stopped':
        if (this.#role !== 'absent') this.#onStopped();
        return;
      case 'sync':
        if (this.#role !== 'writer') return;
        this.#wantedSync = message.ids;
        this.#isStale = true;
        this.#stir('changed');
        return;
      case 'lag':
        this.#lags = this.#role === 'writer' ? message.lags : null;
        return;
    }
  }

  #refuse(code: LineProblem, line: string | null): void {
    this.tell({ kind: 'error', code, text: problemText(code, line, this.settings.id) });
  }

  /** It is stopped, whatever it was before. */
  #onBooted(): void {
    this.#holdings.clear();
    this.#wantedSync = null;
    this.become('stopped');
    this.#run(this.#lead());
  }

  *#lead(): Program<void> {
    const token = yield* becomeWriter(this);
    const end = yield* write(this, token);
    if (this.#role === 'writer') this.#stepDown(end);
    // It was never told.
    else this.#hangUp(end);
  }

  /** By itself or because it was told to: nobody acts on its tuples any more. */
  #onStopped(): void {
    const token = this.#token ?? this.#holdings.get('WRITER')?.entryId ?? null;
    this.#holdings.clear();
    this.#stop();
    this.become('absent');
    if (token !== null) this.#run(giveBack(this, token));
  }

  #onDisconnected(): void {
    this.#connection = null;
    this.#address = null;
    this.#wantedSync = null;
    // What is given back goes on being so.
    if (this.#role === 'absent') return;
    const wasTold = this.#role === 'writer' || this.#role === 'steppingDown';
    const writer = this.#holdings.get('WRITER');
    this.#holdings.clear();
    this.become('absent');
    if (writer === undefined || wasTold) this.#stop();
    else this.#run(giveBack(this, writer.entryId));
  }

  // Leases.

  get #silentAtMs(): number {
    if (this.#connection === null || !this.#connection.isExtended) return Infinity;
    return this.#connection.heardMs + this.settings.silenceMaxMs;
  }

  get #stepDownAtMs(): number {
    const writer = this.#holdings.get('WRITER');
    if (this.#role !== 'writer' || writer === undefined) return Infinity;
    return this.#nowMs + writer.rule.remainingMs(this.#nowMs) - this.settings.marginMs;
  }

  /** Whatever is due by now, after every input. */
  #look(): void {
    if (this.#silentAtMs <= this.#nowMs) this.#hangUp('REPLICA_SILENT');
    if (this.#stepDownAtMs <= this.#nowMs) this.#stepDown();
    for (const [state, holding] of this.#holdings.all()) {
      if (holding.rule.endAt(this.#nowMs) !== null) this.#onLost(state);
      else if (holding.rule.isRenewalDue(this.#nowMs)) this.#renew(state, holding);
    }
    if (this.#sleep !== null && this.#sleep.untilMs <= this.#nowMs) this.#resume(undefined);
  }

  #renew(state: State, holding: Holding): void {
    const timeoutMs = holding.rule.onRenewalSent(this.#nowMs);
    const template = replicaTuple(this.settings.id, state);
    const operation = { kind: 'renew', template, leaseMs: this.settings.leaseMs } as const;
    holding.renewal = this.#send(operation, timeoutMs);
  }

  /** The tuple is gone, or may be: a copier starts again as stopped. */
  #onLost(state: State): void {
    if (!this.#holdings.letGo(state)) return;
    if (this.#role === 'writer') {
      if (state === 'WRITER') this.#stepDown();
      return;
    }
    // The program looks what has become of it.
    if (this.#role === 'stopped' && state === 'STOPPED') {
      this.#isStale = true;
      this.#stir('changed');
    } else if (this.#role === 'copier' || this.#role === 'stopped') this.#makeStopped();
  }

  #makeStopped(): void {
    this.#holdings.clear();
    this.#stop();
    this.become('absent');
    if (this.isExtended) this.tell({ kind: 'makeStopped' });
    else this.#hangUp('MAKESTOPPED');
  }

  /** The WRITER is renewed no longer, and given back only once the replica has said that it is stopped. */
  #stepDown(why: WriterEnd = 'STEPDOWN'): void {
    const token = this.#token;
    this.#holdings.clear();
    this.#stop();
    this.become('steppingDown', token);
    if (this.isExtended) this.tell({ kind: 'stepDown' });
    else this.#hangUp(why);
  }

  #hangUp(code: HangUp): void {
    this.#outputs.push({ kind: 'hangUp', code });
    this.#onDisconnected();
  }

  // Programs.

  #run(program: Program<unknown>): void {
    this.#stop();
    this.#program = program;
    this.#resume(undefined);
  }

  #stop(): void {
    this.#program = null;
    this.#call = null;
    this.#sleep = null;
  }

  /** Wakes the program if it waits for that. */
  #stir(event: 'changed' | 'acknowledged'): void {
    if (this.#sleep?.wakes === event) this.#resume(undefined);
  }

  #resume(answer: Answer | undefined): void {
    const program = this.#program;
    this.#call = null;
    this.#sleep = null;
    let reply = answer;
    while (program !== null && program === this.#program) {
      const { done, value } = program.next(reply);
      // It may have been stopped by what it did.
      if (program !== this.#program) return;
      if (done === true) {
        this.#program = null;
        return;
      }
      if (value.kind === 'call') {
        const { leaseMs } = this.settings;
        this.#call = this.#send(value.operation, value.isPatient ? patientMs : Math.floor(leaseMs / 2));
        return;
      }
      if (value.wakes !== 'changed' || !this.#isStale) {
        this.#sleep = value;
        return;
      }
      reply = undefined;
    }
  }

  #send(operation: RedOperation, timeoutMs: number): number {
    const callId = ++this.#lastCallId;
    this.#outputs.push({ kind: 'call', callId, operation, timeoutMs });
    return callId;
  }

  #onAnswer(callId: number, answer: Answer): void {
    if (callId === this.#call) this.#resume(answer);
    else this.#holdings.onAnswer(callId, answer, this.#nowMs);
  }
}
