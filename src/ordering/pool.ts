/**
 * Authentic envelopes that wait to be executed. The primary proposes from it, a client at a time in turn (deficit round
 * robin, Shreedhar & Varghese, SIGCOMM'95; fairness as in Aardvark, NSDI'09, section 4.1), so that whoever sends much makes
 * only himself wait; within a client in order of arrival. A backup times who has waited longest, so that a primary that does not
 * order what clients sent is replaced. Bounded as a whole and per client; when the whole is full, the largest share
 * gives way (pool-room.ts).
 */
import { toHex, type ClientId } from '../base/index.js';
import type { Envelope, EnvelopeBody } from '../codec/index.js';
import type { OrderingConfig } from './config.js';

export interface PendingEnvelope {
  readonly key: string;
  readonly envelope: Envelope;
  readonly arrivedAtMs: number;
  readonly operationCount: number;
  /** What it takes of its client's turn, in operations. */
  readonly cost: number;
  /** Whether it is in a batch of the current view. */
  isProposed: boolean;
  /** When it was last passed on to the primary, ms. */
  forwardedAtMs: number;
}

/** What one client, or one replica that rejoins, has here. */
export interface ClientQueue {
  readonly id: string;
  /** Not in a batch of the current view, in order of arrival. */
  readonly waiting: Map<string, PendingEnvelope>;
  /** Of all that it has here, proposed or not. */
  count: number;
  bytes: number;
  /** What is left of its turns, in operations. */
  deficit: number;
  /** Since when it has had something here and none of its envelopes was executed. */
  unservedSinceMs: number;
}

export interface Pool {
  /** In order of arrival. */
  readonly all: Map<string, PendingEnvelope>;
  /** Everybody who has something here, those unserved longest first. */
  readonly queues: Map<string, ClientQueue>;
  /** Those of them in whose queue something waits; the next turn is the first one's. */
  readonly turns: Map<string, ClientQueue>;
  bytes: number;
  waitingCount: number;
  waitingOperations: number;
  waitingBytes: number;
}

/** What a turn is worth, in operations. */
const quantum = 64;
/** As many bytes cost as much as an operation: a batch is full with 512 of one or the other. */
const bytesPerOperation = 2_048;
/** One envelope may wait so many times as long as its client may wait for any. */
const ownWaitFactor = 8;

