/**
 * The way from bytes to generated protobuf messages and back, strict: one value has one encoding, and
 * decoding refuses every other (unknown, repeated or misordered fields, stretched varints, written
 * defaults). A decoded message is therefore encoded again, into a writer that only compares. Decoding a
 * peer's bytes never throws: this is the port where what protobufjs and the checks throw becomes null.
 * Must not touch protobufjs's global configuration, which the gRPC library shares.
 */
import protobuf from 'protobufjs/minimal.js';
import {
  assert,
  clientId,
  digest,
  emptyBytes,
  encodeUtf8,
  fromHex,
  replicaId,
  toHex,
} from '../base/index.js';
import type { ClientId, Digest, ReplicaId } from '../base/index.js';
import { allocate, ownBytes } from './slab.js';

/** Most bytes of a frame between replicas or between client and replica, and of anything decoded here. */
export const frameBytesMax = 4 << 20;
/** Most messages in one frame. */
export const frameMessagesMax = 4096;
export const envelopeBytesMax = 2 << 20;
export const replicasMax = 64;
export const digestBytes = 32;
export const publicKeyBytes = 32;
export const signatureBytes = 64;

export interface LongBits {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}
export type WireInteger = number | LongBits;

/** What the generated code offers for a message type. */
export interface WireType<W, P> {
  decode(reader: protobuf.Reader): W;
  encode(message: P, writer: protobuf.Writer): protobuf.Writer;
}

const malformed = new Error('malformed message');

/** Refuses the bytes being decoded; only for functions that run inside `decodeWire`. */
export function check(condition: boolean): asserts condition {
  if (!condition) throw malformed;
}

/** Of a list of integers: 1,024 of the longest. */
const packedBytesMax = 10 << 10;

/** Counts length-delimited elements, so that small bytes cannot make a large heap. */
class BoundedReader extends protobuf.Reader {
  #elementsLeft: number;

  constructor(bytes: Uint8Array, elementsMax: number) {
    super(bytes);
    this.#elementsLeft = elementsMax;
  }

  override size(): number {
    check(--this.#elementsLeft >= 0);
    return super.size();
  }

  override uint64s(values?: WireInteger[]): WireInteger[] {
    const start = this.pos;
    check(this.uint32() <= packedBytesMax);
    this.pos = start;
    return super.uint64s(values as number[]);
  }
}

/** Takes the place of a Writer and compares what would be written with the bytes that were decoded. */
class ComparingWriter extends protobuf.Writer {
  #expected: Uint8Array = emptyBytes;
  #at = 0;
  #isEqual = true;
  readonly #ends: number[] = [];

  start(expected: Uint8Array): this {
    this.#expected = expected;
    this.#at = 0;
    this.#isEqual = true;
    this.#ends.length = 0;
    return this;
  }

  /** Ends the comparison and lets go of the bytes. */
  isExact(): boolean {
    const isExact = this.#isEqual && this.#at === this.#expected.length;
    this.#expected = emptyBytes;
    return isExact;
  }

  #byte(value: number): void {
    if (this.#expected[this.#at++] !== value) this.#isEqual = false;
  }

  override uint32(value: number): this {
    let rest = value >>> 0;
    for (; rest > 127; rest >>>= 7) this.#byte((rest & 127) | 128);
    this.#byte(rest);
    return this;
  }

