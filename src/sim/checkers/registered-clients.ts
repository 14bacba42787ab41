/** Who is registered, by key and by name, as naively as possible: a list in order of registration. */
import { clientName } from '../../base/index.js';
import type { ClientId, ClientName } from '../../base/index.js';
import type { AdminOperation, ClientRecord, Result } from '../../codec/index.js';
import { refusal } from './guarded-space.js';
import type { Refusal } from './guarded-space.js';

export interface RegisteredClient {
  readonly name: string;
  readonly publicKey: ClientId;
}

type ClientOperation = Extract<
  AdminOperation,
  { readonly kind: 'clientAdd' | 'clientRevoke' | 'clientPardon' | 'clientList' }
>;

export const adminName = clientName('admin');

export class RegisteredClients {
  #records: readonly ClientRecord[];

  constructor(initial: readonly RegisteredClient[]) {
    this.#records = initial.map(({ name, publicKey }) => recordOf(name, publicKey, 0));
  }

  nameOf(key: ClientId): ClientName | null {
    const record = this.#records.find(({ publicKey }) => publicKey === key);
    return record === undefined || record.revokedAt !== null ? null : record.name;
  }

  /** Refuses the first name that nobody ever had. */
  nameRefusal(names: readonly ClientName[]): Refusal | null {
    const unknown = names.find((name) => !this.#records.some((record) => record.name === name));
    return unknown === undefined ? null : refusal('NO_SUCH_CLIENT', 0, unknown);
  }

  administer(operation: ClientOperation, time: number): Result {
    switch (operation.kind) {
      case 'clientList':
        return { kind: 'clients', clients: this.#records };
      case 'clientAdd':
        return this.#add(operation.name, operation.publicKey, time);
      case 'clientRevoke':
        return this.#revoke(operation.name, time);
      case 'clientPardon':
        return this.#pardon(operation.name);
    }
  }

  #add(name: string, publicKey: ClientId, time: number): Result {
    const sameName = this.#records.find((record) => record.name.toLowerCase() === name.toLowerCase());
    if (sameName !== undefined) return refusal('NAME_TAKEN', 0, sameName.name);
    const sameKey = this.#records.find((record) => record.publicKey === publicKey);
    if (sameKey !== undefined) return refusal('KEY_TAKEN', 0, sameKey.name);
    const client = recordOf(name, publicKey, time);
    this.#records = [...this.#records, client];
    return { kind: 'client', client };
  }

  /** There are no confidential spaces here, so nobody is blacklisted. */
  #pardon(name: string): Result {
    const client = this.#records.find((record) => record.name === name);
    return client === undefined ? refusal('NO_SUCH_CLIENT', 0, name) : { kind: 'client', client };
  }

  #revoke(name: string, time: number): Result {
    const known = this.#records.find((record) => record.name === name);
    if (known === undefined) return refusal('NO_SUCH_CLIENT', 0, name);
    if (known.name === adminName) return refusal('ADMIN_STAYS');
    const client = { ...known, revokedAt: known.revokedAt ?? time };
    this.#records = this.#records.map((record) => (record === known ? client : record));
    return { kind: 'client', client };
  }
}

const recordOf = (name: string, publicKey: ClientId, addedAt: number): ClientRecord => ({
  name: clientName(name),
  publicKey,
  addedAt,
  revokedAt: null,
  blacklisted: null,
  forgedRepairs: 0,
});
