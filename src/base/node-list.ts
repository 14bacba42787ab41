/** Numbered digests in ascending order, kept as the bytes that a group or the root is hashed over (page-proof.ts). */
import { fromHex } from './bytes.js';
import type { Digest, HashFunction } from './ids.js';
import { nodeBytes, numberBytes, writeNumber } from './page-proof.js';

export class NodeList {
  #length = 0;
  #numbers: number[] = [];
  /** A tag, then number and digest of every node; grows by doubling. */
  #bytes: Uint8Array;

  constructor(tag: number) {
    this.#bytes = new Uint8Array(1 + 4 * nodeBytes);
    this.#bytes[0] = tag;
  }

  get length(): number {
    return this.#length;
  }

  /** The list without its tag: a view, which changes with it. */
  get list(): Uint8Array {
    return this.#bytes.subarray(1, 1 + this.#length * nodeBytes);
  }

  copy(): NodeList {
    const copy = new NodeList(this.#bytes[0]!);
    copy.#length = this.#length;
    copy.#numbers = this.#numbers.slice();
    copy.#bytes = this.#bytes.slice();
    return copy;
  }

  set(number: number, digest: Digest): void {
    const i = this.#indexOf(number);
    if (this.#numbers[i] !== number) this.#insertAt(i, number);
    this.#bytes.set(fromHex(digest)!, 1 + i * nodeBytes + numberBytes);
  }

  remove(number: number): void {
    const i = this.#indexOf(number);
    if (this.#numbers[i] !== number) return;
    this.#numbers.splice(i, 1);
    this.#bytes.copyWithin(1 + i * nodeBytes, 1 + (i + 1) * nodeBytes, 1 + this.#length * nodeBytes);
    this.#length--;
  }

  digest(hash: HashFunction): Digest {
    return hash(this.#bytes.subarray(0, 1 + this.#length * nodeBytes));
  }

  #indexOf(number: number): number {
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#numbers[middle]! < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insertAt(i: number, number: number): void {
    const end = 1 + this.#length * nodeBytes;
    if (end === this.#bytes.length) {
      const grown = new Uint8Array(1 + 2 * this.#length * nodeBytes);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    const offset = 1 + i * nodeBytes;
    this.#bytes.copyWithin(offset + nodeBytes, offset, end);
    writeNumber(number, this.#bytes, offset);
    this.#numbers.splice(i, 0, number);
    this.#length++;
  }
}