  override uint64(value: WireInteger | string): this {
    assert(typeof value === 'object', 'decoded 64-bit integers are pairs of words');
    let low = value.low >>> 0;
    let high = value.high >>> 0;
    while (high !== 0) {
      this.#byte((low & 127) | 128);
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    return this.uint32(low);
  }

  override uint64s(values: readonly (WireInteger | string)[]): this {
    this.fork();
    for (const value of values) this.uint64(value);
    return this.ldelim();
  }

  override bool(value: boolean): this {
    this.#byte(value ? 1 : 0);
    return this;
  }

  /** What was decoded is a view of the input: canonical exactly where it would be written. */
  override bytes(value: Uint8Array | string): this {
    assert(typeof value === 'object', 'decoded bytes are an array');
    const length = value.length;
    this.uint32(length);
    if (length > 0 && value.byteOffset !== this.#expected.byteOffset + this.#at) this.#isEqual = false;
    this.#at += length;
    return this;
  }

  override string(value: string): this {
    const bytes = encodeUtf8(value);
    if (bytes === null) {
      this.#isEqual = false;
      return this;
    }
    this.uint32(bytes.length);
    for (const byte of bytes) this.#byte(byte);
    return this;
  }

  /** The length stands before the content: read it here, hold the content to it in `ldelim`. */
  override fork(): this {
    let length = 0;
    let scale = 1;
    for (let i = 0; i < 5; i++, scale *= 128) {
      const byte = this.#expected[this.#at++] ?? 0;
      length += (byte & 127) * scale;
      if (byte < 128) {
        if (byte === 0 && i > 0) this.#isEqual = false;
        this.#ends.push(this.#at + length);
        return this;
      }
    }
    this.#isEqual = false;
    this.#ends.push(-1);
    return this;
  }

  override ldelim(): this {
    if (this.#ends.pop() !== this.#at) this.#isEqual = false;
    return this;
  }

  override raw(): this {
    this.#isEqual = false;
    return this;
  }
}
const comparingWriter = new ComparingWriter();

/** The same bytes without the subclass (Buffer) that the platform may have handed in. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Decodes one message and converts it; null unless the bytes are the canonical encoding and the
 * conversion `check`s out. `elementsMax` bounds strings, byte strings and nested messages in it.
 */
export function decodeWire<W extends P, P, T>(
  type: WireType<W, P>,
  bytes: Uint8Array,
  elementsMax: number,
  convert: (message: W) => T,
  bytesMax = frameBytesMax,
): T | null {
  if (bytes.length > bytesMax) return null;
  const input = plainBytes(bytes);
  try {
    const message = type.decode(new BoundedReader(input, elementsMax));
    type.encode(message, comparingWriter.start(input));
    return comparingWriter.isExact() ? convert(message) : null;
  } catch {
    return null;
  }
}

const keptWriterBytes = 64 << 10;
let keptWriter: protobuf.Writer | null = null;

/** `payloadBytes`: about what the message will hold, so that a large one is written in one piece. */
export function encodeWire<P>(type: WireType<unknown, P>, message: P, payloadBytes = 0): Uint8Array {
  const writer = keptWriter ?? new protobuf.Writer();
  keptWriter = null; // an assertion that fails below must not leave half a message in it
  const roomBytes = payloadBytes + 64;
  if (roomBytes > writer.buf.length) writer.buf = new Uint8Array(roomBytes);
  type.encode(message, writer);
  if (writer.buf.length > keptWriterBytes) return writer.finish(writer.pos * 1.25 > writer.buf.length);
  const bytes = writer.finishInto(allocate(writer.pos));
  keptWriter = writer.reset();
  return bytes;
}

/** A 64-bit integer as a safe one. */
export function safeInteger(value: WireInteger | null): number {
  check(value !== null);
  const number = typeof value === 'number' ? value : (value.high >>> 0) * 0x100000000 + (value.low >>> 0);
  check(Number.isSafeInteger(number));
  return number;
}

export function bigInteger(value: WireInteger): bigint {
  if (typeof value === 'number') return BigInt(value);
  const high = value.high >>> 0;
  const low = value.low >>> 0;
  return high < 0x200000 ? BigInt(high * 0x100000000 + low) : (BigInt(high) << 32n) | BigInt(low);
}

/** An unsigned 64-bit bigint in the form that the generated code writes. */
export function wireInteger(value: bigint): WireInteger {
  const number = Number(value);
  if (number >= 0 && number <= Number.MAX_SAFE_INTEGER) return number;
  assert(value >= 0n && value <= 0xffff_ffff_ffff_ffffn, 'not an unsigned 64-bit integer');
  return { low: Number(value & 0xffff_ffffn) | 0, high: Number(value >> 32n) | 0, unsigned: true };
}

export function replicaOf(value: number): ReplicaId {
  check(value < replicasMax);
  return replicaId(value);
}

/** A copy of a byte string of fixed length, independent of the frame. */
export function exactly(length: number, bytes: Uint8Array | null): Uint8Array {
  check(bytes !== null && bytes.length === length);
  return new Uint8Array(bytes);
}

/** A byte string that may be kept for long; for use inside `decodeWire`. */
export function keepBytes(bytes: Uint8Array | null): Uint8Array {
  check(bytes !== null);
  return bytes.length === 0 ? emptyBytes : ownBytes(bytes);
}

/** A view that lives no longer than its frame. */
export function viewOf(bytes: Uint8Array | null): Uint8Array {
  check(bytes !== null);
  return bytes.length === 0 ? emptyBytes : bytes;
}

export function digestOf(bytes: Uint8Array | null): Digest {
  check(bytes !== null && bytes.length === digestBytes);
  return digest(toHex(bytes));
}

export function clientOf(bytes: Uint8Array | null): ClientId {
  check(bytes !== null && bytes.length === publicKeyBytes);
  return clientId(toHex(bytes));
}

/** Bytes of a digest or a client identity. */
export function hexBytes(hex: Digest | ClientId): Uint8Array {
  const bytes = fromHex(hex);
  assert(bytes !== null && bytes.length === 32, 'not 64 lower-case hexadecimal characters');
  return bytes;
}
