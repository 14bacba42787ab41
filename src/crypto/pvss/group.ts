/**
 * Port to the prime-order group ristretto255 (RFC 9496), written additively as there; the papers write the same
 * group multiplicatively. Outside, a point is its canonical 32 bytes; inside, whatever is fast for the library
 * behind the port. Two implementations, equal in every answer: noble-group.ts, the auditable reference, and
 * sodium-group.ts, the fast one.
 */
import { assert } from '../../base/index.js';
import { expandMessage } from './expand-message.js';

declare const brand: unique symbol;
/** A point of the group that made it; points of two implementations do not mix. */
export type Point = { readonly [brand]: 'Point' };

export const pointBytes = 32;

export interface Group {
  readonly name: 'noble' | 'sodium';
  /** g, the base point: commitments and tag keys are its multiples. */
  readonly generator: Point;
  /** G: hashed to the group, so that nobody knows log_g G. Public keys and dealt secrets are its multiples. */
  readonly secondGenerator: Point;
  /** Null unless `bytes` are the canonical encoding of a point other than the identity. */
  decode(bytes: Uint8Array): Point | null;
  /** 32 bytes, the caller's own. The identity is 32 zero bytes. */
  encode(point: Point): Uint8Array;
  /** Maps 64 uniform bytes to a point (RFC 9496 section 4.3.4). */
  fromUniform(bytes: Uint8Array): Point;
  add(a: Point, b: Point): Point;
  equal(a: Point, b: Point): boolean;
  /** scalar·point for a secret scalar in 0 … q−1, with what care of timing the library offers. */
  multiply(point: Point, scalar: bigint): Point;
  /** Σ scalar·point. May take time that depends on the scalars, which must be public. */
  sum(terms: readonly (readonly [Point, bigint])[]): Point;
  /** The same point, made fast to multiply if the library can; for points that are used often. */
  withTable(point: Point): Point;
}

const secondGeneratorTag = 'theodora/v1 pvss second generator';

/** hash_to_ristretto255 with `tag` for its DST (RFC 9380 appendix B). */
export function hashToPoint(group: Pick<Group, 'fromUniform'>, message: Uint8Array, tag: string): Point {
  return group.fromUniform(expandMessage(message, tag));
}

export function deriveSecondGenerator(group: Pick<Group, 'fromUniform'>): Point {
  return hashToPoint(group, new Uint8Array(0), secondGeneratorTag);
}

/** Decodes what this process itself encoded. */
export function decodeOwn(group: Group, bytes: Uint8Array): Point {
  const point = group.decode(bytes);
  assert(point !== null, 'an encoding of our own decodes');
  return point;
}

/** Null if any of them is not the canonical encoding of a point other than the identity. */
export function decodePoints(group: Group, encodings: readonly Uint8Array[]): Point[] | null {
  const points: Point[] = [];
  for (const bytes of encodings) {
    const point = group.decode(bytes);
    if (point === null) return null;
    points.push(point);
  }
  return points;
}
