/**
 * Identity keys of replicas and clients: Ed25519 private keys in PKCS #8 PEM files that only their owner
 * may read. The private key stays inside a closure; no error message may hold any part of a key file.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { InvalidInputError, toHex } from '../base/index.js';

export interface IdentityKey {
  /** 64 lower-case hexadecimal characters. */
  readonly publicKey: string;
  /** Ed25519 signature (64 bytes) over exactly these bytes; prefix them with `purposeBytes`. */
  sign(bytes: Uint8Array): Uint8Array;
}

function identityKey(privateKey: KeyObject): IdentityKey {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  return {
    publicKey: toHex(Buffer.from(x ?? '', 'base64url')),
    sign(bytes) {
      const signature = sign(null, bytes, privateKey);
      return new Uint8Array(signature.buffer, signature.byteOffset, signature.length);
    },
  };
}

/** A fresh key; `pem` is PKCS #8, to be written to a file of mode 0600. */
export function generateIdentityKey(): { key: IdentityKey; pem: string } {
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    key: identityKey(privateKey),
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function malformed(file: string, what: string): InvalidInputError {
  return new InvalidInputError(
    'KEY_FILE_MALFORMED',
    `${file}: ${what}; expected an unencrypted Ed25519 private key in PKCS #8 PEM. Restore it from a backup.`,
    { path: file },
  );
}

/** @throws InvalidInputError KEY_FILE_MALFORMED naming `fileForErrors`, without the parser's own words. */
export function identityKeyFromPem(pem: string, fileForErrors: string): IdentityKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    throw malformed(fileForErrors, 'not a private key');
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    throw malformed(fileForErrors, `a ${privateKey.asymmetricKeyType ?? 'different'} key`);
  }
  return identityKey(privateKey);
}

function fileError(path: string, cause: unknown): InvalidInputError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new InvalidInputError(
      'KEY_FILE_MISSING',
      `${path}: no such key file. Check the directory, or make the key with \`theodora init\` or \`theodora client add\`.`,
      { path },
      cause,
    );
  }
  return new InvalidInputError(
    'KEY_FILE_PERMISSIONS',
    `${path}: cannot be read (${String(code)}). Run as the user who owns it.`,
    { path },
    cause,
  );
}

const fileBytesMax = 64 << 10;

/** Reads through one descriptor, so that what was checked is what is read. */
function readKeyFile(path: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    throw fileError(path, cause);
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile() || status.size > fileBytesMax) throw malformed(path, 'not a key file');
    // Windows has no such bits: its ACLs are the operator's.
    if (process.platform !== 'win32' && (status.mode & 0o077) !== 0) {
      const mode = (status.mode & 0o777).toString(8).padStart(4, '0');
      throw new InvalidInputError(
        'KEY_FILE_PERMISSIONS',
        `${path}: mode ${mode} lets others at a private key. Run: chmod 600 ${path}`,
        { path },
      );
    }
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/** @throws InvalidInputError KEY_FILE_MISSING, KEY_FILE_PERMISSIONS or KEY_FILE_MALFORMED. */
export function readIdentityKey(path: string): IdentityKey {
  return identityKeyFromPem(readKeyFile(path), path);
}
