/**
 * The replicated application: an encoded operation in, an encoded result out, equal at every correct
 * replica. The order of checks (DESIGN section 5) is written here once: well-formed, within limits, space
 * exists, execution. Fits the ordering layer's StateMachine without knowing it. No bytes make it throw.
 */
import type { ClientId, HashFunction, PageSnapshot } from '../base/index.js';
import type { Operation, Result } from '../codec/index.js';
import { decodeOperation, encodeResult } from '../codec/index.js';
import { defaultSpaceLimits, refused, SpaceSet, type SpaceLimits } from '../space/index.js';
import { handlerOf } from './operations.js';

export interface ServiceOptions {
  readonly hash: HashFunction;
  /** Replicated behaviour: equal at every replica. Limits left out have their defaults. */
  readonly limits?: Partial<SpaceLimits>;
}

/** An ordered operation, as far as the service looks at it. */
export interface ServiceOperation {
  readonly client: ClientId;
  readonly operation: Uint8Array;
}

/** The space that exists from the start. */
export const defaultSpace = { name: 'default', number: 1 } as const;

export interface Service {
  readonly version: number;
  execute(operation: ServiceOperation): Uint8Array;
  query(client: ClientId, operation: Uint8Array, time: number): Uint8Array | null;
  slowCheck(operation: Uint8Array): Uint8Array | null;
  nextDeadline(): number | null;
  checkpoint(): PageSnapshot;
  restore(pages: ReadonlyMap<number, Uint8Array>): void;
}

function run(spaces: SpaceSet, limits: SpaceLimits, client: ClientId, operation: Operation): Result {
  const handler = handlerOf(operation);
  const refusal = handler.check(limits, operation);
  if (refusal !== null) return refusal;
  const space = spaces.get(operation.space);
  return space === null ? refused('NO_SUCH_SPACE', 0) : handler.run(space, operation, client);
}

export function createService(options: ServiceOptions): Service {
  const limits: SpaceLimits = { ...defaultSpaceLimits, ...options.limits };
  let spaces = new SpaceSet(options.hash, limits);
  spaces.create(defaultSpace.name, defaultSpace.number);

  return {
    version: 1,

    execute({ client, operation: bytes }) {
      const operation = decodeOperation(bytes);
      if (operation === null) return encodeResult(refused('MALFORMED_OPERATION', 0));
      return encodeResult(run(spaces, limits, client, operation));
    },

    query(client, bytes) {
      const operation = decodeOperation(bytes);
      if (operation === null || !handlerOf(operation).isRead) return null;
      const result = run(spaces, limits, client, operation);
      return result.kind === 'refused' ? null : encodeResult(result);
    },

    slowCheck: () => null,
    nextDeadline: () => null,
    checkpoint: () => spaces.checkpoint(),

    restore(pages) {
      spaces = SpaceSet.restored(options.hash, limits, pages);
    },
  };
}
