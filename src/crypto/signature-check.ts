/**
 * Checks of Ed25519 signatures, the costliest thing that replicas do: by libsodium in half the time of node:crypto, which
 * takes its place where there is no build of libsodium for the platform. Replicas must never disagree on a signature, so
 * both give the same verdicts: S is below the order of the group, the equation holds without the cofactor (RFC 8032, section 5.1.7),
 * and what implementations differ on, keys and R of small order and encodings that are not canonical, is refused before
 * either is asked (Chalkias et al., "Taming the Many EdDSAs", SSR'20).
 */
import { createPublicKey, verify } from 'node:crypto';
import { sodium } from './sodium.js';

const publicKeyBytes = 32;
const signatureBytes = 64;

/** Whether it is a signature over the bytes by the key that this was made for. */
export type SignatureCheck = (bytes: Uint8Array, signature: Uint8Array) => boolean;
/** Makes a key ready, of 32 canonical bytes that are not of small order. */
export type SignatureBackend = (publicKey: Uint8Array) => SignatureCheck;

export const nodeBackend: SignatureBackend = (publicKey) => {
  const x = Buffer.from(publicKey).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return (bytes, signature) => verify(null, bytes, key, signature);
};

/** Null: there is none for this platform. */
export function sodiumBackend(): SignatureBackend | null {
  if (sodium === null) return null;
  const { crypto_sign_verify_detached: check } = sodium;
  return (publicKey) => (bytes, signature) => check(signature, bytes, publicKey);
}

const backend = sodiumBackend() ?? nodeBackend;

/** y of the points of order 1, 2, 4 and 8, and of what some take for them (p, p + 1); little-endian, without the sign. */
const smallOrders: readonly string[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];
const smallOrderBytes = smallOrders.map((hex) => Buffer.from(hex, 'hex'));

/** Of the first 32 bytes. */
function isOfSmallOrder(point: Uint8Array): boolean {
  return smallOrderBytes.some((y) => {
    for (let i = 0; i < 31; i++) if (point[i] !== y[i]) return false;
    return (point[31]! & 0x7f) === y[31];
  });
}

/** y is below p = 2^255 − 19. */
function isCanonical(point: Uint8Array): boolean {
  if ((point[31]! & 0x7f) !== 0x7f) return true;
  for (let i = 30; i > 0; i--) if (point[i] !== 0xff) return true;
  return point[0]! < 0xed;
}

/** Null: it is no key that anybody may have. */
export function signatureCheck(
  publicKey: Uint8Array,
  prepare: SignatureBackend = backend,
): SignatureCheck | null {
  if (publicKey.length !== publicKeyBytes || isOfSmallOrder(publicKey) || !isCanonical(publicKey))
    return null;
  const check = prepare(publicKey);
  return (bytes, signature) =>
    signature.length === signatureBytes && !isOfSmallOrder(signature) && check(bytes, signature);
}
