/**
 * DER (X.690), writing only: the few types that an X.509 certificate is made of. What is written is read
 * back by OpenSSL alone; nothing here parses.
 */
import { concatBytes } from '../base/index.js';

function lengthBytes(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

function element(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(contents);
  return concatBytes([Uint8Array.of(tag), lengthBytes(content.length), content]);
}

export const sequence = (...items: readonly Uint8Array[]): Uint8Array => element(0x30, ...items);
/** A SET of one element, as names need it; more would have to be sorted. */
export const setOf = (item: Uint8Array): Uint8Array => element(0x31, item);
export const octetString = (content: Uint8Array): Uint8Array => element(0x04, content);
export const derTrue = element(0x01, Uint8Array.of(0xff));
export const utf8String = (text: string): Uint8Array => element(0x0c, Buffer.from(text, 'utf8'));

/** [number] EXPLICIT. */
export const explicit = (number: number, content: Uint8Array): Uint8Array => element(0xa0 | number, content);
/** [number] IMPLICIT over a primitive type. */
export const implicit = (number: number, content: Uint8Array): Uint8Array => element(0x80 | number, content);

/** A non-negative INTEGER from its big-endian bytes, at least one. */
export function integer(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const shortest = magnitude.subarray(start);
  return (shortest[0] ?? 0) >= 0x80 ? element(0x02, Uint8Array.of(0), shortest) : element(0x02, shortest);
}

export function bitString(content: Uint8Array, unusedBits = 0): Uint8Array {
  return element(0x03, Uint8Array.of(unusedBits), content);
}

/** OBJECT IDENTIFIER from dotted decimal. */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [40 * first + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let high = arc >>> 7; high > 0; high >>>= 7) groups.unshift(0x80 | (high & 0x7f));
    bytes.push(...groups);
  }
  return element(0x06, Uint8Array.from(bytes));
}

/** UTCTime up to 2049, GeneralizedTime from 2050 on (RFC 5280 section 4.1.2.5); whole seconds. */
export function time(date: Date): Uint8Array {
  const digits = date
    .toISOString()
    .replace(/\.[0-9]+Z$/, 'Z')
    .replace(/[-:T]/g, '');
  return date.getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(digits.slice(2), 'ascii'))
    : element(0x18, Buffer.from(digits, 'ascii'));
}
