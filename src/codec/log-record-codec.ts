/**
 * Bytes of the records of a vote log (log-record.ts). As everywhere, one value has one encoding; what a
 * damaged file or another release gives decodes to null and never throws.
 */
import { sequenceNumber, viewNumber } from '../base/index.js';
import { certificateFromWire, certificateToWire, newViewFromWire } from './certificate-codec.js';
import { theodora as proto } from './generated/wire.js';
import type { LogRecord } from './log-record.js';
import {
  check,
  decodeWire,
  digestOf,
  encodeWire,
  frameBytesMax,
  hexBytes,
  keepBytes,
  replicasMax,
  safeInteger,
} from './wire.js';

/** A batch or a NEW-VIEW, which fit a frame, and what a record adds, failed checks of all its operations included. */
export const logRecordBytesMax = frameBytesMax + (64 << 10);
/** No batch has more operations. */
const failedChecksMax = 1024;
const logRecordElementsMax = 3 + 2 * replicasMax + failedChecksMax;

const startedAs = ['genesis', 'observer'] as const;

function recordToWire(record: LogRecord): proto.LogRecord.$Properties {
  switch (record.kind) {
    case 'prePrepared':
      return { prePrepared: { ...record, digest: hexBytes(record.digest) } };
    case 'prepared':
      return { prepared: { ...record, digest: hexBytes(record.digest) } };
    case 'executed':
      return {
        executed: {
          ...record,
          digest: hexBytes(record.digest),
          failedChecks: record.failedChecks.map(hexBytes),
        },
      };
    case 'checkpoint':
      return { checkpoint: { ...record, stateDigest: hexBytes(record.stateDigest) } };
    case 'started':
      return { started: startedAs.indexOf(record.as) + 1 };
    case 'voting':
      return { voting: true };
    case 'viewChange':
      return { viewChange: record.view };
    case 'newView':
      return { newView: { body: record.newView.body, signature: record.newView.signature } };
    case 'stableCheckpoint':
      return { stableCheckpoint: certificateToWire(record.certificate) };
  }
}

function payloadBytes(record: LogRecord): number {
  switch (record.kind) {
    case 'prePrepared':
      return record.batch.length;
    case 'executed':
      return record.batch?.length ?? 0;
    case 'newView':
      return record.newView.body.length;
    default:
      return 0;
  }
}

export function encodeLogRecord(record: LogRecord): Uint8Array {
  return encodeWire(proto.LogRecord, recordToWire(record), payloadBytes(record));
}

/** The frequent records first. */
function recordFromWire(wire: proto.LogRecord): LogRecord {
  if (wire.prepared !== null) {
    return {
      kind: 'prepared',
      view: viewNumber(safeInteger(wire.prepared.view)),
      sequenceNumber: sequenceNumber(safeInteger(wire.prepared.sequenceNumber)),
      digest: digestOf(wire.prepared.digest),
    };
  }
  if (wire.prePrepared !== null) {
    return {
      kind: 'prePrepared',
      view: viewNumber(safeInteger(wire.prePrepared.view)),
      sequenceNumber: sequenceNumber(safeInteger(wire.prePrepared.sequenceNumber)),
      digest: digestOf(wire.prePrepared.digest),
      batch: keepBytes(wire.prePrepared.batch),
    };
  }
  if (wire.executed !== null) {
    return {
      kind: 'executed',
      sequenceNumber: sequenceNumber(safeInteger(wire.executed.sequenceNumber)),
      digest: digestOf(wire.executed.digest),
      batch: wire.executed.batch === null ? null : keepBytes(wire.executed.batch),
      failedChecks: wire.executed.failedChecks.map(digestOf),
    };
  }
  if (wire.checkpoint !== null) {
    return {
      kind: 'checkpoint',
      sequenceNumber: sequenceNumber(safeInteger(wire.checkpoint.sequenceNumber)),
      stateDigest: digestOf(wire.checkpoint.stateDigest),
    };
  }
  return standingFromWire(wire);
}

function standingFromWire(wire: proto.LogRecord): LogRecord {
  if (wire.started !== null) {
    const as = startedAs[wire.started - 1];
    check(as !== undefined);
    return { kind: 'started', as };
  }
  if (wire.voting !== null) {
    check(wire.voting);
    return { kind: 'voting' };
  }
  if (wire.viewChange !== null) {
    return { kind: 'viewChange', view: viewNumber(safeInteger(wire.viewChange)) };
  }
  if (wire.newView !== null) return { kind: 'newView', newView: newViewFromWire(wire.newView) };
  check(wire.stableCheckpoint !== null);
  return { kind: 'stableCheckpoint', certificate: certificateFromWire(wire.stableCheckpoint) };
}

/** The record, its bytes copied where they would hold a much larger buffer alive; null if malformed. */
export function decodeLogRecord(bytes: Uint8Array): LogRecord | null {
  return decodeWire(proto.LogRecord, bytes, logRecordElementsMax, recordFromWire, logRecordBytesMax);
}
