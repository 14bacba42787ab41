/**
 * X25519 (RFC 7748) between identity keys, which are Ed25519: the secret scalar is the same, the public point is taken to
 * the Montgomery curve by the map of RFC 7748, section 4.1. One key for both is sound (Thormarker, "On using the same key
 * pair for Ed25519 and an X25519 based KEM", 2021). Never throws on what peers send.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { createHash, createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { fromHex } from '../base/index.js';

const scalarBytes = 32;

/** The key that X25519 uses, of an Ed25519 seed (RFC 8032, section 5.1.5; node clamps it). */
export function agreementKey(seed: Uint8Array): KeyObject {
  const scalar = createHash('sha512').update(seed).digest().subarray(0, scalarBytes);
  // PKCS #8 of an X25519 key (RFC 8410, section 7) but for the key itself.
  const head = Buffer.from('302e020100300506032b656e04220420', 'hex');
  return createPrivateKey({ key: Buffer.concat([head, scalar]), format: 'der', type: 'pkcs8' });
}

/** Of an Ed25519 public key in hexadecimal; null if that is no point of the curve, or one without an image. */
function montgomeryOf(publicKey: string): Uint8Array | null {
  const bytes = fromHex(publicKey);
  if (bytes === null) return null;
  try {
    return ed25519.utils.toMontgomery(bytes);
  } catch {
    return null;
  }
}

/** The secret shared with the owner of an Ed25519 public key; null if that is no key, or one of small order. */
export function sharedSecret(own: KeyObject, publicKey: string): Uint8Array | null {
  const u = montgomeryOf(publicKey);
  if (u === null) return null;
  const x = Buffer.from(u).toString('base64url');
  try {
    const peer = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
    return diffieHellman({ privateKey: own, publicKey: peer });
  } catch {
    return null;
  }
}
