/**
 * Fetching of batch bodies by digest (TOCS'02 section 4.6.2): needed for a digest that a NEW-VIEW chose
 * or a quorum committed while its PRE-PREPARE was missed. The digest verifies the body, so any peer will do.
 */
import { replicaId, type Digest, type ReplicaId } from '../base/index.js';
import type { BatchBody, FetchBatch } from '../codec/index.js';
import { charge, isAllowed } from './allowance.js';
import { reject, send, type Core } from './core.js';
import { bodyOf, holdBody, makeBody } from './log.js';

const retryMs = 50;

export function wantBody(core: Core, digest: Digest): void {
  if (core.wanted.has(digest)) return;
  core.wanted.set(digest, { lastAskedMs: core.nowMs, attempts: 1 });
  ask(core, digest, 0);
}

function ask(core: Core, digest: Digest, attempt: number): void {
  const { id, n } = core.config;
  send(core, replicaId((id + 1 + (attempt % (n - 1))) % n), { kind: 'fetchBatch', digest });
}

/** Asks the next peer for every body that has not come. */
export function retryWanted(core: Core): void {
  for (const [digest, wanted] of core.wanted) {
    if (core.nowMs - wanted.lastAskedMs < retryMs) continue;
    wanted.lastAskedMs = core.nowMs;
    ask(core, digest, wanted.attempts++);
  }
}

/** Asks no more for bodies that no slot refers to; a NEW-VIEW in the making asks again for what it needs. */
export function dropUnwanted(core: Core): void {
  if (core.wanted.size === 0) return;
  const needed = new Set<Digest>();
  for (const slot of core.log.slots.values()) {
    if (slot.accepted !== null) needed.add(slot.accepted.digest);
    if (slot.committed !== null) needed.add(slot.committed.digest);
  }
  for (const digest of core.wanted.keys()) if (!needed.has(digest)) core.wanted.delete(digest);
}

export function onFetchBatch(core: Core, from: ReplicaId, message: FetchBatch): void {
  // Whoever asks for everything over and over must not take the line from the others.
  if (!isAllowed(core.bodiesGiven, from, core.nowMs)) return;
  const body = bodyOf(core.log, message.digest) ?? core.history.byDigest.get(message.digest);
  if (body === undefined) return;
  charge(core.bodiesGiven, from, body.bytes.length + 1_024, core.nowMs);
  send(core, from, { kind: 'batchBody', batch: body.bytes });
}

export function onBatchBody(core: Core, from: ReplicaId, message: BatchBody): void {
  const digest = core.authenticator.hash(message.batch);
  if (!core.wanted.has(digest)) return;
  const body = makeBody(digest, message.batch);
  if (body === null) {
    reject(core, from, 'MALFORMED_BATCH');
    return;
  }
  core.wanted.delete(digest);
  for (const slot of core.log.slots.values()) {
    if (slot.accepted?.digest !== digest && slot.committed?.digest !== digest) continue;
    holdBody(core.log, body, slot.sequenceNumber);
    core.touched.add(slot.sequenceNumber);
  }
  if (bodyOf(core.log, digest) === undefined) core.candidateBodies.set(digest, body);
}
