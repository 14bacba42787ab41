/**
 * Operators and members of the policy language. The values are strings, numbers, large integers, booleans,
 * null and undefined; bytes, doubles, markers of templates; tags and what is hidden, both opaque; frozen arrays and frozen records without a
 * prototype. Nothing is coerced, and nothing is compared by identity: whether two equal values are one object
 * may differ between a replica that inserted an entry and one that restored it from a checkpoint.
 */
import { equalBytes } from '../base/index.js';
import { any, Double, formal, isHidden, Tag } from '../codec/index.js';
import type { TemplateField } from '../codec/index.js';
import { fault, type Meter } from './meter.js';

/** Characters or bytes that are looked at for one step. */
const unitsPerStep = 16;

const stepsFor = (units: number): number => 1 + Math.floor(units / unitsPerStep);

const markers: ReadonlySet<unknown> = new Set([any, ...Object.values(formal)]);

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value;
}

function exact(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  return fault(`arithmetic on ${kindOf(value)}: only integers up to 2^53`);
}

/** −0 becomes 0. */
function checked(value: number): number {
  return Number.isSafeInteger(value) ? value + 0 : fault('the result is beyond 2^53');
}

export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : fault(`expected an array, found ${kindOf(value)}`);
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : fault(`expected a string, found ${kindOf(value)}`);
}

export function integerOf(value: unknown): number {
  return exact(value);
}

/** A record of the language. */
export function record(parts: readonly unknown[]): object {
  const made = Object.create(null) as Record<string, unknown>;
  for (let i = 0; i < parts.length; i += 2) made[parts[i] as string] = parts[i + 1];
  return Object.freeze(made);
}

/** `any` or a formal. */
export function isMarker(value: unknown): value is Exclude<TemplateField, { readonly kind: 'value' }> {
  return typeof value === 'object' && markers.has(value);
}

/** Whether an object is a value of a tuple or template; arrays and records are not. */
export function isField(value: object): boolean {
  if (markers.has(value) || value instanceof Double || value instanceof Uint8Array) return true;
  return value instanceof Tag || isHidden(value);
}

function equalObjects(a: object, b: object): boolean {
  if (a instanceof Double && b instanceof Double) return a.value === b.value;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return equalBytes(a, b);
  if (a instanceof Tag && b instanceof Tag) return a.type === b.type && equalBytes(a.point, b.point);
  if (isField(a) || isField(b)) return a === b && (markers.has(a) || isHidden(a));
  return fault('arrays and records are not compared: compare their fields');
}

/** `===` by value. */
export function equal(a: unknown, b: unknown, meter: Meter): boolean {
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length !== b.length) return false;
    meter.charge(stepsFor(a.length));
    return a === b;
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (a instanceof Uint8Array) meter.charge(stepsFor(a.length));
  return equalObjects(a, b);
}

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** Whether the order of the two is defined: both numbers, or both strings (by code units). */
function checkOrdered(a: unknown, b: unknown, meter: Meter): void {
  if (isNumeric(a) && isNumeric(b)) return;
  if (typeof a !== 'string' || typeof b !== 'string') fault(`no order between ${kindOf(a)} and ${kindOf(b)}`);
  meter.charge(stepsFor(Math.min(a.length, b.length)));
}

function isLess(a: unknown, b: unknown, meter: Meter): boolean {
  checkOrdered(a, b, meter);
  return (a as number) < (b as number);
}

function joined(text: string, meter: Meter): string {
  meter.charge(stepsFor(text.length));
  return text;
}

function add(a: unknown, b: unknown, meter: Meter): number | string {
  if (typeof a === 'string' && typeof b === 'string') return joined(a + b, meter);
  if (typeof a === 'string' || typeof b === 'string') return fault('+ takes two strings or two integers');
  return checked(exact(a) + exact(b));
}

function remainder(a: unknown, b: unknown): number {
  const divisor = exact(b);
  return divisor === 0 ? fault('division by zero') : checked(exact(a) % divisor);
}

function concatenation(parts: readonly unknown[], meter: Meter): string {
  let text = '';
  for (const part of parts)
    text = joined(text + (typeof part === 'number' ? String(exact(part)) : textOf(part)), meter);
  return text;
}

function member(object: unknown, name: string): unknown {
  if (name === 'length') {
    if (typeof object === 'string' || Array.isArray(object) || object instanceof Uint8Array)
      return object.length;
  }
  if (typeof object !== 'object' || object === null) return fault(`${name} of ${kindOf(object)}`);
  if (object instanceof Double) return name === 'value' ? object.value : undefined;
  if (Array.isArray(object) || isField(object)) return undefined;
  return Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined;
}

function element(object: unknown, index: unknown): unknown {
  const i = exact(index);
  if (object instanceof Uint8Array) return object[i];
  return arrayOf(object)[i];
}

/** The helpers for operators and members, by the names that compiled text calls them by. */
export function valueHelpers(meter: Meter) {
  return {
    s: (steps: number) => meter.charge(steps),
    eq: (a: unknown, b: unknown) => equal(a, b, meter),
    ne: (a: unknown, b: unknown) => !equal(a, b, meter),
    lt: (a: unknown, b: unknown) => isLess(a, b, meter),
    le: (a: unknown, b: unknown) => !isLess(b, a, meter),
    gt: (a: unknown, b: unknown) => isLess(b, a, meter),
    ge: (a: unknown, b: unknown) => !isLess(a, b, meter),
    add: (a: unknown, b: unknown) => add(a, b, meter),
    sub: (a: unknown, b: unknown) => checked(exact(a) - exact(b)),
    mul: (a: unknown, b: unknown) => checked(exact(a) * exact(b)),
    mod: remainder,
    neg: (a: unknown) => checked(-exact(a)),
    type: (a: unknown) => typeof a,
    isint: (a: unknown) => Number.isSafeInteger(a),
    cat: (parts: readonly unknown[]) => concatenation(parts, meter),
    get: member,
    idx: element,
    opt: (a: unknown, rest: (a: unknown) => unknown) => (a === null || a === undefined ? undefined : rest(a)),
    arr: (parts: readonly unknown[]) => Object.freeze(parts),
    rec: record,
    obj: (a: unknown) => (typeof a === 'object' && a !== null ? a : fault(`no members in ${kindOf(a)}`)),
    list: arrayOf,
    size: (a: readonly unknown[]) => a.length,
  };
}
