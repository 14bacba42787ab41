/**
 * Bytes of operations, results and entries (operations.ts). Tuples and templates inside are canonical
 * bytes (tuple-codec.ts). Must not judge what a space may refuse: whatever is well formed decodes.
 */
import { assert, decodeUtf8, encodeUtf8, sessionId } from '../base/index.js';
import { theodora as proto } from './generated/wire.js';
import type { Entry, EventKind, Operation, RefusalCode, Result, SpaceEvent } from './operations.js';
import type { Template, Tuple } from './tuples.js';
import { decodeTemplate, decodeTuple, encodeTemplate, encodeTuple } from './tuple-codec.js';
import {
  bigInteger,
  check,
  clientOf,
  decodeWire,
  encodeWire,
  hexBytes,
  safeInteger,
  wireInteger,
} from './wire.js';
import type { WireInteger } from './wire.js';

const spaceNameBytesMax = 256;
/** Most entries of one result; more do not fit a frame. */
const resultEntriesMax = 1 << 16;

const refusalNumbers: Readonly<Record<RefusalCode, number>> = {
  MALFORMED_OPERATION: 1,
  NO_SUCH_SPACE: 2,
  TOO_MANY_FIELDS: 3,
  FIELD_TOO_LARGE: 4,
  TUPLE_TOO_LARGE: 5,
  RESULT_TOO_LARGE: 6,
  SPACE_FULL: 7,
  LEASE_TOO_SHORT: 8,
  TOO_MANY_WAITS: 9,
  TOO_MANY_SUBSCRIPTIONS: 10,
  WAIT_TOO_LONG: 11,
  NO_SUCH_WAIT: 12,
  HISTORY_TRUNCATED: 13,
};
const refusals: readonly (RefusalCode | null)[] = [
  null,
  'MALFORMED_OPERATION',
  'NO_SUCH_SPACE',
  'TOO_MANY_FIELDS',
  'FIELD_TOO_LARGE',
  'TUPLE_TOO_LARGE',
  'RESULT_TOO_LARGE',
  'SPACE_FULL',
  'LEASE_TOO_SHORT',
  'TOO_MANY_WAITS',
  'TOO_MANY_SUBSCRIPTIONS',
  'WAIT_TOO_LONG',
  'NO_SUCH_WAIT',
  'HISTORY_TRUNCATED',
];

const eventKindNumbers: Readonly<Record<EventKind, number>> = {
  inserted: 1,
  taken: 2,
  expired: 3,
  replaced: 4,
};
const eventKinds: readonly (EventKind | null)[] = [null, 'inserted', 'taken', 'expired', 'replaced'];

type WireOperation = proto.Operation.$Properties;

function operationKindToWire(operation: Operation): WireOperation {
  switch (operation.kind) {
    case 'out':
      return { out: withLease({ tuple: encodeTuple(operation.tuple) }, operation.lease) };
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
  }
}

function withLease<T extends object>(wire: T & { lease?: WireInteger | null }, lease: number | null): T {
  if (lease !== null) wire.lease = lease;
  return wire;
}

type Swap = Extract<Operation, { readonly kind: 'cas' | 'replace' }>;

function swapToWire({ template, tuple, lease }: Swap): proto.Swap.$Properties {
  return withLease({ template: encodeTemplate(template), tuple: encodeTuple(tuple) }, lease);
}

type Wait = Extract<Operation, { readonly kind: 'rd' | 'in' }>;

function waitToWire({ template, timeout }: Wait): proto.Wait.$Properties {
  const wire = { template: encodeTemplate(template) };
  return timeout === null ? wire : { ...wire, timeout };
}

/** `limit` is an unsigned 32-bit integer, `space` at most 256 bytes of UTF-8. */
export function encodeOperation(operation: Operation): Uint8Array {
  const space = encodeUtf8(operation.space);
  assert(space !== null, 'a space name has no lone surrogate');
  const wire = operationKindToWire(operation);
  wire.space = space;
  return encodeWire(proto.Operation, wire);
}

function tupleOf(bytes: Uint8Array): Tuple {
  const tuple = decodeTuple(bytes);
  check(tuple !== null);
  return tuple;
}

function templateOf(bytes: Uint8Array): Template {
  const template = decodeTemplate(bytes);
  check(template !== null);
  return template;
}

