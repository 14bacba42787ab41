/**
 * Bytes of results and events (operations.ts). Those that hold something sealed end in a mark, since whoever passes them
 * on adds shares to them: it tells them from all others at a glance.
 */
import { entryElementsMax, entryFromWire, entryToWire, sealedFromWire, sealedToWire } from './entry-codec.js';
import { adminResultFromWire, adminResultToWire } from './admin-codec.js';
import { theodora as proto } from './generated/wire.js';
import { clientNameFromWire, textFromWire, textToWire } from './names.js';
import type { Entry, EventKind, RefusalCode, Result, SpaceEvent } from './operations.js';
import type { Sealed } from './sealed.js';
import { tagPointBytes, type Tuple } from './tuples.js';
import { bigInteger, check, decodeWire, encodeWire, exactly, safeInteger, wireInteger } from './wire.js';

const subjectBytesMax = 256;
/** Most names, byte strings and nested messages of a result; more of them do not fit a frame. */
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
  SPACE_NOT_CONFIDENTIAL: 32,
  SEALED_MISSING: 33,
  SEALED_TOO_LARGE: 34,
  REPAIR_UNPROVEN: 35,
  NOTHING_TO_REPAIR: 36,
  CLIENT_BLACKLISTED: 37,
};
const refusals = new Map(
  Object.entries(refusalNumbers).map(([code, number]) => [number, code as RefusalCode]),
);

const eventKindNumbers: Readonly<Record<EventKind, number>> = {
  inserted: 1,
  taken: 2,
  expired: 3,
  replaced: 4,
  repaired: 6,
};
const eventKinds = new Map(
  Object.entries(eventKindNumbers).map(([kind, number]) => [number, kind as EventKind]),
);
const endedNumber = 5;

export function encodeEvent(event: SpaceEvent): Uint8Array {
  if (event.kind === 'ended') {
    return encodeWire(proto.Event, { kind: endedNumber, ended: refusalToWire({ ...event, detail: 0 }) });
  }
  const { kind, entry } = event;
  return encodeWire(proto.Event, {
    kind: eventKindNumbers[kind],
    entry: entryToWire(entry),
    hasSealed: entry.sealed !== undefined,
  });
}

export function decodeEvent(bytes: Uint8Array): SpaceEvent | null {
  return decodeWire(proto.Event, bytes, entryElementsMax, (wire) => {
    if (wire.kind === endedNumber) {
      check(wire.ended !== null && wire.entry === null && !wire.hasSealed);
      const { code, subject, detail } = refusalFromWire(wire.ended);
      check(detail === 0);
      return { kind: 'ended', code, ...(subject === undefined ? {} : { subject }) };
    }
    const kind = eventKinds.get(wire.kind);
    check(kind !== undefined && wire.entry !== null && wire.ended === null);
    const entry = entryFromWire(wire.entry);
    check(wire.hasSealed === (entry.sealed !== undefined));
    return { kind, entry };
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
    case 'spaceKey':
      return { spaceKey: { tagKey: result.tagKey, sealed: sealedToWire(result.sealed) } };
    case 'repaired':
      return { repaired: { entry: wireInteger(result.id), owner: textToWire(result.owner) } };
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
  if (wire.spaceKey !== null) {
    const { tagKey, sealed } = wire.spaceKey;
    return { kind: 'spaceKey', tagKey: exactly(tagPointBytes, tagKey), sealed: sealedFromWire(sealed) };
  }
  if (wire.repaired !== null) {
    const { entry, owner } = wire.repaired;
    return { kind: 'repaired', id: bigInteger(entry), owner: clientNameFromWire(owner) };
  }
  if (wire.refused !== null) return { kind: 'refused', ...refusalFromWire(wire.refused) };
  return adminResultFromWire(wire);
}

export function encodeResult(result: Result): Uint8Array {
  const wire = resultToWire(result);
  wire.hasSealed = holdsSealed(result);
  return encodeWire(proto.Result, wire);
}

export function decodeResult(bytes: Uint8Array): Result | null {
  return decodeWire(proto.Result, bytes, resultElementsMax, (wire) => {
    const result = resultFromWire(wire);
    check(wire.hasSealed === holdsSealed(result));
    return result;
  });
}

/** `has_sealed` of a result or an event: encoded last, since its field number is the highest. */
const sealedMark = [0x78, 0x01] as const;

/**
 * Whether the bytes of a result or an event may hold something sealed; false: they do not. Cheap, as it is asked of every
 * reply.
 */
export function mayContainSealed(bytes: Uint8Array): boolean {
  return bytes.at(-2) === sealedMark[0] && bytes.at(-1) === sealedMark[1];
}

function holdsSealed(result: Result): boolean {
  switch (result.kind) {
    case 'entry':
    case 'cas':
      return result.entry?.sealed !== undefined;
    case 'entries':
      return result.entries.some(({ sealed }) => sealed !== undefined);
    default:
      return result.kind === 'spaceKey';
  }
}

/** Something sealed as it stands in a result or event. */
export interface SealedItem {
  /** Of the entry; 0: it is the key of the space. */
  readonly id: bigint;
  /** Empty for the key of the space. */
  readonly fingerprint: Tuple;
  readonly sealed: Sealed;
}

function sealedOfEntries(entries: readonly (Entry | null)[]): SealedItem[] {
  return entries.flatMap((entry) => {
    if (entry?.sealed === undefined) return [];
    const { id, tuple: fingerprint, sealed } = entry;
    return [{ id, fingerprint, sealed }];
  });
}

/** In the order in which they stand in it: that of the shares beside it. */
export function sealedOfResult(result: Result): readonly SealedItem[] {
  switch (result.kind) {
    case 'entry':
    case 'cas':
      return sealedOfEntries([result.entry]);
    case 'entries':
      return sealedOfEntries(result.entries);
    case 'spaceKey':
      return [{ id: 0n, fingerprint: [], sealed: result.sealed }];
    default:
      return [];
  }
}

export function sealedOfEvent(event: SpaceEvent): readonly SealedItem[] {
  return event.kind === 'ended' ? [] : sealedOfEntries([event.entry]);
}
