/**
 * Canonical bytes of tuples, templates and fields: written by hand, because matching, indexing and state
 * digests compare them, so that one value must have exactly one encoding.
 *
 *   tuple, template = number of fields (1 byte), fields
 *   field           = type (1 byte), content
 *   string, bytes   = length (varint, shortest form), content (UTF-8 for strings)
 *   int, double     = 8 bytes, big endian: two's complement; IEEE 754 without NaN and −0
 *   bool            = 1 byte, 0 or 1
 *   tag             = type is that of its value plus 32; 32 bytes
 *   hidden          = type 48; nothing; in tuples only
 *
 * Decoding checks every bound before it allocates and never throws.
 */
import { assert, decodeUtf8, utf8Length, writeUtf8 } from '../base/index.js';
import { any, fieldBytesMax, formal, tupleBytesMax, tupleFieldsMax } from './markers.js';
import { allocate } from './slab.js';
import { Double, hidden, isHidden, Tag, tagPointBytes } from './tuples.js';
import type { Field, FieldType, PlainField, Template, TemplateField, Tuple } from './tuples.js';

export {
  any,
  double,
  fieldBytesMax,
  formal,
  normalizeField,
  normalizeTemplate,
  normalizeTuple,
  tupleBytesMax,
  tupleFieldsMax,
} from './markers.js';

const typeByte = { string: 1, int: 2, double: 3, bool: 4, bytes: 5, any: 16, hidden: 48 } as const;
/** A typed formal is the type's byte plus this. */
const formalOffset = 16;
/** A tag is the type's byte plus this. */
const tagOffset = 32;
const typeOfByte: readonly (FieldType | undefined)[] = [
  undefined,
  'string',
  'int',
  'double',
  'bool',
  'bytes',
];
const formalOfByte: readonly (TemplateField | null)[] = [
  null,
  formal.string,
  formal.int,
  formal.double,
  formal.bool,
  formal.bytes,
];

const scratch = new DataView(new ArrayBuffer(8));

/** The type of a field in normal form; null: it is hidden. A tag's is that of its value. */
export function fieldType(field: Field): FieldType | null {
  switch (typeof field) {
    case 'string':
      return 'string';
    case 'number':
      return Number.isSafeInteger(field) ? 'int' : 'double';
    case 'bigint':
      return 'int';
    case 'boolean':
      return 'bool';
    default:
      if (field instanceof Uint8Array) return 'bytes';
      if (field instanceof Double) return 'double';
      return field instanceof Tag ? field.type : null;
  }
}

function plainType(field: PlainField): FieldType {
  const type = fieldType(field);
  assert(type !== null, 'a value has a type');
  return type;
}

/** Whether the service may hold it only in place of a value that is not public. */
export function isConcealed(field: Field): field is Exclude<Field, PlainField> {
  return isHidden(field) || field instanceof Tag;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 127; rest >>>= 7) length++;
  return length;
}

function writeVarint(value: number, out: Uint8Array, offset: number): number {
  let rest = value;
  for (; rest > 127; rest >>>= 7) out[offset++] = (rest & 127) | 128;
  out[offset++] = rest;
  return offset;
}

function contentLength(field: string | Uint8Array): number {
  if (typeof field !== 'string') return field.length;
  const length = utf8Length(field);
  assert(length >= 0, 'a field in normal form has no lone surrogate');
  return length;
}

function fieldLength(field: Field): number {
  if (typeof field === 'boolean') return 2;
  if (typeof field === 'string' || field instanceof Uint8Array) {
    const length = contentLength(field);
    return 1 + varintLength(length) + length;
  }
  if (isHidden(field)) return 1;
  return field instanceof Tag ? 1 + tagPointBytes : 9;
}

function writeScratch(out: Uint8Array, offset: number): number {
  for (let i = 0; i < 8; i++) out[offset + i] = scratch.getUint8(i);
  return offset + 8;
}

function writeInt(value: number | bigint, out: Uint8Array, offset: number): number {
  if (typeof value === 'bigint') {
    scratch.setBigInt64(0, value);
  } else {
    scratch.setInt32(0, Math.floor(value / 0x100000000));
    scratch.setInt32(4, value | 0);
  }
  return writeScratch(out, offset);
}

function writeDouble(value: number, out: Uint8Array, offset: number): number {
  assert(!Number.isNaN(value), 'a double in normal form is a number');
  scratch.setFloat64(0, value + 0);
  return writeScratch(out, offset);
}

function writeField(field: Field, out: Uint8Array, offset: number): number {
  if (isConcealed(field)) {
    out[offset++] = field instanceof Tag ? typeByte[field.type] + tagOffset : typeByte.hidden;
    if (field instanceof Tag) out.set(field.point, offset);
    return field instanceof Tag ? offset + tagPointBytes : offset;
  }
  const type = plainType(field);
  out[offset++] = typeByte[type];
  if (typeof field === 'string') {
    return writeUtf8(field, out, writeVarint(contentLength(field), out, offset));
  }
  if (typeof field === 'boolean') {
    out[offset] = field ? 1 : 0;
    return offset + 1;
  }
  if (typeof field === 'bigint') return writeInt(field, out, offset);
  if (typeof field === 'number') {
    return type === 'int' ? writeInt(field, out, offset) : writeDouble(field, out, offset);
  }
  if (field instanceof Double) return writeDouble(field.value, out, offset);
  offset = writeVarint(field.length, out, offset);
  out.set(field, offset);
  return offset + field.length;
}

