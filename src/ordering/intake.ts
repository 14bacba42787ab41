/**
 * Envelopes on their way into the pool: what was executed is answered from the session's cache, what is new
 * and authentic waits for its batch and, at a backup, is passed on to the primary (OSDI'99 section 4.1).
 */
import type { ReplicaId } from '../base/index.js';
import { decodeEnvelope, type Envelope, type Forward } from '../codec/index.js';
import { charge, isAllowed } from './allowance.js';
import { broadcast, isClient, isPrimary, primaryOf, reject, send, type Core } from './core.js';
import {
  addPending,
  endTurn,
  envelopeKey,
  findPending,
  removePending,
  type PendingEnvelope,
} from './pool.js';
import { hasRoom, makeRoom } from './pool-room.js';
import { cachedReply, isVoid, openedSession, sessionExpired } from './sessions.js';

export const forwardAgainMs = 250;
const forwardsPerTickMax = 64;
/** Of one client, and clients looked at. */
const forwardsPerClientMax = 8;
const clientsPerTickMax = 256;

/**
 * From a client, or passed on by replica `forwarder`. What costs least is looked at first, the signature last, and only
 * an authentic envelope takes room (Aardvark, NSDI'09, section 4.2). A client's stream is authenticated, and a correct
 * replica passes on nothing that it has not verified: whose envelopes are forged is faulty, and not listened to for long.
 */
export function onEnvelope(core: Core, envelope: Envelope, forwarder: ReplicaId | null): void {
  const { body } = envelope;
  // It may be registered further on, where this replica has not got to: no evidence; it is sent again.
  if (body.kind !== 'rejoin' && !isClient(core, body.client)) return;
  if (answerExecuted(core, envelope)) return;
  const key = envelopeKey(envelope);
  if (findPending(core.pool, key) !== undefined) return;
  if (envelope.bytes.length > core.config.envelopeBytesMax || !hasRoom(core.pool, envelope, core.config))
    return;
  const source = forwarder ?? (body.kind === 'rejoin' ? body.replica : body.client);
  if (!isAllowed(core.forgeries, source, core.nowMs)) return;
  if (!core.authenticator.isAuthentic(envelope)) {
    // TOCS'02, section 3.2, and Aardvark, NSDI'09, section 3: a MAC that is wrong here may be right where it was passed on.
    if (forwarder !== null && !core.authenticator.isVerdictCommon(envelope)) return;
    charge(core.forgeries, source, 1, core.nowMs);
    reject(core, source, 'ENVELOPE_NOT_AUTHENTIC');
    return;
  }
  if (!makeRoom(core.pool, envelope, core.config)) return;
  const pending = addPending(core.pool, key, envelope, core.nowMs);
  if (forwarder === null) forward(core, pending);
}

export function onForward(core: Core, from: ReplicaId, message: Forward): void {
  const envelope = decodeEnvelope(message.envelope);
  if (envelope === null) reject(core, from, 'MALFORMED_ENVELOPE');
  else onEnvelope(core, envelope, from);
}

/** Repeats the outcome of an executed envelope; true if there is nothing left to order. */
function answerExecuted(core: Core, envelope: Envelope): boolean {
  const { body } = envelope;
  if (core.diverged !== null) return false;
  if (body.kind === 'rejoin') return isExecuted(core, envelope);
  if (body.kind === 'open') {
    const session = openedSession(core.sessions, body);
    if (session === null) return false;
    core.outputs.push({ kind: 'opened', client: body.client, nonce: body.nonce, session });
    return true;
  }
  if (isVoid(core.sessions, body)) {
    // What the order would say. Whoever keeps old envelopes must not have the cluster order them again and again.
    const { client, session, firstNumber, operations } = body;
    const outcomes = operations.map(() => sessionExpired);
    core.outputs.push({ kind: 'reply', client, session, firstNumber, outcomes });
    return true;
  }
  const cached = cachedReply(core.sessions, body);
  if (cached === null) return false;
  if (cached.outcomes.length > 0) {
    core.outputs.push({ kind: 'reply', client: body.client, session: body.session, ...cached });
  }
  return true;
}

function forward(core: Core, pending: PendingEnvelope): void {
  pending.forwardedAtMs = core.nowMs;
  const message = { kind: 'forward', envelope: pending.envelope.bytes } as const;
  // One that left a view alone cannot tell who leads the others.
  if (!core.isActive) broadcast(core, message);
  else if (!isPrimary(core)) send(core, primaryOf(core, core.view), message);
}

/** Whether ordering the envelope would change nothing any more. */
export function isExecuted(core: Core, { body }: Envelope): boolean {
  if (body.kind === 'rejoin') return (core.incarnations.get(body.replica)?.startedAt ?? -1) >= body.startedAt;
  if (!isClient(core, body.client)) return true;
  if (body.kind === 'open') return openedSession(core.sessions, body) !== null;
  return isVoid(core.sessions, body) || cachedReply(core.sessions, body) !== null;
}

/**
 * Passes on again what the primary may not have got, the oldest of each client in turn. What another envelope has
 * executed meanwhile, or told to be answered, the primary would refuse for ever: it must not count against the primary.
 */
export function tickForward(core: Core): void {
  const { pool } = core;
  let forwards = forwardsPerTickMax;
  let clients = Math.min(pool.turns.size, clientsPerTickMax);
  for (const queue of pool.turns.values()) {
    if (clients-- === 0 || forwards <= 0) return;
    let envelopes = forwardsPerClientMax;
    for (const pending of queue.waiting.values()) {
      if (envelopes-- === 0) break;
      if (core.nowMs - pending.forwardedAtMs < forwardAgainMs) continue;
      if (isExecuted(core, pending.envelope)) {
        removePending(pool, pending.key);
      } else {
        forward(core, pending);
        forwards -= 1;
      }
    }
    endTurn(pool, queue);
  }
}
