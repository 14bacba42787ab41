/**
 * The admin of a random run: creates spaces with lists, quotas and policies, gives them other policies, deletes them and
 * creates them again, registers guests and revokes them, all while others are at work there.
 */
import { clientName } from '../../base/index.js';
import type { ClientName, Prng } from '../../base/index.js';
import { decodeResult, sortedNames } from '../../codec/index.js';
import type { AdminOperation, Quota, SpaceConfig } from '../../codec/index.js';
import { randomPolicy } from './random-policy.js';
import { readyPolicies, readyPolicyNames } from './ready-policies.js';
import type { ReadyPolicy } from './ready-policies.js';
import type { ClientHost } from '../client-host.js';
import type { HistoryEntry } from '../history.js';

/** Those who may be added and revoked, by name. */
export type Guests = ReadonlyMap<ClientName, ClientHost>;

export class Administrator {
  readonly #random: Prng;
  readonly #spaces: readonly string[];
  /** Who is registered, or may be by now. */
  readonly #names: ClientName[];
  readonly #guests: Guests;
  /** To be created before anything else, one after the other. */
  readonly #missing: string[];
  /** The ready policies that spaces were given last; null: another, or none. */
  readonly #ready = new Map<string, ReadyPolicy | null>();

  constructor(random: Prng, spaces: readonly string[], names: readonly ClientName[], guests: Guests) {
    this.#random = random;
    this.#spaces = spaces;
    this.#names = [...names];
    this.#guests = guests;
    this.#missing = [...spaces];
  }

  get names(): readonly ClientName[] {
    return this.#names;
  }

  readyOf(space: string): ReadyPolicy | null {
    return this.#ready.get(space) ?? null;
  }

  draw(): AdminOperation {
    const random = this.#random;
    const missing = this.#missing.shift();
    if (missing !== undefined) return this.#create(missing);
    const space = random.pick(this.#spaces);
    const draw = random.below(20);
    if (draw < 8) return { kind: 'spaceSetPolicy', space, policy: this.#policy(space) };
    if (draw < 11) {
      this.#missing.push(space);
      return { kind: 'spaceDelete', space };
    }
    if (draw < 12) return this.#create(space);
    if (draw < 15) return { kind: 'spaceShow', space };
    if (draw < 16) return { kind: 'spaceList', space: '' };
    if (draw < 17) return { kind: 'clientList', space: '' };
    return this.#administerClients();
  }

  /** What was refused, or may have been lost, is done again. */
  ended({ operation, outcome }: HistoryEntry): void {
    const result = outcome?.kind === 'result' ? decodeResult(outcome.result) : null;
    const isThere =
      result?.kind === 'space' || (result?.kind === 'refused' && result.code === 'SPACE_EXISTS');
    if (operation.kind === 'spaceCreate' && !isThere) this.#missing.push(operation.space);
  }

  #administerClients(): AdminOperation {
    const [name, { client: publicKey }] = this.#random.pick([...this.#guests]);
    if (this.#random.chance(1, 12)) return { kind: 'clientRevoke', space: '', name: 'admin' };
    if (this.#random.chance(1, 3)) return { kind: 'clientRevoke', space: '', name };
    if (!this.#names.includes(name)) this.#names.push(name);
    return { kind: 'clientAdd', space: '', name, publicKey };
  }

  #create(space: string): AdminOperation {
    const policy = this.#policy(space);
    // A space whose lists keep everybody out tells nothing.
    const lists = this.readyOf(space) === null ? this.#lists() : noLists;
    const quotas = { quota: this.#quota(8), clientQuota: this.#quota(3) };
    const config: SpaceConfig = { ...lists, policy, ...quotas, confidential: null };
    return { kind: 'spaceCreate', space, config };
  }

  #policy(space: string): string | null {
    const draw = this.#random.below(8);
    const name = draw < 2 ? this.#random.pick(readyPolicyNames) : null;
    this.#ready.set(space, name);
    if (name !== null) return readyPolicies[name];
    return draw < 4 ? null : randomPolicy(this.#random);
  }

  #lists(): Pick<SpaceConfig, 'insert' | 'readers' | 'takers'> {
    return { insert: this.#list(), readers: this.#list(), takers: this.#list() };
  }

  #list(): readonly ClientName[] | null {
    if (this.#random.chance(2, 3)) return null;
    const some = this.#names.filter(() => this.#random.chance(2, 3));
    return sortedNames(this.#random.chance(1, 20) ? [...some, clientName('nobody')] : some);
  }

  #quota(entries: number): Quota {
    const maybe = (max: number): number | null =>
      this.#random.chance(1, 6) ? this.#random.between(1, max) : null;
    return { entries: maybe(entries), bytes: maybe(entries * 30), waits: maybe(3) };
  }
}

const noLists = { insert: null, readers: null, takers: null };
