/**
 * Sessions: exactly-once execution, as replicated state. A session id is given out by an ordered OPEN and
 * never reused, a session is a lease in ordered time, and each executed request number keeps its outcome
 * until the client says that it arrived. Everything here is a function of the ordered envelopes alone.
 */
import { assert, sessionId, toHex, type ClientId, type PageTree, type SessionId } from '../base/index.js';
import {
  encodeSessionPage,
  type OpenSession,
  type Outcome,
  type Requests,
  type SessionPage,
} from '../codec/index.js';
import type { OrderingConfig } from './config.js';

export interface Session {
  readonly id: SessionId;
  readonly client: ClientId;
  readonly nonce: Uint8Array;
  isUsed: boolean;
  /** Ordered time at which it ends. */
  expiresAt: number;
  /** Outcomes below this number have arrived and are dropped. */
  lowestUnanswered: number;
  /** Invariant: holds exactly the executed numbers ≥ lowestUnanswered. */
  readonly outcomes: Map<number, Outcome>;
  outcomeBytes: number;
  /**
   * Operations that were left waiting: `waiting` until resolved, then their late outcome until the client says that it
   * arrived. Invariant: each is below lowestUnanswered or has the outcome `waiting`.
   */
  readonly waiting: Map<number, Outcome>;
  /** Bytes of results in `waiting`. */
  lateBytes: number;
}

export interface SessionTable {
  /** Invariant: used sessions stand in order of renewal, hence of expiry, behind no unused one of theirs. */
  readonly used: Map<SessionId, Session>;
  readonly unused: Map<SessionId, Session>;
  /** Sessions by client and nonce, so that a repeated OPEN gets the same session. */
  readonly byNonce: Map<string, Session>;
  readonly countByClient: Map<ClientId, number>;
  /** Bytes of results, late ones too, in all sessions of a client that hold any. */
  readonly replyBytesByClient: Map<ClientId, number>;
  readonly dirty: Set<SessionId>;
  lastSession: SessionId;
  /** Sizes of `waiting` of all sessions together. */
  waitingCount: number;
}

export const createSessionTable = (): SessionTable => ({
  used: new Map(),
  unused: new Map(),
  byNonce: new Map(),
  countByClient: new Map(),
  replyBytesByClient: new Map(),
  dirty: new Set(),
  lastSession: sessionId(0),
  waitingCount: 0,
});

const nonceKey = (client: ClientId, nonce: Uint8Array): string => `${client}:${toHex(nonce)}`;

export const findSession = (table: SessionTable, id: SessionId): Session | undefined =>
  table.used.get(id) ?? table.unused.get(id);

function accountReplies({ replyBytesByClient }: SessionTable, client: ClientId, bytes: number): void {
  const sum = (replyBytesByClient.get(client) ?? 0) + bytes;
  if (sum === 0) replyBytesByClient.delete(client);
  else replyBytesByClient.set(client, sum);
}

/** Whether the session, or its client with all of his, keeps as much of these results as it may. */
export function areRepliesFull(
  { replyBytesByClient }: SessionTable,
  client: ClientId,
  sessionBytes: number,
  { sessionReplyBytesMax, clientReplyBytesMax }: OrderingConfig,
): boolean {
  const ofClient = replyBytesByClient.get(client) ?? 0;
  return sessionBytes >= sessionReplyBytesMax || ofClient >= clientReplyBytesMax;
}

function insert(table: SessionTable, session: Session): void {
  (session.isUsed ? table.used : table.unused).set(session.id, session);
  table.byNonce.set(nonceKey(session.client, session.nonce), session);
  table.countByClient.set(session.client, (table.countByClient.get(session.client) ?? 0) + 1);
  table.waitingCount += session.waiting.size;
  accountReplies(table, session.client, session.outcomeBytes + session.lateBytes);
  table.dirty.add(session.id);
}

function remove(table: SessionTable, session: Session): void {
  table.used.delete(session.id);
  table.unused.delete(session.id);
  table.byNonce.delete(nonceKey(session.client, session.nonce));
  const count = table.countByClient.get(session.client)! - 1;
  if (count === 0) table.countByClient.delete(session.client);
  else table.countByClient.set(session.client, count);
  table.waitingCount -= session.waiting.size;
  accountReplies(table, session.client, -session.outcomeBytes - session.lateBytes);
  table.dirty.add(session.id);
}

/**
 * Ends every session whose lease is over at ordered time `time`. Returns them ascending: a table rebuilt from pages
 * holds those that end together in another order.
 */
export function purgeSessions(table: SessionTable, time: number): readonly SessionId[] {
  const ended: SessionId[] = [];
  for (const sessions of [table.unused, table.used]) {
    for (const session of sessions.values()) {
      if (session.expiresAt > time) break;
      remove(table, session);
      ended.push(session.id);
    }
  }
  return ended.sort((a, b) => a - b);
}

