/**
 * Integer pseudo-random numbers for simulation and tests (xoshiro128**, Blackman & Vigna 2018; seeded by
 * splitmix32). Never for keys. A named stream depends on the seed and its name alone, so that adding a
 * consumer does not shift what the others draw.
 */
import { assert } from './assert.js';

export interface Prng {
  /** Uniform 32-bit unsigned integer. */
  next(): number;
  /** Uniform integer in [0, bound); `bound` is a safe integer of at least 1. */
  below(bound: number): number;
  /** Uniform integer in [low, high]. */
  between(low: number, high: number): number;
  /** True in `numerator` of `denominator` cases. */
  chance(numerator: number, denominator: number): boolean;
  /** A uniformly drawn element. */
  pick<T>(items: readonly T[]): T;
  /** An independent generator named within this one. */
  stream(name: string): Prng;
}

function mixer(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
}

function nameHash(seed: number, name: string): number {
  let hash = (seed ^ 0x811c9dc5) | 0;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash | 0;
}

const rotateLeft = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

export function prng(seed: number): Prng {
  const mix = mixer(seed);
  let [a, b, c, d] = [mix(), mix(), mix(), mix() | 1];

  function next(): number {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotateLeft(d, 11);
    return result;
  }

  function below(bound: number): number {
    assert(Number.isSafeInteger(bound) && bound >= 1, 'a bound is a safe integer of at least 1');
    const isWide = bound > 2 ** 32;
    const range = isWide ? 2 ** 53 : 2 ** 32;
    const limit = range - (range % bound);
    for (;;) {
      const value = isWide ? (next() >>> 11) * 2 ** 32 + next() : next();
      if (value < limit) return value % bound;
    }
  }

  return {
    next,
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (numerator, denominator) => below(denominator) < numerator,
    pick: (items) => items[below(items.length)]!,
    stream: (name) => prng(nameHash(seed, name)),
  };
}
