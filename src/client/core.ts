/**
 * The client protocol as a state machine (DESIGN sections 2 and 8): calls in, messages and outcomes out.
 * Synchronous and deterministic, without clock, entropy or I/O; the runtime and the simulator run this
 * very code. It believes a result of f+1 equal replies (a fast read: a quorum), a refusal likewise, and
 * says "unknown" rather than guess or wait for ever. Nothing that a replica sends makes it throw.
 */
import { assert, type ClientId } from '../base/index.js';
import type { Envelope, EnvelopeBody, ServerMessage } from '../codec/index.js';
import type { ReplicaId, SessionId } from '../base/index.js';
import { Alarm } from './alarm.js';
import { FastReads } from './fast-reads.js';
import { Feeds } from './feeds.js';
import { OrderedPath } from './ordered-path.js';
import {
  Outbox,
  type CallOutcome,
  type ClientInput,
  type ClientOutput,
  type RequestName,
} from './protocol.js';
import { Replicas } from './replicas.js';
import type { Call } from './session.js';
import { defaultClientSettings, operationBytesMax, type ClientSettings } from './settings.js';

export interface ClientCoreOptions {
  /** Number of replicas, at least 4. */
  readonly n: number;
  readonly client: ClientId;
  /** Encodes and signs. */
  seal(body: EnvelopeBody): Envelope;
  /** 16 fresh unpredictable bytes. */
  nonce(): Uint8Array;
  readonly settings?: Partial<ClientSettings>;
}

/** A 48-bit integer out of a nonce. */
const numberOf = (nonce: Uint8Array): number =>
  nonce.subarray(0, 6).reduce((sum, byte) => sum * 256 + byte, 0);

export class ClientCore {
  #nowMs = 0;
  /** While f+1 replicas say that they do not know this client. */
  #isRefused = false;
  /** Calls that are not done. */
  readonly #calls = new Map<number, Call>();
  readonly #replicas: Replicas;
  readonly #outbox = new Outbox();
  readonly #alarm = new Alarm();
  readonly #orderedPath: OrderedPath;
  readonly #fastReads: FastReads;
  readonly #feeds: Feeds;

