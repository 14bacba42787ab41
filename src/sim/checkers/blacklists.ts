/**
 * Blacklists (DESIGN section 7) as a model that is nothing but sets, along the committed order: whoever inserted what was
 * first shown to be no good is on the list until a pardon; those on it are refused everything, and nobody else is for that;
 * what was repaired before changes nothing; forged repairs are counted. Shares no code with src/service.
 */
import type { ClientId } from '../../base/index.js';
import { decodeOperation, decodeResult, isAdminOperation } from '../../codec/index.js';
import type { Operation, Result } from '../../codec/index.js';
import type { RegisteredClient as ListedClient } from '../../client/index.js';
import type { CommittedStep } from './committed-order.js';
import { adminName, type RegisteredClient } from './registered-clients.js';
import { violated } from './violation.js';

export class Blacklists {
  readonly #names: ReadonlyMap<ClientId, string>;
  readonly #dishonest: ReadonlySet<string>;
  readonly #listed = new Set<string>();
  readonly #repaired = new Map<bigint, string>();
  readonly #forged = new Map<string, number>();

  /** `dishonest`: who may come upon the list at all. */
  constructor(clients: readonly RegisteredClient[], dishonest: ReadonlySet<string>) {
    this.#names = new Map(clients.map(({ name, publicKey }) => [publicKey, name]));
    this.#dishonest = dishonest;
  }

  /** Entries that were shown to be no good. */
  get repaired(): ReadonlyMap<bigint, string> {
    return this.#repaired;
  }

  get forgedRepairs(): number {
    return [...this.#forged.values()].reduce((sum, count) => sum + count, 0);
  }

  follow({ execution }: CommittedStep): void {
    if (execution === null) return;
    const { operation: ordered, result: bytes } = execution;
    const name = this.#names.get(ordered.client);
    const operation = decodeOperation(ordered.operation);
    if (name === undefined || operation === null) return;
    const result = bytes === null ? null : decodeResult(bytes);
    this.#checkRefusal(name, operation, result);
    if (result?.kind === 'repaired') this.#onRepaired(name, result.id, result.owner);
    if (operation.kind === 'clientPardon' && result?.kind === 'client') this.#listed.delete(operation.name);
    if (result?.kind === 'refused' && result.code === 'REPAIR_UNPROVEN')
      this.#forged.set(name, (this.#forged.get(name) ?? 0) + 1);
  }

  /** What the service says of its clients in the end. */
  check(clients: readonly ListedClient[]): void {
    for (const { name, blacklisted, forgedRepairs } of clients) {
      if ((blacklisted !== null) !== this.#listed.has(name))
        violated('blacklists', `${name} is ${blacklisted === null ? 'not ' : ''}on the list at the end`);
      const forged = this.#forged.get(name) ?? 0;
      if (forgedRepairs !== forged)
        violated('blacklists', `${name} forged ${forged} repairs, ${forgedRepairs} are counted`);
    }
  }

  #checkRefusal(name: string, operation: Operation, result: Result | null): void {
    const isRefused = result?.kind === 'refused' && result.code === 'CLIENT_BLACKLISTED';
    const isExempt = operation.kind === 'cancel' || (name === adminName && isAdminOperation(operation));
    const isDue = this.#listed.has(name) && !isExempt;
    if (isRefused !== isDue)
      violated(
        'blacklists',
        `${operation.kind} of ${name} was ${isRefused ? '' : 'not '}refused for the list`,
      );
  }

  #onRepaired(by: string, id: bigint, owner: string): void {
    if (!this.#dishonest.has(owner))
      violated('blacklists', `${by} had entry ${id} of ${owner} repaired, who is honest`);
    if (this.#repaired.has(id)) return;
    this.#repaired.set(id, owner);
    this.#listed.add(owner);
  }
}
