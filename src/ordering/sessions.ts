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
}

export interface SessionTable {
  /** Invariant: used sessions stand in order of renewal, hence of expiry, behind no unused one of theirs. */
  readonly used: Map<SessionId, Session>;
  readonly unused: Map<SessionId, Session>;
  /** Sessions by client and nonce, so that a repeated OPEN gets the same session. */
  readonly byNonce: Map<string, Session>;
  readonly countByClient: Map<ClientId, number>;
  readonly dirty: Set<SessionId>;
  lastSession: SessionId;
}

export const createSessionTable = (): SessionTable => ({
  used: new Map(),
  unused: new Map(),
  byNonce: new Map(),
  countByClient: new Map(),
  dirty: new Set(),
  lastSession: sessionId(0),
});

const nonceKey = (client: ClientId, nonce: Uint8Array): string => `${client}:${toHex(nonce)}`;

export const findSession = (table: SessionTable, id: SessionId): Session | undefined =>
  table.used.get(id) ?? table.unused.get(id);

function insert(table: SessionTable, session: Session): void {
  (session.isUsed ? table.used : table.unused).set(session.id, session);
  table.byNonce.set(nonceKey(session.client, session.nonce), session);
  table.countByClient.set(session.client, (table.countByClient.get(session.client) ?? 0) + 1);
  table.dirty.add(session.id);
}

function remove(table: SessionTable, session: Session): void {
  table.used.delete(session.id);
  table.unused.delete(session.id);
  table.byNonce.delete(nonceKey(session.client, session.nonce));
  const count = table.countByClient.get(session.client)! - 1;
  if (count === 0) table.countByClient.delete(session.client);
  else table.countByClient.set(session.client, count);
  table.dirty.add(session.id);
}

/** Ends every session whose lease is over at ordered time `time`. */
export function purgeSessions(table: SessionTable, time: number): void {
  for (const sessions of [table.unused, table.used]) {
    for (const session of sessions.values()) {
      if (session.expiresAt > time) break;
      remove(table, session);
    }
  }
}

/**
 * Executes an OPEN; returns the session's id, or 0 if the client has too many. Ids grow with ordered time
 * (1,024 a millisecond), so that they stay unique even across clusters that start over without a state.
 */
export function openSession(
  table: SessionTable,
  open: OpenSession,
  time: number,
  config: OrderingConfig,
): SessionId {
  const known = table.byNonce.get(nonceKey(open.client, open.nonce));
  if (known !== undefined) return known.id;
  if ((table.countByClient.get(open.client) ?? 0) >= config.sessionsPerClientMax) {
    const oldest = oldestUnused(table, open.client);
    if (oldest === null) return sessionId(0);
    remove(table, oldest);
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
  });
  return table.lastSession;
}

/** The session that an OPEN has been given already, or null. */
export const openedSession = (table: SessionTable, open: OpenSession): SessionId | null =>
  table.byNonce.get(nonceKey(open.client, open.nonce))?.id ?? null;

function oldestUnused(table: SessionTable, client: ClientId): Session | null {
  for (const session of table.unused.values()) if (session.client === client) return session;
  return null;
}

/** The session that an ordered envelope names, without what its client has; null: no such session. */
export function sessionOf(table: SessionTable, requests: Requests): Session | null {
  const session = findSession(table, requests.session);
  if (session === undefined || session.client !== requests.client) return null;
  if (requests.lowestUnanswered > session.lowestUnanswered) {
    dropAnswered(session, requests.lowestUnanswered);
    table.dirty.add(session.id);
  }
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

function dropAnswered(session: Session, lowestUnanswered: number): void {
  session.lowestUnanswered = lowestUnanswered;
  for (const [number, outcome] of session.outcomes) {
    if (number >= lowestUnanswered) continue;
    session.outcomes.delete(number);
    session.outcomeBytes -= outcomeSize(outcome);
  }
}

const outcomeSize = (outcome: Outcome): number => (outcome.kind === 'result' ? outcome.result.length : 0);

export function recordOutcome(session: Session, number: number, outcome: Outcome): void {
  assert(!session.outcomes.has(number), `request ${number} executed twice`);
  session.outcomes.set(number, outcome);
  session.outcomeBytes += outcomeSize(outcome);
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
    const outcome = session.outcomes.get(number);
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
    tree.put(pageOf(id), encodeSessionPage({ ...session, outcomes }));
  }
  table.dirty.clear();
}

/** Rebuilds the table from certified pages. */
export function restoreSessions(pages: readonly SessionPage[], lastSession: SessionId): SessionTable {
  const table = createSessionTable();
  table.lastSession = lastSession;
  const ordered = [...pages].sort((a, b) => a.expiresAt - b.expiresAt || a.id - b.id);
  for (const page of ordered) {
    const session: Session = { ...page, outcomes: new Map(page.outcomes), outcomeBytes: 0 };
    for (const outcome of session.outcomes.values()) session.outcomeBytes += outcomeSize(outcome);
    insert(table, session);
  }
  table.dirty.clear();
  return table;
}
