/**
 * Tuples and templates as values. Types are part of a value: the integer 1, the string "1" and double(1)
 * differ; 1 and 1n are the same. Canonical bytes are in tuple-codec.ts. In a confidential space the service holds
 * fingerprints instead of tuples (DESIGN section 7): a tag or `hidden` where a value is not public.
 */
import { assert } from '../base/index.js';

/** A double without a fractional part, which as a plain number could not be told from an integer. */
export class Double {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export type FieldType = 'string' | 'int' | 'double' | 'bool' | 'bytes';

/** Bytes of a tag's point, encoded as in RFC 9496. */
export const tagPointBytes = 32;

/**
 * A comparable field in a fingerprint: its type, and a point that equal values have in common and that tells nothing
 * else without the space's key. Whether it is a point is for the confidential room to judge.
 */
export class Tag {
  readonly type: FieldType;
  readonly point: Uint8Array;
  constructor(type: FieldType, point: Uint8Array) {
    assert(point.length === tagPointBytes, 'the point of a tag is 32 bytes');
    this.type = type;
    this.point = point;
  }
}

class Hidden {
  readonly isHidden = true;
}
export type { Hidden };

/** A private field in a fingerprint: of no type, equal to no value of a template. */
export const hidden = new Hidden();

export function isHidden(field: unknown): field is Hidden {
  return field === hidden;
}

/**
 * A value that users write, in its one normal form: string; number (a safe integer is an integer; one with a fraction, or
 * infinite, a double); bigint only for 64-bit integers beyond the safe range; Double exactly for doubles
 * without a fraction, of any size; boolean; bytes. No NaN, no −0.
 */
export type PlainField = string | number | bigint | Double | boolean | Uint8Array;
export type Field = PlainField | Tag | Hidden;

export type TemplateField =
  | { readonly kind: 'value'; readonly value: PlainField | Tag }
  | { readonly kind: 'any' }
  | { readonly kind: 'formal'; readonly type: FieldType };

export type PlainTuple = readonly PlainField[];
/** A tuple, or the fingerprint of one. */
export type Tuple = readonly Field[];
export type Template = readonly TemplateField[];
