/** Several byte strings as one: each behind its length (4 bytes, big-endian). For pages of more than one part. */
import { concatBytes } from '../base/index.js';

const lengthBytes = 4;

function lengthOf(part: Uint8Array): Uint8Array {
  const { length } = part;
  return Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length);
}

export function frame(parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(parts.flatMap((part) => [lengthOf(part), part]));
}

/** The parts as views; null if the bytes are none of `frame`. */
export function unframe(bytes: Uint8Array): Uint8Array[] | null {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const start = at + lengthBytes;
    if (start > bytes.length) return null;
    const [a, b, c, d] = bytes.subarray(at, start) as unknown as [number, number, number, number];
    at = start + (((a << 24) | (b << 16) | (c << 8) | d) >>> 0);
    if (at > bytes.length) return null;
    parts.push(bytes.subarray(start, at));
  }
  return parts;
}
