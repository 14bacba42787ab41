/**
 * The replicated application: an encoded operation in, an encoded result out, equal at every correct
 * replica. The order of checks (DESIGN section 5) is written here once: well-formed, within limits, space
 * exists, execution. Fits the ordering layer's StateMachine without knowing it. No bytes make it throw.
 * The only time it acts on is ordered time; a replica's own clock only makes it decline to answer a read.
 */
import type { ClientId, HashFunction, PageSnapshot, SessionId } from '../base/index.js';
import { clientName, sessionId } from '../base/index.js';
import type { RefusalCount, Result, SpaceOperation } from '../codec/index.js';
import { decodeOperation, encodeResult, isAdminOperation } from '../codec/index.js';
import {
  defaultSpaceLimits,
  refused,
  Space,
  SpaceSet,
  type Effects,
  type EventsPart,
  type ReadLimits,
  type ReadPosition,
  type SpaceLimits,
} from '../space/index.js';
import { handlerOf, type Invocation } from './operations.js';

export interface ServiceOptions {
  readonly hash: HashFunction;
  /** Replicated behaviour: equal at every replica. Limits left out have their defaults. */
  readonly limits?: Partial<SpaceLimits>;
  /** How far correct replicas' clocks and ordered time may be apart; 500 by default. Sets the least lease. */
  readonly clockSkewMaxMs?: number;
  /** Clients from the start; left out: everybody is one. */
  readonly clients?: readonly { readonly name: string; readonly publicKey: ClientId }[];
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
}

/** What operations do to others, in bytes; as the ordering layer's Effects. */
export interface ServiceEffects {
  resolve(session: SessionId, number: number, result: Uint8Array): boolean;
  notify(session: SessionId, number: number): void;
  endClient(client: ClientId): void;
}

export interface FeedOfService {
  readonly client: ClientId;
  readonly session: SessionId;
  readonly number: number;
}

/** The space that exists from the start. */
export const defaultSpace = { name: 'default', number: 1 } as const;

const defaultClockSkewMaxMs = 500;
/** Bound of the clock error of correct replicas. */
const clockErrorMaxMs = 50;

export interface Service {
  readonly version: number;
  isClient(client: ClientId): boolean;
  /** What it has refused since it was made; not part of the state. */
  refusals(): readonly RefusalCount[];
  advanceTime(time: number, effects: ServiceEffects): void;
  execute(operation: ServiceOperation, effects: ServiceEffects): Uint8Array | null;
  endSession(session: SessionId): void;
  readFeed(feed: FeedOfService, position: ReadPosition, limits: ReadLimits): EventsPart | null;
  query(client: ClientId, operation: Uint8Array, nowMs: number): Uint8Array | null;
  slowCheck(operation: Uint8Array): Uint8Array | null;
  nextDeadline(): number | null;
  checkpoint(): PageSnapshot;
  restore(pages: ReadonlyMap<number, Uint8Array>): void;
}

function encoding(effects: ServiceEffects): Effects {
  return {
    resolve: (session, number, result) => effects.resolve(session, number, encodeResult(result)),
    notify: (session, number) => effects.notify(session, number),
  };
}

/** A read does nothing to others. */
const noEffects: Effects = { resolve: () => false, notify: () => undefined };

function check({ spaces, limits }: Invocation, operation: SpaceOperation): Space | Result {
  const refusal = handlerOf(operation).check(limits, operation);
  return refusal ?? spaces.get(operation.space) ?? refused('NO_SUCH_SPACE', 0);
}

function run(invocation: Invocation, operation: SpaceOperation): Result | null {
  const space = check(invocation, operation);
  return space instanceof Space ? handlerOf(operation).run(space, operation, invocation) : space;
}

/** The answer to a read; null if it has to be ordered, as when something in it may be gone by `time`. */
function read(invocation: Invocation, operation: SpaceOperation, time: number): Result | null {
  const { mayBeGone, run } = handlerOf(operation);
  if (mayBeGone === null) return null;
  const space = check(invocation, operation);
  if (!(space instanceof Space)) return null;
  const result = run(space, operation, invocation);
  if (result === null || result.kind === 'refused') return null;
  return mayBeGone(space, operation, result, time) ? null : result;
}

export function createService(options: ServiceOptions): Service {
  const clockSkewMaxMs = options.clockSkewMaxMs ?? defaultClockSkewMaxMs;
  // DESIGN section 3: a shorter lease would leave its holder no time to believe in it.
  const leaseMinMs = 4 * (clockSkewMaxMs + clockErrorMaxMs);
  const limits: SpaceLimits = { ...defaultSpaceLimits, leaseMinMs, ...options.limits };
  let spaces = new SpaceSet(options.hash, limits);
  spaces.create(defaultSpace.name, defaultSpace.number);

  return {
    version: 3,

    isClient: (client) => options.clients?.some(({ publicKey }) => publicKey === client) ?? true,
    refusals: () => [],

    advanceTime(time, effects) {
      spaces.expireUntil(time, encoding(effects));
    },

    execute({ operation: bytes, ...request }, effects) {
      const operation = decodeOperation(bytes);
      if (operation === null) return encodeResult(refused('MALFORMED_OPERATION', 0));
      if (isAdminOperation(operation)) return encodeResult(refused('ADMIN_ONLY', 0));
      const client = clientName(request.client);
      const result = run({ ...request, client, limits, effects: encoding(effects), spaces }, operation);
      return result === null ? null : encodeResult(result);
    },

    endSession(session) {
      spaces.endSession(session);
    },

    readFeed(feed, position, limits) {
      return spaces.readEvents({ ...feed, client: clientName(feed.client) }, position, limits);
    },

    query(client, bytes, nowMs) {
      const operation = decodeOperation(bytes);
      if (operation === null || isAdminOperation(operation)) return null;
      const unordered = { session: sessionId(0), number: 0, time: nowMs, mayWait: false, effects: noEffects };
      const result = read({ client: clientName(client), ...unordered, limits, spaces }, operation, nowMs + clockSkewMaxMs);
      return result === null ? null : encodeResult(result);
    },

    slowCheck: () => null,
    nextDeadline: () => spaces.nextDeadline,
    checkpoint: () => spaces.checkpoint(),

    restore(pages) {
      spaces = SpaceSet.restored(options.hash, limits, pages);
    },
  };
}
