/**
 * Fast reads (SRDS'21; DESIGN section 8). On arrival a replica notes the highest number it has prepared in
 * any view and answers once it has executed that far; a quorum of equal answers decides at the client.
 * Linearizable, because a completed write was prepared at f+1 correct replicas before it completed, and
 * any quorum contains one of them. An observer may have forgotten what it prepared and answers none: it
 * leaves the read to be ordered.
 */
import type { ClientId } from '../base/index.js';
import { isClient, type Core, type PendingRead } from './core.js';

export function onRead(core: Core, client: ClientId, readId: number, operation: Uint8Array): void {
  const own = core.readsOf.get(client) ?? 0;
  const { pendingReadsMax, pendingReadsPerClientMax } = core.config;
  const isFull = core.reads.length >= pendingReadsMax || own >= pendingReadsPerClientMax;
  if (core.observing !== null || core.diverged !== null || isFull) {
    core.outputs.push({ kind: 'readReply', client, readId, result: null });
    return;
  }
  core.readsOf.set(client, own + 1);
  core.reads.push({ client, readId, operation, waitFor: core.log.highestPrepared });
}

/** Answers every read that has waited long enough; waitFor never decreases along the queue. */
export function releaseReads(core: Core): void {
  let released = 0;
  while (released < core.reads.length && core.reads[released]!.waitFor <= core.log.lastExecuted) {
    answer(core, core.reads[released]!);
    released += 1;
  }
  if (released > 0) core.reads.splice(0, released);
}

function answer(core: Core, read: PendingRead): void {
  const { client, readId, operation } = read;
  const left = core.readsOf.get(client)! - 1;
  if (left === 0) core.readsOf.delete(client);
  else core.readsOf.set(client, left);
  const result = isClient(core, client) ? core.stateMachine.query(client, operation, core.nowMs) : null;
  core.outputs.push({ kind: 'readReply', client, readId, result });
}
