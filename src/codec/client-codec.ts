/**
 * Bytes of the messages between a client and one replica (client-messages.ts), of the frames that carry
 * them, and of what a client's HELLO signs. Malformed, non-canonical and oversized bytes decode to null
 * and never throw.
 */
import { sequenceNumber, sessionId, utf8Length, viewNumber } from '../base/index.js';
import type { ReplicaId, SessionId } from '../base/index.js';
import { certificateFromWire, certificateToWire } from './certificate-codec.js';
import type {
  ClientMessage,
  FeedEvent,
  Follow,
  RefusalCount,
  Reply,
  ServerMessage,
  SnapshotNodes,
  StatusReply,
  SuspicionCount,
} from './client-messages.js';
import { envelopeOperationsMax, openNonceBytes } from './envelope-codec.js';
import { decodeFrame, encodeFrame } from './frame.js';
import { theodora as proto } from './generated/wire.js';
import { outcomeFromWire, outcomeToWire } from './outcome.js';
import { nodesFromWire, nodesToWire, partsFromWire, partsToWire, stateNodesMax } from './transfer-codec.js';
import {
  check,
  clientOf,
  decodeWire,
  digestOf,
  encodeWire,
  envelopeBytesMax,
  exactly,
  hexBytes,
  keepBytes,
  replicaOf,
  safeInteger,
  signatureBytes,
  viewOf,
} from './wire.js';
import type { WireInteger } from './wire.js';

export const challengeNonceBytes = 32;
/** Refusals that a status reply counts. */
export const statusRefusalsMax = 64;
/** Suspicions, likewise. */
export const statusSuspicionsMax = 64;
const textBytesMax = 256;

function textOf(text: string): string {
  check(utf8Length(text) <= textBytesMax);
  return text;
}

export interface HelloBody {
  readonly clusterId: string;
  readonly replica: ReplicaId;
  /** SHA-256 of the replica's certificate. */
  readonly certificateFingerprint: Uint8Array;
  /** The replica's challenge. */
  readonly nonce: Uint8Array;
  readonly session: SessionId;
}

/** The bytes that a client's HELLO signature covers. */
export function encodeHelloBody(body: HelloBody): Uint8Array {
  return encodeWire(proto.HelloBody, body);
}

function clientMessageToWire(message: ClientMessage): proto.ClientMessage.$Properties {
  switch (message.kind) {
    case 'hello': {
      const { session, signature } = message;
      return { hello: { client: hexBytes(message.client), session, signature } };
    }
    case 'attach':
      return { attach: message.session };
    case 'submit':
      return { submit: message.envelope };
    case 'read':
      return {
        read: {
          readId: message.readId,
          operation: message.operation,
          wantsShares: message.wantsShares ?? false,
        },
      };
    case 'statusRequest':
      return { statusRequest: message.requestId };
    case 'follow': {
      const { session, number, after } = message;
      return { follow: { session, number, after } };
    }
    case 'fetchSnapshot': {
      const { requestId, sequenceNumber, nodes } = message;
      return { fetchSnapshot: { requestId, sequenceNumber, nodes: nodesToWire(nodes) } };
    }
  }
}

export function encodeClientMessage(message: ClientMessage): Uint8Array {
  return encodeWire(proto.ClientMessage, clientMessageToWire(message));
}

function clientMessageFromWire(wire: proto.ClientMessage): ClientMessage {
  if (wire.submit !== null) {
    check(wire.submit.length <= envelopeBytesMax);
    return { kind: 'submit', envelope: viewOf(wire.submit) };
  }
  if (wire.read !== null) {
    check(wire.read.operation.length <= envelopeBytesMax);
    const { readId, operation, wantsShares } = wire.read;
    const wanted = wantsShares ? { wantsShares } : {};
    return { kind: 'read', readId: safeInteger(readId), operation: keepBytes(operation), ...wanted };
  }
  if (wire.hello !== null) {
    return {
      kind: 'hello',
      client: clientOf(wire.hello.client),
      session: sessionId(safeInteger(wire.hello.session)),
      signature: exactly(signatureBytes, wire.hello.signature),
    };
  }
  if (wire.attach !== null) return { kind: 'attach', session: sessionId(safeInteger(wire.attach)) };
  if (wire.follow !== null) {
    const { session, number, after } = wire.follow;
    return { kind: 'follow', ...feedOf(session, number), after: safeInteger(after) };
  }
  if (wire.fetchSnapshot !== null) {
    return {
      kind: 'fetchSnapshot',
      requestId: safeInteger(wire.fetchSnapshot.requestId),
      sequenceNumber: sequenceNumber(safeInteger(wire.fetchSnapshot.sequenceNumber)),
      nodes: nodesFromWire(wire.fetchSnapshot.nodes),
    };
  }
  return { kind: 'statusRequest', requestId: safeInteger(wire.statusRequest) };
}

