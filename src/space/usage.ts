/**
 * How much lies in a space, and of whom, held against its quotas. Bytes, and what is whose, are counted only where a
 * quota asks for it. Must not know who may insert.
 */
import type { ClientName } from '../base/index.js';
import { encodeTuple, type Quota, type Sealed, type Tuple } from '../codec/index.js';
import { refused, type Refused } from './limits.js';
import type { StoredEntry } from './stored-entry.js';

/** Of all clients together, and of each. */
export interface SpaceQuotas {
  readonly quota: Quota;
  readonly clientQuota: Quota;
}

const unbounded: Quota = { entries: null, bytes: null, waits: null };
export const noQuotas: SpaceQuotas = { quota: unbounded, clientQuota: unbounded };

interface Share {
  entries: number;
  /** Of canonical tuples and what is sealed beside them. */
  bytes: number;
}

/** What takes up room. */
export interface Content {
  readonly tuple: Tuple;
  readonly sealed: Sealed | null;
}

/** What an insertion takes the place of. */
type Leaving = StoredEntry | null;

export class Usage {
  readonly #entriesMax: number;
  readonly #quotas: SpaceQuotas;
  readonly #countsBytes: boolean;
  readonly #countsClients: boolean;
  readonly #total: Share = { entries: 0, bytes: 0 };
  /** Invariant: no share is of 0 entries. */
  readonly #shares = new Map<ClientName, Share>();

  /** `entriesMax`: whatever the quotas say. */
  constructor(entriesMax: number, quotas: SpaceQuotas) {
    const { quota, clientQuota } = quotas;
    this.#entriesMax = entriesMax;
    this.#quotas = quotas;
    this.#countsBytes = quota.bytes !== null || clientQuota.bytes !== null;
    this.#countsClients = clientQuota.entries !== null || clientQuota.bytes !== null;
  }

  get entries(): number {
    return this.#total.entries;
  }

  /** Null: not counted, since there is no quota of them. */
  get bytes(): number | null {
    return this.#countsBytes ? this.#total.bytes : null;
  }

  add(entry: StoredEntry): void {
    const { owner } = entry;
    const bytes = this.#bytesOf(entry);
    this.#total.entries++;
    this.#total.bytes += bytes;
    if (!this.#countsClients) return;
    let share = this.#shares.get(owner);
    if (share === undefined) this.#shares.set(owner, (share = { entries: 0, bytes: 0 }));
    share.entries++;
    share.bytes += bytes;
  }

  remove(entry: StoredEntry): void {
    const { owner } = entry;
    const bytes = this.#bytesOf(entry);
    this.#total.entries--;
    this.#total.bytes -= bytes;
    if (!this.#countsClients) return;
    const share = this.#shares.get(owner)!;
    share.bytes -= bytes;
    if (--share.entries === 0) this.#shares.delete(owner);
  }

  /** Whether the owner may insert the content once `leaving` is gone. */
  checkRoom(content: Content, owner: ClientName, leaving: Leaving): Refused | null {
    const { quota, clientQuota } = this.#quotas;
    if (this.#total.entries - (leaving === null ? 0 : 1) >= this.#entriesMax) return refused('SPACE_FULL', 0);
    const refusal = this.#check(quota, this.#total, content, leaving, '');
    if (refusal !== null || !this.#countsClients) return refusal;
    const share = this.#shares.get(owner) ?? { entries: 0, bytes: 0 };
    return this.#check(clientQuota, share, content, leaving?.owner === owner ? leaving : null, 'client-');
  }

  #check(
    quota: Quota,
    used: Share,
    content: Content,
    leaving: Leaving,
    whose: '' | 'client-',
  ): Refused | null {
    const entries = used.entries + (leaving === null ? 1 : 0);
    if (quota.entries !== null && entries > quota.entries)
      return refused('QUOTA_EXCEEDED', quota.entries, `${whose}entries`);
    if (quota.bytes === null) return null;
    const bytes = used.bytes + this.#bytesOf(content) - (leaving === null ? 0 : this.#bytesOf(leaving));
    return bytes > quota.bytes ? refused('QUOTA_EXCEEDED', quota.bytes, `${whose}bytes`) : null;
  }

  #bytesOf({ tuple, sealed }: Content): number {
    return this.#countsBytes ? encodeTuple(tuple).length + (sealed?.bytes.length ?? 0) : 0;
  }
}
