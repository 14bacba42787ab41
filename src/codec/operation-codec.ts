/**
 * Bytes of operations (operations.ts). Tuples and templates inside are canonical bytes (tuple-codec.ts). Must not judge
 * what a space may refuse: whatever is well formed decodes.
 */
import { sessionId } from '../base/index.js';
import { adminFromWire, adminToWire, isAdminOperation } from './admin-codec.js';
import {
  accessFromWire,
  accessToWire,
  namesMax,
  sealedBytesOf,
  spaceNameBytesMax,
  templateOf,
  tupleOf,
} from './entry-codec.js';
import { theodora as proto } from './generated/wire.js';
import { textFromWire, textToWire } from './names.js';
import type { Access, Operation, SpaceOperation } from './operations.js';
import { encodeTemplate, encodeTuple } from './tuple-codec.js';
import { bigInteger, check, decodeWire, encodeWire, keepBytes, safeInteger, wireInteger } from './wire.js';
import type { WireInteger } from './wire.js';

/** Most names, byte strings and nested messages of one operation. */
const operationElementsMax = 16 + 3 * namesMax;

type WireOperation = proto.Operation.$Properties;

function operationKindToWire(operation: SpaceOperation): WireOperation {
  switch (operation.kind) {
    case 'out':
      return { out: insertingToWire({ tuple: encodeTuple(operation.tuple) }, operation) };
    case 'rdp':
      return { rdp: { template: encodeTemplate(operation.template) } };
    case 'inp':
      return { inp: { template: encodeTemplate(operation.template) } };
    case 'rdAll': {
      const after = wireInteger(operation.after);
      return { rdAll: { template: encodeTemplate(operation.template), limit: operation.limit, after } };
    }
    case 'inAll':
      return { inAll: { template: encodeTemplate(operation.template), limit: operation.limit } };
    case 'count':
      return { count: { template: encodeTemplate(operation.template) } };
    case 'cas':
      return { cas: swapToWire(operation) };
    case 'replace':
      return { replace: swapToWire(operation) };
    case 'renew':
      return { renew: { template: encodeTemplate(operation.template), lease: operation.lease } };
    case 'rd':
      return { rd: waitToWire(operation) };
    case 'in':
      return { in: waitToWire(operation) };
    case 'cancel':
      return { cancel: { session: operation.session, number: operation.number } };
    case 'subscribe': {
      const template = encodeTemplate(operation.template);
      return { subscribe: operation.from === null ? { template } : { template, from: operation.from } };
    }
    case 'spaceKey':
      return { spaceKey: {} };
    case 'repair':
      return { repair: operation.evidence };
  }
}

interface Inserting extends Access {
  readonly lease: number | null;
  readonly sealed?: Uint8Array;
}

interface WireInserting {
  lease?: WireInteger | null;
  sealed?: Uint8Array | null;
}

function insertingToWire<T extends object>(
  wire: T & WireInserting,
  { lease, sealed, ...access }: Inserting,
): T {
  if (lease !== null) wire.lease = lease;
  if (sealed !== undefined) wire.sealed = sealed;
  return accessToWire(wire, access);
}

type Swap = Extract<Operation, { readonly kind: 'cas' | 'replace' }>;

function swapToWire(swap: Swap): proto.Swap.$Properties {
  const { template, tuple } = swap;
  return insertingToWire({ template: encodeTemplate(template), tuple: encodeTuple(tuple) }, swap);
}

type Wait = Extract<Operation, { readonly kind: 'rd' | 'in' }>;

function waitToWire({ template, timeout }: Wait): proto.Wait.$Properties {
  const wire = { template: encodeTemplate(template) };
  return timeout === null ? wire : { ...wire, timeout };
}

/** `limit` is an unsigned 32-bit integer, `space` at most 256 bytes of UTF-8. */
export function encodeOperation(operation: Operation): Uint8Array {
  const wire = isAdminOperation(operation) ? adminToWire(operation) : operationKindToWire(operation);
  wire.space = textToWire(operation.space);
  return encodeWire(proto.Operation, wire);
}

