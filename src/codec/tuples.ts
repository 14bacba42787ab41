/**
 * Tuples and templates as values. Types are part of a value: the integer 1, the string "1" and double(1)
 * differ; 1 and 1n are the same. Canonical bytes are in tuple-codec.ts.
 */

/** A double without a fractional part, which as a plain number could not be told from an integer. */
export class Double {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/**
 * A field in its one normal form: string; number (a safe integer is an integer; one with a fraction, or
 * infinite, a double); bigint only for 64-bit integers beyond the safe range; Double exactly for doubles
 * without a fraction, of any size; boolean; bytes. No NaN, no −0.
 */
export type Field = string | number | bigint | Double | boolean | Uint8Array;
export type FieldType = 'string' | 'int' | 'double' | 'bool' | 'bytes';

export type TemplateField =
  | { readonly kind: 'value'; readonly value: Field }
  | { readonly kind: 'any' }
  | { readonly kind: 'formal'; readonly type: FieldType };

export type Tuple = readonly Field[];
export type Template = readonly TemplateField[];
