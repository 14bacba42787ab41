/**
 * Calls that are ordered (PBFT, OSDI'99 section 2.1 and 4.1, with envelopes and sessions in the place of
 * single requests and timestamps): sealing what is ready into envelopes, sending them to the primary and,
 * unanswered, to all, and deciding with f+1 equal outcomes. Must never seal a request number twice.
 *
 * What SESSION_EXPIRED by f+1 replicas means for a call in flight. One correct replica found the session
 * ended at the envelope's place in the order, and an ended session never comes back: no copy ordered later
 * is executed. A copy ordered earlier may have been (a faulty primary can order an envelope twice; the
 * replies of the first time may be lost, and the cached ones are dropped with the session), no matter how
 * often the client itself sent it. But an execution would have renewed the lease, so within
 * `certainLeaseMs` of the first sending the session could not have ended after it. Hence: within that time
 * the call was certainly not executed and goes into a new session; later its outcome is unknown.
 *
 * REPLIES_FULL uses up its number, so it is final. NUMBER_OUT_OF_WINDOW is not: it cannot happen to a
 * number that is still unanswered, and if it does, nothing is known.
 */
import { emptyBytes } from '../base/index.js';
import type { ClientId, ReplicaId, SessionId } from '../base/index.js';
import { envelopeFinishedMax } from '../codec/index.js';
import type { Envelope, EnvelopeBody, Opened, Reply } from '../codec/index.js';
import { Retransmission, type Alarm } from './alarm.js';
import { CallQueue } from './call-queue.js';
import { Opening } from './opening.js';
import { sharesPart, type CallOutcome, type Outbox, type RequestName } from './protocol.js';
import type { Replicas } from './replicas.js';
import { HeldBytes } from './held-bytes.js';
import { KeepAlives } from './keep-alives.js';
import { Session, type Call, type Decision, type SentEnvelope } from './session.js';
import { certainLeaseMs, trustedPart, type ClientSettings } from './settings.js';

export interface OrderedPathOptions {
  readonly client: ClientId;
  readonly settings: ClientSettings;
  readonly replicas: Replicas;
  readonly outbox: Outbox;
  readonly alarm: Alarm;
  readonly seal: (body: EnvelopeBody) => Envelope;
  /** 16 fresh bytes. */
  readonly nonce: () => Uint8Array;
  readonly finish: (call: Call, outcome: CallOutcome, request?: RequestName) => void;
  /** Feeds of this session will not be heard of any more. */
  readonly onSessionLost: (session: SessionId) => void;
}

export class OrderedPath {
  readonly #options: OrderedPathOptions;
  /** Calls without a request number. */
  readonly #queue = new CallQueue();
  #opening: Opening | null = null;
  /** Takes new envelopes. */
  #current: Session | null = null;
  /** The current session and those retired ones in which a call is still in flight, or something goes on. */
  readonly #sessions = new Map<SessionId, Session>();
  readonly #keepAlives: KeepAlives;

  constructor(options: OrderedPathOptions) {
    this.#options = options;
    this.#keepAlives = new KeepAlives(options.alarm, options.settings.sessionLeaseMs);
  }

  enqueue(call: Call): void {
    this.#queue.add(call);
  }

  /** The call ends without its outcome. */
  forget(call: Call): void {
    this.#queue.remove(call);
    const { slot } = call;
    if (slot === null) return;
    call.slot = null;
    slot.session.abandon(slot);
    this.#forgetIfDone(slot.session);
  }

