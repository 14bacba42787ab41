/**
 * A client core in virtual time against replicas that say exactly what the test wants. Envelopes are not
 * encoded: `seal` numbers them, and `bodyOf` finds the body again.
 */
import { expect } from 'vitest';
import {
  clientId,
  replicaId,
  sessionId,
  toHex,
  viewNumber,
  type SessionId,
} from '../../../src/base/index.js';
import { ClientCore } from '../../../src/client/index.js';
import type {
  CallOperation,
  CallOutcome,
  ClientInput,
  ClientOutput,
  ClientSettings,
} from '../../../src/client/index.js';
import type {
  ClientMessage,
  EnvelopeBody,
  Outcome,
  Requests,
  ServerMessage,
} from '../../../src/codec/index.js';

export interface Sent {
  readonly atMs: number;
  readonly to: number;
  readonly message: ClientMessage;
}

export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
export const result = (...values: number[]): Outcome => ({ kind: 'result', result: bytes(...values) });
export const refused = (code: (Outcome & { kind: 'refused' })['code']): Outcome => ({
  kind: 'refused',
  code,
});

export const client = clientId('c'.repeat(64));

export class FakeCluster {
  readonly n: number;
  readonly core: ClientCore;
  readonly sent: Sent[] = [];
  readonly outcomes = new Map<number, CallOutcome>();
  /** That calls wait, and what feeds tell. */
  readonly heard: Exclude<ClientOutput, { readonly kind: 'send' | 'done' }>[] = [];
  nowMs = 0;
  readonly #bodies = new Map<string, EnvelopeBody>();
  #nonces = 0;
  #calls = 0;