function operationFromWire(wire: proto.Operation): Operation {
  check(wire.space.length <= spaceNameBytesMax);
  const space = decodeUtf8(wire.space);
  check(space !== null);
  if (wire.out !== null) {
    return { kind: 'out', space, tuple: tupleOf(wire.out.tuple), lease: positiveOrNull(wire.out.lease) };
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

/** Operations that wait, go on telling, or end such a one. */
function waitingFromWire(wire: proto.Operation, space: string): Operation {
  if (wire.rd !== null) return { kind: 'rd', space, ...waitFromWire(wire.rd) };
  if (wire.in !== null) return { kind: 'in', space, ...waitFromWire(wire.in) };
  if (wire.cancel !== null) {
    const session = sessionId(safeInteger(wire.cancel.session));
    return { kind: 'cancel', space, session, number: safeInteger(wire.cancel.number) };
  }
  check(wire.subscribe !== null);
  const { template, from } = wire.subscribe;
  return { kind: 'subscribe', space, template: templateOf(template), from: positiveOrNull(from) };
}

function waitFromWire({ template, timeout }: proto.Wait): Pick<Wait, 'template' | 'timeout'> {
  return { template: templateOf(template), timeout: positiveOrNull(timeout) };
}

function swapFromWire({ template, tuple, lease }: proto.Swap): Pick<Swap, 'template' | 'tuple' | 'lease'> {
  return { template: templateOf(template), tuple: tupleOf(tuple), lease: positiveOrNull(lease) };
}

function positiveOrNull(wire: WireInteger | null): number | null {
  if (wire === null) return null;
  const value = safeInteger(wire);
  check(value >= 1);
  return value;
}

export function decodeOperation(bytes: Uint8Array): Operation | null {
  return decodeWire(proto.Operation, bytes, 4, operationFromWire);
}

function entryToWire(entry: Entry): proto.Entry.$Properties {
  const { id, tuple, owner, deadline } = entry;
  const wire: proto.Entry.$Properties = {
    id: wireInteger(id),
    tuple: encodeTuple(tuple),
    owner: hexBytes(owner),
  };
  if (deadline !== null) wire.deadline = deadline;
  return wire;
}

function entryFromWire(wire: proto.Entry): Entry {
  const id = bigInteger(wire.id);
  check(id >= 1n);
  const deadline = wire.deadline === null ? null : safeInteger(wire.deadline);
  return { id, tuple: tupleOf(wire.tuple), owner: clientOf(wire.owner), deadline };
}

export function encodeEntry(entry: Entry): Uint8Array {
  return encodeWire(proto.Entry, entryToWire(entry));
}

export function decodeEntry(bytes: Uint8Array): Entry | null {
  return decodeWire(proto.Entry, bytes, 2, entryFromWire);
}

export function encodeEvent({ kind, entry }: SpaceEvent): Uint8Array {
  return encodeWire(proto.Event, { kind: eventKindNumbers[kind], entry: entryToWire(entry) });
}

export function decodeEvent(bytes: Uint8Array): SpaceEvent | null {
  return decodeWire(proto.Event, bytes, 3, (wire) => {
    const kind = eventKinds[wire.kind] ?? null;
    check(kind !== null && wire.entry !== null);
    return { kind, entry: entryFromWire(wire.entry) };
  });
}

function resultToWire(result: Result): proto.Result.$Properties {
  switch (result.kind) {
    case 'entry':
      return { entry: result.entry === null ? {} : { entry: entryToWire(result.entry) } };
    case 'entries':
      return { entries: { entries: result.entries.map(entryToWire) } };
    case 'count':
      return { count: result.count };
    case 'cas': {
      const { inserted, entry } = result;
      return { cas: entry === null ? { inserted } : { inserted, entry: entryToWire(entry) } };
    }
    case 'refused':
      return { refused: { code: refusalNumbers[result.code], detail: result.detail } };
    case 'cancelled':
      return { cancelled: {} };
    case 'subscribed':
      return { subscribed: result.from };
  }
}

function resultFromWire(wire: proto.Result): Result {
  if (wire.entry !== null) {
    return { kind: 'entry', entry: wire.entry.entry === null ? null : entryFromWire(wire.entry.entry) };
  }
  if (wire.entries !== null) return { kind: 'entries', entries: wire.entries.entries.map(entryFromWire) };
  if (wire.count !== null) return { kind: 'count', count: safeInteger(wire.count) };
  if (wire.cas !== null) {
    const { inserted, entry } = wire.cas;
    return { kind: 'cas', inserted, entry: entry === null ? null : entryFromWire(entry) };
  }
  if (wire.cancelled !== null) return { kind: 'cancelled' };
  if (wire.subscribed !== null) {
    const from = safeInteger(wire.subscribed);
    check(from >= 1);
    return { kind: 'subscribed', from };
  }
  check(wire.refused !== null);
  const code = refusals[wire.refused.code] ?? null;
  check(code !== null);
  return { kind: 'refused', code, detail: safeInteger(wire.refused.detail) };
}

export function encodeResult(result: Result): Uint8Array {
  return encodeWire(proto.Result, resultToWire(result));
}

export function decodeResult(bytes: Uint8Array): Result | null {
  return decodeWire(proto.Result, bytes, 1 + 3 * resultEntriesMax, resultFromWire);
}
