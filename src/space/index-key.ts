/**
 * A field as the key of a Map, within one kind of key: a field type, whose tags are apart. Long strings and byte strings stand in by a digest:
 * the key takes little room, and JavaScript engines hash very long strings by their length alone, which
 * would put all of them into one bucket.
 */
import { assert, unitsOf, type HashFunction } from '../base/index.js';
import type { Field, FieldType } from '../codec/index.js';
import { Double, encodeField, fieldType, isHidden, Tag } from '../codec/index.js';

export type IndexKey = string | number | bigint | boolean;

export type KeyKind = FieldType | `tag ${FieldType}`;

/** Null: the field equals no value of a template, so nobody looks for it. */
export function keyKind(field: Field): KeyKind | null {
  return field instanceof Tag ? `tag ${field.type}` : fieldType(field);
}

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
  if (field instanceof Uint8Array) return unitsOf(field);
  if (field instanceof Tag) return unitsOf(field.point);
  assert(!isHidden(field), 'a hidden field has no key');
  return field;
}
