/**
 * Bytes of operations, results and entries (operations.ts). Tuples and templates inside are canonical
 * bytes (tuple-codec.ts). Must not judge what a space may refuse: whatever is well formed decodes.
 */
import { sessionId } from '../base/index.js';
import {
  adminFromWire,
  adminResultFromWire,
  adminResultToWire,
  adminToWire,
  isAdminOperation,
} from './admin-codec.js';
import { theodora as proto } from './generated/wire.js';
import { clientNameFromWire, namesFromWire, namesToWire, textFromWire, textToWire } from './names.js';
import type {
  Access,
  Entry,
  EventKind,
  Operation,
  RefusalCode,
  Result,
  SpaceEvent,
  SpaceOperation,
} from './operations.js';
import type { Template, Tuple } from './tuples.js';
import { decodeTemplate, decodeTuple, encodeTemplate, encodeTuple } from './tuple-codec.js';
import { bigInteger, check, decodeWire, encodeWire, safeInteger, wireInteger } from './wire.js';
import type { WireInteger } from './wire.js';

const spaceNameBytesMax = 256;
const subjectBytesMax = 256;
/** Most names in one list of an operation or entry. */
const namesMax = 256;
/** Most names, byte strings and nested messages of one operation, entry and result; more of them do not fit a frame. */
const operationElementsMax = 16 + 3 * namesMax;
const entryElementsMax = 8 + 2 * namesMax;
const resultElementsMax = 1 << 18;

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
  UNKNOWN_CLIENT: 14,
  ADMIN_ONLY: 15,
  ACL_DENIED: 16,
  POLICY_DENIED: 17,
  POLICY_ERROR: 18,
  POLICY_BUDGET: 19,
  QUOTA_EXCEEDED: 20,
  SPACE_DELETED: 21,
  SPACE_EXISTS: 22,
  INVALID_NAME: 23,
  TOO_MANY_NAMES: 24,
  TOO_MANY_SPACES: 25,
  TOO_MANY_CLIENTS: 26,
  NO_SUCH_CLIENT: 27,
  NAME_TAKEN: 28,
  KEY_TAKEN: 29,
  POLICY_INVALID: 30,
  ADMIN_STAYS: 31,
};
const refusals = new Map(
  Object.entries(refusalNumbers).map(([code, number]) => [number, code as RefusalCode]),
);

const eventKindNumbers: Readonly<Record<EventKind, number>> = {
  inserted: 1,
  taken: 2,
  expired: 3,
  replaced: 4,
};
const eventKinds: readonly (EventKind | null)[] = [null, 'inserted', 'taken', 'expired', 'replaced'];
const endedNumber = 5;

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
  }
}

interface WireInserting {
  lease?: WireInteger | null;
  readers?: proto.Names.$Properties | null;
  takers?: proto.Names.$Properties | null;
}

function insertingToWire<T extends object>(
  wire: T & WireInserting,
  { lease, ...access }: { readonly lease: number | null } & Access,
): T {
  if (lease !== null) wire.lease = lease;
  return accessToWire(wire, access);
}

function accessToWire<T extends object>(wire: T & WireInserting, { readers, takers }: Access): T {
  if (readers !== undefined) wire.readers = namesToWire(readers);
  if (takers !== undefined) wire.takers = namesToWire(takers);
  return wire;
}

