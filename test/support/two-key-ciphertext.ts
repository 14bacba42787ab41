/**
 * One block that AES-256-GCM opens under two keys (Dodis et al., CRYPTO 2018): the tag is linear in the block, so two equations
 * for one tag are solved for it. Nonce 0, as in aead.ts.
 */
import { createCipheriv } from 'node:crypto';

type Element = bigint;

/** Block to element of GF(2^128), whose first bit is the coefficient of 1 (NIST SP 800-38D section 6.3). */
const toElement = (block: Uint8Array): Element =>
  block.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
const toBlock = (value: Element): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, at) => Number((value >> BigInt(8 * (15 - at))) & 255n));

const reduction = 0xe1n << 120n;

function multiply(x: Element, y: Element): Element {
  let product = 0n;
  let power = y;
  for (let bit = 127n; bit >= 0n; bit--) {
    if (((x >> bit) & 1n) === 1n) product ^= power;
    power = (power & 1n) === 1n ? (power >> 1n) ^ reduction : power >> 1n;
  }
  return product;
}

/** x^(2^128 − 2). */
function invert(x: Element): Element {
  let result = 1n << 127n;
  let power = x;
  for (let bit = 1; bit < 128; bit++) {
    power = multiply(power, power);
    result = multiply(result, power);
  }
  return result;
}

function encryptBlock(key: Uint8Array, block: Uint8Array): Element {
  const cipher = createCipheriv('aes-256-ecb', key, null);
  return toElement(cipher.update(block));
}

/** What the tag is of one ciphertext block of zeros, and the factor of the block in it. */
function tagEquation(key: Uint8Array, beside: Uint8Array): { constant: Element; factor: Element } {
  const hashKey = encryptBlock(key, new Uint8Array(16));
  const padded = new Uint8Array(Math.ceil(beside.length / 16) * 16);
  padded.set(beside);
  let state = 0n;
  const absorb = (block: Element): void => {
    state = multiply(state ^ block, hashKey);
  };
  for (let at = 0; at < padded.length; at += 16) absorb(toElement(padded.subarray(at, at + 16)));
  absorb(0n);
  absorb((BigInt(8 * beside.length) << 64n) | 128n);
  const counter = new Uint8Array(16);
  counter[15] = 1;
  return { constant: state ^ encryptBlock(key, counter), factor: multiply(hashKey, hashKey) };
}

/** Ciphertext and tag, 32 bytes. */
export function opensUnderTwoKeys(one: Uint8Array, other: Uint8Array, beside: Uint8Array): Uint8Array {
  const [a, b] = [tagEquation(one, beside), tagEquation(other, beside)];
  const block = multiply(a.constant ^ b.constant, invert(a.factor ^ b.factor));
  const tag = a.constant ^ multiply(block, a.factor);
  return Uint8Array.from([...toBlock(block), ...toBlock(tag)]);
}
