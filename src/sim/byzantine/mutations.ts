/**
 * Small changes of one message that keep its structure (ByzzFuzz, OOPSLA'23, section 4): a number one off, another digest, a part
 * left out or twice, a replica that there is not, a byte of a batch or an envelope; signed anew where it is a signed statement of
 * the replica's own, but for now and then.
 */
import { replicaId, sequenceNumber, viewNumber } from '../../base/index.js';
import type { Digest, Prng, SequenceNumber } from '../../base/index.js';
import type {
  Checkpoint,
  CheckpointCertificate,
  NewView,
  PeerMessage,
  PrePrepare,
  Status,
  ViewChange,
  ViewEntry,
} from '../../codec/index.js';
import { encodeBatch } from '../../codec/index.js';
import type { Seat } from './behaviour.js';
import { ownBatch } from './retelling.js';
import { signedCheckpoint, signedNewView, signedViewChange } from './signed.js';

/** What it said or heard lately, to be said in the wrong place. */
export interface Lately {
  readonly digests: readonly Digest[];
  readonly batches: readonly Uint8Array[];
  readonly certificates: readonly CheckpointCertificate[];
}

/** Null: it is left out. */
export function mutated(seat: Seat, lately: Lately, message: PeerMessage): PeerMessage | null {
  const { random } = seat;
  if (random.chance(1, 4)) return null;
  switch (message.kind) {
    case 'prePrepare':
      return ofProposal(random, lately, message);
    case 'prepare':
    case 'commit':
      return pick(random, [
        () => ({ ...message, view: viewNumber(near(random, message.view)) }),
        () => ({ ...message, sequenceNumber: nearNumber(random, message.sequenceNumber) }),
        () => ({ ...message, digest: other(random, lately.digests, message.digest) }),
        () => ({ ...message, kind: message.kind === 'prepare' ? 'commit' : 'prepare' }),
      ]);
    case 'committed':
      return pick(random, [
        () => ({ ...message, sequenceNumber: nearNumber(random, message.sequenceNumber) }),
        () => ({ ...message, digest: other(random, lately.digests, message.digest) }),
      ]);
    case 'checkpoint':
    case 'viewChange':
    case 'newView':
      return message.replica === seat.replica ? ofStatement(seat, lately, message) : message;
    case 'status':
      return ofStatus(random, message);
    case 'stableCheckpoint':
      return { ...message, certificate: ofCertificate(seat, lately, message.certificate) };
    case 'fetchBatch':
      return { ...message, digest: other(random, lately.digests, message.digest) };
    case 'batchBody':
      return pick(random, [
        () => ({ ...message, batch: other(random, lately.batches, message.batch) }),
        () => ({ ...message, batch: flipped(random, message.batch) }),
      ]);
    case 'stateGone':
      return { ...message, certificate: ofCertificate(seat, lately, message.certificate) };
    case 'fetchState':
    case 'stateNodes':
      return { ...message, sequenceNumber: nearNumber(random, message.sequenceNumber) };
    case 'forward':
      return { ...message, envelope: flipped(random, message.envelope) };
  }
}

function ofProposal(random: Prng, { batches }: Lately, message: PrePrepare): PeerMessage {
  const batch = ownBatch(message.batch);
  return pick<PrePrepare>(random, [
    () => ({ ...message, view: viewNumber(near(random, message.view)) }),
    () => ({ ...message, sequenceNumber: nearNumber(random, message.sequenceNumber) }),
    () => ({ ...message, batch: other(random, batches, message.batch) }),
    () => ({ ...message, batch: flipped(random, message.batch) }),
    () => {
      if (batch === null) return message;
      const { time, envelopes } = batch;
      const changed = random.chance(1, 3)
        ? { time: Math.max(0, time + random.pick([-1, 1, 400, -400])), envelopes }
        : { time, envelopes: tweaked(random, envelopes) };
      return { ...message, batch: encodeBatch(changed) };
    },
    () => {
      if (batch === null) return message;
      const [first, ...rest] = batch.envelopes;
      const envelopes = first === undefined ? [] : [flipped(random, first), ...rest];
      return { ...message, batch: encodeBatch({ time: batch.time, envelopes }) };
    },
  ]);
}

/** A statement under its own signature; now and then that is not good, or it is of a replica that there is not. */
function ofStatement(
  seat: Seat,
  lately: Lately,
  message: Checkpoint | ViewChange | NewView,
): Checkpoint | ViewChange | NewView {
  const { random } = seat;
  if (random.chance(1, 6)) return { ...message, signature: flipped(random, message.signature) };
  const own = random.chance(1, 6) ? { ...message, replica: replicaId(seat.n) } : message;
  switch (own.kind) {
    case 'checkpoint':
      return ofCheckpoint(seat, lately, own);
    case 'viewChange':
      return ofViewChange(seat, lately, own);
    case 'newView':
      return ofNewView(seat, lately, own);
  }
}