function accessFromWire(wire: { readers: proto.Names | null; takers: proto.Names | null }): Access {
  const readers = namesFromWire(wire.readers);
  const takers = namesFromWire(wire.takers);
  return { ...(readers === null ? {} : { readers }), ...(takers === null ? {} : { takers }) };
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
  const space = textFromWire(wire.space, spaceNameBytesMax);
  // One administrator rules today.
  check(wire.approvals.length === 0);
  if (wire.out !== null) {
    const { tuple, lease } = wire.out;
    return {
      kind: 'out',
      space,
      tuple: tupleOf(tuple),
      lease: positiveOrNull(lease),
      ...accessFromWire(wire.out),
    };
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
  if (wire.subscribe === null) return adminFromWire(wire, space);
  const { template, from } = wire.subscribe;
  return { kind: 'subscribe', space, template: templateOf(template), from: positiveOrNull(from) };
}

function waitFromWire({ template, timeout }: proto.Wait): Pick<Wait, 'template' | 'timeout'> {
  return { template: templateOf(template), timeout: positiveOrNull(timeout) };
}

function swapFromWire(wire: proto.Swap): Omit<Swap, 'kind' | 'space'> {
  const { template, tuple, lease } = wire;
  return {
    template: templateOf(template),
    tuple: tupleOf(tuple),
    lease: positiveOrNull(lease),
    ...accessFromWire(wire),
  };
}

function positiveOrNull(wire: WireInteger | null): number | null {
  if (wire === null) return null;
  const value = safeInteger(wire);
  check(value >= 1);
  return value;
}

export function decodeOperation(bytes: Uint8Array): Operation | null {
  return decodeWire(proto.Operation, bytes, operationElementsMax, operationFromWire);
}

function entryToWire(entry: Entry): proto.Entry.$Properties {
  const { id, tuple, owner, deadline } = entry;
  const wire: proto.Entry.$Properties = {
    id: wireInteger(id),
    tuple: encodeTuple(tuple),
    owner: textToWire(owner),
  };
  if (deadline !== null) wire.deadline = deadline;
  return accessToWire(wire, entry);
}

function entryFromWire(wire: proto.Entry): Entry {
  const id = bigInteger(wire.id);
  check(id >= 1n);
  const deadline = wire.deadline === null ? null : safeInteger(wire.deadline);
  const owner = clientNameFromWire(wire.owner);
  return { id, tuple: tupleOf(wire.tuple), owner, deadline, ...accessFromWire(wire) };
}

export function encodeEntry(entry: Entry): Uint8Array {
  return encodeWire(proto.Entry, entryToWire(entry));
}

export function decodeEntry(bytes: Uint8Array): Entry | null {
  return decodeWire(proto.Entry, bytes, entryElementsMax, entryFromWire);
}

export function encodeEvent(event: SpaceEvent): Uint8Array {
  if (event.kind === 'ended') {
    return encodeWire(proto.Event, { kind: endedNumber, ended: refusalToWire({ ...event, detail: 0 }) });
  }
  return encodeWire(proto.Event, { kind: eventKindNumbers[event.kind], entry: entryToWire(event.entry) });
}

export function decodeEvent(bytes: Uint8Array): SpaceEvent | null {
  return decodeWire(proto.Event, bytes, entryElementsMax, (wire) => {
    if (wire.kind === endedNumber) {
      check(wire.ended !== null && wire.entry === null);
      const { code, subject, detail } = refusalFromWire(wire.ended);
      check(detail === 0);
      return { kind: 'ended', code, ...(subject === undefined ? {} : { subject }) };
    }
    const kind = eventKinds[wire.kind] ?? null;
    check(kind !== null && wire.entry !== null && wire.ended === null);
    return { kind, entry: entryFromWire(wire.entry) };
  });
}

interface RefusalFields {
  readonly code: RefusalCode;
  readonly detail: number;
  readonly subject?: string;
}

function refusalToWire({ code, detail, subject = '' }: RefusalFields): proto.Refusal.$Properties {
  return { code: refusalNumbers[code], detail, subject: textToWire(subject) };
}

function refusalFromWire(wire: proto.Refusal): RefusalFields {
  const code = refusals.get(wire.code);
  check(code !== undefined);
  const subject = textFromWire(wire.subject, subjectBytesMax);
  return { code, detail: safeInteger(wire.detail), ...(subject === '' ? {} : { subject }) };
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
      return { refused: refusalToWire(result) };
    case 'cancelled':
      return { cancelled: {} };
    case 'subscribed':
      return { subscribed: result.from };
    default:
      return adminResultToWire(result);
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
  if (wire.refused !== null) return { kind: 'refused', ...refusalFromWire(wire.refused) };
  return adminResultFromWire(wire);
}

export function encodeResult(result: Result): Uint8Array {
  return encodeWire(proto.Result, resultToWire(result));
}

export function decodeResult(bytes: Uint8Array): Result | null {
  return decodeWire(proto.Result, bytes, resultElementsMax, resultFromWire);
}
