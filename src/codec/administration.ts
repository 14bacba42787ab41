/** Ordered administration of clients and spaces, and what it answers (DESIGN section 5). Plain data. */
import type { ClientId, ClientName, Digest } from '../base/index.js';
import type { Origin } from './sealed.js';

/** Null: no bound but the cluster's own limits. */
export interface Quota {
  readonly entries: number | null;
  /** Of canonical tuples, and of what is sealed beside them. */
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
  /** Null: entries are as they are. */
  readonly confidential: ConfidentialConfig | null;
}

/** What makes tags comparable in one confidential space (DESIGN section 7). */
export interface ConfidentialConfig {
  /** The public key to the tags: g^k, 32 bytes. */
  readonly tagKey: Uint8Array;
  /** k, sealed for the space's clients as their tuples are; opaque to the service. At most `sealedBytesMax`. */
  readonly sealedKey: Uint8Array;
}

export type AdminOperation =
  | { readonly kind: 'clientAdd'; readonly space: ''; readonly name: string; readonly publicKey: ClientId }
  | { readonly kind: 'clientRevoke' | 'clientPardon'; readonly space: ''; readonly name: string }
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
  /** Null: it may go on. */
  readonly blacklisted: Blacklisting | null;
  /** How many repairs it has ordered that showed nothing. */
  readonly forgedRepairs: number;
}

/** When a client was blacklisted, and for which entry of which space. */
export interface Blacklisting {
  /** Ordered time, ms since the epoch. */
  readonly time: number;
  readonly space: string;
  readonly entry: bigint;
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
  readonly confidential: boolean;
}

/** Whether it is confidential, its record says. */
export interface SpaceDescription extends Omit<SpaceSummary, 'confidential'> {
  readonly config: SpaceConfig;
  /** Of canonical tuples, and of what is sealed beside them; null: not counted, since there is no quota of them. */
  readonly bytes: number | null;
  readonly waits: number;
  readonly subscriptions: number;
  /** Oldest first, the creation among them; of many, the latest. */
  readonly changes: readonly PolicyChange[];
  /** Of the sealed key; null: the space is not confidential. */
  readonly keyOrigin: Origin | null;
}

export type AdminResult =
  | { readonly kind: 'client'; readonly client: ClientRecord }
  | { readonly kind: 'clients'; readonly clients: readonly ClientRecord[] }
  /** Of a deletion: as it was. */
  | { readonly kind: 'space'; readonly space: SpaceDescription }
  | { readonly kind: 'spaces'; readonly spaces: readonly SpaceSummary[] };
