/** What the operations of a space take and give back, as users write and read it. */
import type { Field, TemplateField, Tuple } from '../codec/index.js';
import type { Protection } from '../confidential/index.js';
import type { Lease } from './lease.js';
import type { AccessOptions, CallOptions } from './options.js';

/** A stored tuple. */
export interface Entry {
  /** Global insertion number: monotonic, so it serves as a fencing token. */
  readonly id: bigint;
  readonly tuple: Tuple;
  /** Name of the client that inserted it. */
  readonly owner: string;
  /** Ordered time at which the entry is gone, ms since the epoch; absent: never. */
  readonly deadline?: number;
  /** Who alone may read or take it, if that was narrowed. */
  readonly readers?: readonly string[];
  readonly takers?: readonly string[];
}

/** Fields of a tuple as users write them: a plain number is an integer iff it has no fraction. */
export type TupleInput = readonly Field[];
/** A value, `any` or a typed formal for each field. */
export type TemplateInput = readonly (Field | TemplateField)[];

/** The match is null if it is hidden from the caller. */
export type CasResult =
  | { readonly inserted: true; readonly entry: Entry }
  | { readonly inserted: false; readonly entry: Entry | null };

/** Of what inserts. */
export interface LeaseOptions extends SpaceCallOptions, AccessOptions {
  /**
   * How long the entry lives unless renewed, ms; the service grants at most 24 h and refuses less than
   * 4·(clockSkewMax + 50 ms). Default: until it is taken.
   */
  readonly lease?: number | undefined;
}

/** With `hold` the caller gets a `Lease`, which renews the entry until it is released or lost. */
export interface HoldOptions extends LeaseOptions {
  readonly lease: number;
  readonly hold: true;
}

export interface PlainOptions extends LeaseOptions {
  readonly hold?: false | undefined;
}

export interface HeldEntry {
  readonly entry: Entry;
  readonly lease: Lease;
}

export type HeldCasResult =
  | { readonly inserted: true; readonly entry: Entry; readonly lease: Lease }
  | { readonly inserted: false; readonly entry: Entry | null };

export interface LimitOptions extends SpaceCallOptions {
  /** At most this many; 0 (default): all. */
  readonly limit?: number | undefined;
}

export interface PageOptions extends LimitOptions {
  /** Only entries with a greater id. */
  readonly after?: bigint | undefined;
}

/** Of all that names fields, in a confidential space. */
export interface ProtectOptions {
  /**
   * What replicas may know of each field of the tuple or template: `public`, the value; `comparable` (the default), its
   * type and whether it equals another; `private`, nothing. Templates match only tuples that were inserted alike.
   */
  readonly protect?: readonly Protection[] | undefined;
}

export interface SpaceCallOptions extends CallOptions, ProtectOptions {}

/** Of a space's handle. */
export interface SpaceOptions extends ProtectOptions {}
