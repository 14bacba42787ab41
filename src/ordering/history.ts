/**
 * What a replica executed below its low watermark, kept for peers that were cut off (DESIGN section 2,
 * checkpoints): the digests of the batches, their bodies up to a byte budget, and the certificates of the stable
 * checkpoints. With f+1 equal words on a digest a peer executes the batch, so a short absence costs no state
 * transfer, and one that takes longer than a checkpoint interval still ends.
 */
import { sequenceNumber, type Digest, type SequenceNumber } from '../base/index.js';
import type { CheckpointCertificate } from '../codec/index.js';
import type { Log } from './log.js';

interface PastBatch {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

export interface History {
  readonly bytesMax: number;
  readonly batchesMax: number;
  /** Invariant: contiguous and ascending, up to the low watermark. */
  readonly batches: Map<SequenceNumber, PastBatch>;
  readonly byDigest: Map<Digest, PastBatch>;
  /** Of the stable checkpoints since the first of `batches`, ascending. */
  readonly certificates: Map<SequenceNumber, CheckpointCertificate>;
  bytes: number;
  /** The last batch that was taken over, kept or not. */
  upTo: SequenceNumber;
}

export const createHistory = (bytesMax: number, batchesMax: number): History => ({
  bytesMax,
  batchesMax,
  batches: new Map(),
  byDigest: new Map(),
  certificates: new Map(),
  bytes: 0,
  upTo: sequenceNumber(0),
});

/** Takes over what a cut at `certificate` is about to drop from the log; after a state transfer nothing of it is there. */
export function keepHistory(history: History, log: Log, certificate: CheckpointCertificate): void {
  const from = Math.max(log.stable.sequenceNumber, history.upTo) + 1;
  for (let number = from; number <= certificate.sequenceNumber; number++) {
    const at = sequenceNumber(number);
    const digest = log.slots.get(at)?.committed?.digest;
    const bytes = digest === log.nullBody.digest ? log.nullBody.bytes : log.bodies.get(digest!)?.body.bytes;
    if (digest === undefined || bytes === undefined) {
      clear(history);
      continue;
    }
    add(history, at, { digest, bytes });
  }
  history.certificates.set(certificate.sequenceNumber, certificate);
  trim(history);
}

/** The next batch, executed in an earlier life. */
export function recallBatch(history: History, at: SequenceNumber, batch: PastBatch): void {
  add(history, at, batch);
  trim(history);
}

function add(history: History, at: SequenceNumber, { digest, bytes }: PastBatch): void {
  const past = { digest, bytes };
  history.batches.set(at, past);
  history.byDigest.set(digest, past);
  history.bytes += bytes.length;
  history.upTo = at;
}

function clear(history: History): void {
  history.batches.clear();
  history.byDigest.clear();
  history.certificates.clear();
  history.bytes = 0;
}

function trim(history: History): void {
  for (const [number, past] of history.batches) {
    if (history.bytes <= history.bytesMax && history.batches.size <= history.batchesMax) return;
    history.batches.delete(number);
    if (history.byDigest.get(past.digest) === past) history.byDigest.delete(past.digest);
    history.bytes -= past.bytes.length;
    history.certificates.delete(number);
  }
}

/** The batches after `executed`, at most `count` of them; none if they do not reach back that far. */
export function* historyAfter(
  history: History,
  executed: SequenceNumber,
  count: number,
): Iterable<readonly [SequenceNumber, Digest]> {
  for (let number = executed + 1; number <= executed + count; number++) {
    const at = sequenceNumber(number);
    const past = history.batches.get(at);
    if (past === undefined) return;
    yield [at, past.digest];
  }
}

/** The certificate of the first stable checkpoint above `stable`, if it is still kept. */
export function certificateAfter(history: History, stable: SequenceNumber): CheckpointCertificate | null {
  for (const [number, certificate] of history.certificates) if (number > stable) return certificate;
  return null;
}
