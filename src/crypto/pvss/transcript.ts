/**
 * The transcript behind a Fiat–Shamir challenge: a purpose, then labelled values, each label and value led by its
 * length and each list by its count, so that no two transcripts give the same bytes. A challenge is SHA-512 of these,
 * all 512 bits reduced modulo q: biased by less than 2^−259, and as hard to hit as the group allows (252 bits).
 */
import { hash } from 'node:crypto';
import { assert, concatBytes, encodeUtf8 } from '../../base/index.js';
import { reduceWide } from './scalar.js';

const domain = 'theodora/v1 pvss';

function lengthBytes(length: number): Uint8Array {
  return Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length);
}

const labels = new Map<string, Uint8Array>();

/** Labels are constants of the code, so the cache is bounded. */
function labelBytes(label: string): Uint8Array {
  let bytes = labels.get(label);
  if (bytes === undefined) {
    const text = encodeUtf8(label);
    assert(text !== null, 'a label is well-formed');
    bytes = concatBytes([lengthBytes(text.length), text]);
    labels.set(label, bytes);
  }
  return bytes;
}

export class Transcript {
  readonly #parts: Uint8Array[];

  constructor(purpose: string) {
    this.#parts = [labelBytes(domain), labelBytes(purpose)];
  }

  bytes(label: string, value: Uint8Array): this {
    this.#parts.push(labelBytes(label), lengthBytes(value.length), value);
    return this;
  }

  /** A whole number below 2^32. */
  number(label: string, value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value < 2 ** 32, 'a transcript number has 32 bits');
    return this.bytes(label, lengthBytes(value));
  }

  list(label: string, values: readonly Uint8Array[]): this {
    this.#parts.push(labelBytes(label), lengthBytes(values.length));
    for (const value of values) this.#parts.push(lengthBytes(value.length), value);
    return this;
  }

  /** 64 bytes. */
  digest(): Uint8Array {
    return hash('sha512', concatBytes(this.#parts), 'buffer');
  }

  /** A scalar. */
  challenge(): bigint {
    return reduceWide(this.digest());
  }
}
