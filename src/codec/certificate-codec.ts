/**
 * Bytes of checkpoint certificates and of the signed bodies of CHECKPOINT, VIEW-CHANGE and NEW-VIEW
 * (TOCS'02 section 5 and figure 3). Order is part of the encoding: signers, P, Q and the choice ascend.
 * Must not check signatures or quorums.
 */
import { sequenceNumber, viewNumber } from '../base/index.js';
import type { Digest, SequenceNumber } from '../base/index.js';
import { theodora as proto } from './generated/wire.js';
import type {
  CheckpointCertificate,
  ChosenBatch,
  NewView,
  NewViewBody,
  ReplicaSignature,
  ViewChange,
  ViewChangeBody,
  ViewEntry,
} from './messages.js';
import {
  check,
  decodeWire,
  digestOf,
  encodeWire,
  exactly,
  hexBytes,
  keepBytes,
  replicaOf,
  replicasMax,
  safeInteger,
  signatureBytes,
} from './wire.js';

/** Most elements of P, of Q and of a NEW-VIEW's choice. */
export const viewEntriesMax = 4096;
/** Most elements of Q at one sequence number. */
export const prePreparedDigestsMax = 16;

export interface CheckpointBody {
  readonly sequenceNumber: SequenceNumber;
  readonly stateDigest: Digest;
}

/** The bytes that a CHECKPOINT's signature covers. */
export function encodeCheckpointBody(body: CheckpointBody): Uint8Array {
  const { sequenceNumber: number, stateDigest } = body;
  return encodeWire(proto.CheckpointBody, { sequenceNumber: number, stateDigest: hexBytes(stateDigest) });
}

export function certificateToWire(
  certificate: CheckpointCertificate,
): proto.CheckpointCertificate.$Properties {
  return {
    sequenceNumber: certificate.sequenceNumber,
    stateDigest: hexBytes(certificate.stateDigest),
    signatures: certificate.signatures as ReplicaSignature[],
  };
}

/** For use inside `decodeWire`. */
export function certificateFromWire(wire: proto.CheckpointCertificate): CheckpointCertificate {
  check(wire.signatures.length <= replicasMax);
  const signatures: ReplicaSignature[] = [];
  let last = -1;
  for (const { replica, signature } of wire.signatures) {
    check(replica > last);
    last = replica;
    signatures.push({ replica: replicaOf(replica), signature: exactly(signatureBytes, signature) });
  }
  return {
    sequenceNumber: sequenceNumber(safeInteger(wire.sequenceNumber)),
    stateDigest: digestOf(wire.stateDigest),
    signatures,
  };
}

const entryToWire = (entry: ViewEntry): proto.ViewEntry.$Properties => ({
  sequenceNumber: entry.sequenceNumber,
  view: entry.view,
  digest: hexBytes(entry.digest),
});

const entryFromWire = (wire: proto.ViewEntry): ViewEntry => ({
  sequenceNumber: sequenceNumber(safeInteger(wire.sequenceNumber)),
  view: viewNumber(safeInteger(wire.view)),
  digest: digestOf(wire.digest),
});

/** At most `perNumberMax` entries a sequence number, strictly ascending by it and the digest. */
function entriesFromWire(wires: readonly proto.ViewEntry[], perNumberMax: number): ViewEntry[] {
  check(wires.length <= viewEntriesMax);
  const entries: ViewEntry[] = [];
  let atNumber = 0;
  for (const wire of wires) {
    const entry = entryFromWire(wire);
    const last = entries[entries.length - 1];
    const isSameNumber = last !== undefined && last.sequenceNumber === entry.sequenceNumber;
    atNumber = isSameNumber ? atNumber + 1 : 1;
    check(atNumber <= perNumberMax);
    // Lower-case hexadecimal of equal length ascends as the bytes do.
    check(
      last === undefined ||
        last.sequenceNumber < entry.sequenceNumber ||
        (isSameNumber && last.digest < entry.digest),
    );
    entries.push(entry);
  }
  return entries;
}

/** The bytes that a VIEW-CHANGE's signature covers. */
export function encodeViewChangeBody(body: ViewChangeBody): Uint8Array {
  return encodeWire(proto.ViewChangeBody, {
    view: body.view,
    replica: body.replica,
    incarnation: body.incarnation,
    checkpoint: certificateToWire(body.checkpoint),
    prepared: body.prepared.map(entryToWire),
    prePrepared: body.prePrepared.map(entryToWire),
  });
}

function viewChangeBodyFromWire(wire: proto.ViewChangeBody): ViewChangeBody {
  check(wire.checkpoint !== null);
  return {
    view: viewNumber(safeInteger(wire.view)),
    replica: replicaOf(wire.replica),
    incarnation: safeInteger(wire.incarnation),
    checkpoint: certificateFromWire(wire.checkpoint),
    prepared: entriesFromWire(wire.prepared, 1),
    prePrepared: entriesFromWire(wire.prePrepared, prePreparedDigestsMax),
  };
}

const viewChangeElementsMax = 2 + 2 * replicasMax + 4 * viewEntriesMax;

/** For use inside `decodeWire`. */
export function viewChangeFromWire(signed: { body: Uint8Array; signature: Uint8Array }): ViewChange {
  const body = keepBytes(signed.body);
  const fields = decodeWire(proto.ViewChangeBody, body, viewChangeElementsMax, viewChangeBodyFromWire);
  check(fields !== null);
  return { kind: 'viewChange', ...fields, body, signature: exactly(signatureBytes, signed.signature) };
}

/** The bytes that a NEW-VIEW's signature covers. */
export function encodeNewViewBody(body: NewViewBody): Uint8Array {
  return encodeWire(proto.NewViewBody, {
    view: body.view,
    replica: body.replica,
    viewChanges: body.viewChanges.map((change) => ({ body: change.body, signature: change.signature })),
    chosen: body.chosen.map((batch) => ({
      sequenceNumber: batch.sequenceNumber,
      digest: hexBytes(batch.digest),
    })),
  });
}

function chosenFromWire(wires: readonly proto.ChosenBatch[]): ChosenBatch[] {
  check(wires.length <= viewEntriesMax);
  const chosen: ChosenBatch[] = [];
  for (const wire of wires) {
    const number = safeInteger(wire.sequenceNumber);
    const last = chosen[chosen.length - 1];
    check(last === undefined || number === last.sequenceNumber + 1);
    chosen.push({ sequenceNumber: sequenceNumber(number), digest: digestOf(wire.digest) });
  }
  return chosen;
}

function newViewBodyFromWire(wire: proto.NewViewBody): NewViewBody {
  check(wire.viewChanges.length <= replicasMax);
  return {
    view: viewNumber(safeInteger(wire.view)),
    replica: replicaOf(wire.replica),
    viewChanges: wire.viewChanges.map(viewChangeFromWire),
    chosen: chosenFromWire(wire.chosen),
  };
}

const newViewElementsMax = 3 * replicasMax + 2 * viewEntriesMax;

/** For use inside `decodeWire`. */
export function newViewFromWire(signed: { body: Uint8Array; signature: Uint8Array }): NewView {
  const body = keepBytes(signed.body);
  const fields = decodeWire(proto.NewViewBody, body, newViewElementsMax, newViewBodyFromWire);
  check(fields !== null);
  return { kind: 'newView', ...fields, body, signature: exactly(signatureBytes, signed.signature) };
}
