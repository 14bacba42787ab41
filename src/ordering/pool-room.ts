/**
 * Room in the pool. Nobody can take it from others: when the whole is full, the newest waiting envelope of a client that
 * has more than the newcomer gives way to him, so a client's first envelope finds room unless that many
 * clients wait. What is given up the client sends again.
 */
import type { Envelope } from '../codec/index.js';
import type { OrderingConfig } from './config.js';
import { poolSize, queueIdOf, removePending, type ClientQueue, type Pool } from './pool.js';

/** Among so many the largest share is looked for. */
const lookedAtMax = 512;

const isFull = (pool: Pool, config: OrderingConfig): boolean =>
  poolSize(pool) >= config.pendingEnvelopesMax || pool.bytes >= config.pendingBytesMax;

/** Whether the envelope would find room. Cheap, and changes nothing. */
export function hasRoom(pool: Pool, envelope: Envelope, config: OrderingConfig): boolean {
  // Of each replica there is one at most.
  if (envelope.body.kind === 'rejoin') return true;
  const own = pool.queues.get(queueIdOf(envelope.body));
  if (
    own !== undefined &&
    (own.count >= config.pendingEnvelopesPerClientMax || own.bytes >= config.pendingBytesPerClientMax)
  )
    return false;
  return !isFull(pool, config) || findLargest(pool, envelope, config) !== null;
}

/** False: there is none after all. */
export function makeRoom(pool: Pool, envelope: Envelope, config: OrderingConfig): boolean {
  if (envelope.body.kind === 'rejoin') return true;
  while (isFull(pool, config)) {
    const largest = findLargest(pool, envelope, config);
    if (largest === null) return false;
    removePending(pool, [...largest.waiting.keys()].at(-1)!);
  }
  return true;
}

/** Whoever has more than the newcomer would have, in what there is too little of. */
function findLargest(pool: Pool, envelope: Envelope, config: OrderingConfig): ClientQueue | null {
  const own = pool.queues.get(queueIdOf(envelope.body));
  const isCrowded = poolSize(pool) >= config.pendingEnvelopesMax;
  let share = isCrowded ? (own?.count ?? 0) + 1 : (own?.bytes ?? 0) + envelope.bytes.length;
  let largest: ClientQueue | null = null;
  let lookedAt = 0;
  for (const queue of pool.turns.values()) {
    if (++lookedAt > lookedAtMax) break;
    const size = isCrowded ? queue.count : queue.bytes;
    if (size <= share || queue === own) continue;
    share = size;
    largest = queue;
  }
  return largest;
}
