/**
 * Ed25519 (RFC 8032) by node:crypto, and the domain separation in front of everything that is signed.
 * Whoever verifies must get the same verdict at every correct replica: all use this one implementation
 * (cofactorless, S < L enforced); a faster one has to agree on malformed points and signatures too.
 * Never throws on what peers send.
 */
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { fromHex } from '../base/index.js';
import { BoundedCache } from './bounded-cache.js';

export const publicKeyBytes = 32;
export const signatureBytes = 64;

/** KeyObjects by public key. */
const keys = new BoundedCache<KeyObject>(4096, (publicKey) => {
  const raw = fromHex(publicKey);
  if (raw === null || raw.length !== publicKeyBytes) return null;
  const x = Buffer.from(raw).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
});

/** Whether `signature` is that of `bytes` by the key (64 lower-case hex characters); false if malformed. */
export function verifySignature(publicKey: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== signatureBytes) return false;
  const key = keys.get(publicKey);
  return key !== null && verify(null, bytes, key, signature);
}

const tag = 'theodora/v1';

/**
 * The bytes that a signature covers: a tag, what the signature is for, the cluster and the body. The
 * first three are each led by their length (4 bytes, big-endian), so no two inputs give the same bytes.
 */
export function purposeBytes(purpose: string, clusterId: string, body: Uint8Array): Uint8Array {
  const parts = [tag, purpose, clusterId];
  let length = body.length;
  for (const part of parts) length += 4 + Buffer.byteLength(part);
  const out = Buffer.allocUnsafeSlow(length);
  let offset = 0;
  for (const part of parts) {
    const written = out.write(part, offset + 4);
    out.writeUInt32BE(written, offset);
    offset += 4 + written;
  }
  out.set(body, offset);
  return new Uint8Array(out.buffer, out.byteOffset, out.length);
}
