/**
 * Memory for short byte strings, cut from shared slabs: an array of its own costs several times more from
 * 65 bytes on. A piece is given out once and never reused.
 */
const slabBytes = 8192;

let slab = new Uint8Array(0);
let used = 0;

/** Zeroed bytes. */
export function allocate(length: number): Uint8Array {
  if (length <= 64 || length > slabBytes / 4) return new Uint8Array(length);
  if (used + length > slab.length) {
    slab = new Uint8Array(slabBytes);
    used = 0;
  }
  const piece = slab.subarray(used, used + length);
  used += length;
  return piece;
}

/** A byte string that may be kept: a copy when it would hold a much larger buffer alive. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  const heldBytes = bytes.buffer.byteLength;
  if (heldBytes <= slabBytes || heldBytes <= 2 * bytes.length) return bytes;
  const copy = allocate(bytes.length);
  copy.set(bytes);
  return copy;
}
