/** Operations on a tuple space and their results. Plain data; encoding is in operation-codec.ts. */
import type { ClientName, SessionId } from '../base/index.js';
import type { AdminOperation, AdminResult } from './administration.js';
import type { Sealed } from './sealed.js';
import type { Template, Tuple } from './tuples.js';

/** Who alone may read or take an entry, in order of their names; absent: whoever may in the space. */
export interface Access {
  readonly readers?: readonly ClientName[];
  readonly takers?: readonly ClientName[];
}

/** What an inserting operation says of the entry. */
interface Inserting extends Access {
  readonly tuple: Tuple;
  /** How long the entry is to live, ms, at least 1; null: until taken. */
  readonly lease: number | null;
  /** There exactly in a confidential space, where `tuple` is a fingerprint. At most `sealedBytesMax`. */
  readonly sealed?: Uint8Array;
}

export type SpaceOperation =
  | ({ readonly kind: 'out'; readonly space: string } & Inserting)
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
  | ({
      readonly kind: 'cas' | 'replace';
      readonly space: string;
      readonly template: Template;
    } & Inserting)
  | { readonly kind: 'renew'; readonly space: string; readonly template: Template; readonly lease: number }
  | {
      readonly kind: 'rd' | 'in';
      readonly space: string;
      readonly template: Template;
      /** How long to wait for a match, ms of ordered time, at least 1; null: until there is one. */
      readonly timeout: number | null;
    }
  | {
      /** Ends a wait or subscription of the same client; `session` and `number` name the request that began it. */
      readonly kind: 'cancel';
      readonly space: string;
      readonly session: SessionId;
      readonly number: number;
    }
  | {
      readonly kind: 'subscribe';
      readonly space: string;
      readonly template: Template;
      /** The first event wanted, at least 1; null: from now on. */
      readonly from: number | null;
    }
  /** Asks for what the clients of a confidential space make tags with. */
  | { readonly kind: 'spaceKey'; readonly space: string }
  /** Shows that an entry is no good: `evidence` is an encoded RepairEvidence. */
  | { readonly kind: 'repair'; readonly space: string; readonly evidence: Uint8Array };

export type Operation = SpaceOperation | AdminOperation;
export type OperationKind = Operation['kind'];

export interface Entry extends Access {
  /** Global insertion number: monotonic, so it serves as a fencing token. At least 1. */
  readonly id: bigint;
  readonly tuple: Tuple;
  readonly owner: ClientName;
  /** Ordered time at which it is gone, ms since the epoch; null: it stays until taken. */
  readonly deadline: number | null;
  /** In a confidential space; left out of what an insertion answers, since its client knows the tuple. */
  readonly sealed?: Sealed;
}

/**
 * Deterministic refusals. `detail` is a number whose meaning the code fixes: the limit that was exceeded
 * (TUPLE_TOO_LARGE, FIELD_TOO_LARGE, TOO_MANY_FIELDS, TOO_MANY_WAITS, TOO_MANY_SUBSCRIPTIONS, and in ms
 * WAIT_TOO_LONG, and of a count or bytes QUOTA_EXCEEDED, TOO_MANY_CLIENTS, TOO_MANY_SPACES, TOO_MANY_NAMES), the
 * least lease in ms (LEASE_TOO_SHORT), how many entries fit (RESULT_TOO_LARGE), the first event that can still be had
 * (HISTORY_TRUNCATED), how many bytes may be sealed (SEALED_TOO_LARGE), else 0. `subject` is a name: the rule (POLICY_*; POLICY_INVALID: `rule:line:column`), the list
 * (ACL_DENIED: insert, readers, takers, or any of them), the quota (QUOTA_EXCEEDED), the client (NO_SUCH_CLIENT, NAME_TAKEN,
 * KEY_TAKEN), else absent.
 */
export type RefusalCode =
  | 'MALFORMED_OPERATION'
  | 'NO_SUCH_SPACE'
  | 'TOO_MANY_FIELDS'
  | 'FIELD_TOO_LARGE'
  | 'TUPLE_TOO_LARGE'
  | 'RESULT_TOO_LARGE'
  | 'SPACE_FULL'
  | 'LEASE_TOO_SHORT'
  | 'TOO_MANY_WAITS'
  | 'TOO_MANY_SUBSCRIPTIONS'
  | 'WAIT_TOO_LONG'
  | 'NO_SUCH_WAIT'
  | 'HISTORY_TRUNCATED'
  | 'UNKNOWN_CLIENT'
  | 'ADMIN_ONLY'
  | 'ACL_DENIED'
  | 'POLICY_DENIED'
  | 'POLICY_ERROR'
  | 'POLICY_BUDGET'
  | 'QUOTA_EXCEEDED'
  | 'SPACE_DELETED'
  | 'SPACE_EXISTS'
  | 'INVALID_NAME'
  | 'TOO_MANY_NAMES'
  | 'TOO_MANY_SPACES'
  | 'TOO_MANY_CLIENTS'
  | 'NO_SUCH_CLIENT'
  | 'NAME_TAKEN'
  | 'KEY_TAKEN'
  | 'POLICY_INVALID'
  | 'ADMIN_STAYS'
  | 'SPACE_NOT_CONFIDENTIAL'
  | 'SEALED_MISSING'
  | 'SEALED_TOO_LARGE'
  | 'REPAIR_UNPROVEN'
  | 'NOTHING_TO_REPAIR'
  | 'CLIENT_BLACKLISTED';

/**
 * What can happen to an entry. `replaced`: a `replace` took it; what that inserted is an event of its own, the next.
 * `repaired`: it was no good, and is gone, or was already.
 */
export type EventKind = 'inserted' | 'taken' | 'expired' | 'replaced' | 'repaired';

/** What happened to an entry. */
export interface EntryEvent {
  readonly kind: EventKind;
  readonly entry: Entry;
}

/** An event of a space; its sequence number, 1, 2, 3, … within the space, stands beside it. `ended`: the last one told. */
export type SpaceEvent =
  EntryEvent | { readonly kind: 'ended'; readonly code: RefusalCode; readonly subject?: string };

export type Result =
  | { readonly kind: 'entry'; readonly entry: Entry | null }
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'cas'; readonly inserted: boolean; readonly entry: Entry | null }
  /** Of a cancel, and of the wait that it ended. */
  | { readonly kind: 'cancelled' }
  /** Every event of sequence number `from` or later that matches is told. */
  | { readonly kind: 'subscribed'; readonly from: number }
  /** `tagKey`: the space's, 32 bytes; `sealed` holds the secret to it. */
  | { readonly kind: 'spaceKey'; readonly tagKey: Uint8Array; readonly sealed: Sealed }
  /** The entry is gone, and its owner blacklisted; the same however often it is shown. */
  | { readonly kind: 'repaired'; readonly id: bigint; readonly owner: ClientName }
  | AdminResult
  | {
      readonly kind: 'refused';
      readonly code: RefusalCode;
      readonly detail: number;
      readonly subject?: string;
    };