function ofCheckpoint(seat: Seat, { digests }: Lately, message: Checkpoint): Checkpoint {
  const { random } = seat;
  return pick(random, [
    () => signedCheckpoint(seat, { ...message, sequenceNumber: nearNumber(random, message.sequenceNumber) }),
    () => signedCheckpoint(seat, { ...message, stateDigest: other(random, digests, message.stateDigest) }),
  ]);
}

function ofViewChange(seat: Seat, lately: Lately, message: ViewChange): ViewChange {
  const { random } = seat;
  const entries = (list: readonly ViewEntry[]): ViewEntry[] => tweakedEntries(random, lately, list);
  return pick(random, [
    () => signedViewChange(seat, { ...message, view: viewNumber(message.view + 1) }),
    () => signedViewChange(seat, { ...message, prepared: entries(message.prepared) }),
    () => signedViewChange(seat, { ...message, prePrepared: entries(message.prePrepared) }),
    () => signedViewChange(seat, { ...message, incarnation: Math.max(0, near(random, message.incarnation)) }),
    () => signedViewChange(seat, { ...message, checkpoint: ofCertificate(seat, lately, message.checkpoint) }),
  ]);
}

function ofNewView(seat: Seat, { digests }: Lately, message: NewView): NewView {
  const { random } = seat;
  const { chosen, viewChanges } = message;
  const at = chosen.length === 0 ? -1 : random.below(chosen.length);
  return pick(random, [
    () => signedNewView(seat, { ...message, view: viewNumber(message.view + 1) }),
    () => signedNewView(seat, { ...message, viewChanges: viewChanges.slice(1) }),
    () => signedNewView(seat, { ...message, viewChanges: [...viewChanges.slice(0, 1), ...viewChanges] }),
    () => signedNewView(seat, { ...message, chosen: chosen.slice(0, -1) }),
    () =>
      signedNewView(seat, {
        ...message,
        chosen: chosen.map((one, index) =>
          index === at ? { ...one, digest: other(random, digests, one.digest) } : one,
        ),
      }),
  ]);
}

function ofStatus(random: Prng, message: Status): Status {
  return pick<Status>(random, [
    () => ({ ...message, view: viewNumber(near(random, message.view)) }),
    () => ({ ...message, lastExecuted: nearNumber(random, message.lastExecuted) }),
    () => ({ ...message, stableCheckpoint: nearNumber(random, message.stableCheckpoint) }),
    () => ({ ...message, isActive: !message.isActive }),
    () => ({ ...message, isObserver: !message.isObserver }),
    () => ({ ...message, findsPrimarySlow: !message.findsPrimarySlow }),
  ]);
}

function ofCertificate(
  { random, n }: Seat,
  { certificates }: Lately,
  certificate: CheckpointCertificate,
): CheckpointCertificate {
  const [first, ...rest] = certificate.signatures;
  if (first === undefined) return other(random, certificates, certificate);
  return pick(random, [
    () => other(random, certificates, certificate),
    () => ({ ...certificate, signatures: rest }),
    () => ({ ...certificate, signatures: [...rest, { ...first, replica: replicaId(n) }] }),
    () => ({
      ...certificate,
      signatures: [{ ...first, signature: flipped(random, first.signature) }, ...rest],
    }),
    () => ({ ...certificate, sequenceNumber: nearNumber(random, certificate.sequenceNumber) }),
  ]);
}

/** One entry less, with another digest, or of a view one off. */
function tweakedEntries(random: Prng, { digests }: Lately, entries: readonly ViewEntry[]): ViewEntry[] {
  if (entries.length === 0) return [];
  const at = random.below(entries.length);
  const change = random.below(3);
  return entries.flatMap((entry, index) => {
    if (index !== at) return [entry];
    if (change === 0) return [];
    if (change === 1) return [{ ...entry, digest: other(random, digests, entry.digest) }];
    return [{ ...entry, view: viewNumber(near(random, entry.view)) }];
  });
}

/** The first less, the first twice, or the first two exchanged. */
function tweaked<T>(random: Prng, items: readonly T[]): T[] {
  const [first, second, ...rest] = items;
  if (first === undefined) return [];
  const tail = second === undefined ? [] : [second, ...rest];
  return pick<T[]>(random, [
    () => tail,
    () => [first, first, ...tail],
    () => (second === undefined ? [first] : [second, first, ...rest]),
  ]);
}

/** One bit of it. */
function flipped(random: Prng, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = random.below(bytes.length);
  return bytes.map((byte, index) => (index === at ? byte ^ (1 << random.below(8)) : byte));
}

const pick = <T>(random: Prng, makers: readonly (() => T)[]): T => random.pick(makers)();

const near = (random: Prng, value: number): number => Math.max(0, value + random.pick([-1, 1]));

const nearNumber = (random: Prng, value: SequenceNumber): SequenceNumber =>
  sequenceNumber(near(random, value));

/** One of these, if there is another. */
function other<T>(random: Prng, known: readonly T[], own: T): T {
  const others = known.filter((one) => one !== own);
  return others.length === 0 ? own : random.pick(others);
}
