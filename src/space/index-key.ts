/**
 * A field as the key of a Map, within one field type. Long strings and byte strings stand in by a digest:
 * the key takes little room, and JavaScript engines hash very long strings by their length alone, which
 * would put all of them into one bucket.
 */
import type { HashFunction } from '../base/index.js';
import type { Field } from '../codec/index.js';
import { Double, encodeField } from '../codec/index.js';

export type IndexKey = string | number | bigint | boolean;

const stringUnitsMax = 512;
const bytesMax = 64;

/** Whether only equal fields share this field's key, whatever the hash function is worth. */
export function isKeyExact(field: Field): boolean {
  if (typeof field === 'string') return field.length <= stringUnitsMax;
  return !(field instanceof Uint8Array) || field.length <= bytesMax;
}

export function indexKey(hash: HashFunction, field: Field): IndexKey {
  // A bigint, since no other string or byte string has one as its key.
  if (!isKeyExact(field)) return BigInt(`0x${hash(encodeField(field))}`);
  if (field instanceof Double) return field.value;
  if (field instanceof Uint8Array) return String.fromCharCode(...field);
  return field;
}
