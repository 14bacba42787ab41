/**
 * The replicated application: an encoded operation in, an encoded result out, equal at every correct
 * replica. The order of checks (DESIGN section 5) is written here once: well-formed, within limits, space
 * exists, execution. Fits the ordering layer's StateMachine without knowing it. No bytes make it throw.
 * The only time it acts on is ordered time; a replica's own clock only makes it decline to answer a read.
 */
import type { ClientId, HashFunction, PageSnapshot } from '../base/index.js';
import type { Operation, Result } from '../codec/index.js';
import { decodeOperation, encodeResult } from '../codec/index.js';
import { defaultSpaceLimits, refused, Space, SpaceSet, type SpaceLimits } from '../space/index.js';
import { handlerOf, type Invocation } from './operations.js';

export interface ServiceOptions {
  readonly hash: HashFunction;
  /** Replicated behaviour: equal at every replica. Limits left out have their defaults. */
  readonly limits?: Partial<SpaceLimits>;
  /** How far correct replicas' clocks and ordered time may be apart; 500 by default. Sets the least lease. */
  readonly clockSkewMaxMs?: number;
}

/** An ordered operation, as far as the service looks at it. */
export interface ServiceOperation {
  readonly client: ClientId;
  readonly operation: Uint8Array;
  /** Ordered time, ms since the epoch; `advanceTime` has been told of it. */
  readonly time: number;
}

/** The space that exists from the start. */
export const defaultSpace = { name: 'default', number: 1 } as const;

const defaultClockSkewMaxMs = 500;
/** Bound of the clock error of correct replicas. */
const clockErrorMaxMs = 50;

export interface Service {
  readonly version: number;
  advanceTime(time: number): void;
  execute(operation: ServiceOperation): Uint8Array;
  query(client: ClientId, operation: Uint8Array, nowMs: number): Uint8Array | null;
  slowCheck(operation: Uint8Array): Uint8Array | null;
  nextDeadline(): number | null;
  checkpoint(): PageSnapshot;
  restore(pages: ReadonlyMap<number, Uint8Array>): void;
}

function check(spaces: SpaceSet, limits: SpaceLimits, operation: Operation): Space | Result {
  const refusal = handlerOf(operation).check(limits, operation);
  return refusal ?? spaces.get(operation.space) ?? refused('NO_SUCH_SPACE', 0);
}

function run(spaces: SpaceSet, invocation: Invocation, operation: Operation): Result {
  const space = check(spaces, invocation.limits, operation);
  return space instanceof Space ? handlerOf(operation).run(space, operation, invocation) : space;
}

/** The answer to a read; null if it has to be ordered, as when something in it may be gone by `time`. */
function read(spaces: SpaceSet, invocation: Invocation, operation: Operation, time: number): Result | null {
  const { mayBeGone, run } = handlerOf(operation);
  if (mayBeGone === null) return null;
  const space = check(spaces, invocation.limits, operation);
  if (!(space instanceof Space)) return null;
  const result = run(space, operation, invocation);
  return result.kind === 'refused' || mayBeGone(space, operation, result, time) ? null : result;
}

export function createService(options: ServiceOptions): Service {
  const clockSkewMaxMs = options.clockSkewMaxMs ?? defaultClockSkewMaxMs;
  // DESIGN section 3: a shorter lease would leave its holder no time to believe in it.
  const leaseMinMs = 4 * (clockSkewMaxMs + clockErrorMaxMs);
  const limits: SpaceLimits = { ...defaultSpaceLimits, leaseMinMs, ...options.limits };
  let spaces = new SpaceSet(options.hash, limits);
  spaces.create(defaultSpace.name, defaultSpace.number);

  return {
    version: 2,

    advanceTime(time) {
      spaces.expireUntil(time);
    },

    execute({ client, operation: bytes, time }) {
      const operation = decodeOperation(bytes);
      if (operation === null) return encodeResult(refused('MALFORMED_OPERATION', 0));
      return encodeResult(run(spaces, { client, time, limits }, operation));
    },

    query(client, bytes, nowMs) {
      const operation = decodeOperation(bytes);
      if (operation === null) return null;
      const result = read(spaces, { client, time: nowMs, limits }, operation, nowMs + clockSkewMaxMs);
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
