/**
 * The rule by which a database replica obeys its coordinator (red/2; DESIGN section 3): what it may believe to be, and until when
 * by its own monotonic clock. `step(input) → outputs`; no clock, no sockets, no database. A role is taken up only once a ping
 * sent after the order has been answered: the order may have been under way for any time. Must begin to stop `marginMs` before the
 * role may be over, and at once when the connection is lost.
 */
import type { CoordinatorMessage, Lag, MemberId, ReplicaMessage } from './messages.js';

export type MemberInput =
  /** The replica's monotonic clock, ms. The time of every input is that of the last tick. */
  | { readonly kind: 'tick'; readonly nowMs: number }
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'message'; readonly message: CoordinatorMessage }
  /** The database does what `act` said. */
  | { readonly kind: 'acknowledge' }
  /** As the writer: put on record that these hold every acknowledged commit. */
  | { readonly kind: 'sync'; readonly ids: readonly MemberId[] }
  /** As the writer: how far behind those are who receive from it. */
  | { readonly kind: 'lag'; readonly lags: readonly Lag[] }
  /** The database certainly acknowledges no write any more. */
  | { readonly kind: 'stopped' }
  /** It is by itself no longer what it was told to be, or cannot become that. Takes part again once it is `mended`. */
  | { readonly kind: 'failed' }
  | { readonly kind: 'mended' };

export type Act =
  | { readonly kind: 'copy' }
  | {
      readonly kind: 'follow';
      readonly id: MemberId;
      readonly token: bigint;
      readonly address: string | null;
    }
  | {
      readonly kind: 'write';
      readonly token: bigint;
      readonly sync: readonly MemberId[] | null;
      readonly copiers: readonly MemberId[];
    }
  /** As the writer, or about to be it: another copier will come. `acknowledge` answers. */
  | { readonly kind: 'admit'; readonly id: MemberId }
  | { readonly kind: 'forget'; readonly id: MemberId }
  | { readonly kind: 'synced'; readonly ids: readonly MemberId[] }
  /** Certainly and at once. `stopped` answers. */
  | { readonly kind: 'stop' };

export type MemberOutput =
  { readonly kind: 'say'; readonly message: ReplicaMessage } | { readonly kind: 'act'; readonly act: Act };

export interface MemberSettings {
  readonly id: MemberId;
  /** Where others reach the database. */
  readonly address: string;
  /** What the database needs to be stopped for certain, ms. */
  readonly marginMs: number;
  readonly pingMs: number;
}

type Role = 'stopped' | 'copier' | 'writer' | 'stopping';
type Order = Extract<Act, { kind: 'copy' | 'write' }>;
type Held = Extract<CoordinatorMessage, { kind: 'booted' | 'failed' | 'follow' | 'synced' }>;

/** Clocks drift apart by that at most (DESIGN section 3). */
const driftDivisor = 1.01;
/** A coordinator that leaves more unanswered is gone. */
const pingsMax = 64;
/** A coordinator that says more before it answers a ping is none. */
const heldMax = 256;

export class Member {
  readonly #settings: MemberSettings;
  readonly #outputs: MemberOutput[] = [];
  #nowMs = 0;
  #isConnected = false;
  #role: Role = 'stopped';
  #isBroken = false;
  /** The order that waits for an answer to a ping sent after it. */
  #order: { readonly act: Order; readonly afterPing: number } | null = null;
  /** What came after the order, and is about the role that it gives. */
  readonly #held: Held[] = [];
  #trueUntilMs = -Infinity;
  #lastPing = 0;
  #nextPingMs = Infinity;
  readonly #pings = new Map<number, number>();

  constructor(settings: MemberSettings) {
    this.#settings = settings;
  }

  /** What the database is, or is about to cease to be. */
  get role(): Role {
    return this.#role;
  }

