/**
 * The replicated application: an encoded operation in, an encoded result out, equal at every correct
 * replica. The order of checks (DESIGN section 5) is written here once: well-formed, identity, within limits, space
 * exists, its lists, its policy; then visibility of entries and execution, which are the space's. Fits the ordering
 * layer's StateMachine without knowing it. No bytes make it throw. The only time it acts on is ordered time; a
 * replica's own clock only makes it decline to answer a read.
 */
import {
  PageTree,
  sessionId,
  type ClientId,
  type ClientName,
  type HashFunction,
  type PageSnapshot,
  type SessionId,
} from '../base/index.js';
import {
  decodeOperation,
  encodeResult,
  encodeSpaceRecord,
  isAdminOperation,
  mayBeRepair,
  withoutOwnTuple,
  type Operation,
  type RefusalCount,
  type Result,
  type SpaceOperation,
} from '../codec/index.js';
import {
  defaultSpaceLimits,
  refused,
  SpaceSet,
  type Effects,
  type EventsPart,
  type ReadLimits,
  type ReadPosition,
  type Refused,
  type Space,
  type SpaceLimits,
  type SpaceSetPorts,
} from '../space/index.js';
import { administer } from './administration.js';
import { adminName, Clients, type RegisteredClient } from './clients.js';
import { checkAnyList, checkConfidentiality, repair, sealedBy, spaceKey } from './confidential.js';
import { checkLists, checkPolicyRule, isRuleUncertain, recordOf } from './guard.js';
import { attemptOf, handlerOf, type GuardedOperation, type Invocation } from './operations.js';
import { Refusals } from './refusals.js';
import { openConfig, Spaces } from './spaces.js';

export interface ServiceOptions {
  readonly hash: HashFunction;
  /** Replicated behaviour: equal at every replica. Limits left out have their defaults. */
  readonly limits?: Partial<SpaceLimits>;
  /** How far correct replicas' clocks and ordered time may be apart; 500 by default. Sets the least lease. */
  readonly clockSkewMaxMs?: number;
  /**
   * The clients that are registered from the start, equal at every replica; the one called `admin` administers. Left
   * out: everybody may use the service and is called by his key, and nobody administers.
   */
  readonly clients?: readonly RegisteredClient[];
}

/** An ordered operation, as far as the service looks at it. */
export interface ServiceOperation {
  readonly client: ClientId;
  readonly session: SessionId;
  readonly number: number;
  readonly operation: Uint8Array;
  /** Ordered time, ms since the epoch; `advanceTime` has been told of it. */
  readonly time: number;
  readonly mayWait: boolean;
  /** Verdict of the slow check that `slowCheck` asked for. */
  readonly isVerified: boolean;
}

/** What operations do to others, in bytes; as the ordering layer's Effects. */
export interface ServiceEffects {
  resolve(session: SessionId, number: number, result: Uint8Array): boolean;
  notify(session: SessionId, number: number): void;
  /** The client may not use the service any more: all its sessions end. */
  endClient(client: ClientId): void;
}

export interface FeedOfService {
  readonly client: ClientId;
  readonly session: SessionId;
  readonly number: number;
}

/** The space that exists from the start. */
export const defaultSpace = 'default';

const defaultClockSkewMaxMs = 500;
/** Bound of the clock error of correct replicas. */
const clockErrorMaxMs = 50;

export interface Service {
  readonly version: number;
  advanceTime(time: number, effects: ServiceEffects): void;
  execute(operation: ServiceOperation, effects: ServiceEffects): Uint8Array | null;
  endSession(session: SessionId): void;
  readFeed(feed: FeedOfService, position: ReadPosition, limits: ReadLimits): EventsPart | null;
  query(client: ClientId, operation: Uint8Array, nowMs: number): Uint8Array | null;
  /** Whether the client may use the service. */
  isClient(client: ClientId): boolean;
  slowCheck(operation: Uint8Array): Uint8Array | null;
  nextDeadline(): number | null;
  checkpoint(): PageSnapshot;
  restore(pages: ReadonlyMap<number, Uint8Array>): void;
  /** What this replica refused since it came up, most frequent first. */
  refusals(): readonly RefusalCount[];
}

