/** Operations on a tuple space and their results. Plain data; encoding is in operation-codec.ts. */
import type { ClientId } from '../base/index.js';
import type { Template, Tuple } from './tuples.js';

export type Operation =
  | {
      readonly kind: 'out';
      readonly space: string;
      readonly tuple: Tuple;
      /** How long the entry is to live, ms, at least 1; null: until taken. Likewise in cas and replace. */
      readonly lease: number | null;
    }
  | { readonly kind: 'rdp'; readonly space: string; readonly template: Template }
  | { readonly kind: 'inp'; readonly space: string; readonly template: Template }
  | {
      readonly kind: 'rdAll';
      readonly space: string;
      readonly template: Template;
      /** At most this many; 0 = all. */
      readonly limit: number;
      /** Only entries with a greater id; 0 = from the first. */
      readonly after: bigint;
    }
  | { readonly kind: 'inAll'; readonly space: string; readonly template: Template; readonly limit: number }
  | { readonly kind: 'count'; readonly space: string; readonly template: Template }
  | {
      readonly kind: 'cas' | 'replace';
      readonly space: string;
      readonly template: Template;
      readonly tuple: Tuple;
      readonly lease: number | null;
    }
  | { readonly kind: 'renew'; readonly space: string; readonly template: Template; readonly lease: number };

export type OperationKind = Operation['kind'];

export interface Entry {
  /** Global insertion number: monotonic, so it serves as a fencing token. At least 1. */
  readonly id: bigint;
  readonly tuple: Tuple;
  readonly owner: ClientId;
  /** Ordered time at which it is gone, ms since the epoch; null: it stays until taken. */
  readonly deadline: number | null;
}

/**
 * Deterministic refusals. `detail` is a number whose meaning the code fixes: the limit that was exceeded
 * (TUPLE_TOO_LARGE, FIELD_TOO_LARGE, TOO_MANY_FIELDS), the least lease in ms (LEASE_TOO_SHORT), how many entries fit (RESULT_TOO_LARGE), else 0.
 */
export type RefusalCode =
  | 'MALFORMED_OPERATION'
  | 'NO_SUCH_SPACE'
  | 'TOO_MANY_FIELDS'
  | 'FIELD_TOO_LARGE'
  | 'TUPLE_TOO_LARGE'
  | 'RESULT_TOO_LARGE'
  | 'SPACE_FULL'
  | 'LEASE_TOO_SHORT';

export type Result =
  | { readonly kind: 'entry'; readonly entry: Entry | null }
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'cas'; readonly inserted: boolean; readonly entry: Entry | null }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly detail: number };