  get nextDueMs(): number {
    return Math.min(this.#nextPingMs, this.#stopAtMs);
  }

  step(input: MemberInput): readonly MemberOutput[] {
    switch (input.kind) {
      case 'tick':
        this.#nowMs = input.nowMs;
        break;
      case 'connected':
        this.#isConnected = true;
        this.#say({ kind: 'hello' });
        break;
      case 'disconnected':
        this.#onDisconnected();
        break;
      case 'message':
        if (this.#isConnected) this.#onMessage(input.message);
        break;
      case 'acknowledge':
        if (this.#isConnected) this.#say({ kind: 'ack' });
        break;
      case 'sync':
        if (this.#isConnected && this.#role === 'writer') this.#say({ kind: 'sync', ids: input.ids });
        break;
      case 'lag':
        if (this.#isConnected && this.#role === 'writer') this.#say(input);
        break;
      case 'stopped':
        this.#onStopped();
        break;
      case 'failed':
        this.#onFailed();
        break;
      case 'mended':
        this.#onMended();
        break;
    }
    this.#look();
    return this.#outputs.splice(0);
  }

  #onMessage(message: CoordinatorMessage): void {
    switch (message.kind) {
      case 'hello':
        this.#say({ kind: 'address', address: this.#settings.address });
        this.#nextPingMs = this.#nowMs;
        if (this.#role === 'stopped') this.#boot();
        return;
      case 'makeCopier':
        if (this.#role === 'stopped' && !this.#isBroken) this.#obey({ kind: 'copy' });
        return;
      case 'makeWriter':
        // Nothing says MAKEWRITER again, so it may not be lost while the order to copy waits.
        if ((this.#role === 'copier' || this.#order !== null) && message.fenced !== undefined)
          this.#obey({ kind: 'write', ...message.fenced, copiers: message.copiers });
        return;
      case 'pong':
        this.#onPong(message.number, message.forMs);
        return;
      case 'booted':
      case 'failed':
      case 'follow':
      case 'synced':
        if (this.#order === null) this.#hear(message);
        else if (this.#held.length < heldMax) this.#held.push(message);
        return;
      case 'stepDown':
      case 'makeStopped':
        // It may not even have begun to be what it is to be no longer.
        if (this.#role === 'stopped') this.#sayStopped();
        this.#stop();
        return;
      case 'error':
        return;
    }
  }

  #hear(message: Held): void {
    if (message.kind === 'booted') this.#act({ kind: 'admit', id: message.id });
    else if (message.kind === 'failed') this.#act({ kind: 'forget', id: message.id });
    else this.#act(message);
  }

  #boot(): void {
    if (!this.#isBroken) this.#say({ kind: 'booted', id: this.#settings.id });
  }

  #obey(act: Order): void {
    this.#order = { act, afterPing: this.#lastPing };
    if (act.kind === 'copy') this.#held.length = 0;
    this.#ping();
  }

  #ping(): void {
    this.#nextPingMs = this.#nowMs + this.#settings.pingMs;
    if (this.#pings.size >= pingsMax) return;
    this.#pings.set(++this.#lastPing, this.#nowMs);
    this.#say({ kind: 'ping', number: this.#lastPing });
  }

  #onPong(number: number, forMs: number): void {
    const sentAtMs = this.#pings.get(number);
    if (sentAtMs === undefined) return;
    this.#pings.delete(number);
    if (forMs > 0)
      this.#trueUntilMs = Math.max(this.#trueUntilMs, sentAtMs + Math.floor(forMs / driftDivisor));
    const order = this.#order;
    if (order === null) {
      if (forMs === 0) this.#stop();
      return;
    }
    if (number <= order.afterPing) return;
    // Too late to begin: the next answer may leave more time, and no time at all is told otherwise too.
    if (this.#stopAtMsOf(this.#trueUntilMs) <= this.#nowMs) return;
    this.#order = null;
    // Only copiers become writers.
    if (order.act.kind === 'write' && this.#role === 'stopped') this.#act({ kind: 'copy' });
    this.#role = order.act.kind === 'copy' ? 'copier' : 'writer';
    this.#act(order.act);
    for (const message of this.#held.splice(0)) this.#hear(message);
  }

  #stopAtMsOf(trueUntilMs: number): number {
    return trueUntilMs - this.#settings.marginMs;
  }

  get #stopAtMs(): number {
    const isActive = this.#role === 'copier' || this.#role === 'writer';
    return isActive ? this.#stopAtMsOf(this.#trueUntilMs) : Infinity;
  }

  #look(): void {
    if (this.#stopAtMs <= this.#nowMs) this.#stop();
    if (this.#isConnected && this.#nextPingMs <= this.#nowMs) this.#ping();
  }

  #onDisconnected(): void {
    this.#isConnected = false;
    this.#order = null;
    this.#pings.clear();
    this.#nextPingMs = Infinity;
    this.#stop();
  }

  #stop(): void {
    this.#order = null;
    this.#trueUntilMs = -Infinity;
    if (this.#role === 'stopped' || this.#role === 'stopping') return;
    this.#role = 'stopping';
    this.#act({ kind: 'stop' });
  }

  #onStopped(): void {
    if (this.#role !== 'stopping') return;
    this.#role = 'stopped';
    if (this.#isConnected) this.#sayStopped();
  }

  #onFailed(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    // What it has been told to become it will not become.
    if (this.#role === 'stopped' && this.#isConnected) this.#sayStopped();
    this.#stop();
  }

  #onMended(): void {
    if (!this.#isBroken) return;
    this.#isBroken = false;
    if (this.#role === 'stopped' && this.#isConnected) this.#boot();
  }

  #sayStopped(): void {
    this.#say({ kind: 'stopped' });
    this.#boot();
  }

  #say(message: ReplicaMessage): void {
    this.#outputs.push({ kind: 'say', message });
  }

  #act(act: Act): void {
    this.#outputs.push({ kind: 'act', act });
  }
}
