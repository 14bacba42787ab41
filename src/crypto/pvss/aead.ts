/**
 * From a dealt secret to encrypted bytes: K by HKDF-SHA256 (RFC 5869), AES-256-GCM (NIST SP 800-38D) under K, and a commitment
 * SHA-256(tag ‖ K). GCM does not commit to its key: one can make a ciphertext that opens under two keys (Dodis et al.,
 * CRYPTO 2018; Grubbs et al., USENIX Security 2021); the commitment leaves one. A key encrypts once, so the nonce is constant.
 */
import { createCipheriv, createDecipheriv, hash, hkdfSync } from 'node:crypto';
import { assert, concatBytes, encodeUtf8, equalBytes } from '../../base/index.js';

const cipher = 'aes-256-gcm';
const keyBytes = 32;
const nonce = new Uint8Array(12);
const macBytes = 16;
/** What a ciphertext is longer than its plaintext. */
export const sealOverheadBytes = macBytes;
export const keyCommitmentBytes = 32;

function textBytes(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  assert(bytes !== null, 'a constant text is well-formed');
  return bytes;
}
const keyInfo = textBytes('theodora/v1 tuple key');
const commitmentTag = textBytes('theodora/v1 tuple key commitment');
const noSalt = new Uint8Array(0);

/** K from the 32 bytes of a dealt secret. */
export function deriveSealKey(secret: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, noSalt, keyInfo, keyBytes));
}

export function commitToKey(key: Uint8Array): Uint8Array {
  const input = concatBytes([commitmentTag, key]);
  const commitment = hash('sha256', input, 'buffer');
  input.fill(0);
  return Uint8Array.from(commitment);
}

export function isKeyCommitted(key: Uint8Array, commitment: Uint8Array): boolean {
  return equalBytes(commitToKey(key), commitment);
}

/** Ciphertext, then 16 bytes of authentication. `key` must never seal anything else. */
export function seal(key: Uint8Array, plaintext: Uint8Array, associated: Uint8Array): Uint8Array {
  const encryption = createCipheriv(cipher, key, nonce);
  encryption.setAAD(associated);
  return concatBytes([encryption.update(plaintext), encryption.final(), encryption.getAuthTag()]);
}

/** The plaintext, or null if key, ciphertext and associated bytes do not belong together. */
export function unseal(key: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Uint8Array | null {
  if (sealed.length < macBytes) return null;
  const decryption = createDecipheriv(cipher, key, nonce, { authTagLength: macBytes });
  decryption.setAAD(associated);
  decryption.setAuthTag(sealed.subarray(sealed.length - macBytes));
  const plaintext = decryption.update(sealed.subarray(0, sealed.length - macBytes));
  try {
    decryption.final();
  } catch {
    plaintext.fill(0);
    return null;
  }
  return Uint8Array.from(plaintext);
}
