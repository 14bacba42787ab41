/**
 * Byte strings without any platform API: comparison, hexadecimal and strict UTF-8. The pure rooms have
 * neither Buffer nor TextEncoder; strings with lone surrogates and byte strings that are not shortest-form
 * UTF-8 are refused, because one value must have one encoding.
 */
export const emptyBytes = new Uint8Array(0);

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Lexicographic order: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

const hexDigits: readonly number[] = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
const hexChunkBytes = 1024;

export function toHex(bytes: Uint8Array): string {
  let hex = '';
  for (let start = 0; start < bytes.length; start += hexChunkBytes) {
    const length = Math.min(hexChunkBytes, bytes.length - start);
    const units = new Array<number>(2 * length);
    for (let i = 0; i < length; i++) {
      const byte = bytes[start + i]!;
      units[2 * i] = hexDigits[byte >> 4]!;
      units[2 * i + 1] = hexDigits[byte & 15]!;
    }
    hex += String.fromCharCode(...units);
  }
  return hex;
}

function nibble(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 97 && code <= 102) return code - 87;
  return -1;
}

/** Decodes lower-case hexadecimal; null when it is anything else. */
export function fromHex(hex: string): Uint8Array | null {
  if (hex.length % 2 !== 0) return null;
  const out = new Uint8Array(hex.length / 2);
  for (let i = 0; i < out.length; i++) {
    const high = nibble(hex.charCodeAt(2 * i));
    const low = nibble(hex.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return null;
    out[i] = high * 16 + low;
  }
  return out;
}

/** Number of UTF-8 bytes of a string, or −1 if it holds a lone surrogate. */
export function utf8Length(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    else if (unit < 0xd800 || unit > 0xdfff) length += 3;
    else {
      const next = unit < 0xdc00 && i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
      if (next < 0xdc00 || next > 0xdfff) return -1;
      length += 4;
      i++;
    }
  }
  return length;
}

/** Writes the UTF-8 form of a well-formed string at `offset`; returns the offset behind it. */
export function writeUtf8(text: string, out: Uint8Array, offset: number): number {
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i)!;
    if (point < 0x80) {
      out[offset++] = point;
    } else if (point < 0x800) {
      out[offset++] = 0xc0 | (point >> 6);
      out[offset++] = 0x80 | (point & 0x3f);
    } else if (point < 0x10000) {
      out[offset++] = 0xe0 | (point >> 12);
      out[offset++] = 0x80 | ((point >> 6) & 0x3f);
      out[offset++] = 0x80 | (point & 0x3f);
    } else {
      out[offset++] = 0xf0 | (point >> 18);
      out[offset++] = 0x80 | ((point >> 12) & 0x3f);
      out[offset++] = 0x80 | ((point >> 6) & 0x3f);
      out[offset++] = 0x80 | (point & 0x3f);
      i++;
    }
  }
  return offset;
}

/** UTF-8 bytes of a string, or null if it holds a lone surrogate. */
export function encodeUtf8(text: string): Uint8Array | null {
  const length = utf8Length(text);
  if (length < 0) return null;
  const out = new Uint8Array(length);
  writeUtf8(text, out, 0);
  return out;
}

function continuation(bytes: Uint8Array, index: number, end: number): number {
  const byte = index < end ? bytes[index]! : 0;
  return (byte & 0xc0) === 0x80 ? byte & 0x3f : -1;
}

/** Length of the well-formed sequence that starts with `lead`, or 0. */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

const smallestOfLength = [0, 0, 0x80, 0x800, 0x10000];

const unitsPerPiece = 4096;
/** Up to this length engines copy on concatenation instead of keeping a node a piece. */
const shortLength = 12;

function stringOf(units: readonly number[], count: number): string {
  let text = '';
  if (count <= shortLength) {
    for (let i = 0; i < count; i++) text += String.fromCharCode(units[i]!);
    return text;
  }
  for (let i = 0; i < count; i += unitsPerPiece) {
    const end = Math.min(count, i + unitsPerPiece);
    text += String.fromCharCode.apply(
      null,
      i === 0 && end === units.length ? (units as number[]) : units.slice(i, end),
    );
  }
  return text;
}

/** A code unit a byte; for few bytes: each is an argument of a call. */
export const unitsOf = (bytes: Uint8Array): string =>
  // Four times as fast as spreading them.
  String.fromCharCode.apply(null, bytes as unknown as number[]);

/** Decodes bytes[start, end) strictly (RFC 3629: shortest form, no surrogates); null if malformed. */
export function decodeUtf8(bytes: Uint8Array, start = 0, end = bytes.length): string | null {
  const units = new Array<number>(end - start);
  let count = 0;
  for (let i = start; i < end;) {
    const lead = bytes[i]!;
    if (lead < 0x80) {
      units[count++] = lead;
      i++;
      continue;
    }
    const length = sequenceLength(lead);
    if (length === 0) return null;
    let point = lead & (0xff >> (length + 1));
    for (let k = 1; k < length; k++) {
      const low = continuation(bytes, i + k, end);
      if (low < 0) return null;
      point = (point << 6) | low;
    }
    if (point < smallestOfLength[length]! || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
      return null;
    if (point < 0x10000) {
      units[count++] = point;
    } else {
      units[count++] = 0xd7c0 + (point >> 10);
      units[count++] = 0xdc00 | (point & 0x3ff);
    }
    i += length;
  }
  return stringOf(units, count);
}
