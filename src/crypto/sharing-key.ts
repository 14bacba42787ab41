/**
 * A replica's key to the shares of confidential tuples (DESIGN section 7): 32 bytes of a scalar, with the generation of
 * the cluster's sharing keys that it belongs to, armoured in a file of its own.
 */
import { toHex } from '../base/index.js';
import { freshBytes } from './fresh-bytes.js';
import { malformedKey, readKeyFile } from './key-file.js';
import type { Group } from './pvss/group.js';
import { scalarBytes } from './pvss/scalar.js';
import { createShareKey, generateShareSecret } from './pvss/share.js';

/** Of the keys that a new cluster gets. */
export const firstKeyGeneration = 1;
const formatVersion = 1;
const headerBytes = 5;
const armour =
  /^-----BEGIN THEODORA SHARING KEY-----\n([A-Za-z0-9+/=\n]+)\n-----END THEODORA SHARING KEY-----\n?$/;
const expected = 'a sharing key as `theodora init` makes it';

export interface SharingSecret {
  /** Counts the cluster's sets of sharing keys, from 1. */
  readonly generation: number;
  /** The scalar, 32 bytes. */
  readonly secret: Uint8Array;
}

export function formatSharingKey({ generation, secret }: SharingSecret): string {
  const bytes = Buffer.alloc(headerBytes + scalarBytes);
  bytes[0] = formatVersion;
  bytes.writeUInt32BE(generation, 1);
  bytes.set(secret, headerBytes);
  const text = bytes.toString('base64');
  bytes.fill(0);
  return `-----BEGIN THEODORA SHARING KEY-----\n${text}\n-----END THEODORA SHARING KEY-----\n`;
}

/** @throws InvalidInputError KEY_FILE_MISSING, KEY_FILE_PERMISSIONS, KEY_FILE_MALFORMED. */
export function readSharingKey(path: string): SharingSecret {
  const body = armour.exec(readKeyFile(path, expected))?.[1];
  if (body === undefined) throw malformedKey(path, 'not a sharing key', expected);
  const bytes = Buffer.from(body, 'base64');
  if (bytes.length !== headerBytes + scalarBytes) throw malformedKey(path, 'of another length', expected);
  if (bytes[0] !== formatVersion) throw malformedKey(path, 'of a later format', expected);
  return { generation: bytes.readUInt32BE(1), secret: Uint8Array.from(bytes.subarray(headerBytes)) };
}

/** A fresh key; `text` is to be written to a file of mode 0600, `publicKey` (64 hexadecimal characters) to the cluster file. */
export function generateSharingKey(group: Group): { readonly publicKey: string; readonly text: string } {
  const secret = generateShareSecret(freshBytes);
  const key = createShareKey(group, secret)!;
  const text = formatSharingKey({ generation: firstKeyGeneration, secret });
  secret.fill(0);
  return { publicKey: toHex(key.publicKey), text };
}
