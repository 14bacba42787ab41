/**
 * The spaces as the admin fixes them: created, described, given another policy, deleted; and the guard of each, made from
 * its record. Must not know who is the admin.
 */
import { InvalidInputError, type ClientName, type HashFunction } from '../base/index.js';
import {
  encodeSpaceRecord,
  type Origin,
  type PolicyChange,
  type SpaceConfig,
  type SpaceDescription,
  type SpaceRecord,
  type SpaceSummary,
} from '../codec/index.js';
import { loadPolicy } from '../policy/index.js';
import { refused, type Effects, type Refused, type Space, type SpaceSet } from '../space/index.js';
import { isName, type Clients } from './clients.js';
import { guardFor, recordOf, type Guard } from './guard.js';

const spacesMax = 1_000;
/** In each list of a space. */
const namesMax = 256;
/** Changes of policy that are remembered. */
const changesMax = 64;

/** A change by an admin operation. */
export interface Change {
  readonly by: ClientName;
  readonly time: number;
  /** The request. */
  readonly origin: Omit<Origin, 'space'>;
}

const unbounded = { entries: null, bytes: null, waits: null };
/** Of the space that exists from the start: open to every registered client. */
export const openConfig: SpaceConfig = {
  ...{ insert: null, readers: null, takers: null, policy: null, confidential: null },
  ...{ quota: unbounded, clientQuota: unbounded },
};

export class Spaces {
  readonly #set: SpaceSet;
  readonly #clients: Clients;
  readonly #hash: HashFunction;
  /** Made when first asked for. */
  readonly #guards = new Map<Space, Guard>();

  constructor(set: SpaceSet, clients: Clients, hash: HashFunction) {
    this.#set = set;
    this.#clients = clients;
    this.#hash = hash;
  }

  guardOf(space: Space): Guard {
    let guard = this.#guards.get(space);
    if (guard === undefined) this.#guards.set(space, (guard = guardFor(this.#recordOf(space), this.#hash)));
    return guard;
  }

  create(name: string, config: SpaceConfig, change: Change): SpaceDescription | Refused {
    if (!isName(name)) return refused('INVALID_NAME', 0);
    if (this.#set.get(name) !== null) return refused('SPACE_EXISTS', 0);
    if (this.#set.all.length >= spacesMax) return refused('TOO_MANY_SPACES', spacesMax);
    const lists = [config.insert ?? [], config.readers ?? [], config.takers ?? []];
    if (lists.some((list) => list.length > namesMax)) return refused('TOO_MANY_NAMES', namesMax);
    const changed = this.#changeTo(config.policy, change);
    const refusal = this.#clients.checkNames(lists.flat());
    if (refusal !== null) return refusal;
    if ('code' in changed) return changed;
    const keyOrigin = config.confidential === null ? null : { space: name, ...change.origin };
    const record = encodeSpaceRecord({ name, config, changes: [changed], keyOrigin });
    return this.describe(this.#set.create(name, record));
  }

  /** Null: no policy. Subscriptions that the new one refuses end; waits are asked about when a match comes. */
  setPolicy(
    space: Space,
    policy: string | null,
    change: Change,
    recheck: (space: Space) => void,
  ): SpaceDescription | Refused {
    const changed = this.#changeTo(policy, change);
    if ('code' in changed) return changed;
    const record = this.#recordOf(space);
    const config = { ...record.config, policy };
    const latest = [...record.changes, changed].slice(-changesMax);
    this.#set.setRecord(space, encodeSpaceRecord({ ...record, config, changes: latest }));
    this.#guards.delete(space);
    recheck(space);
    return this.describe(space);
  }

  delete(space: Space, effects: Effects): SpaceDescription {
    const description = this.describe(space);
    this.#set.delete(space, effects);
    this.#guards.delete(space);
    return description;
  }

  describe(space: Space): SpaceDescription {
    const record = this.#recordOf(space);
    const { size: entries, bytes, waits, subscribers: subscriptions } = space;
    const policyDigest = record.changes.at(-1)!.digest;
    return { ...record, policyDigest, entries, bytes, waits, subscriptions };
  }

  list(): readonly SpaceSummary[] {
    return this.#set.all.map((space) => {
      const { changes, keyOrigin } = this.#recordOf(space);
      const policyDigest = changes.at(-1)!.digest;
      return { name: space.name, entries: space.size, policyDigest, confidential: keyOrigin !== null };
    });
  }

  #recordOf(space: Space): SpaceRecord {
    return recordOf(this.#set.recordOf(space));
  }

  #changeTo(policy: string | null, { by, time }: Pick<Change, 'by' | 'time'>): PolicyChange | Refused {
    if (policy === null) return { by, time, digest: null };
    try {
      return { by, time, digest: loadPolicy(policy, this.#hash).digest };
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      const { rule, line, column } = error.fields;
      return refused('POLICY_INVALID', 0, `${String(rule)}:${String(line)}:${String(column)}`);
    }
  }
}
