/**
 * ristretto255 by libsodium compiled to WebAssembly (libsodium-wrappers-sumo): constant-time C inside, and a third
 * to a fifth of the time of the reference. A point is its encoding, for the library offers nothing else: an addition
 * decodes twice and encodes once, a multiplication costs five additions. It has a table for the base point alone.
 */
import sodium from 'libsodium-wrappers-sumo';
import { equalBytes } from '../../base/index.js';
import { deriveSecondGenerator, pointBytes } from './group.js';
import type { Group, Point } from './group.js';
import { encodeScalar, order } from './scalar.js';

const inner = (point: Point): Uint8Array => point as unknown as Uint8Array;
const outer = (bytes: Uint8Array): Point => bytes as unknown as Point;

const identity = new Uint8Array(pointBytes);
/** Up to this many additions are faster than one multiplication. */
const additionsMax = 4;

/** Doublings and additions that make scalar·point from a point. */
function additionsFor(scalar: bigint): number {
  if (scalar === 0n || scalar >= 1n << BigInt(additionsMax + 1)) return additionsMax + 1;
  const digits = scalar.toString(2);
  return digits.length - 1 + digits.replaceAll('0', '').length - 1;
}

class SodiumGroup implements Group {
  readonly name = 'sodium';
  readonly generator = outer(sodium.crypto_scalarmult_ristretto255_base(encodeScalar(1n)));
  readonly secondGenerator: Point;

  constructor() {
    this.secondGenerator = deriveSecondGenerator(this);
  }

  decode(bytes: Uint8Array): Point | null {
    if (bytes.length !== pointBytes || equalBytes(bytes, identity)) return null;
    return sodium.crypto_core_ristretto255_is_valid_point(bytes) ? outer(Uint8Array.from(bytes)) : null;
  }

  encode(point: Point): Uint8Array {
    return Uint8Array.from(inner(point));
  }

  fromUniform(bytes: Uint8Array): Point {
    return outer(sodium.crypto_core_ristretto255_from_hash(bytes));
  }

  add(a: Point, b: Point): Point {
    return outer(sodium.crypto_core_ristretto255_add(inner(a), inner(b)));
  }

  equal(a: Point, b: Point): boolean {
    return equalBytes(inner(a), inner(b));
  }

  /** The library reports an identity for a result as an error; only these two inputs give one. */
  multiply(point: Point, scalar: bigint): Point {
    if (scalar === 0n || equalBytes(inner(point), identity)) return outer(identity);
    const bytes = encodeScalar(scalar);
    const product =
      point === this.generator
        ? sodium.crypto_scalarmult_ristretto255_base(bytes)
        : sodium.crypto_scalarmult_ristretto255(bytes, inner(point));
    bytes.fill(0);
    return outer(product);
  }

  sum(terms: readonly (readonly [Point, bigint])[]): Point {
    let total: Uint8Array | null = null;
    for (const [point, scalar] of terms) {
      if (scalar === 0n) continue;
      const isNegative = additionsFor(order - scalar) <= additionsMax;
      const product = this.#publicProduct(point, isNegative ? order - scalar : scalar);
      if (isNegative) total = sodium.crypto_core_ristretto255_sub(total ?? identity, product);
      else total = total === null ? product : sodium.crypto_core_ristretto255_add(total, product);
    }
    return outer(total ?? identity);
  }

  withTable(point: Point): Point {
    return point;
  }

  #publicProduct(point: Point, scalar: bigint): Uint8Array {
    if (additionsFor(scalar) > additionsMax) return inner(this.multiply(point, scalar));
    let product = inner(point);
    for (let bit = scalar.toString(2).length - 2; bit >= 0; bit--) {
      product = sodium.crypto_core_ristretto255_add(product, product);
      if (((scalar >> BigInt(bit)) & 1n) === 1n)
        product = sodium.crypto_core_ristretto255_add(product, inner(point));
    }
    return product;
  }
}

let group: Group | null = null;

/** Compiles the WebAssembly module on first use. */
export async function loadSodiumGroup(): Promise<Group> {
  await sodium.ready;
  return (group ??= new SodiumGroup());
}
