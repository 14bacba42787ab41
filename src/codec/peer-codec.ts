/**
 * Bytes of the messages between replicas (messages.ts) and of the frames that carry several of them.
 * Malformed, non-canonical and oversized bytes decode to null and never throw.
 */
import { sequenceNumber, viewNumber } from '../base/index.js';
import {
  certificateFromWire,
  certificateToWire,
  newViewFromWire,
  viewChangeFromWire,
} from './certificate-codec.js';
import { decodeFrame, encodeFrame } from './frame.js';
import { theodora as proto } from './generated/wire.js';
import type { Commit, PeerMessage, Prepare, Status } from './messages.js';
import {
  fetchStateFromWire,
  fetchStateToWire,
  stateNodesFromWire,
  stateNodesMax,
  stateNodesToWire,
} from './transfer-codec.js';
import {
  check,
  decodeWire,
  digestOf,
  encodeWire,
  envelopeBytesMax,
  exactly,
  hexBytes,
  keepBytes,
  replicaOf,
  replicasMax,
  safeInteger,
  signatureBytes,
  viewOf,
} from './wire.js';

export { encodeCheckpointBody, encodeNewViewBody, encodeViewChangeBody } from './certificate-codec.js';
export type { CheckpointBody } from './certificate-codec.js';
export { stateNodesMax } from './transfer-codec.js';
export { envelopeBytesMax, frameBytesMax, frameMessagesMax, replicasMax } from './wire.js';

type WireMessage = proto.PeerMessage.$Properties;

const voteToWire = (vote: Prepare | Commit): proto.Vote.$Properties => ({
  view: vote.view,
  sequenceNumber: vote.sequenceNumber,
  digest: hexBytes(vote.digest),
});

function messageToWire(message: PeerMessage): WireMessage {
  switch (message.kind) {
    case 'prePrepare':
      return {
        prePrepare: { view: message.view, sequenceNumber: message.sequenceNumber, batch: message.batch },
      };
    case 'prepare':
      return { prepare: voteToWire(message) };
    case 'commit':
      return { commit: voteToWire(message) };
    case 'checkpoint':
      return { checkpoint: { ...message, stateDigest: hexBytes(message.stateDigest) } };
    case 'viewChange':
      return { viewChange: { body: message.body, signature: message.signature } };
    case 'newView':
      return { newView: { body: message.body, signature: message.signature } };
    case 'status':
      return { status: message };
    case 'committed':
      return { committed: { sequenceNumber: message.sequenceNumber, digest: hexBytes(message.digest) } };
    case 'stableCheckpoint':
      return { stableCheckpoint: certificateToWire(message.certificate) };
    case 'fetchBatch':
      return { fetchBatch: hexBytes(message.digest) };
    case 'batchBody':
      return { batchBody: message.batch };
    case 'fetchState':
      return { fetchState: fetchStateToWire(message) };
    case 'stateNodes':
      return { stateNodes: stateNodesToWire(message) };
    case 'stateGone':
      return { stateGone: { ...message, certificate: certificateToWire(message.certificate) } };
    case 'forward':
      return { forward: message.envelope };
  }
}

/** About what stands beside the data of a part of a state. */
const statePartOverhead = 32;

/** Length of what makes some messages large. */
function payloadBytes(message: PeerMessage): number {
  switch (message.kind) {
    case 'prePrepare':
    case 'batchBody':
      return message.batch.length;
    case 'viewChange':
    case 'newView':
      return message.body.length;
    case 'stateNodes':
      return message.parts.reduce((bytes, { data }) => bytes + data.length + statePartOverhead, 0);
    case 'forward':
      return message.envelope.length;
    default:
      return 0;
  }
}

export function encodePeerMessage(message: PeerMessage): Uint8Array {
  return encodeWire(proto.PeerMessage, messageToWire(message), payloadBytes(message));
}

const prepareFromWire = (wire: proto.Vote): Prepare => ({
  kind: 'prepare',
  view: viewNumber(safeInteger(wire.view)),
  sequenceNumber: sequenceNumber(safeInteger(wire.sequenceNumber)),
  digest: digestOf(wire.digest),
});

