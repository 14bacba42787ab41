/**
 * Identity keys of replicas and clients: Ed25519 private keys in PKCS #8 PEM files that only their owner
 * may read. The private key stays inside a closure; no error message may hold any part of a key file.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { assert, toHex } from '../base/index.js';
import { agreementKey, sharedSecret } from './key-agreement.js';
import { malformedKey, readKeyFile } from './key-file.js';
import { sodium } from './sodium.js';

export interface IdentityKey {
  /** 64 lower-case hexadecimal characters. */
  readonly publicKey: string;
  /** Ed25519 signature (64 bytes) over exactly these bytes; prefix them with `purposeBytes`. */
  sign(bytes: Uint8Array): Uint8Array;
  /** The X25519 secret shared with the owner of another public key; null if that is none. */
  agree(publicKey: string): Uint8Array | null;
}

const signatureBytes = 64;
const seedBytes = 32;
/** The seed is all that follows in the PKCS #8 of an Ed25519 key (RFC 8410, section 7). */
const pkcs8PrefixBytes = 16;

/** Calls `use` with the seed, which is wiped afterwards. */
function withSeed<T>(privateKey: KeyObject, use: (seed: Uint8Array) => T): T {
  const encoded = privateKey.export({ format: 'der', type: 'pkcs8' });
  assert(encoded.length === pkcs8PrefixBytes + seedBytes, 'an Ed25519 key is prefix and seed');
  try {
    return use(encoded.subarray(pkcs8PrefixBytes));
  } finally {
    encoded.fill(0);
  }
}

/** By libsodium in half the time, if it is there; Ed25519 signatures are the same whoever makes them (RFC 8032, section 5.1.6). */
function signer(privateKey: KeyObject, publicKey: Uint8Array): IdentityKey['sign'] {
  if (sodium === null) {
    return (bytes) => {
      const signature = sign(null, bytes, privateKey);
      return new Uint8Array(signature.buffer, signature.byteOffset, signature.length);
    };
  }
  const { crypto_sign_detached: signInto } = sodium;
  // Not on the heap, and in no core dump.
  const secretKey = sodium.sodium_malloc(seedBytes + publicKey.length);
  withSeed(privateKey, (seed) => secretKey.set(seed));
  secretKey.set(publicKey, seedBytes);
  return (bytes) => {
    const signature = new Uint8Array(signatureBytes);
    signInto(signature, bytes, secretKey);
    return signature;
  };
}

function identityKey(privateKey: KeyObject): IdentityKey {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  const publicKey = new Uint8Array(Buffer.from(x ?? '', 'base64url'));
  /** Made when it is first needed: with signed requests it never is. */
  let forAgreement: KeyObject | null = null;
  return {
    publicKey: toHex(publicKey),
    sign: signer(privateKey, publicKey),
    agree(other) {
      forAgreement ??= withSeed(privateKey, agreementKey);
      return sharedSecret(forAgreement, other);
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

const expected = 'an unencrypted Ed25519 private key in PKCS #8 PEM';

/** @throws InvalidInputError KEY_FILE_MALFORMED naming `fileForErrors`, without the parser's own words. */
export function identityKeyFromPem(pem: string, fileForErrors: string): IdentityKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    throw malformedKey(fileForErrors, 'not a private key', expected);
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    throw malformedKey(fileForErrors, `a ${privateKey.asymmetricKeyType ?? 'different'} key`, expected);
  }
  return identityKey(privateKey);
}

/** @throws InvalidInputError KEY_FILE_MISSING, KEY_FILE_PERMISSIONS or KEY_FILE_MALFORMED. */
export function readIdentityKey(path: string): IdentityKey {
  return identityKeyFromPem(readKeyFile(path, expected), path);
}
