/**
 * Bytes of the ordering layer's state pages (state.ts). Every correct replica must write the same bytes for
 * the same state, so order is part of the encoding: incarnations and outcomes ascend.
 */
import { sequenceNumber, sessionId } from '../base/index.js';
import { openNonceBytes, rejoinNonceBytes } from './envelope-codec.js';
import type { Outcome } from './envelope.js';
import { theodora as proto } from './generated/wire.js';
import { outcomeFromWire, outcomeToWire } from './outcome.js';
import type { HeaderPage, IncarnationRecord, SessionPage } from './state.js';
import {
  check,
  clientOf,
  decodeWire,
  digestOf,
  encodeWire,
  exactly,
  hexBytes,
  replicaOf,
  replicasMax,
  safeInteger,
} from './wire.js';

const sessionPageBytesMax = 64 << 20;
const sessionOutcomesMax = 1 << 16;

export function encodeHeaderPage(page: HeaderPage): Uint8Array {
  return encodeWire(proto.HeaderPage, {
    ...page,
    chain: hexBytes(page.chain),
    incarnations: page.incarnations as IncarnationRecord[],
  });
}

function incarnationsFromWire(wires: readonly proto.IncarnationRecord[]): IncarnationRecord[] {
  let last = -1;
  return wires.map((wire) => {
    check(wire.replica > last);
    last = wire.replica;
    return {
      replica: replicaOf(wire.replica),
      incarnation: safeInteger(wire.incarnation),
      sequenceNumber: sequenceNumber(safeInteger(wire.sequenceNumber)),
      startedAt: safeInteger(wire.startedAt),
      nonce: exactly(rejoinNonceBytes, wire.nonce),
    };
  });
}

export function decodeHeaderPage(bytes: Uint8Array): HeaderPage | null {
  return decodeWire(proto.HeaderPage, bytes, 1 + replicasMax, (wire) => ({
    protocolVersion: wire.protocolVersion,
    stateMachineVersion: wire.stateMachineVersion,
    lastExecuted: sequenceNumber(safeInteger(wire.lastExecuted)),
    orderedTime: safeInteger(wire.orderedTime),
    chain: digestOf(wire.chain),
    lastSession: sessionId(safeInteger(wire.lastSession)),
    incarnations: incarnationsFromWire(wire.incarnations),
  }));
}

export function encodeSessionPage(page: SessionPage): Uint8Array {
  return encodeWire(proto.SessionPage, {
    id: page.id,
    client: hexBytes(page.client),
    nonce: page.nonce,
    isUsed: page.isUsed,
    expiresAt: page.expiresAt,
    lowestUnanswered: page.lowestUnanswered,
    outcomes: page.outcomes.map(([number, outcome]) => ({ number, ...outcomeToWire(outcome) })),
    waiting: page.waiting.map(([number, outcome]) => ({ number, ...outcomeToWire(outcome) })),
  });
}

function outcomesFromWire(wires: readonly proto.CachedOutcome[]): (readonly [number, Outcome])[] {
  let last = -1;
  return wires.map((wire) => {
    const number = safeInteger(wire.number);
    check(number > last);
    last = number;
    return [number, outcomeFromWire(wire)] as const;
  });
}

export function decodeSessionPage(bytes: Uint8Array): SessionPage | null {
  return decodeWire(
    proto.SessionPage,
    bytes,
    2 + 2 * sessionOutcomesMax,
    (wire) => ({
      id: sessionId(safeInteger(wire.id)),
      client: clientOf(wire.client),
      nonce: exactly(openNonceBytes, wire.nonce),
      isUsed: wire.isUsed,
      expiresAt: safeInteger(wire.expiresAt),
      lowestUnanswered: safeInteger(wire.lowestUnanswered),
      outcomes: outcomesFromWire(wire.outcomes),
      waiting: outcomesFromWire(wire.waiting),
    }),
    sessionPageBytesMax,
  );
}
