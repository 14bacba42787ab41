/** From a dealt secret to what was sealed with it, and whether that is a tuple that fits its fingerprint. */
import { decodeTuple, isConcealed } from '../codec/index.js';
import type { PlainField, PlainTuple, Tuple } from '../codec/index.js';
import { deriveSealKey, isKeyCommitted, unseal } from '../crypto/index.js';
import { isFingerprintOf } from './fingerprint.js';
import type { OpenedSeal } from './opened-seal.js';

/** Null if the secret's key is not the committed one or does not open the ciphertext. */
export function unsealWith(secret: Uint8Array, { sealed, associated }: OpenedSeal): Uint8Array | null {
  const key = deriveSealKey(secret);
  const isCommitted = isKeyCommitted(key, sealed.keyCommitment);
  const plaintext = isCommitted ? unseal(key, sealed.ciphertext, associated) : null;
  key.fill(0);
  return plaintext;
}

function isPlain(tuple: Tuple): tuple is PlainTuple {
  return tuple.every((field): field is PlainField => !isConcealed(field));
}

/** As `unsealWith`; null also if that is no tuple, or one of another shape than the fingerprint. Tags are not looked at. */
export function tupleWith(secret: Uint8Array, seal: OpenedSeal, fingerprint: Tuple): PlainTuple | null {
  const plaintext = unsealWith(secret, seal);
  const tuple = plaintext === null ? null : decodeTuple(plaintext);
  plaintext?.fill(0);
  return tuple !== null && isPlain(tuple) && isFingerprintOf(fingerprint, tuple) ? tuple : null;
}