  sizes(): Record<string, number> {
    let unanswered = 0;
    let waiting = 0;
    let finished = 0;
    let heldBytes = 0;
    for (const session of this.#sessions.values()) {
      unanswered += session.unansweredCount;
      waiting += session.waitingCount;
      finished += session.finishedCount;
      heldBytes += session.heldBytes;
    }
    const { queued, sessions } = { queued: this.#queue.size, sessions: this.#sessions.size };
    return { queued, sessions, unanswered, waiting, finished, heldBytes };
  }

  /** Seals and sends what is ready. Seals nothing while no replica could be sent it. */
  flush(nowMs: number): void {
    const { replicas, settings } = this.#options;
    if (this.#queue.size === 0 || replicas.firstRecipients().length === 0) return;
    if (replicas.areDisksFull) {
      this.#refuseQueued();
      return;
    }
    const idle = this.#current;
    if (idle !== null && nowMs > idle.trustedUntilMs) this.#retire(idle);
    const session = this.#current;
    if (session === null) {
      this.#open(nowMs);
      return;
    }
    while (this.#queue.size > 0) {
      const room = settings.sessionNumbersMax - (session.nextNumber - session.lowestUnanswered);
      if (room <= 0) return;
      this.#seal(session, Math.min(room, settings.envelopeOperationsMax), nowMs);
    }
  }

  /** Nobody was sent any of it. */
  #refuseQueued(): void {
    this.#opening = null;
    for (const call of this.#queue.takeAll())
      this.#options.finish(call, { kind: 'refused', code: 'DISK_FULL' });
  }

  #seal(session: Session, operationsMax: number, nowMs: number): void {
    const calls = this.#queue.take(operationsMax, this.#options.settings.envelopeBytesMax);
    const operations = calls.map(({ operation }, index) => {
      if (operation instanceof Uint8Array) return operation;
      return operation.encode({ session: session.id, number: session.nextNumber + index });
    });
    session.add(this.#send(session, operations, calls.length, nowMs), calls);
  }

  /** An empty operation, for the sake of the session alone. */
  #keepAlive(session: Session, nowMs: number): void {
    session.addKeepAlive(this.#send(session, [emptyBytes], 0, nowMs));
  }

  /** Seals and sends an envelope of the session's next numbers. */
  #send(session: Session, operations: readonly Uint8Array[], waiting: number, nowMs: number): SentEnvelope {
    const { alarm, client, outbox, seal, settings } = this.#options;
    const firstNumber = session.nextNumber;
    const finished = session.finished(envelopeFinishedMax);
    const { bytes } = seal({
      kind: 'requests',
      client,
      session: session.id,
      firstNumber,
      lowestUnanswered: session.lowestUnanswered,
      operations,
      finished,
    });
    const retransmission = new Retransmission(nowMs, settings.retransmitMs, settings.retransmitMaxMs);
    const recipients = this.#recipients(session, nowMs);
    const sentTo = recipients.length === 1 ? recipients[0]! : null;
    for (const to of recipients) outbox.send(to, { kind: 'submit', envelope: bytes });
    alarm.at(retransmission.dueMs);
    const operationCount = operations.length;
    const unanswered = operationCount;
    return { bytes, firstNumber, operationCount, retransmission, sentTo, unanswered, waiting, finished };
  }

  #recipients(session: Session, nowMs: number): readonly ReplicaId[] {
    const { replicas, settings } = this.#options;
    if (nowMs - session.sentMs >= settings.tellAllMs) session.toldAllMs = nowMs;
    session.sentMs = nowMs;
    if (nowMs - session.toldAllMs < settings.tellAllMs) return replicas.firstRecipients();
    session.toldAllMs = nowMs;
    return replicas.connected();
  }

  /** Asks for a session, or goes on asking; an OPEN too old for its session to be trusted is given up. */
  #open(nowMs: number): void {
    const { alarm, client, nonce, seal, settings } = this.#options;
    if (this.#opening === null || nowMs > this.#trustedUntilMs(this.#opening)) {
      const open: EnvelopeBody = { kind: 'open', client, nonce: nonce() };
      const retransmission = new Retransmission(nowMs, settings.retransmitMs, settings.retransmitMaxMs);
      this.#opening = new Opening(open.nonce, seal(open).bytes, retransmission);
      this.#submitToAll(this.#opening.bytes);
    }
    alarm.at(this.#opening.retransmission.dueMs);
  }

  /** Until when the session of an OPEN is worth using. */
  #trustedUntilMs({ retransmission }: Opening): number {
    return retransmission.startedAtMs + trustedPart(this.#options.settings.sessionUnusedMs);
  }

