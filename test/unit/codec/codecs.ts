/** Every codec under one shape, so that one suite of properties runs over all of them. */
import type fc from 'fast-check';
import * as codec from '../../../src/codec/index.js';
import * as arbitrary from './arbitraries.js';

export interface CodecCase {
  readonly name: string;
  readonly values: fc.Arbitrary<unknown>;
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

function codecCase<T>(
  name: string,
  values: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => T | null,
): CodecCase {
  return { name, values, encode: (value) => encode(value as T), decode };
}

export const codecs: readonly CodecCase[] = [
  codecCase('tuple', arbitrary.tuple, codec.encodeTuple, codec.decodeTuple),
  codecCase('template', arbitrary.template, codec.encodeTemplate, codec.decodeTemplate),
  codecCase('fingerprint', arbitrary.fingerprint, codec.encodeTuple, codec.decodeTuple),
  codecCase(
    'template of fingerprints',
    arbitrary.fingerprintTemplate,
    codec.encodeTemplate,
    codec.decodeTemplate,
  ),
  codecCase('operation', arbitrary.operation, codec.encodeOperation, codec.decodeOperation),
  codecCase('entry', arbitrary.entry, codec.encodeEntry, codec.decodeEntry),
  codecCase('event', arbitrary.spaceEvent, codec.encodeEvent, codec.decodeEvent),
  codecCase(
    'repair evidence',
    arbitrary.repairEvidence,
    codec.encodeRepairEvidence,
    codec.decodeRepairEvidence,
  ),
  codecCase('record of a client', arbitrary.clientRecord, codec.encodeClientRecord, codec.decodeClientRecord),
  codecCase('record of a space', arbitrary.spaceRecord, codec.encodeSpaceRecord, codec.decodeSpaceRecord),
  codecCase('result', arbitrary.result, codec.encodeResult, codec.decodeResult),
  codecCase(
    'envelope',
    arbitrary.envelope,
    // From the parts, so that the kept bytes cannot hide a difference.
    ({ body, signature, macs }) => {
      const signedBytes = codec.encodeEnvelopeBody(body);
      if (signature !== null) return codec.sealEnvelope(body, signedBytes, signature).bytes;
      return codec.sealWithMacs(body, signedBytes, macs!).bytes;
    },
    codec.decodeEnvelope,
  ),
  codecCase('batch', arbitrary.batch, codec.encodeBatch, codec.decodeBatch),
  codecCase('peer message', arbitrary.peerMessage, encodePeerFromFields, codec.decodePeerMessage),
  codecCase('new view', arbitrary.newView, encodePeerFromFields, (bytes) => {
    const message = codec.decodePeerMessage(bytes);
    return message?.kind === 'newView' ? message : null;
  }),
  codecCase('peer frame', arbitrary.frame, codec.encodePeerFrame, codec.decodePeerFrame),
  codecCase('client message', arbitrary.clientMessage, codec.encodeClientMessage, codec.decodeClientMessage),
  codecCase('client frame', arbitrary.frame, codec.encodeClientFrame, codec.decodeClientFrame),
  codecCase('server message', arbitrary.serverMessage, codec.encodeServerMessage, codec.decodeServerMessage),
  codecCase('server frame', arbitrary.frame, codec.encodeServerFrame, codec.decodeServerFrame),
  codecCase('header page', arbitrary.headerPage, codec.encodeHeaderPage, codec.decodeHeaderPage),
  codecCase('session page', arbitrary.sessionPage, codec.encodeSessionPage, codec.decodeSessionPage),
  codecCase('log record', arbitrary.logRecord, codec.encodeLogRecord, codec.decodeLogRecord),
];

/** Encodes signed bodies anew from their fields, view changes inside a new view included. */
function encodePeerFromFields(message: codec.PeerMessage): Uint8Array {
  if (message.kind === 'viewChange') {
    return codec.encodePeerMessage({ ...message, body: codec.encodeViewChangeBody(message) });
  }
  if (message.kind === 'newView') {
    const viewChanges = message.viewChanges.map((each) => ({
      ...each,
      body: codec.encodeViewChangeBody(each),
    }));
    return codec.encodePeerMessage({
      ...message,
      body: codec.encodeNewViewBody({ ...message, viewChanges }),
    });
  }
  return codec.encodePeerMessage(message);
}