/** Ends every session of the client; returns them ascending. Looks at all sessions, so it has to be rare. */
export function endSessionsOf(table: SessionTable, client: ClientId): readonly SessionId[] {
  if (!table.countByClient.has(client)) return [];
  const ended = [...allSessions(table)].filter((session) => session.client === client);
  for (const session of ended) remove(table, session);
  return ended.map(({ id }) => id).sort((a, b) => a - b);
}

/**
 * Executes an OPEN; gives the session's id, or 0 if the client has too many, and which sessions made room for it. Ids
 * grow with ordered time (1,024 a millisecond), so that they stay unique even across clusters that start over
 * without a state.
 */
export function openSession(
  table: SessionTable,
  open: OpenSession,
  time: number,
  config: OrderingConfig,
): { session: SessionId; ended: readonly SessionId[] } {
  const known = table.byNonce.get(nonceKey(open.client, open.nonce));
  if (known !== undefined) return { session: known.id, ended: [] };
  const ended: SessionId[] = [];
  if ((table.countByClient.get(open.client) ?? 0) >= config.sessionsPerClientMax) {
    const oldest = oldestUnused(table, open.client);
    if (oldest === null) return { session: sessionId(0), ended };
    remove(table, oldest);
    ended.push(oldest.id);
  }
  table.lastSession = sessionId(Math.max(table.lastSession + 1, time * 1024));
  insert(table, {
    id: table.lastSession,
    client: open.client,
    nonce: open.nonce,
    isUsed: false,
    expiresAt: time + config.sessionUnusedMs,
    lowestUnanswered: 1,
    outcomes: new Map(),
    outcomeBytes: 0,
    waiting: new Map(),
    lateBytes: 0,
  });
  return { session: table.lastSession, ended };
}

/** The session that an OPEN has been given already, or null. */
export const openedSession = (table: SessionTable, open: OpenSession): SessionId | null =>
  table.byNonce.get(nonceKey(open.client, open.nonce))?.id ?? null;

function oldestUnused(table: SessionTable, client: ClientId): Session | null {
  for (const session of table.unused.values()) if (session.client === client) return session;
  return null;
}

/** The session that an ordered envelope names, rid of what its client has; null: no such session. */
export function sessionOf(table: SessionTable, requests: Requests): Session | null {
  const session = findSession(table, requests.session);
  if (session === undefined || session.client !== requests.client) return null;
  if (requests.lowestUnanswered > session.lowestUnanswered) {
    dropAnswered(table, session, requests.lowestUnanswered);
    table.dirty.add(session.id);
  }
  for (const number of requests.finished) dropFinished(table, session, number);
  return session;
}

/** An operation was executed: the lease begins anew. An envelope ordered again does not renew. */
export function renewSession(
  table: SessionTable,
  session: Session,
  time: number,
  config: OrderingConfig,
): void {
  table.unused.delete(session.id);
  table.used.delete(session.id);
  session.isUsed = true;
  session.expiresAt = time + config.sessionLeaseMs;
  table.used.set(session.id, session);
  table.dirty.add(session.id);
}

function dropAnswered(table: SessionTable, session: Session, lowestUnanswered: number): void {
  const before = session.outcomeBytes;
  session.lowestUnanswered = lowestUnanswered;
  for (const [number, outcome] of session.outcomes) {
    if (number >= lowestUnanswered) continue;
    session.outcomes.delete(number);
    session.outcomeBytes -= outcomeSize(outcome);
  }
  accountReplies(table, session.client, session.outcomeBytes - before);
}

/** A number that still waits cannot have finished, whatever the client says. */
function dropFinished(table: SessionTable, session: Session, number: number): void {
  const late = session.waiting.get(number);
  if (late === undefined || late.kind === 'waiting') return;
  session.waiting.delete(number);
  session.lateBytes -= outcomeSize(late);
  accountReplies(table, session.client, -outcomeSize(late));
  table.waitingCount -= 1;
  table.dirty.add(session.id);
}

const outcomeSize = (outcome: Outcome): number => (outcome.kind === 'result' ? outcome.result.length : 0);

export function recordOutcome(table: SessionTable, session: Session, number: number, outcome: Outcome): void {
  assert(!session.outcomes.has(number), `request ${number} executed twice`);
  session.outcomes.set(number, outcome);
  session.outcomeBytes += outcomeSize(outcome);
  accountReplies(table, session.client, outcomeSize(outcome));
  if (outcome.kind !== 'waiting') return;
  session.waiting.set(number, outcome);
  table.waitingCount += 1;
}

/** What the client is to be told of a number: the late outcome once there is one. Undefined: not executed, or answered. */
export function outcomeOf(session: Session, number: number): Outcome | undefined {
  const outcome = session.outcomes.get(number);
  return outcome?.kind === 'waiting' ? (session.waiting.get(number) ?? outcome) : outcome;
}