/** Canonical bytes of one field, type included. */
export function encodeField(field: Field): Uint8Array {
  const out = new Uint8Array(fieldLength(field));
  writeField(field, out, 0);
  return out;
}

/** Canonical bytes of a tuple in normal form. */
export function encodeTuple(tuple: Tuple): Uint8Array {
  assert(tuple.length <= tupleFieldsMax, 'too many fields');
  let length = 1;
  for (const field of tuple) length += fieldLength(field);
  const out = allocate(length);
  out[0] = tuple.length;
  let offset = 1;
  for (const field of tuple) offset = writeField(field, out, offset);
  return out;
}

/** Canonical bytes of a template in normal form. */
export function encodeTemplate(template: Template): Uint8Array {
  assert(template.length <= tupleFieldsMax, 'too many fields');
  let length = 1;
  for (const field of template) length += field.kind === 'value' ? fieldLength(field.value) : 1;
  const out = allocate(length);
  out[0] = template.length;
  let offset = 1;
  for (const field of template) {
    if (field.kind === 'value') offset = writeField(field.value, out, offset);
    else out[offset++] = field.kind === 'any' ? typeByte.any : typeByte[field.type] + formalOffset;
  }
  return out;
}

/** Reads fields one after the other; every method answers undefined when the bytes are malformed. */
class FieldReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The count, or −1. */
  count(): number {
    const count = this.#bytes[this.#offset++] ?? tupleFieldsMax + 1;
    return this.#bytes.length <= tupleBytesMax && count <= tupleFieldsMax ? count : -1;
  }

  isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  templateField(): TemplateField | undefined {
    const type = this.#bytes[this.#offset] ?? 0;
    if (type >= formalOffset && type <= tagOffset) {
      this.#offset++;
      if (type === typeByte.any) return any;
      return formalOfByte[type - formalOffset] ?? undefined;
    }
    const value = this.field();
    return value === undefined || isHidden(value) ? undefined : { kind: 'value', value };
  }

  field(): Field | undefined {
    const type = this.#bytes[this.#offset++] ?? 0;
    switch (type) {
      case typeByte.string: {
        const end = this.#contentEnd();
        if (end < 0) return undefined;
        const start = this.#offset;
        this.#offset = end;
        return decodeUtf8(this.#bytes, start, end) ?? undefined;
      }
      case typeByte.bytes: {
        const end = this.#contentEnd();
        if (end < 0) return undefined;
        const start = this.#offset;
        this.#offset = end;
        return new Uint8Array(this.#bytes.subarray(start, end));
      }
      case typeByte.int:
        return this.#int();
      case typeByte.double:
        return this.#double();
      case typeByte.bool: {
        const value = this.#bytes[this.#offset++] ?? 2;
        return value > 1 ? undefined : value === 1;
      }
      case typeByte.hidden:
        return hidden;
      default:
        return this.#tag(typeOfByte[type - tagOffset]);
    }
  }

  #tag(type: FieldType | undefined): Tag | undefined {
    const start = this.#offset;
    this.#offset += tagPointBytes;
    if (type === undefined || this.#offset > this.#bytes.length) return undefined;
    return new Tag(type, new Uint8Array(this.#bytes.subarray(start, this.#offset)));
  }

  /** Reads a length in its shortest form; the offset behind the content, or −1. */
  #contentEnd(): number {
    let length = 0;
    for (let shift = 0; shift <= 14; shift += 7) {
      const byte = this.#bytes[this.#offset++] ?? 255;
      length |= (byte & 127) << shift;
      if (byte > 127) continue;
      if (byte === 0 && shift > 0) return -1;
      const end = this.#offset + length;
      return length <= fieldBytesMax && end <= this.#bytes.length ? end : -1;
    }
    return -1;
  }

  #fillScratch(): boolean {
    const start = this.#offset;
    if (start + 8 > this.#bytes.length) return false;
    for (let i = 0; i < 8; i++) scratch.setUint8(i, this.#bytes[start + i]!);
    this.#offset += 8;
    return true;
  }

  #int(): Field | undefined {
    if (!this.#fillScratch()) return undefined;
    const number = scratch.getInt32(0) * 0x100000000 + scratch.getUint32(4);
    return Number.isSafeInteger(number) ? number : scratch.getBigInt64(0);
  }

  #double(): Field | undefined {
    if (!this.#fillScratch()) return undefined;
    const value = scratch.getFloat64(0);
    if (Number.isNaN(value) || Object.is(value, -0)) return undefined;
    return Number.isInteger(value) ? new Double(value) : value;
  }
}

/** Null unless `bytes` is the canonical encoding of a tuple within the limits. */
export function decodeTuple(bytes: Uint8Array): Tuple | null {
  const reader = new FieldReader(bytes);
  const count = reader.count();
  if (count < 0) return null;
  const tuple: Field[] = [];
  for (let i = 0; i < count; i++) {
    const field = reader.field();
    if (field === undefined) return null;
    tuple.push(field);
  }
  return reader.isAtEnd() ? tuple : null;
}

/** Null unless `bytes` is the canonical encoding of a template within the limits. */
export function decodeTemplate(bytes: Uint8Array): Template | null {
  const reader = new FieldReader(bytes);
  const count = reader.count();
  if (count < 0) return null;
  const template: TemplateField[] = [];
  for (let i = 0; i < count; i++) {
    const field = reader.templateField();
    if (field === undefined) return null;
    template.push(field);
  }
  return reader.isAtEnd() ? template : null;
}
