/**
 * Keys and the meta record of the page store. A page's key has its section, its number and the generation of the save
 * that wrote it; the meta record names the generation that counts. What it says is checked by a digest of its own, the
 * pages by the certified root.
 */
import { equalBytes, fromHex, toHex } from '../../base/index.js';
import {
  decodePeerMessage,
  encodePeerMessage,
  type CheckpointCertificate,
  type PeerMessage,
} from '../../codec/index.js';
import { sha256 } from '../../crypto/index.js';

export const pageFormatVersion = 1;

/** Section 0 is the ordering layer's, 1 the application's. */
export interface PageKey {
  readonly section: 0 | 1;
  readonly page: number;
  readonly generation: number;
}

export interface Meta {
  readonly generation: number;
  readonly certificate: CheckpointCertificate;
  /** Where the vote log ended when this was written, opaque; empty: that log is none any more. */
  readonly position: Uint8Array;
}

export const metaKey = Uint8Array.of(0);
const pageKeyBytes = 17;
const digestBytes = 32;
/** Version, generation, length of the position. */
const metaHeadBytes = 1 + 8 + 4;

function writeNumber(value: number, out: Uint8Array, offset: number): void {
  const view = new DataView(out.buffer, out.byteOffset + offset, 8);
  view.setUint32(0, Math.floor(value / 2 ** 32));
  view.setUint32(4, value % 2 ** 32);
}

function readNumber(bytes: Uint8Array, offset: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 8);
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4);
}

export function encodePageKey({ section, page, generation }: PageKey): Uint8Array {
  const key = new Uint8Array(pageKeyBytes);
  key[0] = 1 + section;
  writeNumber(page, key, 1);
  writeNumber(generation, key, 9);
  return key;
}

/** Null: no key of ours. */
export function decodePageKey(key: Uint8Array): PageKey | null {
  if (key.length !== pageKeyBytes || (key[0] !== 1 && key[0] !== 2)) return null;
  const page = readNumber(key, 1);
  const generation = readNumber(key, 9);
  if (!Number.isSafeInteger(page) || !Number.isSafeInteger(generation)) return null;
  return { section: key[0] === 1 ? 0 : 1, page, generation };
}

export function encodeMeta({ generation, certificate, position }: Meta): Uint8Array {
  const body = encodePeerMessage({ kind: 'stableCheckpoint', certificate });
  const bytes = new Uint8Array(metaHeadBytes + position.length + body.length + digestBytes);
  bytes[0] = pageFormatVersion;
  writeNumber(generation, bytes, 1);
  new DataView(bytes.buffer).setUint32(9, position.length);
  bytes.set(position, metaHeadBytes);
  bytes.set(body, metaHeadBytes + position.length);
  const end = bytes.length - digestBytes;
  bytes.set(fromHex(sha256(bytes.subarray(0, end)))!, end);
  return bytes;
}

const isCertificate = (
  message: PeerMessage | null,
): message is Extract<PeerMessage, { kind: 'stableCheckpoint' }> => message?.kind === 'stableCheckpoint';

/** `damaged`: not what was written; a number: intact, of that other version. */
export function decodeMeta(bytes: Uint8Array): Meta | number | 'damaged' {
  const end = bytes.length - digestBytes;
  if (end < metaHeadBytes) return 'damaged';
  if (toHex(bytes.subarray(end)) !== sha256(bytes.subarray(0, end))) return 'damaged';
  if (bytes[0] !== pageFormatVersion) return bytes[0]!;
  const generation = readNumber(bytes, 1);
  const positionEnd = metaHeadBytes + new DataView(bytes.buffer, bytes.byteOffset).getUint32(9);
  if (positionEnd > end || !Number.isSafeInteger(generation)) return 'damaged';
  const message = decodePeerMessage(bytes.slice(positionEnd, end));
  if (!isCertificate(message)) return 'damaged';
  return { generation, certificate: message.certificate, position: bytes.slice(metaHeadBytes, positionEnd) };
}

/** Not Node's Buffer, of which `slice` means something else. */
export const plainBytes = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);

export const isMetaKey = (key: Uint8Array): boolean => equalBytes(key, metaKey);