export const createPool = (): Pool => ({
  all: new Map(),
  queues: new Map(),
  turns: new Map(),
  bytes: 0,
  waitingCount: 0,
  waitingOperations: 0,
  waitingBytes: 0,
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

export const queueIdOf = (body: EnvelopeBody): string =>
  body.kind === 'rejoin' ? `rejoin:${body.replica}` : body.client;

export const poolSize = (pool: Pool): number => pool.all.size;

export const findPending = (pool: Pool, key: string): PendingEnvelope | undefined => pool.all.get(key);

function queueFor(pool: Pool, id: string, nowMs: number): ClientQueue {
  let queue = pool.queues.get(id);
  if (queue === undefined) {
    queue = { id, waiting: new Map(), count: 0, bytes: 0, deficit: 0, unservedSinceMs: nowMs };
    pool.queues.set(id, queue);
  }
  return queue;
}

function addWaiting(pool: Pool, queue: ClientQueue, pending: PendingEnvelope): void {
  pending.isProposed = false;
  queue.waiting.set(pending.key, pending);
  if (queue.waiting.size === 1) pool.turns.set(queue.id, queue);
  pool.waitingCount += 1;
  pool.waitingOperations += pending.operationCount;
  pool.waitingBytes += pending.envelope.bytes.length;
}

function removeWaiting(pool: Pool, queue: ClientQueue, pending: PendingEnvelope): void {
  if (!queue.waiting.delete(pending.key)) return;
  if (queue.waiting.size === 0) {
    pool.turns.delete(queue.id);
    queue.deficit = 0;
  }
  pool.waitingCount -= 1;
  pool.waitingOperations -= pending.operationCount;
  pool.waitingBytes -= pending.envelope.bytes.length;
}

export function addPending(pool: Pool, key: string, envelope: Envelope, nowMs: number): PendingEnvelope {
  const operationCount = envelope.body.kind === 'requests' ? envelope.body.operations.length : 1;
  const pending: PendingEnvelope = {
    key,
    envelope,
    arrivedAtMs: nowMs,
    operationCount,
    cost: Math.max(operationCount, Math.ceil(envelope.bytes.length / bytesPerOperation)),
    isProposed: false,
    forwardedAtMs: 0,
  };
  const queue = queueFor(pool, queueIdOf(envelope.body), nowMs);
  pool.all.set(key, pending);
  addWaiting(pool, queue, pending);
  queue.count += 1;
  queue.bytes += envelope.bytes.length;
  pool.bytes += envelope.bytes.length;
  return pending;
}

export function removePending(pool: Pool, key: string): PendingEnvelope | undefined {
  const pending = pool.all.get(key);
  if (pending === undefined) return undefined;
  const queue = pool.queues.get(queueIdOf(pending.envelope.body))!;
  removeWaiting(pool, queue, pending);
  pool.all.delete(key);
  queue.count -= 1;
  queue.bytes -= pending.envelope.bytes.length;
  pool.bytes -= pending.envelope.bytes.length;
  if (queue.count === 0) pool.queues.delete(queue.id);
  return pending;
}

/** An envelope of this client was executed, whether it waited here or not. */
export function noteClientServed(pool: Pool, id: string, nowMs: number): void {
  const queue = pool.queues.get(id);
  if (queue === undefined) return;
  queue.unservedSinceMs = nowMs;
  pool.queues.delete(queue.id);
  pool.queues.set(queue.id, queue);
}

/** The client is none any more: its envelopes would change nothing, and a primary need not order them. */
export function removePendingOf(pool: Pool, client: ClientId): void {
  if (!pool.queues.has(client)) return;
  for (const { key, envelope } of [...pool.all.values()])
    if (queueIdOf(envelope.body) === client) removePending(pool, key);
}

export function markProposed(pool: Pool, key: string): void {
  const pending = pool.all.get(key);
  if (pending === undefined || pending.isProposed) return;
  removeWaiting(pool, pool.queues.get(queueIdOf(pending.envelope.body))!, pending);
  pending.isProposed = true;
}

/**
 * In a new view nothing is proposed any more; each client's order of arrival is restored, and turns begin with the oldest.
 * What was proposed in vain under MACs is let go of: they may be right here alone (Aardvark, NSDI'09, section 3), and it would
 * be proposed in vain, and waited for, again and again. An honest client sends its envelopes to everybody until it is answered.
 */
export function resetProposed(pool: Pool): void {
  for (const { key, isProposed, envelope } of [...pool.all.values()])
    if (isProposed && envelope.macs !== null) removePending(pool, key);
  for (const queue of pool.queues.values()) {
    queue.waiting.clear();
    queue.deficit = 0;
  }
  pool.turns.clear();
  pool.waitingCount = 0;
  pool.waitingOperations = 0;
  pool.waitingBytes = 0;
  for (const pending of pool.all.values())
    addWaiting(pool, pool.queues.get(queueIdOf(pending.envelope.body))!, pending);
}

/** Whose turn it is goes to the end of the line. */
export function endTurn(pool: Pool, queue: ClientQueue): void {
  if (!pool.turns.delete(queue.id)) return;
  pool.turns.set(queue.id, queue);
}

const firstOf = <T>(map: Map<string, T>): T | undefined => {
  for (const value of map.values()) return value;
  return undefined;
};

/** Takes what fits into the next batch, a client in turn: up to the operations limit, or once past the bytes. */
export function takeForBatch(pool: Pool, config: OrderingConfig): Envelope[] {
  const taken: Envelope[] = [];
  let operations = 0;
  let bytes = 0;
  for (let queue = firstOf(pool.turns); queue !== undefined; queue = firstOf(pool.turns)) {
    if (operations >= config.batchOperationsMax || bytes > config.batchBytesMax) return taken;
    queue.deficit += quantum;
    for (const pending of queue.waiting.values()) {
      if (pending.cost > queue.deficit) break;
      const isOver = operations + pending.operationCount > config.batchOperationsMax;
      if (taken.length > 0 && (isOver || bytes > config.batchBytesMax)) {
        // It goes on with this turn when the next batch is filled: what is large must not wait for ever.
        queue.deficit -= quantum;
        return taken;
      }
      queue.deficit -= pending.cost;
      operations += pending.operationCount;
      bytes += pending.envelope.bytes.length;
      taken.push(pending.envelope);
      removeWaiting(pool, queue, pending);
      pending.isProposed = true;
    }
    endTurn(pool, queue);
  }
  return taken;
}

export const oldestPending = (pool: Pool): PendingEnvelope | undefined => firstOf(pool.all);

/**
 * Since when the primary has owed an execution to whoever has waited longest for any: whoever sends more than his share
 * waits for his own requests, and nobody is to blame for that, to a degree. Infinity: nobody waits.
 */
export function owedSince(pool: Pool, requestTimeoutMs: number): number {
  const unserved = firstOf(pool.queues)?.unservedSinceMs ?? Infinity;
  const oldest = oldestPending(pool)?.arrivedAtMs ?? Infinity;
  return Math.min(unserved, oldest + (ownWaitFactor - 1) * requestTimeoutMs);
}
