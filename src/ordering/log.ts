/**
 * The message log between the watermarks and the bodies of the batches in it. Watermark order, checked
 * by `validateLog`: lowWatermark ≤ lastExecuted, lowWatermark < every slot ≤ highWatermark =
 * lowWatermark + watermarkWindow (OSDI'99 section 4.3).
 */
import { assert, sequenceNumber, type Digest, type SequenceNumber } from '../base/index.js';
import {
  decodeBatch,
  decodeEnvelope,
  nullBatch,
  type CheckpointCertificate,
  type Envelope,
} from '../codec/index.js';
import { createSlot, type Body, type Slot } from './slot.js';

interface HeldBody {
  readonly body: Body;
  /** Highest slot that refers to it; the body goes when the low watermark passes. */
  until: SequenceNumber;
}

export interface Log {
  readonly window: number;
  readonly nullBody: Body;
  /** Proof of the low watermark. Invariant: its sequence number is the low watermark. */
  stable: CheckpointCertificate;
  readonly slots: Map<SequenceNumber, Slot>;
  readonly bodies: Map<Digest, HeldBody>;
  lastExecuted: SequenceNumber;
  /** Highest number prepared in any view: what fast reads have to wait for (SRDS'21). Never shrinks. */
  highestPrepared: SequenceNumber;
}

export function createLog(window: number, nullDigest: Digest, genesis: CheckpointCertificate): Log {
  return {
    window,
    nullBody: { digest: nullDigest, bytes: nullBatch, time: null, envelopes: [], checks: null },
    stable: genesis,
    slots: new Map(),
    bodies: new Map(),
    lastExecuted: genesis.sequenceNumber,
    highestPrepared: genesis.sequenceNumber,
  };
}

export const lowWatermark = (log: Log): SequenceNumber => log.stable.sequenceNumber;
export const highWatermark = (log: Log): SequenceNumber => sequenceNumber(lowWatermark(log) + log.window);
export const isInWatermarks = (log: Log, number: SequenceNumber): boolean =>
  number > lowWatermark(log) && number <= highWatermark(log);

/** The slot of a number between the watermarks, made on first use. */
export function slotAt(log: Log, number: SequenceNumber): Slot {
  assert(isInWatermarks(log, number), `slot ${number} is outside the watermarks`);
  let slot = log.slots.get(number);
  if (slot === undefined) log.slots.set(number, (slot = createSlot(number)));
  return slot;
}

export function bodyOf(log: Log, digest: Digest): Body | undefined {
  return digest === log.nullBody.digest ? log.nullBody : log.bodies.get(digest)?.body;
}

/** Keeps a body for as long as the slot is in the log. */
export function holdBody(log: Log, body: Body, slot: SequenceNumber): void {
  if (body.digest === log.nullBody.digest) return;
  const held = log.bodies.get(body.digest);
  if (held === undefined) log.bodies.set(body.digest, { body, until: slot });
  else if (slot > held.until) held.until = slot;
}

/** Decodes a batch and every envelope in it; null if any of it is malformed. */
export function makeBody(digest: Digest, bytes: Uint8Array): Body | null {
  const batch = decodeBatch(bytes);
  if (batch === null) return null;
  const envelopes: Envelope[] = [];
  for (const encoded of batch.envelopes) {
    const envelope = decodeEnvelope(encoded);
    if (envelope === null) return null;
    envelopes.push(envelope);
  }
  return { digest, bytes, time: batch.time, envelopes, checks: null };
}

/** Cuts everything at and below a stable checkpoint; the caller has executed that far. */
export function truncate(log: Log, certificate: CheckpointCertificate): void {
  const low = certificate.sequenceNumber;
  assert(low >= lowWatermark(log) && low <= log.lastExecuted, `cut at ${low} beyond execution`);
  log.stable = certificate;
  for (const number of log.slots.keys()) if (number <= low) log.slots.delete(number);
  for (const [digest, held] of log.bodies) if (held.until <= low) log.bodies.delete(digest);
}

/** Asserts the invariants of this file. */
export function validateLog(log: Log): void {
  assert(lowWatermark(log) <= log.lastExecuted, 'executed below the low watermark');
  for (const [number, slot] of log.slots) {
    assert(
      isInWatermarks(log, number) && slot.sequenceNumber === number,
      `slot ${number} outside the watermarks`,
    );
    const accepted = slot.accepted;
    assert(
      accepted === null || !accepted.isVoted || bodyOf(log, accepted.digest) !== undefined,
      `voted at ${number} without the body`,
    );
    assert(slot.prepared === null || log.highestPrepared >= number, `prepared ${number} not noted`);
  }
}
