/**
 * What this replica has seen of others' misbehaviour since it started, by who and why: evidence of the ordering layer, what
 * was dropped of a known sender, primaries that were late. Told by `status` and metrics; one replica's word. Bounded: of
 * clients those seen last are kept by name, the rest is summed.
 */
import type { ClientId, ReplicaId } from '../base/index.js';
import { statusSuspicionsMax, type SuspicionCount } from '../codec/index.js';
import type { DropReason } from './tally.js';

export type Suspect = ReplicaId | ClientId;

type Counts = Map<string, number>;

const clientsMax = 256;
/** Clients of whom no more is known than what they did. */
export const others = 'others';

/** What correct ones do not send, whatever the network does. */
const misconduct: ReadonlySet<DropReason> = new Set<DropReason>([
  'MALFORMED_FRAME',
  'MALFORMED_MESSAGE',
  'MALFORMED_ENVELOPE',
  'FOREIGN_ENVELOPE',
  'HELLO_REPEATED',
  'PEER_FLOODS',
]);

export const isMisconduct = (reason: DropReason): boolean => misconduct.has(reason);

function addTo(counts: Counts, reason: string, count: number): void {
  counts.set(reason, (counts.get(reason) ?? 0) + count);
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export class Suspicions {
  readonly #peers = new Map<ReplicaId, Counts>();
  /** Those seen longest ago first. */
  readonly #clients = new Map<ClientId, Counts>();
  /** Of clients that are not kept any more. */
  readonly #others: Counts = new Map();
  readonly #nameOf: (client: ClientId) => string;

  constructor(nameOf: (client: ClientId) => string = (client) => client) {
    this.#nameOf = nameOf;
  }

  add(of: Suspect, reason: string, count = 1): void {
    if (typeof of === 'number') addTo(this.#countsOf(this.#peers, of), reason, count);
    else this.#addClient(of, reason, count);
  }

  /** The most frequent ones, those first. */
  largest(): readonly SuspicionCount[] {
    const rows: SuspicionCount[] = [];
    const push = (of: string, counts: Counts): void => {
      for (const [reason, count] of counts) rows.push({ of, reason, count });
    };
    for (const [replica, counts] of this.#peers) push(`replica ${replica}`, counts);
    for (const [client, counts] of this.#clients) push(this.#nameOf(client), counts);
    push(others, this.#others);
    rows.sort((a, b) => b.count - a.count || compareText(a.of, b.of) || compareText(a.reason, b.reason));
    return rows.slice(0, statusSuspicionsMax);
  }

  /** For metrics: replicas one by one, clients together. */
  totals(): readonly { readonly peer: string; readonly reason: string; readonly count: number }[] {
    const clients: Counts = new Map(this.#others);
    for (const counts of this.#clients.values())
      for (const [reason, count] of counts) addTo(clients, reason, count);
    const rows = [...this.#peers].flatMap(([peer, counts]) =>
      [...counts].map(([reason, count]) => ({ peer: String(peer), reason, count })),
    );
    return [...rows, ...[...clients].map(([reason, count]) => ({ peer: 'clients', reason, count }))];
  }

  #addClient(client: ClientId, reason: string, count: number): void {
    const counts = this.#countsOf(this.#clients, client);
    addTo(counts, reason, count);
    this.#clients.delete(client);
    this.#clients.set(client, counts);
    if (this.#clients.size <= clientsMax) return;
    for (const [oldest, kept] of this.#clients) {
      this.#clients.delete(oldest);
      for (const [each, total] of kept) addTo(this.#others, each, total);
      return;
    }
  }

  #countsOf<K>(map: Map<K, Counts>, key: K): Counts {
    let counts = map.get(key);
    if (counts === undefined) map.set(key, (counts = new Map<string, number>()));
    return counts;
  }
}
