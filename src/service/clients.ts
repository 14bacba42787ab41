/**
 * Who may use the service: clients by key and by name, a page each. Replicated state. A name is never given to another
 * key, not even after its client has been revoked: entries, lists and policies go on meaning the same. Must not know
 * what a client may do.
 */
import { assert, clientName, type ClientId, type ClientName, type PageTree } from '../base/index.js';
import {
  decodeClientRecord,
  encodeClientRecord,
  type Blacklisting,
  type ClientRecord,
} from '../codec/index.js';
import { numberWithin, pageNumber, refused, type Refused } from '../space/index.js';

/** The name of the client that administers. */
export const adminName = clientName('admin');

export interface RegisteredClient {
  readonly name: string;
  readonly publicKey: ClientId;
}

const clientsMax = 10_000;

/** Names that differ in case only, or look like a replica's, would share folders of keys or certificates. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const reservedPattern = /^replica-[0-9]+$/i;

export function isName(name: string): boolean {
  return namePattern.test(name) && !reservedPattern.test(name);
}

interface Client {
  readonly number: number;
  record: ClientRecord;
}

export class Clients {
  readonly #tree: PageTree;
  /** False: everybody may use the service and is called by his key. */
  readonly #isClosed: boolean;
  readonly #byKey = new Map<ClientId, Client>();
  /** By name in lower case. */
  readonly #byName = new Map<string, Client>();

  /** `initial`: those from the start; null: nobody is registered, everybody is admitted. */
  constructor(tree: PageTree, initial: readonly RegisteredClient[] | null) {
    this.#tree = tree;
    this.#isClosed = initial !== null;
    for (const { name, publicKey } of initial ?? []) this.#insert(clientName(name), publicKey, 0);
  }

  /** What the client is called; null: it may not use the service. */
  nameOf(key: ClientId): ClientName | null {
    if (!this.#isClosed) return clientName(key);
    const client = this.#byKey.get(key);
    return client === undefined || client.record.revokedAt !== null ? null : client.record.name;
  }

  isBlacklisted(key: ClientId): boolean {
    return (this.#byKey.get(key)?.record.blacklisted ?? null) !== null;
  }

  /** Refuses the first name that is no client's, revoked ones included. */
  checkNames(names: readonly ClientName[]): Refused | null {
    if (!this.#isClosed) return null;
    const unknown = names.find((name) => this.#find(name)?.record.name !== name);
    return unknown === undefined ? null : refused('NO_SUCH_CLIENT', 0, unknown);
  }

  /** In order of registration. */
  list(): readonly ClientRecord[] {
    return [...this.#byKey.values()].map(({ record }) => record);
  }

  add(name: string, publicKey: ClientId, time: number): ClientRecord | Refused {
    if (!isName(name)) return refused('INVALID_NAME', 0);
    const sameName = this.#find(name);
    if (sameName !== undefined) return refused('NAME_TAKEN', 0, sameName.record.name);
    const sameKey = this.#byKey.get(publicKey);
    if (sameKey !== undefined) return refused('KEY_TAKEN', 0, sameKey.record.name);
    if (this.#byKey.size >= clientsMax) return refused('TOO_MANY_CLIENTS', clientsMax);
    return this.#insert(clientName(name), publicKey, time);
  }

  /** Once and for all; again: as before. */
  revoke(name: string, time: number): ClientRecord | Refused {
    const client = this.#named(name);
    if ('code' in client) return client;
    if (client.record.name === adminName) return refused('ADMIN_STAYS', 0);
    if (client.record.revokedAt === null) this.#change(client, { revokedAt: time });
    return client.record;
  }

  /** Lifts its blacklisting; if there is none: as before. */
  pardon(name: string): ClientRecord | Refused {
    const client = this.#named(name);
    if ('code' in client) return client;
    if (client.record.blacklisted !== null) this.#change(client, { blacklisted: null });
    return client.record;
  }

  /** False: it has been blacklisted before, and stays so. */
  blacklist(key: ClientId, blacklisted: Blacklisting): boolean {
    const client = this.#byKey.get(key);
    assert(client !== undefined, 'who has inserted something sealed is registered');
    if (client.record.blacklisted !== null) return false;
    this.#change(client, { blacklisted });
    return true;
  }

  countForgedRepair(name: ClientName): void {
    const client = this.#find(name);
    assert(client !== undefined, 'who repairs is registered');
    this.#change(client, { forgedRepairs: client.record.forgedRepairs + 1 });
  }

  /** Takes over a page of a certified state; false: it is none of clients. Pages come in ascending order. */
  load(page: number, bytes: Uint8Array): boolean {
    const number = numberWithin('clients', page);
    if (number === null) return false;
    const record = decodeClientRecord(bytes);
    assert(record !== null && number === this.#byKey.size, 'a certified client is well-formed');
    this.#index({ number, record });
    return true;
  }

  #find(name: string): Client | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  #named(name: string): Client | Refused {
    const client = this.#find(name);
    const isIt = client !== undefined && client.record.name === name;
    return isIt ? client : refused('NO_SUCH_CLIENT', 0, subjectOf(name));
  }

  #change(client: Client, change: Partial<ClientRecord>): void {
    client.record = { ...client.record, ...change };
    this.#write(client);
  }

  #insert(name: ClientName, publicKey: ClientId, addedAt: number): ClientRecord {
    const record = { name, publicKey, addedAt, revokedAt: null, blacklisted: null, forgedRepairs: 0 };
    const client = { number: this.#byKey.size, record };
    this.#index(client);
    this.#write(client);
    return record;
  }

  #index(client: Client): void {
    const { name, publicKey } = client.record;
    assert(
      this.#find(name) === undefined && !this.#byKey.has(publicKey),
      'names and keys of clients are unique',
    );
    this.#byKey.set(publicKey, client);
    this.#byName.set(name.toLowerCase(), client);
  }

  #write({ number, record }: Client): void {
    this.#tree.put(pageNumber('clients', number), encodeClientRecord(record));
  }
}

/** What somebody typed, if it is short enough to be told back. */
function subjectOf(name: string): string {
  return isName(name) ? name : '';
}