  constructor(options: ClientCoreOptions) {
    const settings: ClientSettings = { ...defaultClientSettings, ...options.settings };
    const replicas = new Replicas(options.n);
    const nonce = (): Uint8Array => options.nonce();
    const finish = (call: Call, outcome: CallOutcome, request?: RequestName): void =>
      this.#finish(call, outcome, request ?? null);
    const onSessionLost = (session: SessionId): void => this.#feeds.onSessionLost(session);
    const shared = { settings, replicas, outbox: this.#outbox, alarm: this.#alarm, finish };
    const seal = (body: EnvelopeBody): Envelope => options.seal(body);
    const orderedPath = new OrderedPath({ ...shared, client: options.client, seal, nonce, onSessionLost });
    const order = (call: Call): void => orderedPath.enqueue(call);
    this.#replicas = replicas;
    this.#orderedPath = orderedPath;
    this.#feeds = new Feeds({ replicas, outbox: this.#outbox, sessions: orderedPath });
    this.#fastReads = new FastReads({ ...shared, order, firstReadId: numberOf(nonce()) });
  }

  /** When the next `tick` has something to do, or null. May be early, never late. */
  get nextDueMs(): number | null {
    return this.#alarm.dueMs === Infinity ? null : this.#alarm.dueMs;
  }

  /** Sizes that must stay bounded, by name. */
  get sizes(): Readonly<Record<string, number>> {
    const { feeds, feedVotes } = this.#feeds.sizes();
    const own = { calls: this.#calls.size, fastReads: this.#fastReads.size, feeds, feedVotes };
    return { ...own, ...this.#orderedPath.sizes() };
  }

  step(input: ClientInput): readonly ClientOutput[] {
    switch (input.kind) {
      case 'tick':
        this.#onTick(input.nowMs);
        break;
      case 'connected':
        this.#replicas.setConnected(input.replica, true);
        this.#replicas.noteView(input.replica, input.view);
        this.#orderedPath.onConnected(input.replica);
        this.#feeds.onConnected(input.replica);
        break;
      case 'disconnected':
        this.#replicas.setConnected(input.replica, false);
        this.#orderedPath.onDisconnected(input.replica, this.#nowMs);
        this.#fastReads.onDisconnected(input.replica);
        this.#feeds.onDisconnected(input.replica);
        break;
      case 'refused':
        this.#onRefused(input.isRefused);
        break;
      case 'message':
        this.#onMessage(input.from, input.message);
        break;
      case 'call':
        this.#onCall(input);
        break;
      case 'follow':
        this.#feeds.follow(input.feedId, input.request, input.after);
        break;
      case 'consumed':
        this.#feeds.consumed(input.feedId, input.sequence);
        break;
      case 'unfollow':
        this.#feeds.unfollow(input.feedId);
        break;
      case 'distrust':
        this.#fastReads.distrust(input.replica);
        break;
      case 'cancel':
        if (input.onlyUnsent !== true || this.#calls.get(input.callId)?.isSent === false)
          this.#giveUp(input.callId);
        break;
      case 'flush':
        this.#orderedPath.flush(this.#nowMs);
        break;
    }
    return this.#outbox.take();
  }

  /** Sessions of who is no client are over: nothing that goes on in them will be heard of. */
  #onRefused(isRefused: boolean): void {
    this.#isRefused = isRefused;
    if (!isRefused) return;
    for (const call of [...this.#calls.values()]) this.#endRefused(call);
    this.#orderedPath.onRefused();
  }

  /** What is in no envelope was not sent, or only as a read that changes nothing. */
  #endRefused(call: Call): void {
    const isUnknown = call.slot !== null;
    this.#fastReads.forget(call);
    this.#orderedPath.forget(call);
    this.#finish(
      call,
      isUnknown ? { kind: 'unknown', isRefused: true } : { kind: 'refused', code: 'UNKNOWN_CLIENT' },
      null,
    );
  }

  #onTick(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    if (!this.#alarm.ring(this.#nowMs)) return;
    for (const { callId, deadlineMs } of [...this.#calls.values()]) {
      if (deadlineMs === null) continue;
      if (deadlineMs <= this.#nowMs) this.#giveUp(callId);
      else this.#alarm.at(deadlineMs);
    }
    this.#fastReads.onAlarm(this.#nowMs);
    this.#orderedPath.onAlarm(this.#nowMs);
  }

  #onMessage(from: ReplicaId, message: ServerMessage): void {
    switch (message.kind) {
      case 'opened':
        this.#replicas.noteView(from, message.view);
        this.#orderedPath.onOpened(from, message);
        return;
      case 'reply':
        this.#replicas.noteView(from, message.view);
        this.#orderedPath.onReply(from, message, this.#nowMs);
        return;
      case 'readReply':
        this.#fastReads.onReply(from, message);
        return;
      case 'feedEvent':
        this.#feeds.onEvent(from, message);
        return;
      case 'feedTruncated':
        this.#feeds.onTruncated(from, message);
        return;
      case 'notice':
        if (message.code === 'DISK_FULL') this.#replicas.setTaking(from, false);
        else if (message.code === 'DISK_FREE') this.#replicas.setTaking(from, true);
        return;
      default:
        // Handshake and status concern the stream, not this protocol.
        return;
    }
  }

  #onCall({ callId, operation, isFastRead, mayWait, deadlineMs }: ClientInput & { kind: 'call' }): void {
    assert(!this.#calls.has(callId), `call ${callId} made twice`);
    assert(operation.length <= operationBytesMax, 'the operation does not fit an envelope');
    const call: Call = { callId, operation, mayWait, deadlineMs, isSent: false, readId: null, slot: null };
    this.#calls.set(callId, call);
    this.#alarm.at(deadlineMs);
    if (deadlineMs <= this.#nowMs) this.#giveUp(callId);
    else if (this.#isRefused) this.#endRefused(call);
    else if (!isFastRead || !this.#fastReads.start(call, this.#nowMs)) this.#orderedPath.enqueue(call);
  }

  /** The deadline has passed or the user has cancelled. */
  #giveUp(callId: number): void {
    const call = this.#calls.get(callId);
    if (call === undefined) return;
    this.#fastReads.forget(call);
    this.#orderedPath.forget(call);
    this.#finish(call, { kind: call.isSent ? 'unknown' : 'unavailable' }, null);
  }

  #finish(call: Call, outcome: CallOutcome, request: RequestName | null): void {
    assert(this.#calls.delete(call.callId), `call ${call.callId} done twice`);
    this.#outbox.done(call.callId, outcome, request);
  }
}