const commitFromWire = (wire: proto.Vote): Commit => ({
  kind: 'commit',
  view: viewNumber(safeInteger(wire.view)),
  sequenceNumber: sequenceNumber(safeInteger(wire.sequenceNumber)),
  digest: digestOf(wire.digest),
});

const statusFromWire = (wire: proto.Status): Status => ({
  kind: 'status',
  view: viewNumber(safeInteger(wire.view)),
  isActive: wire.isActive,
  isObserver: wire.isObserver,
  lastExecuted: sequenceNumber(safeInteger(wire.lastExecuted)),
  stableCheckpoint: sequenceNumber(safeInteger(wire.stableCheckpoint)),
  findsPrimarySlow: wire.findsPrimarySlow,
});

/** The frequent messages first. */
function messageFromWire(wire: proto.PeerMessage): PeerMessage {
  if (wire.prepare !== null) return prepareFromWire(wire.prepare);
  if (wire.commit !== null) return commitFromWire(wire.commit);
  if (wire.prePrepare !== null) {
    return {
      kind: 'prePrepare',
      view: viewNumber(safeInteger(wire.prePrepare.view)),
      sequenceNumber: sequenceNumber(safeInteger(wire.prePrepare.sequenceNumber)),
      batch: keepBytes(wire.prePrepare.batch),
    };
  }
  if (wire.forward !== null) {
    check(wire.forward.length <= envelopeBytesMax);
    return { kind: 'forward', envelope: viewOf(wire.forward) };
  }
  if (wire.status !== null) return statusFromWire(wire.status);
  return rareMessageFromWire(wire);
}

function rareMessageFromWire(wire: proto.PeerMessage): PeerMessage {
  if (wire.checkpoint !== null) {
    return {
      kind: 'checkpoint',
      sequenceNumber: sequenceNumber(safeInteger(wire.checkpoint.sequenceNumber)),
      stateDigest: digestOf(wire.checkpoint.stateDigest),
      replica: replicaOf(wire.checkpoint.replica),
      signature: exactly(signatureBytes, wire.checkpoint.signature),
    };
  }
  if (wire.committed !== null) {
    return {
      kind: 'committed',
      sequenceNumber: sequenceNumber(safeInteger(wire.committed.sequenceNumber)),
      digest: digestOf(wire.committed.digest),
    };
  }
  if (wire.viewChange !== null) return viewChangeFromWire(wire.viewChange);
  if (wire.newView !== null) return newViewFromWire(wire.newView);
  if (wire.stableCheckpoint !== null) {
    return { kind: 'stableCheckpoint', certificate: certificateFromWire(wire.stableCheckpoint) };
  }
  if (wire.fetchBatch !== null) return { kind: 'fetchBatch', digest: digestOf(wire.fetchBatch) };
  if (wire.batchBody !== null) return { kind: 'batchBody', batch: keepBytes(wire.batchBody) };
  if (wire.stateNodes !== null) return stateNodesFromWire(wire.stateNodes);
  if (wire.fetchState !== null) return fetchStateFromWire(wire.fetchState);
  check(wire.stateGone !== null && wire.stateGone.certificate !== null);
  return {
    kind: 'stateGone',
    sequenceNumber: sequenceNumber(safeInteger(wire.stateGone.sequenceNumber)),
    certificate: certificateFromWire(wire.stateGone.certificate),
  };
}

const peerMessageElementsMax = 3 + 2 * Math.max(replicasMax, stateNodesMax);

export function decodePeerMessage(bytes: Uint8Array): PeerMessage | null {
  return decodeWire(proto.PeerMessage, bytes, peerMessageElementsMax, messageFromWire);
}

/** One frame of encoded messages: at most 4096 of them and 4 MiB, the caller's duty. */
export function encodePeerFrame(messages: readonly Uint8Array[]): Uint8Array {
  return encodeFrame(proto.PeerFrame, messages);
}

/** The messages as views of the frame, not yet decoded; null if malformed. */
export function decodePeerFrame(bytes: Uint8Array): Uint8Array[] | null {
  return decodeFrame(proto.PeerFrame, bytes);
}
