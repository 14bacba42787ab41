/**
 * SHA-256 (FIPS 180-4) by node:crypto's one-shot function, which is the fastest way Node has for short
 * inputs (no Hash object per call).
 */
import { hash } from 'node:crypto';
import { digest, type Digest } from '../base/index.js';

export function sha256(bytes: Uint8Array): Digest {
  return digest(hash('sha256', bytes, 'hex'));
}
