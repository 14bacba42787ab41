/**
 * Bytes of entries (operations.ts) and of what is sealed in them (sealed.ts). Tuples inside are canonical bytes
 * (tuple-codec.ts).
 */
import { sessionId } from '../base/index.js';
import { theodora as proto } from './generated/wire.js';
import { clientNameFromWire, namesFromWire, namesToWire, textFromWire, textToWire } from './names.js';
import type { Access, Entry } from './operations.js';
import { sealedBytesMax, type Origin, type Sealed } from './sealed.js';
import { decodeTemplate, decodeTuple, encodeTuple } from './tuple-codec.js';
import type { Template, Tuple } from './tuples.js';
import {
  bigInteger,
  check,
  clientOf,
  decodeWire,
  encodeWire,
  hexBytes,
  keepBytes,
  safeInteger,
  wireInteger,
} from './wire.js';

export const spaceNameBytesMax = 256;
/** Most names in one list of an operation or entry. */
export const namesMax = 256;
/** Most names, byte strings and nested messages of one entry. */
export const entryElementsMax = 16 + 2 * namesMax;

interface WireAccess {
  readers?: proto.Names.$Properties | null;
  takers?: proto.Names.$Properties | null;
}

export function accessToWire<T extends object>(wire: T & WireAccess, { readers, takers }: Access): T {
  if (readers !== undefined) wire.readers = namesToWire(readers);
  if (takers !== undefined) wire.takers = namesToWire(takers);
  return wire;
}

export function accessFromWire(wire: { readers: proto.Names | null; takers: proto.Names | null }): Access {
  const readers = namesFromWire(wire.readers);
  const takers = namesFromWire(wire.takers);
  return { ...(readers === null ? {} : { readers }), ...(takers === null ? {} : { takers }) };
}

/** For use inside `decodeWire`, as all that reads from the wire here. */
export function tupleOf(bytes: Uint8Array): Tuple {
  const tuple = decodeTuple(bytes);
  check(tuple !== null);
  return tuple;
}

export function templateOf(bytes: Uint8Array): Template {
  const template = decodeTemplate(bytes);
  check(template !== null);
  return template;
}

export function originToWire({ space, inserter, session, number }: Origin): proto.Origin.$Properties {
  return { space: textToWire(space), inserter: hexBytes(inserter), session, number };
}

export function originFromWire(wire: proto.Origin | null): Origin {
  check(wire !== null);
  return {
    space: textFromWire(wire.space, spaceNameBytesMax),
    inserter: clientOf(wire.inserter),
    session: sessionId(safeInteger(wire.session)),
    number: safeInteger(wire.number),
  };
}

export function sealedToWire(sealed: Sealed): proto.Sealed.$Properties {
  return { bytes: sealed.bytes, origin: originToWire(sealed) };
}

export function sealedFromWire(wire: proto.Sealed | null): Sealed {
  check(wire !== null);
  return { bytes: sealedBytesOf(wire.bytes), ...originFromWire(wire.origin) };
}

export function sealedBytesOf(bytes: Uint8Array): Uint8Array {
  check(bytes.length <= sealedBytesMax);
  return keepBytes(bytes);
}

export function entryToWire(entry: Entry): proto.Entry.$Properties {
  const { id, tuple, owner, deadline, sealed } = entry;
  const wire: proto.Entry.$Properties = {
    id: wireInteger(id),
    tuple: encodeTuple(tuple),
    owner: textToWire(owner),
  };
  if (deadline !== null) wire.deadline = deadline;
  if (sealed !== undefined) wire.sealed = sealedToWire(sealed);
  return accessToWire(wire, entry);
}

export function entryFromWire(wire: proto.Entry): Entry {
  const id = bigInteger(wire.id);
  check(id >= 1n);
  const deadline = wire.deadline === null ? null : safeInteger(wire.deadline);
  const owner = clientNameFromWire(wire.owner);
  const entry = { id, tuple: tupleOf(wire.tuple), owner, deadline, ...accessFromWire(wire) };
  return wire.sealed === null ? entry : { ...entry, sealed: sealedFromWire(wire.sealed) };
}

export function encodeEntry(entry: Entry): Uint8Array {
  return encodeWire(proto.Entry, entryToWire(entry));
}

export function decodeEntry(bytes: Uint8Array): Entry | null {
  return decodeWire(proto.Entry, bytes, entryElementsMax, entryFromWire);
}
