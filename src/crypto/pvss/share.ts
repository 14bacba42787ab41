/**
 * A replica's share of a dealt secret (Schoenmakers, CRYPTO '99, section 3, reconstruction): S_i = Y_i / x_i = p(i)·G,
 * with a proof that log_G y_i = log_{S_i} Y_i, bound to the dealing and the index.
 */
import { assert } from '../../base/index.js';
import type { Shareholders } from './dealing.js';
import { proveDleq, verifyDleq } from './dleq.js';
import type { DleqProof, DleqStatement } from './dleq.js';
import { decodeOwn } from './group.js';
import type { Group, Point } from './group.js';
import { decodeScalar, encodeScalar, invertScalar, randomScalar } from './scalar.js';
import type { RandomBytes } from './scalar.js';
import { Transcript } from './transcript.js';

/** A replica's key pair: y = x·G. The secret stays in the closure. */
export interface ShareKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The share of the dealing with this digest, for a part that has been verified. */
  decrypt(digest: Uint8Array, index: number, encryptedShare: Uint8Array, random: RandomBytes): Share;
}

/** S_i (32 bytes) and the proof that it is what the dealer encrypted. */
export interface Share {
  /** 1 … n. */
  readonly index: number;
  readonly point: Uint8Array;
  readonly proof: DleqProof;
}

/** A fresh secret for `createShareKey`: 32 bytes to be kept in a file of mode 0600. */
export function generateShareSecret(random: RandomBytes): Uint8Array {
  return encodeScalar(randomScalar(random));
}

function transcriptOf(digest: Uint8Array, index: number): Transcript {
  return new Transcript('decrypted share').bytes('dealing', digest).number('index', index);
}

function statementOf(group: Group, key: Point, share: Point, encryptedShare: Point): DleqStatement {
  return {
    first: { base: group.secondGenerator, image: key },
    second: { base: share, image: encryptedShare },
  };
}

/** Null unless `secret` is 32 bytes of a scalar in 1 … q−1. */
export function createShareKey(group: Group, secret: Uint8Array): ShareKey | null {
  const scalar = decodeScalar(secret);
  if (scalar === null || scalar === 0n) return null;
  const key = group.multiply(group.secondGenerator, scalar);
  const inverse = invertScalar(scalar);
  return {
    publicKey: group.encode(key),
    decrypt(digest, index, encryptedShare, random) {
      const encrypted = decodeOwn(group, encryptedShare);
      const point = group.multiply(encrypted, inverse);
      const statement = statementOf(group, key, point, encrypted);
      const proof = proveDleq(group, transcriptOf(digest, index), statement, scalar, random);
      return { index, point: group.encode(point), proof };
    },
  };
}

/** Whether a share is what shareholder `share.index` was dealt as `encryptedShare`; false if malformed. */
export function verifyShare(
  group: Group,
  { publicKeys }: Shareholders,
  digest: Uint8Array,
  encryptedShare: Uint8Array,
  { index, point, proof }: Share,
): boolean {
  assert(Number.isInteger(index) && index >= 1 && index <= publicKeys.length, 'shares are numbered 1 … n');
  const encrypted = group.decode(encryptedShare);
  const share = group.decode(point);
  if (encrypted === null || share === null) return false;
  const statement = statementOf(group, publicKeys[index - 1]!, share, encrypted);
  return verifyDleq(group, transcriptOf(digest, index), statement, proof);
}
