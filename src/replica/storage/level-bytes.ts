/** What the files of LevelDB have in common: integers of varying length, and sums that are masked. */
import { crc32c } from './crc32c.js';

/** Thrown by readers here on bytes that cannot be what LevelDB wrote; caught by who asked. */
export const broken = new Error('broken');

export function check(condition: boolean): asserts condition {
  if (!condition) throw broken;
}

/** Whether the sum is that of the bytes from `start` to before `end`. */
export function isSummed(bytes: Uint8Array, start: number, end: number, masked: number): boolean {
  const crc = crc32c(bytes, start, end);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0 === masked;
}

/** Reads on from a place; throws `broken` past the end. */
export class LevelReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.at = start;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#end;
  }

  integer(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      check(this.at < this.#end && factor < 2 ** 49);
      const byte = this.#bytes[this.at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  skip(count: number): void {
    this.at += count;
    check(this.at <= this.#end);
  }

  /** Bytes behind their length. */
  skipCounted(): void {
    this.skip(this.integer());
  }
}
