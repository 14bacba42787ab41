/**
 * Lines of text out of the bytes of a stream, with bounded memory: a line that is too long is reported once, as soon as it
 * is, and the rest of it is not kept. Pure: how the stream was cut makes no difference.
 */
import { lineBytesMax, type LineProblem } from './messages.js';

export type Line = { readonly text: string } | { readonly problem: LineProblem };

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const isPrintable = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e;

export class LineReader {
  /** The line begun, with room for the \r before its end. */
  readonly #bytes = new Uint8Array(lineBytesMax + 1);
  #size = 0;
  /** The line begun is too long, and that has been said. */
  #isSkipping = false;

  /** The lines that end in this piece, without their ends; and what is already too long. */
  take(chunk: Uint8Array): readonly Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(lineFeed, from);
      const part = chunk.subarray(from, end < 0 ? chunk.length : end);
      if (!this.#isSkipping && !this.#keep(part)) {
        this.#isSkipping = true;
        lines.push({ problem: 'LINE_TOO_LONG' });
      }
      if (end < 0) return lines;
      if (!this.#isSkipping) lines.push(this.#line());
      this.#size = 0;
      this.#isSkipping = false;
      from = end + 1;
    }
  }

  /** False: the line is too long. */
  #keep(part: Uint8Array): boolean {
    if (this.#size + part.length > this.#bytes.length) return false;
    this.#bytes.set(part, this.#size);
    this.#size += part.length;
    return this.#size <= lineBytesMax || this.#endsWithReturn();
  }

  #endsWithReturn(): boolean {
    return this.#size > 0 && this.#bytes[this.#size - 1] === carriageReturn;
  }

  #line(): Line {
    const bytes = this.#bytes.subarray(0, this.#endsWithReturn() ? this.#size - 1 : this.#size);
    if (!bytes.every(isPrintable)) return { problem: 'CHARACTERS_WRONG' };
    return { text: String.fromCharCode(...bytes) };
  }
}