/** Whether a number of the session has had its only chance to be executed. */
export const isUsedUp = (session: Session, number: number): boolean =>
  number < session.lowestUnanswered || session.outcomes.has(number);

/** Gives an operation that waits its outcome: the result, or REPLIES_FULL if too many late results are kept. */
export function resolveWaiting(
  table: SessionTable,
  session: Session,
  number: number,
  result: Uint8Array,
  config: OrderingConfig,
): Outcome {
  assert(session.waiting.get(number)?.kind === 'waiting', `request ${number} resolved, but it does not wait`);
  const outcome: Outcome = areRepliesFull(table, session.client, session.lateBytes, config)
    ? { kind: 'refused', code: 'REPLIES_FULL' }
    : { kind: 'result', result };
  session.waiting.set(number, outcome);
  session.lateBytes += outcomeSize(outcome);
  accountReplies(table, session.client, outcomeSize(outcome));
  table.dirty.add(session.id);
  return outcome;
}

/** Late outcomes of which the client has not said that they arrived. */
export function* lateOutcomes(session: Session): Iterable<readonly [number: number, outcome: Outcome]> {
  for (const late of session.waiting) if (late[1].kind !== 'waiting') yield late;
}

export function* allSessions(table: SessionTable): Iterable<Session> {
  yield* table.unused.values();
  yield* table.used.values();
}

export const sessionExpired: Outcome = { kind: 'refused', code: 'SESSION_EXPIRED' };

/**
 * Whether the envelope names a session that is over, never was or is another client's, and so will be for ever: ids grow
 * and are never used again. Ordering it would change nothing.
 */
export function isVoid(table: SessionTable, { session: id, client }: Requests): boolean {
  return id <= table.lastSession && findSession(table, id)?.client !== client;
}

/** The cached reply of an envelope that was executed whole, or null. Answered numbers are left out. */
export function cachedReply(
  table: SessionTable,
  requests: Requests,
): { firstNumber: number; outcomes: Outcome[] } | null {
  const session = findSession(table, requests.session);
  if (session === undefined || session.client !== requests.client) return null;
  const end = requests.firstNumber + requests.operations.length;
  const firstNumber = Math.min(end, Math.max(requests.firstNumber, session.lowestUnanswered));
  const outcomes: Outcome[] = [];
  for (let number = firstNumber; number < end; number++) {
    const outcome = outcomeOf(session, number);
    if (outcome === undefined) return null;
    outcomes.push(outcome);
  }
  return { firstNumber, outcomes };
}

/** Writes the sessions that changed since the last call to their pages; a page a session. */
export function writeSessionPages(
  table: SessionTable,
  tree: PageTree,
  pageOf: (id: SessionId) => number,
): void {
  for (const id of table.dirty) {
    const session = findSession(table, id);
    if (session === undefined) {
      tree.remove(pageOf(id));
      continue;
    }
    const outcomes = [...session.outcomes].sort((a, b) => a[0] - b[0]);
    const waiting = [...session.waiting].sort((a, b) => a[0] - b[0]);
    tree.put(pageOf(id), encodeSessionPage({ ...session, outcomes, waiting }));
  }
  table.dirty.clear();
}

/** Rebuilds the table from certified pages. */
export function restoreSessions(pages: readonly SessionPage[], lastSession: SessionId): SessionTable {
  const table = createSessionTable();
  table.lastSession = lastSession;
  const ordered = [...pages].sort((a, b) => a.expiresAt - b.expiresAt || a.id - b.id);
  for (const page of ordered) {
    const session: Session = {
      ...page,
      outcomes: new Map(page.outcomes),
      outcomeBytes: 0,
      waiting: new Map(page.waiting),
      lateBytes: 0,
    };
    for (const outcome of session.outcomes.values()) session.outcomeBytes += outcomeSize(outcome);
    for (const outcome of session.waiting.values()) session.lateBytes += outcomeSize(outcome);
    insert(table, session);
  }
  table.dirty.clear();
  return table;
}

/** Asserts the invariants; for tests and simulation. */
export function validateSessions(table: SessionTable): void {
  let waitingCount = 0;
  const bytesLeft = new Map(table.replyBytesByClient);
  for (const session of allSessions(table)) {
    let lateBytes = 0;
    for (const [number, outcome] of session.waiting) {
      lateBytes += outcomeSize(outcome);
      const isKnown = number < session.lowestUnanswered || session.outcomes.get(number)?.kind === 'waiting';
      assert(isKnown, `request ${number} waits without having been executed`);
    }
    assert(lateBytes === session.lateBytes, 'late results are not counted');
    waitingCount += session.waiting.size;
    const bytes = session.outcomeBytes + session.lateBytes;
    bytesLeft.set(session.client, (bytesLeft.get(session.client) ?? 0) - bytes);
  }
  assert(
    [...bytesLeft.values()].every((bytes) => bytes === 0),
    'replies of clients are not counted',
  );
  assert(waitingCount === table.waitingCount, 'operations that wait are not counted');
}
