/**
 * Bytes of envelopes and batches (envelope.ts). An envelope's body is encoded on its own, because those
 * very bytes are signed; a batch's digest covers time and envelopes and not the view. Must not check
 * signatures.
 */
import { assert, emptyBytes, sessionId } from '../base/index.js';
import type { Batch, Envelope, EnvelopeBody, Requests } from './envelope.js';
import { theodora as proto } from './generated/wire.js';
import { ownBytes } from './slab.js';
import {
  check,
  clientOf,
  decodeWire,
  encodeWire,
  envelopeBytesMax,
  exactly,
  hexBytes,
  plainBytes,
  replicaOf,
  replicasMax,
  safeInteger,
  signatureBytes,
  viewOf,
} from './wire.js';
import type { WireInteger } from './wire.js';

/** Most numbers that one envelope reports finished. */
export const envelopeFinishedMax = 1024;
/** Most operations in one envelope. */
export const envelopeOperationsMax = 1024;
/** Most envelopes in one batch. */
export const batchEnvelopesMax = 4096;
/** Of one MAC in an envelope: HMAC-SHA256 cut to half, RFC 2104 section 5. */
export const macBytes = 16;
export const openNonceBytes = 16;
export const rejoinNonceBytes = 16;

/** The encoding of the null batch, which a NEW-VIEW puts where nothing was prepared. */
export const nullBatch: Uint8Array = emptyBytes;

function bodyToWire(body: EnvelopeBody): proto.EnvelopeBody.$Properties {
  switch (body.kind) {
    case 'open':
      return { open: { client: hexBytes(body.client), nonce: body.nonce } };
    case 'requests':
      return {
        requests: {
          client: hexBytes(body.client),
          session: body.session,
          firstNumber: body.firstNumber,
          lowestUnanswered: body.lowestUnanswered,
          operations: body.operations as Uint8Array[],
          finished: body.finished as number[],
        },
      };
    case 'rejoin':
      return { rejoin: { replica: body.replica, startedAt: body.startedAt, nonce: body.nonce } };
  }
}

function finishedFromWire(wires: readonly WireInteger[], firstNumber: number): number[] {
  check(wires.length <= envelopeFinishedMax);
  let last = 0;
  return wires.map((wire) => {
    const number = safeInteger(wire);
    check(number > last && number < firstNumber);
    last = number;
    return number;
  });
}

function requestsFromWire(wire: proto.Requests): Requests {
  const count = wire.operations.length;
  const firstNumber = safeInteger(wire.firstNumber);
  const lowestUnanswered = safeInteger(wire.lowestUnanswered);
  check(count >= 1 && count <= envelopeOperationsMax);
  check(firstNumber >= 1 && Number.isSafeInteger(firstNumber + count) && lowestUnanswered <= firstNumber);
  return {
    kind: 'requests',
    client: clientOf(wire.client),
    session: sessionId(safeInteger(wire.session)),
    firstNumber,
    lowestUnanswered,
    operations: wire.operations,
    finished: finishedFromWire(wire.finished, firstNumber),
  };
}

function bodyFromWire(wire: proto.EnvelopeBody): EnvelopeBody {
  if (wire.requests !== null) return requestsFromWire(wire.requests);
  if (wire.open !== null) {
    return {
      kind: 'open',
      client: clientOf(wire.open.client),
      nonce: exactly(openNonceBytes, wire.open.nonce),
    };
  }
  check(wire.rejoin !== null);
  return {
    kind: 'rejoin',
    replica: replicaOf(wire.rejoin.replica),
    startedAt: safeInteger(wire.rejoin.startedAt),
    nonce: exactly(rejoinNonceBytes, wire.rejoin.nonce),
  };
}

/** The bytes to sign. */
export function encodeEnvelopeBody(body: EnvelopeBody): Uint8Array {
  return encodeWire(proto.EnvelopeBody, bodyToWire(body));
}

/** The envelope of a body, its encoding and the signature (64 bytes) over that. */
export function sealEnvelope(body: EnvelopeBody, signedBytes: Uint8Array, signature: Uint8Array): Envelope {
  const bytes = encodeWire(proto.Envelope, { body: signedBytes, signature });
  return { body, signedBytes, signature, macs: null, bytes };
}

/** The same with a MAC of `macBytes` for each replica, in order of their ids. */
export function sealWithMacs(body: EnvelopeBody, signedBytes: Uint8Array, macs: Uint8Array): Envelope {
  const bytes = encodeWire(proto.Envelope, { body: signedBytes, macs });
  return { body, signedBytes, signature: null, macs, bytes };
}

function macsOf(bytes: Uint8Array): Uint8Array {
  const count = bytes.length / macBytes;
  check(Number.isInteger(count) && count <= replicasMax);
  return new Uint8Array(bytes);
}

/** Exactly one of them. How many MACs there have to be is the authenticator's to judge. */
function proofOf({ signature, macs }: proto.Envelope): Pick<Envelope, 'signature' | 'macs'> {
  if (macs.length === 0) return { signature: exactly(signatureBytes, signature), macs: null };
  check(signature.length === 0);
  return { signature: null, macs: macsOf(macs) };
}

/** Null if malformed. Keeps its own copy of the bytes when they are part of a larger buffer. */
export function decodeEnvelope(bytes: Uint8Array): Envelope | null {
  if (bytes.length > envelopeBytesMax) return null;
  const own = ownBytes(plainBytes(bytes));
  const outer = decodeWire(proto.Envelope, own, 2, (wire) => ({
    signedBytes: viewOf(wire.body),
    proof: proofOf(wire),
  }));
  if (outer === null) return null;
  const body = decodeWire(proto.EnvelopeBody, outer.signedBytes, envelopeOperationsMax + 3, bodyFromWire);
  if (body === null || (body.kind === 'rejoin' && outer.proof.signature === null)) return null;
  const { signature, macs } = outer.proof;
  return { body, signedBytes: outer.signedBytes, signature, macs, bytes: own };
}

export function encodeBatch(batch: Batch): Uint8Array {
  assert(batch.time !== null || batch.envelopes.length === 0, 'a null batch holds no envelopes');
  let payloadBytes = 0;
  for (const envelope of batch.envelopes) payloadBytes += envelope.length + 5;
  const wire = { time: batch.time, envelopes: batch.envelopes as Uint8Array[] };
  return encodeWire(proto.Batch, wire, payloadBytes);
}

/** Null if malformed. The envelopes are views of `bytes`, not yet decoded. */
export function decodeBatch(bytes: Uint8Array): Batch | null {
  return decodeWire(proto.Batch, bytes, batchEnvelopesMax, (wire) => {
    check(wire.time !== null || wire.envelopes.length === 0);
    for (const envelope of wire.envelopes) check(envelope.length <= envelopeBytesMax);
    return { time: wire.time === null ? null : safeInteger(wire.time), envelopes: wire.envelopes };
  });
}