function feedOf(session: WireInteger, number: WireInteger): Pick<Follow, 'session' | 'number'> {
  return { session: sessionId(safeInteger(session)), number: safeInteger(number) };
}

export function decodeClientMessage(bytes: Uint8Array): ClientMessage | null {
  return decodeWire(proto.ClientMessage, bytes, 3 + stateNodesMax, clientMessageFromWire);
}

function serverMessageToWire(message: ServerMessage): proto.ServerMessage.$Properties {
  switch (message.kind) {
    case 'challenge':
      return { challenge: { replica: message.replica, nonce: message.nonce } };
    case 'welcome':
      return { welcome: { view: message.view } };
    case 'notice':
      return { notice: message.code };
    case 'opened':
      return { opened: { view: message.view, nonce: message.nonce, session: message.session } };
    case 'reply': {
      const { view, session, firstNumber, outcomes, shares = [] } = message;
      return {
        reply: { view, session, firstNumber, outcomes: outcomes.map(outcomeToWire), shares: [...shares] },
      };
    }
    case 'readReply':
      return { readReply: { readId: message.readId, result: message.result, ...sharesToWire(message) } };
    case 'statusReply':
      return {
        statusReply: {
          ...message,
          stateDigest: hexBytes(message.stateDigest),
          refusals: [...message.refusals],
          suspicions: [...message.suspicions],
        },
      };
    case 'feedEvent': {
      const { session, number, previous, sequence, data } = message;
      return { feedEvent: { session, number, previous, sequence, data, ...sharesToWire(message) } };
    }
    case 'feedTruncated': {
      const { session, number, after } = message;
      return { feedTruncated: { session, number, after } };
    }
    case 'snapshotNodes': {
      const { requestId, certificate, parts } = message;
      return {
        snapshotNodes: {
          requestId,
          certificate: certificateToWire(certificate),
          parts: partsToWire(parts),
        },
      };
    }
  }
}

export function encodeServerMessage(message: ServerMessage): Uint8Array {
  return encodeWire(proto.ServerMessage, serverMessageToWire(message));
}

function sharesToWire({ shares }: { readonly shares?: Uint8Array }): { shares?: Uint8Array } {
  return shares === undefined ? {} : { shares };
}

function sharesFromWire(shares: Uint8Array): { shares?: Uint8Array } {
  return shares.length === 0 ? {} : { shares: keepBytes(shares) };
}

function replyFromWire(wire: proto.Reply): Reply {
  check(wire.outcomes.length <= envelopeOperationsMax);
  check(wire.shares.length === 0 || wire.shares.length === wire.outcomes.length);
  return {
    kind: 'reply',
    view: viewNumber(safeInteger(wire.view)),
    session: sessionId(safeInteger(wire.session)),
    firstNumber: safeInteger(wire.firstNumber),
    outcomes: wire.outcomes.map(outcomeFromWire),
    ...(wire.shares.length === 0 ? {} : { shares: wire.shares.map(keepBytes) }),
  };
}

function refusalFromWire(wire: proto.RefusalCount): RefusalCount {
  const { code, client, space, count } = wire;
  return { code: textOf(code), client: textOf(client), space: textOf(space), count: safeInteger(count) };
}

function suspicionFromWire({ of, reason, count }: proto.SuspicionCount): SuspicionCount {
  return { of: textOf(of), reason: textOf(reason), count: safeInteger(count) };
}

