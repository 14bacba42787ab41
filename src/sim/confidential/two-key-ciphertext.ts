/**
 * Ciphertexts that AES-256-GCM opens under two keys (Dodis et al., CRYPTO 2018): the tag is linear in each block, so two equations
 * for one tag are solved for one of them. Nonce 0, as in crypto/pvss/aead.ts.
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

/** What the tag is if the free block is zero, and the factor of that block in it. */
function tagEquation(
  key: Uint8Array,
  beside: Uint8Array,
  ciphertext: Uint8Array,
  freeBlock: number,
): { constant: Element; factor: Element } {
  const hashKey = encryptBlock(key, new Uint8Array(16));
  let state = 0n;
  let factor = 0n;
  const absorb = (block: Element): void => {
    state = multiply(state ^ block, hashKey);
    factor = multiply(factor, hashKey);
  };
  const absorbAll = (bytes: Uint8Array, freeAt: number): void => {
    const padded = new Uint8Array(Math.ceil(bytes.length / 16) * 16);
    padded.set(bytes);
    for (let at = 0; at < padded.length; at += 16) {
      const isFree = at === freeAt;
      absorb(isFree ? 0n : toElement(padded.subarray(at, at + 16)));
      if (isFree) factor = hashKey;
    }
  };
  absorbAll(beside, -1);
  absorbAll(ciphertext, 16 * freeBlock);
  absorb((BigInt(8 * beside.length) << 64n) | BigInt(8 * ciphertext.length));
  const counter = new Uint8Array(16);
  counter[15] = 1;
  return { constant: state ^ encryptBlock(key, counter), factor };
}

/** The ciphertext, with another block in the place of `freeBlock`, and its tag. */
export function closeUnderTwoKeys(
  [one, other]: readonly [Uint8Array, Uint8Array],
  beside: Uint8Array,
  ciphertext: Uint8Array,
  freeBlock: number,
): Uint8Array {
  const a = tagEquation(one, beside, ciphertext, freeBlock);
  const b = tagEquation(other, beside, ciphertext, freeBlock);
  const block = multiply(a.constant ^ b.constant, invert(a.factor ^ b.factor));
  const tag = a.constant ^ multiply(block, a.factor);
  const closed = new Uint8Array(ciphertext.length + 16);
  closed.set(ciphertext);
  closed.set(toBlock(block), 16 * freeBlock);
  closed.set(toBlock(tag), ciphertext.length);
  return closed;
}