  #submitToAll(envelope: Uint8Array): void {
    const { outbox, replicas } = this.#options;
    for (const to of replicas.connected()) outbox.send(to, { kind: 'submit', envelope });
  }

  onOpened(from: ReplicaId, opened: Opened): void {
    const { outbox, replicas, settings, finish } = this.#options;
    const opening = this.#opening;
    const id = opening?.onOpened(from, opened, replicas.weakQuorumSize) ?? null;
    if (opening === null || id === null) return;
    this.#opening = null;
    if (id === 0) {
      for (const call of this.#queue.takeAll()) finish(call, { kind: 'refused', code: 'TOO_MANY_SESSIONS' });
      return;
    }
    const renewalMs = trustedPart(settings.sessionLeaseMs);
    const held = new HeldBytes(replicas.n, settings.heldBytesMax);
    const { startedAtMs } = opening.retransmission;
    this.#current = new Session(id, startedAtMs, this.#trustedUntilMs(opening), renewalMs, held);
    this.#sessions.set(id, this.#current);
    for (const to of replicas.connected()) outbox.send(to, { kind: 'attach', session: id });
  }

  onReply(from: ReplicaId, reply: Reply, nowMs: number): void {
    const session = this.#sessions.get(reply.session);
    if (session === undefined) return;
    for (const decision of session.onReply(from, reply, this.#options.replicas)) {
      this.#onDecision(decision, nowMs);
    }
    this.#forgetIfDone(session);
  }

  #onDecision({ slot, outcome, shares }: Decision, nowMs: number): void {
    const { finish, outbox } = this.#options;
    const { call, envelope, session, number, callId } = slot;
    const request = { session: session.id, number };
    this.#keepAlives.onProgress(session, nowMs);
    if (outcome.kind === 'waiting') {
      // Whoever did not expect it to wait is kept no longer than asked for.
      if (call?.mayWait === true) call.deadlineMs = null;
      if (callId !== null) outbox.waiting(callId, request);
      return;
    }
    if (outcome.kind === 'refused' && outcome.code !== 'REPLIES_FULL') this.#lose(session);
    if (call === null) return;
    call.slot = null;
    if (outcome.kind === 'result') finish(call, { ...outcome, ...sharesPart(shares) }, request);
    else if (outcome.code === 'REPLIES_FULL') finish(call, { kind: 'refused', code: outcome.code });
    else if (
      outcome.code === 'SESSION_EXPIRED' &&
      !slot.isWaiting &&
      this.#isCertainlyUnexecuted(envelope, nowMs)
    ) {
      call.isSent = false;
      this.enqueue(call);
    } else finish(call, { kind: 'unknown' });
  }

  /** Of an envelope that was refused SESSION_EXPIRED; see the head of this file. */
  #isCertainlyUnexecuted(envelope: SentEnvelope, nowMs: number): boolean {
    return nowMs - envelope.retransmission.startedAtMs <= certainLeaseMs(this.#options.settings);
  }

  /** The session is over, or nobody answers any more: nothing that goes on in it will be heard of. */
  #lose(session: Session): void {
    this.#retire(session);
    for (const call of session.endWaits()) {
      call.slot = null;
      this.#options.finish(call, { kind: 'unknown' });
    }
    if (session.feedCount > 0) this.#options.onSessionLost(session.id);
    this.#forgetIfDone(session);
  }

  /** The replicas do not know this client. */
  onRefused(): void {
    this.#opening = null;
    for (const session of [...this.#sessions.values()]) this.#lose(session);
  }

  /** A feed of this session is followed from now on; false if the session is given up. */
  hold(id: SessionId): boolean {
    const session = this.#sessions.get(id);
    if (session === undefined || session.isDropping) return false;
    session.feedCount++;
    this.#keepAlives.onHeld(session);
    return true;
  }

  /** A feed of this session is not followed any more. */
  release(id: SessionId): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    session.feedCount--;
    this.#forgetIfDone(session);
  }

  #retire(session: Session): void {
    if (this.#current === session) this.#current = null;
    session.isRetired = true;
    this.#forgetIfDone(session);
  }

  #forgetIfDone(session: Session): void {
    if (!session.isDropping) return;
    session.dropUnawaited();
    if (session.unansweredCount === 0) this.#sessions.delete(session.id);
  }

  /** A new stream to a replica: it gets to know the sessions and whatever all replicas were sent. */
  onConnected(replica: ReplicaId): void {
    const { outbox } = this.#options;
    for (const id of this.#sessions.keys()) outbox.send(replica, { kind: 'attach', session: id });
    if (this.#opening !== null && this.#queue.size > 0) {
      outbox.send(replica, { kind: 'submit', envelope: this.#opening.bytes });
    }
    for (const session of this.#sessions.values()) {
      for (const { bytes, sentTo } of session.envelopes) {
        if (sentTo === null) outbox.send(replica, { kind: 'submit', envelope: bytes });
      }
    }
  }

  /** What only this replica was sent may be lost. */
  onDisconnected(replica: ReplicaId, nowMs: number): void {
    for (const session of this.#sessions.values()) {
      for (const { sentTo, retransmission } of session.envelopes) {
        if (sentTo !== replica) continue;
        retransmission.hurry(nowMs);
        this.#options.alarm.at(nowMs);
      }
    }
  }

  onAlarm(nowMs: number): void {
    const { alarm, replicas, settings } = this.#options;
    if (this.#opening !== null && this.#queue.size > 0) {
      if (this.#opening.retransmission.isDue(nowMs)) this.#submitToAll(this.#opening.bytes);
      alarm.at(this.#opening.retransmission.dueMs);
    }
    for (const session of [...this.#sessions.values()]) {
      for (const envelope of session.envelopes) {
        const { bytes, retransmission } = envelope;
        // Unanswered for a whole lease: it must not hold up the window. It stays while its calls wait.
        if (nowMs - retransmission.startedAtMs >= settings.sessionLeaseMs) {
          if (!session.isRetired || session.isHolding) this.#lose(session);
          if (envelope.waiting === 0) continue;
        }
        if (retransmission.isDue(nowMs)) {
          envelope.sentTo = null;
          this.#submitToAll(bytes);
        }
        alarm.at(retransmission.dueMs);
      }
      const canSend = replicas.firstRecipients().length > 0;
      if (this.#keepAlives.isDue(session, nowMs, canSend)) this.#keepAlive(session, nowMs);
    }
  }
}