function statusReplyFromWire(wire: proto.StatusReply): StatusReply {
  check(wire.refusals.length <= statusRefusalsMax);
  check(wire.suspicions.length <= statusSuspicionsMax);
  return {
    kind: 'statusReply',
    requestId: safeInteger(wire.requestId),
    replica: replicaOf(wire.replica),
    view: viewNumber(safeInteger(wire.view)),
    primary: replicaOf(wire.primary),
    isActive: wire.isActive,
    isObserver: wire.isObserver,
    executed: sequenceNumber(safeInteger(wire.executed)),
    stableCheckpoint: sequenceNumber(safeInteger(wire.stableCheckpoint)),
    stateDigest: digestOf(wire.stateDigest),
    peersConnected: wire.peersConnected,
    clientsConnected: wire.clientsConnected,
    version: textOf(wire.version),
    refusals: wire.refusals.map(refusalFromWire),
    suspicions: wire.suspicions.map(suspicionFromWire),
  };
}

function feedEventFromWire(wire: proto.FeedEvent): FeedEvent {
  const previous = safeInteger(wire.previous);
  const sequence = safeInteger(wire.sequence);
  check(sequence > previous);
  return {
    kind: 'feedEvent',
    ...feedOf(wire.session, wire.number),
    previous,
    sequence,
    data: keepBytes(wire.data),
    ...sharesFromWire(wire.shares),
  };
}

function snapshotNodesFromWire({ requestId, certificate, parts }: proto.SnapshotNodes): SnapshotNodes {
  check(certificate !== null);
  return {
    kind: 'snapshotNodes',
    requestId: safeInteger(requestId),
    certificate: certificateFromWire(certificate),
    parts: partsFromWire(parts),
  };
}

/** The frequent messages first. */
function serverMessageFromWire(wire: proto.ServerMessage): ServerMessage {
  if (wire.reply !== null) return replyFromWire(wire.reply);
  if (wire.readReply !== null) {
    const { readId, result } = wire.readReply;
    return {
      kind: 'readReply',
      readId: safeInteger(readId),
      result: result === null ? null : keepBytes(result),
      ...sharesFromWire(wire.readReply.shares),
    };
  }
  if (wire.challenge !== null) {
    const nonce = exactly(challengeNonceBytes, wire.challenge.nonce);
    return { kind: 'challenge', replica: replicaOf(wire.challenge.replica), nonce };
  }
  if (wire.welcome !== null) return { kind: 'welcome', view: viewNumber(safeInteger(wire.welcome.view)) };
  if (wire.notice !== null) return { kind: 'notice', code: textOf(wire.notice) };
  if (wire.opened !== null) {
    return {
      kind: 'opened',
      view: viewNumber(safeInteger(wire.opened.view)),
      nonce: exactly(openNonceBytes, wire.opened.nonce),
      session: sessionId(safeInteger(wire.opened.session)),
    };
  }
  if (wire.feedEvent !== null) return feedEventFromWire(wire.feedEvent);
  if (wire.feedTruncated !== null) {
    const { session, number, after } = wire.feedTruncated;
    return { kind: 'feedTruncated', ...feedOf(session, number), after: safeInteger(after) };
  }
  if (wire.snapshotNodes !== null) return snapshotNodesFromWire(wire.snapshotNodes);
  check(wire.statusReply !== null);
  return statusReplyFromWire(wire.statusReply);
}

const serverMessageElementsMax = 3 + 3 * envelopeOperationsMax;

export function decodeServerMessage(bytes: Uint8Array): ServerMessage | null {
  return decodeWire(proto.ServerMessage, bytes, serverMessageElementsMax, serverMessageFromWire);
}

/** One frame of encoded messages: at most 4096 of them and 4 MiB, the caller's duty. */
export function encodeClientFrame(messages: readonly Uint8Array[]): Uint8Array {
  return encodeFrame(proto.ClientFrame, messages);
}

/** The messages as views of the frame, not yet decoded; null if malformed. */
export function decodeClientFrame(bytes: Uint8Array): Uint8Array[] | null {
  return decodeFrame(proto.ClientFrame, bytes);
}

/** As `encodeClientFrame`. */
export function encodeServerFrame(messages: readonly Uint8Array[]): Uint8Array {
  return encodeFrame(proto.ServerFrame, messages);
}

/** As `decodeClientFrame`. */
export function decodeServerFrame(bytes: Uint8Array): Uint8Array[] | null {
  return decodeFrame(proto.ServerFrame, bytes);
}
