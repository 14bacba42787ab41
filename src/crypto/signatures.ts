/**
 * Ed25519 (RFC 8032) signatures, and the domain separation in front of everything that is signed. Whoever verifies must get
 * the same verdict at every correct replica (signature-check.ts). Never throws on what peers send.
 */
import { fromHex } from '../base/index.js';
import { BoundedCache } from './bounded-cache.js';
import { signatureCheck, type SignatureCheck } from './signature-check.js';

/** By public key. */
const checks = new BoundedCache<SignatureCheck>(4096, (publicKey) => {
  const raw = fromHex(publicKey);
  return raw === null ? null : signatureCheck(raw);
});

/** Whether `signature` is that of `bytes` by the key (64 lower-case hex characters); false if malformed. */
export function verifySignature(publicKey: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  return checks.get(publicKey)?.(bytes, signature) === true;
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
