/**
 * Counts by name for what must never be logged one by one: dropped frames, evidence, events. Hot paths only
 * add; the log gets a summary now and then, metrics read the totals.
 */
import type { ClientId, ReplicaId } from '../base/index.js';

export class Tally {
  readonly #totals = new Map<string, number>();
  #summarised = new Map<string, number>();

  add(name: string, count = 1): void {
    this.#totals.set(name, (this.#totals.get(name) ?? 0) + count);
  }

  get(name: string): number {
    return this.#totals.get(name) ?? 0;
  }

  totals(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#totals);
  }

  /** What was added since the last call, or null if nothing was. */
  summary(): Readonly<Record<string, number>> | null {
    const added: Record<string, number> = {};
    let isEmpty = true;
    for (const [name, total] of this.#totals) {
      const since = total - (this.#summarised.get(name) ?? 0);
      if (since === 0) continue;
      added[name] = since;
      isEmpty = false;
    }
    if (isEmpty) return null;
    this.#summarised = new Map(this.#totals);
    return added;
  }
}

/** Why something that came in, or was about to leave, was not used. The table is in docs/operations.md. */
export type DropReason =
  /** No TLS handshake with a certificate of this cluster: garbage, no, foreign or expired certificate. */
  | 'HANDSHAKE_FAILED'
  | 'NOT_HTTP2'
  /** A stream broken off on a connection that lives on: an oversized message or a reset. */
  | 'STREAM_BROKEN'
  /** A certificate on Peer/Link that is pinned for no other replica. */
  | 'UNKNOWN_PEER'
  | 'MALFORMED_FRAME'
  | 'MALFORMED_MESSAGE'
  | 'INPUTS_FULL'
  /** What a replica sends beyond its share. */
  | 'PEER_FLOODS'
  | 'PEER_QUEUE_FULL'
  | 'MESSAGE_TOO_LARGE'
  | 'HELLO_REQUIRED'
  | 'HELLO_REPEATED'
  | 'ADMIN_ONLY'
  | 'HELLO_REFUSED'
  | 'UNKNOWN_CLIENT'
  | 'CLIENT_FAULTY'
  | 'TOO_MANY_STREAMS'
  | 'TOO_MANY_SESSIONS'
  | 'MALFORMED_ENVELOPE'
  | 'FOREIGN_ENVELOPE'
  | 'READS_FULL'
  | 'SHARES_FULL'
  | 'SLOW_CLIENT'
  /** An envelope of a client, while this replica's disk is nearly full. */
  | 'DISK_FULL';

export interface Drops {
  /** `of`: who sent it, if that is proven. */
  add(reason: DropReason, count?: number, of?: ReplicaId | ClientId): void;
}