function operationFromWire(wire: proto.Operation): Operation {
  const space = textFromWire(wire.space, spaceNameBytesMax);
  // One administrator rules today.
  check(wire.approvals.length === 0);
  if (wire.out !== null) {
    return { kind: 'out', space, tuple: tupleOf(wire.out.tuple), ...insertingFromWire(wire.out) };
  }
  if (wire.rdp !== null) return { kind: 'rdp', space, template: templateOf(wire.rdp.template) };
  if (wire.inp !== null) return { kind: 'inp', space, template: templateOf(wire.inp.template) };
  if (wire.rdAll !== null) {
    const { template, limit, after } = wire.rdAll;
    return { kind: 'rdAll', space, template: templateOf(template), limit, after: bigInteger(after) };
  }
  if (wire.inAll !== null) {
    return { kind: 'inAll', space, template: templateOf(wire.inAll.template), limit: wire.inAll.limit };
  }
  if (wire.count !== null) return { kind: 'count', space, template: templateOf(wire.count.template) };
  if (wire.cas !== null) {
    return { kind: 'cas', space, ...swapFromWire(wire.cas) };
  }
  if (wire.replace !== null) return { kind: 'replace', space, ...swapFromWire(wire.replace) };
  if (wire.renew !== null) {
    const lease = positiveOrNull(wire.renew.lease);
    check(lease !== null);
    return { kind: 'renew', space, template: templateOf(wire.renew.template), lease };
  }
  return waitingFromWire(wire, space);
}

function insertingFromWire(wire: proto.Out | proto.Swap): Inserting {
  const inserting = { lease: positiveOrNull(wire.lease), ...accessFromWire(wire) };
  return wire.sealed === null ? inserting : { ...inserting, sealed: sealedBytesOf(wire.sealed) };
}

/** Operations that wait, go on telling, or end such a one; and those of confidential spaces. */
function waitingFromWire(wire: proto.Operation, space: string): Operation {
  if (wire.rd !== null) return { kind: 'rd', space, ...waitFromWire(wire.rd) };
  if (wire.in !== null) return { kind: 'in', space, ...waitFromWire(wire.in) };
  if (wire.cancel !== null) {
    const session = sessionId(safeInteger(wire.cancel.session));
    return { kind: 'cancel', space, session, number: safeInteger(wire.cancel.number) };
  }
  if (wire.spaceKey !== null) return { kind: 'spaceKey', space };
  if (wire.repair !== null) return { kind: 'repair', space, evidence: keepBytes(wire.repair) };
  if (wire.subscribe === null) return adminFromWire(wire, space);
  const { template, from } = wire.subscribe;
  return { kind: 'subscribe', space, template: templateOf(template), from: positiveOrNull(from) };
}

function waitFromWire({ template, timeout }: proto.Wait): Pick<Wait, 'template' | 'timeout'> {
  return { template: templateOf(template), timeout: positiveOrNull(timeout) };
}

function swapFromWire(wire: proto.Swap): Omit<Swap, 'kind' | 'space'> {
  const { template, tuple } = wire;
  return { template: templateOf(template), tuple: tupleOf(tuple), ...insertingFromWire(wire) };
}

function positiveOrNull(wire: WireInteger | null): number | null {
  if (wire === null) return null;
  const value = safeInteger(wire);
  check(value >= 1);
  return value;
}

/** First bytes of a repair's field: number 16, length-delimited. */
const repairField = [0x82, 0x01] as const;

/**
 * Whether the bytes of an operation may be those of a repair; false: they are not. Cheap, as it is asked of every
 * operation. The space comes first, if it has a name.
 */
export function mayBeRepair(bytes: Uint8Array): boolean {
  let at = 0;
  if (bytes[0] === 0x0a) {
    const low = bytes[1] ?? 0;
    const length = low < 128 ? low : (low & 127) + 128 * (bytes[2] ?? 0);
    at = (low < 128 ? 2 : 3) + length;
  }
  return bytes[at] === repairField[0] && bytes[at + 1] === repairField[1];
}

export function decodeOperation(bytes: Uint8Array): Operation | null {
  return decodeWire(proto.Operation, bytes, operationElementsMax, operationFromWire);
}