  constructor(n = 4, settings: Partial<ClientSettings> = {}) {
    this.n = n;
    this.core = new ClientCore({
      n,
      client,
      settings,
      nonce: () => new Uint8Array(16).fill(++this.#nonces),
      seal: (body) => {
        const number = this.#bodies.size + 1;
        const sealed = bytes(number >> 8, number & 255);
        this.#bodies.set(toHex(sealed), body);
        return { body, signedBytes: sealed, signature: sealed, macs: null, bytes: sealed };
      },
    });
  }

  /** All replicas connected, in view 0. */
  static connected(n = 4, settings: Partial<ClientSettings> = {}): FakeCluster {
    const cluster = new FakeCluster(n, settings);
    for (let id = 0; id < n; id++) cluster.connect(id);
    return cluster;
  }

  /** Connected, and one operation answered in session 7, so that the session is there. */
  static withSession(n = 4, settings: Partial<ClientSettings> = {}): FakeCluster {
    const cluster = FakeCluster.connected(n, settings);
    const call = cluster.call(bytes(0));
    cluster.openSession(7);
    cluster.replyFromAll(7, 1, [result(0)]);
    expect(cluster.outcomes.get(call)).toEqual(result(0));
    cluster.sent.length = 0;
    return cluster;
  }

  get f(): number {
    return Math.floor((this.n - 1) / 3);
  }

  step(input: ClientInput): void {
    for (const output of this.core.step(input)) {
      if (output.kind === 'send') {
        this.sent.push({ atMs: this.nowMs, to: output.to, message: output.message });
      } else if (output.kind === 'done') {
        expect(this.outcomes.has(output.callId), `call ${output.callId} is done twice`).toBe(false);
        this.outcomes.set(output.callId, output.outcome);
      } else {
        this.heard.push(output);
      }
    }
  }

  /** Time passes; the core gets a tick whenever it asked for one. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let due = this.core.nextDueMs; due !== null && due <= endMs; due = this.core.nextDueMs) {
      this.nowMs = Math.max(this.nowMs, due);
      this.step({ kind: 'tick', nowMs: this.nowMs });
      this.flush();
    }
    this.nowMs = endMs;
    this.step({ kind: 'tick', nowMs: this.nowMs });
    this.flush();
  }

  flush(): void {
    this.step({ kind: 'flush' });
  }

  connect(replica: number, view = 0): void {
    this.step({ kind: 'connected', replica: replicaId(replica), view: viewNumber(view) });
    this.flush();
  }

  /** f+1 replicas do not know the client, or that is over. */
  refuse(isRefused = true): void {
    this.step({ kind: 'refused', isRefused });
    this.flush();
  }

  disconnect(replica: number): void {
    this.step({ kind: 'disconnected', replica: replicaId(replica) });
    this.flush();
  }

  /** A call of this turn: nothing is flushed. */
  callOnly(
    operation: CallOperation,
    { isFastRead = false, mayWait = false, timeoutMs = 10_000 } = {},
  ): number {
    const callId = ++this.#calls;
    const deadlineMs = this.nowMs + timeoutMs;
    this.step({ kind: 'call', callId, operation, isFastRead, mayWait, deadlineMs });
    return callId;
  }

  call(
    operation: CallOperation,
    options: { isFastRead?: boolean; mayWait?: boolean; timeoutMs?: number } = {},
  ): number {
    const callId = this.callOnly(operation, options);
    this.flush();
    return callId;
  }

  cancel(callId: number): void {
    this.step({ kind: 'cancel', callId });
    this.flush();
  }

  receive(from: number, message: ServerMessage): void {
    this.step({ kind: 'message', from: replicaId(from), message });
    this.flush();
  }

  reply(from: number, session: number, firstNumber: number, outcomes: readonly Outcome[], view = 0): void {
    this.receive(from, {
      kind: 'reply',
      view: viewNumber(view),
      session: sessionId(session),
      firstNumber,
      outcomes,
    });
  }

  replyFromAll(session: number, firstNumber: number, outcomes: readonly Outcome[], view = 0): void {
    for (let id = 0; id < this.n; id++) this.reply(id, session, firstNumber, outcomes, view);
  }

  opened(from: number, nonce: Uint8Array, session: number, view = 0): void {
    this.receive(from, { kind: 'opened', view: viewNumber(view), nonce, session: sessionId(session) });
  }

  /** The OPEN sent last is answered by everyone. */
  openSession(session: number): void {
    const nonce = this.opens().at(-1)!.nonce;
    for (let id = 0; id < this.n; id++) this.opened(id, nonce, session);
  }

  readReply(from: number, readId: number, answer: Uint8Array | null): void {
    this.receive(from, { kind: 'readReply', readId, result: answer });
  }

  bodyOf(message: ClientMessage): EnvelopeBody {
    expect(message.kind).toBe('submit');
    return this.#bodies.get(toHex((message as ClientMessage & { kind: 'submit' }).envelope))!;
  }

  /** Messages of one kind, in order. */
  sentOf<Kind extends ClientMessage['kind']>(
    kind: Kind,
  ): (Sent & { message: ClientMessage & { kind: Kind } })[] {
    return this.sent.filter(
      (sent): sent is Sent & { message: ClientMessage & { kind: Kind } } => sent.message.kind === kind,
    );
  }

  /** OPENs, each as often as it was sent. */
  opens(): { atMs: number; to: number; nonce: Uint8Array }[] {
    return this.sentOf('submit').flatMap(({ atMs, to, message }) => {
      const body = this.bodyOf(message);
      return body.kind === 'open' ? [{ atMs, to, nonce: body.nonce }] : [];
    });
  }

  /** Envelopes with requests, each as often as it was sent. */
  requests(): { atMs: number; to: number; body: Requests }[] {
    return this.sentOf('submit').flatMap(({ atMs, to, message }) => {
      const body = this.bodyOf(message);
      return body.kind === 'requests' ? [{ atMs, to, body }] : [];
    });
  }

  /** Every envelope ever sealed with operations in this session. */
  sealedIn(session: SessionId): Requests[] {
    return [...this.#bodies.values()].filter(
      (body): body is Requests => body.kind === 'requests' && body.session === session,
    );
  }
}
