/** Frames: several encoded messages together, so that a stream carries one write a turn (LIMITS: gRPC). */
import type { theodora as proto } from './generated/wire.js';
import { decodeWire, encodeWire, frameMessagesMax } from './wire.js';
import type { WireType } from './wire.js';

type FrameType = WireType<proto.PeerFrame, proto.PeerFrame.$Properties>;

export function encodeFrame(type: FrameType, messages: readonly Uint8Array[]): Uint8Array {
  let payloadBytes = 0;
  for (const message of messages) payloadBytes += message.length + 5;
  return encodeWire(type, { messages: messages as Uint8Array[] }, payloadBytes);
}

export function decodeFrame(type: FrameType, bytes: Uint8Array): Uint8Array[] | null {
  return decodeWire(type, bytes, frameMessagesMax, (wire) => wire.messages);
}
