/**
 * What users write in tuples and templates (`any`, `formal.int`, `double(1)`, plain values) and its one
 * normal form (tuples.ts). Here a user's mistake is answered with an error that names the field; bytes
 * from others go through tuple-codec.ts instead.
 */
import { InvalidInputError, utf8Length } from '../base/index.js';
import { Double } from './tuples.js';
import type { FieldType, PlainField, PlainTuple, Template, TemplateField } from './tuples.js';

/** Absolute limits of the protocol; a space may have lower ones. */
export const tupleFieldsMax = 64;
export const fieldBytesMax = 64 << 10;
export const tupleBytesMax = 1 << 20;

/** Matches every field. */
export const any: TemplateField = { kind: 'any' };

/** Match every field of one type. */
export const formal: Readonly<Record<FieldType, TemplateField>> = {
  string: { kind: 'formal', type: 'string' },
  int: { kind: 'formal', type: 'int' },
  double: { kind: 'formal', type: 'double' },
  bool: { kind: 'formal', type: 'bool' },
  bytes: { kind: 'formal', type: 'bytes' },
};

/** Marks a number as a double, so that double(1) differs from the integer 1. */
export function double(value: number): Double {
  return new Double(value);
}

const int64Min = -(1n << 63n);
const int64Max = (1n << 63n) - 1n;

function refuse(index: number, problem: string): never {
  throw new InvalidInputError('INVALID_FIELD', `field ${index}: ${problem}`, { index });
}

function normalDouble(value: number, index: number): PlainField {
  if (typeof value !== 'number' || Number.isNaN(value)) refuse(index, 'NaN is not a double');
  return Number.isInteger(value) ? new Double(value + 0) : value;
}

function normalNumber(value: number, index: number): PlainField {
  if (Number.isNaN(value)) refuse(index, 'NaN is not a value');
  if (!Number.isInteger(value)) return value;
  if (!Number.isSafeInteger(value))
    refuse(index, 'integer beyond 2^53: write it as a bigint, or as double(…)');
  return value + 0;
}

function normalBigint(value: bigint, index: number): PlainField {
  if (value < int64Min || value > int64Max) refuse(index, 'integer beyond 64 bits');
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function checkSize(sizeBytes: number, index: number): void {
  if (sizeBytes <= fieldBytesMax) return;
  const message = `field ${index}: ${sizeBytes} bytes, at most ${fieldBytesMax} are allowed`;
  throw new InvalidInputError('FIELD_TOO_LARGE', message, { index, sizeBytes, sizeBytesMax: fieldBytesMax });
}

/**
 * The normal form of one field; `index` is for messages. Tags and `hidden` are no values: fingerprints are made by the
 * confidential room.
 * @throws InvalidInputError `INVALID_FIELD` or `FIELD_TOO_LARGE`, with the field's `index`
 */
export function normalizeField(value: unknown, index = 0): PlainField {
  switch (typeof value) {
    case 'string': {
      const sizeBytes = utf8Length(value);
      if (sizeBytes < 0) refuse(index, 'string with a lone surrogate');
      checkSize(sizeBytes, index);
      return value;
    }
    case 'number':
      return normalNumber(value, index);
    case 'bigint':
      return normalBigint(value, index);
    case 'boolean':
      return value;
    default:
      if (value instanceof Double) return normalDouble(value.value, index);
      if (value instanceof Uint8Array) {
        checkSize(value.length, index);
        return Uint8Array.from(value);
      }
      return refuse(index, 'expected a string, number, bigint, boolean, Uint8Array or double(…)');
  }
}

function checkCount(count: number): void {
  if (count <= tupleFieldsMax) return;
  const message = `${count} fields, at most ${tupleFieldsMax} are allowed`;
  throw new InvalidInputError('TOO_MANY_FIELDS', message, { count, countMax: tupleFieldsMax });
}

/** @throws InvalidInputError as `normalizeField`, or `TOO_MANY_FIELDS` */
export function normalizeTuple(values: readonly unknown[]): PlainTuple {
  checkCount(values.length);
  return Array.from(values, normalizeField);
}

function isFieldType(type: unknown): type is FieldType {
  return type === 'string' || type === 'int' || type === 'double' || type === 'bool' || type === 'bytes';
}

function normalizeTemplateField(value: unknown, index: number): TemplateField {
  if (typeof value !== 'object' || value === null || !('kind' in value)) {
    return { kind: 'value', value: normalizeField(value, index) };
  }
  if (value.kind === 'any') return any;
  if (value.kind === 'formal' && 'type' in value && isFieldType(value.type)) return formal[value.type];
  if (value.kind === 'value' && 'value' in value) {
    return { kind: 'value', value: normalizeField(value.value, index) };
  }
  return refuse(index, 'expected a value, any, or formal.…');
}

/** Values, `any` and formals; an already normal template stays as it is. Errors as `normalizeTuple`. */
export function normalizeTemplate(values: readonly unknown[]): Template {
  checkCount(values.length);
  return Array.from(values, normalizeTemplateField);
}