/** A read does nothing to others. */
const noEffects: Effects = { resolve: () => false, notify: () => undefined };
const noRequest = {
  ...{ session: sessionId(0), number: 0, mayWait: false },
  ...{ sealed: null, effects: noEffects },
};

/** The replicated state. */
interface State {
  readonly set: SpaceSet;
  readonly clients: Clients;
  readonly spaces: Spaces;
}

class TupleSpaceService implements Service {
  readonly version = 6;
  readonly #hash: HashFunction;
  readonly #limits: SpaceLimits;
  readonly #clockSkewMaxMs: number;
  /** Whether clients are registered. */
  readonly #isClosed: boolean;
  readonly #refusals = new Refusals();
  #state: State;
  /** Ordered time. */
  #time = 0;

  constructor(options: ServiceOptions) {
    this.#hash = options.hash;
    this.#clockSkewMaxMs = options.clockSkewMaxMs ?? defaultClockSkewMaxMs;
    // DESIGN section 3: a shorter lease would leave its holder no time to believe in it.
    const leaseMinMs = 4 * (this.#clockSkewMaxMs + clockErrorMaxMs);
    this.#limits = { ...defaultSpaceLimits, leaseMinMs, ...options.limits };
    this.#isClosed = options.clients !== undefined;
    const tree = new PageTree(this.#hash);
    const clients = new Clients(tree, options.clients ?? null);
    const set = new SpaceSet(this.#hash, this.#limits, this.#portsFor(clients), tree);
    this.#state = this.#stateOf(set, clients);
    const changes = [{ by: adminName, time: 0, digest: null }];
    const record = { name: defaultSpace, config: openConfig, changes, keyOrigin: null };
    set.create(defaultSpace, encodeSpaceRecord(record));
  }

  advanceTime(time: number, effects: ServiceEffects): void {
    this.#time = time;
    this.#state.set.expireUntil(time, this.#encoding(effects));
  }

  execute(ordered: ServiceOperation, effects: ServiceEffects): Uint8Array | null {
    const { session, number, time, mayWait } = ordered;
    this.#time = time;
    const operation = decodeOperation(ordered.operation);
    if (operation === null) return this.#answer(refused('MALFORMED_OPERATION', 0), '', '');
    const client = this.#state.clients.nameOf(ordered.client);
    if (client === null) return this.#answer(refused('UNKNOWN_CLIENT', 0), '', '');
    if (this.#isBarred(ordered.client, client, operation))
      return this.#answer(refused('CLIENT_BLACKLISTED', 0), client, operation.space);
    const own = this.#encoding(effects);
    if (!isAdminOperation(operation)) {
      const sealed = sealedBy(operation, ordered);
      const request = { client, session, number, time, mayWait, sealed, effects: own };
      const result = this.#run(operation, request, ordered.isVerified);
      if (result === null) return null;
      return this.#answer(withoutOwnTuple(operation, result), client, operation.space);
    }
    const at = {
      ...this.#state,
      effects: own,
      endClient: (ended: ClientId) => effects.endClient(ended),
      recheck: (space: Space) => this.#recheckSubscriptions(space, own),
    };
    const origin = { inserter: ordered.client, session, number };
    const result = administer(at, operation, { by: client, time, origin });
    return this.#answer(result, client, operation.space);
  }

  endSession(session: SessionId): void {
    this.#state.set.endSession(session);
  }

  readFeed(feed: FeedOfService, position: ReadPosition, limits: ReadLimits): EventsPart | null {
    const client = this.#state.clients.nameOf(feed.client);
    return client === null ? null : this.#state.set.readEvents({ ...feed, client }, position, limits);
  }

  query(key: ClientId, bytes: Uint8Array, nowMs: number): Uint8Array | null {
    const operation = decodeOperation(bytes);
    const client = this.#state.clients.nameOf(key);
    if (operation === null || client === null || isAdminOperation(operation)) return null;
    if (this.#isBarred(key, client, operation)) return null;
    const unordered = { ...noRequest, time: nowMs };
    const result = this.#read(operation, { client, ...unordered }, nowMs + this.#clockSkewMaxMs);
    return result === null ? null : encodeResult(result);
  }

  isClient(client: ClientId): boolean {
    return this.#state.clients.nameOf(client) !== null;
  }

  /** Of a repair its evidence, which names its space: it is judged from that alone. */
  slowCheck(bytes: Uint8Array): Uint8Array | null {
    const operation = mayBeRepair(bytes) ? decodeOperation(bytes) : null;
    return operation?.kind === 'repair' ? operation.evidence : null;
  }

  nextDeadline(): number | null {
    return this.#state.set.nextDeadline;
  }

  checkpoint(): PageSnapshot {
    return this.#state.set.checkpoint();
  }

  restore(pages: ReadonlyMap<number, Uint8Array>): void {
    const tree = new PageTree(this.#hash);
    const clients = new Clients(tree, this.#isClosed ? [] : null);
    const ports = this.#portsFor(clients);
    const set = SpaceSet.restored(this.#hash, this.#limits, pages, ports, tree);
    this.#state = this.#stateOf(set, clients);
  }

  refusals(): readonly RefusalCount[] {
    return this.#refusals.list();
  }

  #stateOf(set: SpaceSet, clients: Clients): State {
    return { set, clients, spaces: new Spaces(set, clients, this.#hash) };
  }

  #portsFor(clients: Clients): SpaceSetPorts {
    return {
      wakeGuard: (space, { kind, client, template }) =>
        this.#checkAgain(space, { kind, space: space.name, template, timeout: null }, client),
      quotasOf: (record) => recordOf(record).config,
      loadOther: (page, bytes) => clients.load(page, bytes),
    };
  }

  /** DESIGN section 4: policy is asked again when a match comes for a wait, or another policy for a subscription. */
  #checkAgain(space: Space, operation: GuardedOperation, client: ClientName): Refused | null {
    const invocation = this.#invocation({ client, time: this.#time, ...noRequest }, space);
    const refusal = this.#checkPolicy(space, operation, invocation);
    if (refusal !== null) this.#refusals.count(refusal.code, client, space.name);
    return refusal;
  }

  #recheckSubscriptions(space: Space, effects: Effects): void {
    space.recheckSubscriptions(({ client, template }) => {
      const operation = { kind: 'subscribe', space: space.name, template, from: null } as const;
      return this.#checkAgain(space, operation, client);
    }, effects);
  }

  /** Written out, as spreading costs more than many an operation. */
  #invocation(request: Request, space: Space): Invocation {
    const { client, session, number, time, mayWait, sealed, effects } = request;
    const guard = this.#state.spaces.guardOf(space);
    return { client, session, number, time, mayWait, sealed, effects, limits: this.#limits, guard };
  }

  /** The admin goes on administering: else nobody could pardon him. */
  #isBarred(key: ClientId, client: ClientName, operation: Operation): boolean {
    if (!this.#state.clients.isBlacklisted(key) || operation.kind === 'cancel') return false;
    return client !== adminName || !isAdminOperation(operation);
  }

  /** Everything before the policy. */
  #check(operation: GuardedOperation, client: ClientName): Space | Refused {
    const { check, needs } = handlerOf(operation);
    const refusal = check(this.#limits, operation) ?? this.#checkNames(operation);
    if (refusal !== null) return refusal;
    const space = this.#state.set.get(operation.space);
    if (space === null) return refused('NO_SUCH_SPACE', 0);
    const guard = this.#state.spaces.guardOf(space);
    return checkLists(guard, needs, client) ?? checkConfidentiality(guard.config, operation) ?? space;
  }

  #checkNames(operation: GuardedOperation): Refused | null {
    if (!('tuple' in operation)) return null;
    const { readers = [], takers = [] } = operation;
    return this.#state.clients.checkNames([...readers, ...takers]);
  }

  #checkPolicy(space: Space, operation: GuardedOperation, invocation: Invocation): Refused | null {
    const { guard } = invocation;
    if (guard.policy === null) return null;
    return checkPolicyRule(guard, space, attemptOf(space, operation, invocation));
  }

  /** No list is for these, and no rule of a policy. */
  #runOnWhole(operation: OnWhole, request: Request, isVerified: boolean): Result {
    const { clients, set, spaces } = this.#state;
    const { client, time, effects } = request;
    const space = set.get(operation.space);
    if (space === null) return refused('NO_SUCH_SPACE', 0);
    const guard = spaces.guardOf(space);
    const { config } = guard;
    // Every client asks for the key first: what is refused to it in an ordinary space is what it wants to do there.
    if (config.confidential === null) return refused('SPACE_NOT_CONFIDENTIAL', 0);
    const refusal = checkAnyList(config, client);
    if (refusal !== null) return refusal;
    if (operation.kind === 'spaceKey') return spaceKey(guard);
    const onBlacklisted = (name: ClientName): void => {
      for (const each of set.all) each.endAllOf(name, refused('CLIENT_BLACKLISTED', 0), effects);
    };
    const at = { space, config, clients, client, time, isVerified, effects, onBlacklisted };
    return repair(at, operation.evidence);
  }

  #run(operation: SpaceOperation, request: Request, isVerified: boolean): Result | null {
    // Whoever may do nothing more in a space may still end what he began there, whatever became of it.
    if (operation.kind === 'cancel') {
      const { client, effects } = request;
      return this.#state.set.cancel(client, operation.session, operation.number, effects);
    }
    if (isOnWhole(operation)) return this.#runOnWhole(operation, request, isVerified);
    const space = this.#check(operation, request.client);
    if ('code' in space) return space;
    const invocation = this.#invocation(request, space);
    const refusal = this.#checkPolicy(space, operation, invocation);
    return refusal ?? handlerOf(operation).run(space, operation, invocation);
  }

  /** The answer to a read; null if it has to be ordered, as when something in it may be gone by `time`. */
  #read(operation: SpaceOperation, request: Request, time: number): Result | null {
    if (operation.kind === 'cancel' || operation.kind === 'repair') return null;
    if (operation.kind === 'spaceKey') {
      const key = this.#runOnWhole(operation, request, false);
      // Every client asks before it says anything about a space.
      return key.kind === 'refused' && key.code !== 'SPACE_NOT_CONFIDENTIAL' ? null : key;
    }
    const { mayBeGone, run } = handlerOf(operation);
    const space = mayBeGone === null ? null : this.#check(operation, request.client);
    if (mayBeGone === null || space === null || 'code' in space) return null;
    const invocation = this.#invocation(request, space);
    if (isRuleUncertain(invocation.guard, operation.kind, space, time)) return null;
    if (this.#checkPolicy(space, operation, invocation) !== null) return null;
    const result = run(space, operation, invocation);
    if (result === null || result.kind === 'refused') return null;
    return mayBeGone(space, operation, result, time) ? null : result;
  }

  #encoding(effects: ServiceEffects): Effects {
    return {
      resolve: (session, number, result) => effects.resolve(session, number, encodeResult(result)),
      notify: (session, number) => effects.notify(session, number),
    };
  }

  /** `client` and `space` are empty where they are not known. */
  #answer(result: Result, client: ClientName | '', space: string): Uint8Array {
    if (result.kind === 'refused') {
      const isKnown = this.#state.set.get(space) !== null;
      this.#refusals.count(result.code, client, isKnown ? space : '');
    }
    return encodeResult(result);
  }
}

type OnWhole = Exclude<SpaceOperation, GuardedOperation | { readonly kind: 'cancel' }>;

function isOnWhole(operation: SpaceOperation): operation is OnWhole {
  return operation.kind === 'spaceKey' || operation.kind === 'repair';
}

type Request = Omit<Invocation, 'limits' | 'guard'>;

export function createService(options: ServiceOptions): Service {
  return new TupleSpaceService(options);
}
