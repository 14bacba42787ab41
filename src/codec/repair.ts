/**
 * Evidence that an entry of a confidential space is no good (DESIGN section 7): what it is about, which must equal what
 * the service holds, and a proof that only the confidential room looks into. A repair is judged from these bytes and the
 * cluster's keys alone.
 */
import { entryElementsMax, sealedFromWire, sealedToWire, tupleOf } from './entry-codec.js';
import { theodora as proto } from './generated/wire.js';
import type { Sealed } from './sealed.js';
import { encodeTuple } from './tuple-codec.js';
import { tagPointBytes, type Tuple } from './tuples.js';
import { bigInteger, check, decodeWire, encodeWire, exactly, keepBytes, wireInteger } from './wire.js';

export interface RepairSubject {
  /** Of the entry, at least 1. */
  readonly id: bigint;
  readonly fingerprint: Tuple;
  /** Its origin names the space. */
  readonly sealed: Sealed;
  /** g^k of the space, 32 bytes. */
  readonly tagKey: Uint8Array;
}

export interface RepairEvidence {
  readonly subject: RepairSubject;
  readonly proof: Uint8Array;
}

function subjectToWire({ id, fingerprint, sealed, tagKey }: RepairSubject): proto.RepairSubject.$Properties {
  return {
    entry: wireInteger(id),
    fingerprint: encodeTuple(fingerprint),
    sealed: sealedToWire(sealed),
    tagKey,
  };
}

function subjectFromWire(wire: proto.RepairSubject | null): RepairSubject {
  check(wire !== null);
  const id = bigInteger(wire.entry);
  check(id >= 1n);
  return {
    id,
    fingerprint: tupleOf(wire.fingerprint),
    sealed: sealedFromWire(wire.sealed),
    tagKey: exactly(tagPointBytes, wire.tagKey),
  };
}

/** One subject has one encoding: equal subjects are those with equal bytes. */
export function encodeRepairSubject(subject: RepairSubject): Uint8Array {
  return encodeWire(proto.RepairSubject, subjectToWire(subject));
}

export function encodeRepairEvidence({ subject, proof }: RepairEvidence): Uint8Array {
  return encodeWire(proto.RepairEvidence, { subject: subjectToWire(subject), proof });
}

/** Null unless the bytes are the one encoding of some evidence. */
export function decodeRepairEvidence(bytes: Uint8Array): RepairEvidence | null {
  return decodeWire(proto.RepairEvidence, bytes, entryElementsMax, ({ subject, proof }) => ({
    subject: subjectFromWire(subject),
    proof: keepBytes(proof),
  }));
}
