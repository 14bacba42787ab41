/**
 * ZooKeeper's client protocol, as far as a load needs it (zookeeper.jute of ZooKeeper 3.8): each packet is its length in four
 * bytes and then big-endian fields; strings and buffers have their length in front, -1 for none.
 */
import { TheodoraError } from '../../../base/index.js';

const opcodes = { create: 1, getData: 4, ping: 11, closeSession: -11 } as const;
const pingXid = -2;
const allPermissions = 31;
const passwordBytes = 16;
/** A server's largest answer, `jute.maxbuffer`. */
const packetBytesMax = 4 << 20;

export interface Reply {
  readonly xid: number;
  /** 0, or why it failed: ZooKeeper's KeeperException codes. */
  readonly error: number;
  readonly body: Buffer;
}

export interface Session {
  readonly timeoutMs: number;
  /** False: the server has no such session, or no time for us. */
  readonly isOpen: boolean;
}

const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const flag = (value: boolean): Buffer => Buffer.of(value ? 1 : 0);
const buffer = (bytes: Uint8Array): Buffer => Buffer.concat([int(bytes.length), bytes]);
const text = (value: string): Buffer => buffer(Buffer.from(value, 'utf8'));

function packet(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([int(body.length), body]);
}

/** Protocol version, last transaction seen, time-out, session (0: a new one), password, whether reading alone is enough. */
export function encodeConnect(timeoutMs: number): Buffer {
  return packet(
    int(0),
    Buffer.alloc(8),
    int(timeoutMs),
    Buffer.alloc(8),
    buffer(new Uint8Array(passwordBytes)),
    flag(false),
  );
}

/** A persistent node that anybody may use. */
export function encodeCreate(xid: number, path: string, data: Uint8Array): Buffer {
  const everybody = Buffer.concat([int(1), int(allPermissions), text('world'), text('anyone')]);
  return packet(int(xid), int(opcodes.create), text(path), buffer(data), everybody, int(0));
}

export function encodeGetData(xid: number, path: string): Buffer {
  return packet(int(xid), int(opcodes.getData), text(path), flag(false));
}

export const encodePing = (): Buffer => packet(int(pingXid), int(opcodes.ping));

export const encodeCloseSession = (xid: number): Buffer => packet(int(xid), int(opcodes.closeSession));

export const isAnswerToPing = ({ xid }: Reply): boolean => xid === pingXid;

const malformed = (what: string): TheodoraError =>
  new TheodoraError('PEER_PROTOCOL', `ZooKeeper sent ${what}`);

export function decodeSession(body: Buffer): Session {
  if (body.length < 20) throw malformed(`${body.length} bytes in answer to a connect`);
  const timeoutMs = body.readInt32BE(4);
  return { timeoutMs, isOpen: timeoutMs > 0 && body.readBigInt64BE(8) !== 0n };
}

export function decodeReply(body: Buffer): Reply {
  if (body.length < 16) throw malformed(`${body.length} bytes in answer to a request`);
  return { xid: body.readInt32BE(0), error: body.readInt32BE(12), body: body.subarray(16) };
}

/** The data in the answer to a getData. */
export function decodeData(body: Buffer): Buffer {
  const length = body.length < 4 ? -1 : body.readInt32BE(0);
  if (length < 0) return Buffer.alloc(0);
  if (body.length < 4 + length) throw malformed('data shorter than it says');
  return body.subarray(4, 4 + length);
}

/** Takes packets out of a stream of bytes. */
export class PacketReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The packets that `chunk` completes, without their lengths. */
  push(chunk: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const packets: Buffer[] = [];
    let at = 0;
    while (this.#rest.length - at >= 4) {
      const length = this.#rest.readInt32BE(at);
      if (length < 0 || length > packetBytesMax) throw malformed(`a packet of ${length} bytes`);
      if (this.#rest.length - at - 4 < length) break;
      packets.push(this.#rest.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    this.#rest = this.#rest.subarray(at);
    return packets;
  }
}
