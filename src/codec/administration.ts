/** Ordered administration of clients and spaces, and what it answers (DESIGN section 5). Plain data. */
import type { ClientId, ClientName, Digest } from '../base/index.js';

/** Null: no bound but the cluster's own limits. */
export interface Quota {
  readonly entries: number | null;
  /** Of canonical tuples. */
  readonly bytes: number | null;
  /** Operations that wait. */
  readonly waits: number | null;
}

/** What the admin fixes when it creates a space. */
export interface SpaceConfig {
  /** Who alone may insert, read and take, in order of their names; null: every registered client. */
  readonly insert: readonly ClientName[] | null;
  readonly readers: readonly ClientName[] | null;
  readonly takers: readonly ClientName[] | null;
  /** Of all clients together, and of each. */
  readonly quota: Quota;
  readonly clientQuota: Quota;
  /** A compiled policy module; null: whatever the lists allow. */
  readonly policy: string | null;
}

export type AdminOperation =
  | { readonly kind: 'clientAdd'; readonly space: ''; readonly name: string; readonly publicKey: ClientId }
  | { readonly kind: 'clientRevoke'; readonly space: ''; readonly name: string }
  | { readonly kind: 'clientList'; readonly space: '' }
  | { readonly kind: 'spaceList'; readonly space: '' }
  | { readonly kind: 'spaceCreate'; readonly space: string; readonly config: SpaceConfig }
  | { readonly kind: 'spaceSetPolicy'; readonly space: string; readonly policy: string | null }
  | { readonly kind: 'spaceShow' | 'spaceDelete'; readonly space: string };

export interface ClientRecord {
  readonly name: ClientName;
  readonly publicKey: ClientId;
  /** Ordered time, ms since the epoch; 0: from the start. */
  readonly addedAt: number;
  /** Null: it may use the service. */
  readonly revokedAt: number | null;
}

/** When a space got the policy of this digest (null: none), and from whom. */
export interface PolicyChange {
  readonly time: number;
  readonly by: ClientName;
  readonly digest: Digest | null;
}

export interface SpaceSummary {
  readonly name: string;
  readonly entries: number;
  readonly policyDigest: Digest | null;
}

export interface SpaceDescription extends SpaceSummary {
  readonly config: SpaceConfig;
  /** Of canonical tuples; null: not counted, since there is no quota of them. */
  readonly bytes: number | null;
  readonly waits: number;
  readonly subscriptions: number;
  /** Oldest first, the creation among them; of many, the latest. */
  readonly changes: readonly PolicyChange[];
}

export type AdminResult =
  | { readonly kind: 'client'; readonly client: ClientRecord }
  | { readonly kind: 'clients'; readonly clients: readonly ClientRecord[] }
  /** Of a deletion: as it was. */
  | { readonly kind: 'space'; readonly space: SpaceDescription }
  | { readonly kind: 'spaces'; readonly spaces: readonly SpaceSummary[] };
