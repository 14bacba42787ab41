/**
 * Memory for short byte strings, cut from shared slabs: an array of its own costs several times more. A piece is given out
 * once and never reused.
 */
export class Slabs {
  readonly #slabBytes: number;
  #slab = new Uint8Array(0);
  #used = 0;

  /** Whoever keeps one piece keeps its whole slab. */
  constructor(slabBytes: number) {
    this.#slabBytes = slabBytes;
  }

  /** Zeroed bytes, at most as many as a slab has. */
  cut(length: number): Uint8Array {
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(this.#slabBytes);
      this.#used = 0;
    }
    const piece = this.#slab.subarray(this.#used, this.#used + length);
    this.#used += length;
    return piece;
  }
}

const slabBytes = 8192;
const slabs = new Slabs(slabBytes);

/** Zeroed bytes. Up to 64 of them cost no more in an array of their own as long as nobody keeps them. */
export function allocate(length: number): Uint8Array {
  return length <= 64 || length > slabBytes / 4 ? new Uint8Array(length) : slabs.cut(length);
}

/** A byte string that may be kept: a copy when it would hold a much larger buffer alive. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  const heldBytes = bytes.buffer.byteLength;
  if (heldBytes <= slabBytes || heldBytes <= 2 * bytes.length) return bytes;
  const copy = allocate(bytes.length);
  copy.set(bytes);
  return copy;
}
