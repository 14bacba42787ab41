/**
 * What holds for every codec: values survive the way to bytes and back; a value has one encoding, so that
 * damaged bytes are either refused or are another value's encoding; and no bytes make a decoder throw.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareBytes, concatBytes, equalBytes, prng, type Prng } from '../../../src/base/index.js';
import { codecs, type CodecCase } from './codecs.js';

fc.configureGlobal({ seed: 20261 });

/** Changes, inserts, drops, repeats or swaps bytes somewhere. */
function damage(bytes: Uint8Array, random: Prng): Uint8Array {
  const at = random.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + random.below(4));
  const [head, middle, tail] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  switch (random.below(6)) {
    case 0:
      return concatBytes([head, Uint8Array.of(random.below(256)), bytes.subarray(at)]);
    case 1:
      return concatBytes([head, tail]);
    case 2:
      return concatBytes([head, middle, middle, tail]);
    case 3:
      return concatBytes([tail, middle, head]);
    case 4:
      return bytes.slice(0, at);
    default: {
      const copy = bytes.slice();
      if (at < copy.length) copy[at] = copy[at]! ^ (1 << random.below(8));
      return copy;
    }
  }
}

/** The decoded value, after asserting that `bytes` is its one encoding; null if refused. */
function decodeCanonical(codec: CodecCase, bytes: Uint8Array): unknown {
  const value = codec.decode(bytes);
  if (value !== null && !equalBytes(codec.encode(value), bytes)) {
    expect(codec.encode(value), `${codec.name}: a second encoding was accepted`).toStrictEqual(bytes);
  }
  return value;
}

describe.each(codecs)('$name', (codec) => {
  test('survives the way to bytes and back', () => {
    fc.assert(
      fc.property(codec.values, (value) => {
        const bytes = codec.encode(value);
        expect(bytes.constructor).toBe(Uint8Array);
        expect(codec.decode(bytes)).toStrictEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  test('decodes from a platform buffer, amid other bytes, to plain values', () => {
    fc.assert(
      fc.property(codec.values, (value) => {
        const bytes = codec.encode(value);
        const frame = Buffer.concat([Buffer.alloc(9, 0xaa), bytes, Buffer.alloc(20_000, 0xbb)]);
        expect(codec.decode(frame.subarray(9, 9 + bytes.length))).toStrictEqual(value);
      }),
      { numRuns: 50 },
    );
  });

  test('gives different values different bytes', () => {
    fc.assert(
      fc.property(codec.values, codec.values, (a, b) => {
        const isSameBytes = compareBytes(codec.encode(a), codec.encode(b)) === 0;
        if (isSameBytes) expect(a).toStrictEqual(b);
        else expect(a).not.toStrictEqual(b);
      }),
      { numRuns: 100 },
    );
  });

  test('refuses every byte changed, unless it becomes another value', () => {
    fc.assert(
      fc.property(codec.values, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, position, change) => {
        const bytes = codec.encode(value).slice();
        if (bytes.length === 0) return;
        const at = position % bytes.length;
        bytes[at] = bytes[at]! ^ change;
        const other = decodeCanonical(codec, bytes);
        if (other !== null) expect(other).not.toStrictEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  test('10,000 damaged, cut or random inputs neither throw nor decode ambiguously', () => {
    const random = prng(20261).stream(codec.name);
    const seeds = fc.sample(codec.values, { numRuns: 100, seed: 7 }).map((value) => codec.encode(value));
    let accepted = 0;
    for (let i = 0; i < 10_000; i++) {
      let bytes: Uint8Array;
      if (i % 5 === 0) {
        bytes = Uint8Array.from({ length: random.below(80) }, () => random.below(256));
      } else {
        bytes = damage(random.pick(seeds), random);
        if (random.chance(1, 3)) bytes = damage(bytes, random);
      }
      if (decodeCanonical(codec, bytes) !== null) accepted++;
    }
    expect(accepted).toBeLessThan(10_000);
  });
});
