/** Text and names on the wire. Lists of names are distinct and ascending, so that equal lists have equal bytes. */
import { assert, clientName, decodeUtf8, encodeUtf8, type ClientName } from '../base/index.js';
import type { theodora as proto } from './generated/wire.js';
import { check } from './wire.js';

const clientNameBytesMax = 64;

export function textToWire(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  assert(bytes !== null, 'a text has no lone surrogate');
  return bytes;
}

export function textFromWire(bytes: Uint8Array, bytesMax: number): string {
  check(bytes.length <= bytesMax);
  const text = decodeUtf8(bytes);
  check(text !== null);
  return text;
}

export function clientNameFromWire(bytes: Uint8Array): ClientName {
  check(bytes.length > 0);
  return clientName(textFromWire(bytes, clientNameBytesMax));
}

/** Distinct, in the order that lists of names have everywhere. */
export function sortedNames(names: readonly ClientName[]): readonly ClientName[] {
  return [...new Set(names)].sort((a, b) => (a < b ? -1 : 1));
}

export function namesToWire(names: readonly ClientName[]): proto.Names.$Properties {
  return { names: names.map(textToWire) };
}

/** Null: there is no list. */
export function namesFromWire(wire: proto.Names | null): readonly ClientName[] | null {
  if (wire === null) return null;
  const names = wire.names.map(clientNameFromWire);
  check(names.every((name, index) => index === 0 || names[index - 1]! < name));
  return names;
}
