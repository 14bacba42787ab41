/**
 * Who is alive: members are tuples with leases that they renew; who dies is gone with its lease. Everybody can see the
 * members, and be told of every change. Tuples: [tag, name, value, unique id].
 */
import { any, type Entry, type Field, type Lease, type Space } from '../client/index.js';
import { checkName, freshId, leaseOf, tags, type RecipeOptions } from './names.js';

export interface Member {
  /** What it joined with, such as an address. */
  readonly value: Field;
  readonly owner: string;
  /** Of this membership; whoever joins again has another. */
  readonly id: bigint;
}

export interface MembershipChange {
  readonly kind: 'joined' | 'left';
  readonly member: Member;
  /** After the change, in the order of joining. */
  readonly members: readonly Member[];
}

export interface MembershipOptions {
  readonly signal?: AbortSignal | undefined;
}

const memberOf = ({ id, owner, tuple }: Entry): Member => ({ id, owner, value: tuple[2]! });

export class Membership {
  readonly #space: Space;
  readonly #name: string;
  readonly #leaseMs: number;

  /** Memberships of one name in one space are one. @throws InvalidInputError RECIPE_NAME_INVALID. */
  constructor(space: Space, name: string, options?: RecipeOptions) {
    this.#space = space;
    this.#name = checkName(name);
    this.#leaseMs = leaseOf(options);
  }

  get #everybody(): readonly [string, string, typeof any, typeof any] {
    return [tags.membership, this.#name, any, any];
  }

  /** A member until the lease that comes back is released, which is leaving, or lost. @throws as `out`. */
  async join(value: Field, { signal }: MembershipOptions = {}): Promise<Lease> {
    const tuple = [tags.membership, this.#name, value, freshId()];
    return (await this.#space.out(tuple, { lease: this.#leaseMs, hold: true, signal })).lease;
  }

  /** In the order of joining. */
  async members({ signal }: MembershipOptions = {}): Promise<Member[]> {
    return (await this.#space.rdAll(this.#everybody, { signal })).map(memberOf);
  }

  /** Those who are there already as `joined`, one by one, then every change. */
  async *watch({ signal }: MembershipOptions = {}): AsyncGenerator<MembershipChange> {
    await using events = this.#space.subscribe(this.#everybody, { signal });
    await events.started;
    const members = new Map<bigint, Member>();
    const change = (kind: 'joined' | 'left', member: Member): MembershipChange => {
      if (kind === 'joined') members.set(member.id, member);
      else members.delete(member.id);
      return { kind, member, members: [...members.values()] };
    };
    let last = 0n;
    for (const member of await this.members({ signal })) {
      last = member.id;
      yield change('joined', member);
    }
    for await (const { kind, entry } of events) {
      // What was read already is told again, and so is the end of some who were gone by then.
      if (kind === 'inserted' ? entry.id > last : members.has(entry.id))
        yield change(kind === 'inserted' ? 'joined' : 'left', memberOf(entry));
    }
  }
}
