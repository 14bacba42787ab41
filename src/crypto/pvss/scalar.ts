/**
 * Scalars: integers modulo the order q of ristretto255 (RFC 9496 section 4.4), bigints inside, 32 bytes little
 * endian and below q outside. Arithmetic on bigints is not constant-time and bigints cannot be wiped: an
 * attacker who times a process from inside the machine is not excluded.
 */
import { assert } from '../../base/index.js';

/** q = 2^252 + 27742317777372353535851937790883648493, a prime. */
export const order = (1n << 252n) + 27742317777372353535851937790883648493n;
export const scalarBytes = 32;
/** Uniform bytes behind one scalar: reduced modulo q they are biased by less than 2^−259. */
const wideBytes = 64;

/** Fills with fresh, secret, uniformly random bytes. */
export type RandomBytes = (length: number) => Uint8Array;

function fromLittleEndian(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let value = 0n;
  for (let offset = bytes.length - 8; offset >= 0; offset -= 8)
    value = (value << 64n) | view.getBigUint64(offset, true);
  return value;
}

/** The residue in 0 … q−1. */
export function mod(value: bigint): bigint {
  const rest = value % order;
  return rest < 0n ? rest + order : rest;
}

/** Of 64 bytes, little endian, modulo q. */
export function reduceWide(bytes: Uint8Array): bigint {
  assert(bytes.length === wideBytes, 'a scalar is reduced from 64 bytes');
  return fromLittleEndian(bytes) % order;
}

/** A scalar in 1 … q−1. */
export function randomScalar(random: RandomBytes): bigint {
  for (;;) {
    const bytes = random(wideBytes);
    const scalar = reduceWide(bytes);
    bytes.fill(0);
    if (scalar !== 0n) return scalar;
  }
}

export function writeScalar(scalar: bigint, out: Uint8Array, offset = 0): void {
  assert(scalar >= 0n && scalar < order, 'a scalar lies in 0 … q−1');
  const view = new DataView(out.buffer, out.byteOffset + offset, scalarBytes);
  for (let word = 0; word < 4; word++)
    view.setBigUint64(8 * word, BigInt.asUintN(64, scalar >> BigInt(64 * word)), true);
}

export function encodeScalar(scalar: bigint): Uint8Array {
  const out = new Uint8Array(scalarBytes);
  writeScalar(scalar, out);
  return out;
}

/** Null unless exactly 32 bytes of a number below q. */
export function decodeScalar(bytes: Uint8Array): bigint | null {
  if (bytes.length !== scalarBytes) return null;
  const scalar = fromLittleEndian(bytes);
  return scalar < order ? scalar : null;
}

/** 1/scalar modulo q, by the extended Euclidean algorithm. */
export function invertScalar(scalar: bigint): bigint {
  let [r0, r1] = [order, mod(scalar)];
  let [t0, t1] = [0n, 1n];
  assert(r1 !== 0n, 'zero has no inverse');
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [t0, t1] = [t1, t0 - quotient * t1];
  }
  return mod(t0);
}
