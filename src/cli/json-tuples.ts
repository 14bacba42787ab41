/**
 * Tuples and templates as JSON arrays, the form of the command line (and of scripts around it): string,
 * integer, number with a fraction, boolean, {"bytes":"base64"}, {"int":"…"} for integers beyond 2^53,
 * {"double":1} for a double without a fraction; in templates null is any and {"formal":"int"} a typed
 * formal. Types are part of a value, so nothing is rounded or guessed: what could be read in two ways is
 * refused with the form to write instead. What fingerprints have in place of values is only written:
 * {"tag":"int:base64"} and {"hidden":true}.
 */
import { InvalidInputError, utf8Length } from '../base/index.js';
import { any, Double, formal, isHidden, Tag } from '../codec/index.js';
import type { Field, FieldType, TemplateField, Tuple } from '../codec/index.js';
import { readJson } from './json-reader.js';
import type { JsonValue } from './json-reader.js';
import { toJsonLine } from './output.js';

type What = 'tuple' | 'template';

interface Place {
  readonly what: What;
  readonly index: number;
}

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;
const formalTypes: readonly string[] = ['string', 'int', 'double', 'bool', 'bytes'] satisfies FieldType[];

function isFieldType(name: string): name is FieldType {
  return formalTypes.includes(name);
}

function refuse(place: Place, position: number, problem: string): never {
  throw new InvalidInputError(
    place.what === 'tuple' ? 'INVALID_TUPLE' : 'INVALID_TEMPLATE',
    `field ${place.index} of the ${place.what} (position ${position}): ${problem}`,
    { field: place.index, position },
  );
}

function checkedString(text: string, place: Place, position: number): string {
  if (utf8Length(text) < 0) refuse(place, position, 'the string holds half of a surrogate pair');
  return text;
}

function integerOf(value: bigint, place: Place, position: number): number | bigint {
  if (value < int64Min || value > int64Max) refuse(place, position, `${value} does not fit 64 bits`);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function plainNumber(text: string, place: Place, position: number): number {
  const value = Number(text);
  if (/^-?[0-9]+$/.test(text)) {
    if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
    const remedy = toJsonLine({ int: text });
    return refuse(place, position, `${text} is beyond 2^53 and would be rounded: write ${remedy}`);
  }
  if (!Number.isFinite(value)) refuse(place, position, `${text} is too large for a double`);
  if (!Number.isInteger(value)) return value;
  const integer = Number.isSafeInteger(value) ? `${value === 0 ? 0 : value} for the integer or ` : '';
  return refuse(
    place,
    position,
    `${text} has no fractional part: write ${integer}{"double":${text}} for the double`,
  );
}

function taggedInt(value: JsonValue, place: Place): number | bigint {
  if (value.kind !== 'string' || !/^(0|-?[1-9][0-9]*)$/.test(value.value)) {
    refuse(
      place,
      value.position,
      '{"int":…} takes a decimal integer in quotes, such as {"int":"9007199254740993"}',
    );
  }
  return integerOf(BigInt(value.value), place, value.position);
}

function taggedDouble(value: JsonValue, place: Place): number | Double {
  if (value.kind === 'word') return refuseWord(value, place);
  if (value.kind !== 'number')
    refuse(place, value.position, '{"double":…} takes a number, such as {"double":1}');
  const double = Number(value.text);
  if (!Number.isFinite(double)) refuse(place, value.position, `${value.text} is too large for a double`);
  return Number.isInteger(double) ? new Double(double === 0 ? 0 : double) : double;
}

function taggedBytes(value: JsonValue, place: Place): Uint8Array {
  if (value.kind === 'string') {
    const bytes = Buffer.from(value.value, 'base64');
    if (bytes.toString('base64') === value.value) return new Uint8Array(bytes);
  }
  return refuse(place, value.position, '{"bytes":…} takes padded base64 in quotes, such as {"bytes":"AQID"}');
}

function taggedFormal(value: JsonValue, place: Place): TemplateField {
  if (place.what === 'tuple')
    refuse(place, value.position, 'a formal belongs in a template; a tuple is all values');
  if (value.kind === 'string' && isFieldType(value.value)) return formal[value.value];
  return refuse(place, value.position, `{"formal":…} takes one of ${formalTypes.join(', ')}`);
}

function refuseWord({ text, position }: JsonValue & { kind: 'word' }, place: Place): never {
  if (/^-?(NaN|Infinity)$/.test(text))
    refuse(place, position, `${text} is not a value that JSON or a tuple can hold`);
  return refuse(place, position, `${text} is no JSON value (strings need double quotes)`);
}

function fromJson(json: JsonValue, place: Place): Field | TemplateField {
  switch (json.kind) {
    case 'string':
      return checkedString(json.value, place, json.position);
    case 'number':
      return plainNumber(json.text, place, json.position);
    case 'boolean':
      return json.value;
    case 'word':
      return refuseWord(json, place);
    case 'null':
      if (place.what === 'template') return any;
      return refuse(place, json.position, 'null means any and belongs in a template; a tuple is all values');
    case 'array':
      return refuse(place, json.position, 'a field is a single value, not an array');
    case 'object': {
      const [member, ...others] = json.members;
      if (member === undefined || others.length > 0) break;
      if (member[0] === 'int') return taggedInt(member[1], place);
      if (member[0] === 'double') return taggedDouble(member[1], place);
      if (member[0] === 'bytes') return taggedBytes(member[1], place);
      if (member[0] === 'formal') return taggedFormal(member[1], place);
    }
  }
  const forms = '{"bytes":"…"}, {"int":"…"}, {"double":…}';
  return refuse(
    place,
    json.position,
    `an object here is one of ${forms}${place.what === 'template' ? ', {"formal":"…"}' : ''}`,
  );
}

function parseFields(text: string, what: What): (Field | TemplateField)[] {
  const json = readJson(text);
  const code = what === 'tuple' ? 'INVALID_TUPLE' : 'INVALID_TEMPLATE';
  if (json.kind !== 'array') {
    throw new InvalidInputError(code, `a ${what} is a JSON array, such as ["job", 42, "queued"]`, {
      position: 0,
    });
  }
  return json.items.map((item, index) => fromJson(item, { what, index }));
}

/** Throws InvalidInputError INVALID_JSON {position} or INVALID_TUPLE {field, position}. */
export function parseTuple(text: string): Tuple {
  return parseFields(text, 'tuple') as Tuple;
}

/** Values and markers, as the client library takes them. Throws as parseTuple, with INVALID_TEMPLATE. */
export function parseTemplate(text: string): readonly (Field | TemplateField)[] {
  return parseFields(text, 'template');
}

export function fieldToJson(field: Field): unknown {
  if (typeof field === 'bigint') return { int: field.toString() };
  if (field instanceof Double) return { double: field.value };
  if (field instanceof Uint8Array) return { bytes: Buffer.from(field).toString('base64') };
  if (field instanceof Tag) return { tag: `${field.type}:${Buffer.from(field.point).toString('base64')}` };
  return isHidden(field) ? { hidden: true } : field;
}

export function tupleToJson(tuple: Tuple): unknown[] {
  return tuple.map(fieldToJson);
}

/** Integers as JSON numbers where they are exact, else {"int":"…"}. */
export function idToJson(id: bigint): unknown {
  return id <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(id) : { int: id.toString() };
}
