/**
 * Authentic envelopes that wait to be executed, oldest first. The primary proposes from it; a backup
 * times its oldest member, so that a primary that does not order what clients sent is replaced. Bounded
 * as a whole and per client.
 */
import { toHex, type ClientId } from '../base/index.js';
import type { Envelope } from '../codec/index.js';
import type { OrderingConfig } from './config.js';

export interface PendingEnvelope {
  readonly key: string;
  readonly envelope: Envelope;
  readonly arrivedAtMs: number;
  readonly arrival: number;
  readonly operationCount: number;
  /** When it was last passed on to the primary, ms. */
  forwardedAtMs: number;
}

/** How much of one client waits. */
interface Share {
  count: number;
  bytes: number;
}

export interface Pool {
  /** Not in a batch of the current view, in order of arrival. */
  waiting: Map<string, PendingEnvelope>;
  /** In a batch of the current view, in order of proposal. */
  readonly proposed: Map<string, PendingEnvelope>;
  readonly shares: Map<ClientId, Share>;
  bytes: number;
  waitingOperations: number;
  waitingBytes: number;
  arrivals: number;
}

export const createPool = (): Pool => ({
  waiting: new Map(),
  proposed: new Map(),
  shares: new Map(),
  bytes: 0,
  waitingOperations: 0,
  waitingBytes: 0,
  arrivals: 0,
});

/**
 * Identity of an envelope: correct clients never give two different ones the same. A replica has one REJOIN
 * at a time, so that it cannot fill the pool.
 */
export function envelopeKey(envelope: Envelope): string {
  const body = envelope.body;
  switch (body.kind) {
    case 'requests':
      return `${body.client}:${body.session}:${body.firstNumber}`;
    case 'open':
      return `${body.client}:${toHex(body.nonce)}`;
    case 'rejoin':
      return `rejoin:${body.replica}`;
  }
}

const clientOf = (envelope: Envelope): ClientId | null =>
  envelope.body.kind === 'rejoin' ? null : envelope.body.client;

export const poolSize = (pool: Pool): number => pool.waiting.size + pool.proposed.size;

export const findPending = (pool: Pool, key: string): PendingEnvelope | undefined =>
  pool.waiting.get(key) ?? pool.proposed.get(key);

export function hasRoom(pool: Pool, envelope: Envelope, config: OrderingConfig): boolean {
  if (poolSize(pool) >= config.pendingEnvelopesMax || pool.bytes >= config.pendingBytesMax) return false;
  const client = clientOf(envelope);
  const share = client === null ? undefined : pool.shares.get(client);
  return (
    share === undefined ||
    (share.count < config.pendingEnvelopesPerClientMax && share.bytes < config.pendingBytesPerClientMax)
  );
}

/** Counts an envelope in (1) or out (−1). */
function account(pool: Pool, envelope: Envelope, sign: 1 | -1): void {
  const bytes = sign * envelope.bytes.length;
  pool.bytes += bytes;
  const client = clientOf(envelope);
  if (client === null) return;
  const share = pool.shares.get(client) ?? { count: 0, bytes: 0 };
  share.count += sign;
  share.bytes += bytes;
  if (share.count === 0) pool.shares.delete(client);
  else pool.shares.set(client, share);
}

function addWaiting(pool: Pool, pending: PendingEnvelope): void {
  pool.waiting.set(pending.key, pending);
  pool.waitingOperations += pending.operationCount;
  pool.waitingBytes += pending.envelope.bytes.length;
}

function removeWaiting(pool: Pool, pending: PendingEnvelope): void {
  if (!pool.waiting.delete(pending.key)) return;
  pool.waitingOperations -= pending.operationCount;
  pool.waitingBytes -= pending.envelope.bytes.length;
}

export function addPending(pool: Pool, key: string, envelope: Envelope, nowMs: number): PendingEnvelope {
  const pending: PendingEnvelope = {
    key,
    envelope,
    arrivedAtMs: nowMs,
    arrival: pool.arrivals++,
    operationCount: envelope.body.kind === 'requests' ? envelope.body.operations.length : 1,
    forwardedAtMs: 0,
  };
  addWaiting(pool, pending);
  account(pool, envelope, 1);
  return pending;
}

export function removePending(pool: Pool, key: string): PendingEnvelope | undefined {
  const pending = findPending(pool, key);
  if (pending === undefined) return undefined;
  removeWaiting(pool, pending);
  pool.proposed.delete(key);
  account(pool, pending.envelope, -1);
  return pending;
}

/** The client is none any more: its envelopes would change nothing, and a primary need not order them. */
export function removePendingOf(pool: Pool, client: ClientId): void {
  if (!pool.shares.has(client)) return;
  for (const { key, envelope } of [...pool.waiting.values(), ...pool.proposed.values()]) {
    if (clientOf(envelope) === client) removePending(pool, key);
  }
}

export function markProposed(pool: Pool, key: string): void {
  const pending = pool.waiting.get(key);
  if (pending === undefined) return;
  removeWaiting(pool, pending);
  pool.proposed.set(key, pending);
}

/** In a new view nothing is proposed any more; order of arrival is restored. */
export function resetProposed(pool: Pool): void {
  const all = [...pool.waiting.values(), ...pool.proposed.values()].sort((a, b) => a.arrival - b.arrival);
  pool.proposed.clear();
  pool.waiting = new Map();
  pool.waitingOperations = 0;
  pool.waitingBytes = 0;
  for (const pending of all) addWaiting(pool, pending);
}

/** Takes what fits into the next batch, oldest first: up to the operations limit, or once past the bytes. */
export function takeForBatch(pool: Pool, config: OrderingConfig): Envelope[] {
  const taken: PendingEnvelope[] = [];
  let operations = 0;
  let bytes = 0;
  for (const pending of pool.waiting.values()) {
    const isOver = operations + pending.operationCount > config.batchOperationsMax;
    if (taken.length > 0 && (isOver || bytes > config.batchBytesMax)) break;
    taken.push(pending);
    operations += pending.operationCount;
    bytes += pending.envelope.bytes.length;
  }
  for (const pending of taken) markProposed(pool, pending.key);
  return taken.map((pending) => pending.envelope);
}

/** The envelope that has waited longest for its execution. */
export function oldestPending(pool: Pool): PendingEnvelope | undefined {
  const waiting = first(pool.waiting);
  const proposed = first(pool.proposed);
  if (waiting === undefined || proposed === undefined) return waiting ?? proposed;
  return waiting.arrival < proposed.arrival ? waiting : proposed;
}

function first(map: Map<string, PendingEnvelope>): PendingEnvelope | undefined {
  for (const pending of map.values()) return pending;
  return undefined;
}
