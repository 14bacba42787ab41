/**
 * ristretto255 by @noble/curves: plain TypeScript that one can read and that was audited, the reference for the
 * other implementation and some five times slower. `multiply` takes a fixed path through its windows; JavaScript
 * promises no more.
 */
import { mulAddUnsafe } from '@noble/curves/abstract/curve.js';
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';
import { pointBytes, deriveSecondGenerator } from './group.js';
import type { Group, Point } from './group.js';

const { Point: Ristretto } = ristretto255;
type Inner = InstanceType<typeof Ristretto>;

const inner = (point: Point): Inner => point as unknown as Inner;
const outer = (point: Inner): Point => point as unknown as Point;

/** Bits of a window of a table: 2^(w−1) points for each of 256/w windows. */
const tableWindow = 6;

class NobleGroup implements Group {
  readonly name = 'noble';
  readonly generator = outer(Ristretto.BASE);
  readonly secondGenerator: Point;
  readonly #withTable = new WeakSet<Inner>([Ristretto.BASE]);

  constructor() {
    this.secondGenerator = this.withTable(deriveSecondGenerator(this));
  }

  decode(bytes: Uint8Array): Point | null {
    if (bytes.length !== pointBytes) return null;
    let point: Inner;
    try {
      point = Ristretto.fromBytes(bytes);
    } catch {
      return null;
    }
    return point.is0() ? null : outer(point);
  }

  encode(point: Point): Uint8Array {
    return inner(point).toBytes();
  }

  fromUniform(bytes: Uint8Array): Point {
    return outer(ristretto255_hasher.deriveToCurve!(bytes));
  }

  add(a: Point, b: Point): Point {
    return outer(inner(a).add(inner(b)));
  }

  equal(a: Point, b: Point): boolean {
    return inner(a).equals(inner(b));
  }

  multiply(point: Point, scalar: bigint): Point {
    return scalar === 0n ? outer(Ristretto.ZERO) : outer(inner(point).multiply(scalar));
  }

  sum(terms: readonly (readonly [Point, bigint])[]): Point {
    let total = Ristretto.ZERO;
    const points: Inner[] = [];
    const scalars: bigint[] = [];
    for (const [point, scalar] of terms) {
      if (scalar === 0n) continue;
      if (this.#withTable.has(inner(point))) {
        total = total.add(inner(point).multiply(scalar));
      } else {
        points.push(inner(point));
        scalars.push(scalar);
      }
    }
    return outer(points.length === 0 ? total : total.add(mulAddUnsafe(Ristretto, points, scalars)));
  }

  withTable(point: Point): Point {
    if (!this.#withTable.has(inner(point))) {
      inner(point).precompute(tableWindow);
      this.#withTable.add(inner(point));
    }
    return point;
  }
}

let group: Group | null = null;

/** Made on first use, since its tables take milliseconds. */
export function nobleGroup(): Group {
  return (group ??= new NobleGroup());
}
