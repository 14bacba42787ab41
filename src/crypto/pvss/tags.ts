/**
 * Tags of comparable values: k·H(value) in ristretto255, the function of RFC 9497 without its blinding, since who makes
 * a tag knows k. Without k one cannot tell which value a tag stands for, nor try values. That a tag is right can be shown
 * against k·g without revealing k (RFC 9497 section 2.2), which lets all who see it tag that one value.
 */
import { proveDleq, verifyDleq } from './dleq.js';
import type { DleqProof, DleqStatement } from './dleq.js';
import { hashToPoint } from './group.js';
import type { Group, Point } from './group.js';
import { decodeScalar, encodeScalar, randomScalar } from './scalar.js';
import type { RandomBytes } from './scalar.js';
import { Transcript } from './transcript.js';

const valueTag = 'theodora/v1 comparable value';

/** The key of a space's tags; k stays in the closure. */
export interface TagKey {
  /** k·g, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes; equal exactly for equal `value`. */
  tag(value: Uint8Array): Uint8Array;
  /** That `tag(value)` is the tag of `value` under `publicKey`. */
  prove(value: Uint8Array, random: RandomBytes): DleqProof;
}

/** A fresh secret for `createTagKey`, 32 bytes. */
export function generateTagSecret(random: RandomBytes): Uint8Array {
  return encodeScalar(randomScalar(random));
}

function statementOf(group: Group, publicKey: Point, hashed: Point, tag: Point): DleqStatement {
  return {
    first: { base: group.generator, image: publicKey },
    second: { base: hashed, image: tag },
  };
}

/** Null unless `secret` is 32 bytes of a scalar in 1 … q−1. */
export function createTagKey(group: Group, secret: Uint8Array): TagKey | null {
  const scalar = decodeScalar(secret);
  if (scalar === null || scalar === 0n) return null;
  const publicKey = group.multiply(group.generator, scalar);
  return {
    publicKey: group.encode(publicKey),
    tag(value) {
      return group.encode(group.multiply(hashToPoint(group, value, valueTag), scalar));
    },
    prove(value, random) {
      const hashed = hashToPoint(group, value, valueTag);
      const statement = statementOf(group, publicKey, hashed, group.multiply(hashed, scalar));
      return proveDleq(group, new Transcript('tag'), statement, scalar, random);
    },
  };
}

/** Whether `tag` is that of `value` under the key with this public part; false if anything is malformed. */
export function verifyTag(
  group: Group,
  publicKey: Uint8Array,
  value: Uint8Array,
  tag: Uint8Array,
  proof: DleqProof,
): boolean {
  const key = group.decode(publicKey);
  const tagPoint = group.decode(tag);
  if (key === null || tagPoint === null) return false;
  const statement = statementOf(group, key, hashToPoint(group, value, valueTag), tagPoint);
  return verifyDleq(group, new Transcript('tag'), statement, proof);
}
