/**
 * What a lease holder believes is true (DESIGN section 3; pitfall 20): while a correct client believes that it
 * holds a lock, at whatever true time, nobody else's `cas` on that lock succeeds. A `cas` succeeds when the
 * first correct replica executes it; a holder goes by its own clock alone.
 */
import { decodeOperation, decodeResult } from '../../codec/index.js';
import type { Field, Operation, Result } from '../../codec/index.js';
import type { HistoryEntry } from '../history.js';
import type { DeliveredBatch } from './committed-order.js';
import { requestKey } from './committed-order.js';
import type { RequestKey } from './committed-order.js';
import { violated } from './violation.js';

/** That a client holds a lock, from an answer on; ends by its own clock or when it gives the lock up. */
export interface Belief {
  readonly lock: string;
  readonly client: number;
  /** The `cas` or `renew` that it rests on. */
  readonly basis: HistoryEntry;
  readonly fromUs: number;
  believesAt(us: number): boolean;
}

interface Acquisition {
  readonly lock: string;
  readonly request: RequestKey;
  readonly atUs: number;
}

/** Locks are tuples ["lock", name, …] of the space that exists from the start. */
export const lockTag = 'lock';

export class HolderTruth {
  readonly #beliefs: Belief[] = [];
  readonly #acquisitions: Acquisition[] = [];
  /** In which order requests on locks were executed. */
  readonly #order = new Map<RequestKey, number>();

  get beliefs(): readonly Belief[] {
    return this.#beliefs;
  }

  believe(belief: Belief): void {
    this.#beliefs.push(belief);
  }

  /** A batch of the committed order, each once, when the first correct replica delivers it. */
  deliver(batch: DeliveredBatch, atUs: number): void {
    for (const { operation: ordered, result } of batch.executions) {
      const operation = decodeOperation(ordered.operation);
      const lock = operation === null ? null : lockOf(operation);
      if (lock === null) continue;
      const request = requestKey(ordered.session, ordered.number);
      this.#order.set(request, this.#order.size);
      if (isAcquisition(operation!, result === null ? null : decodeResult(result)))
        this.#acquisitions.push({ lock, request, atUs });
    }
  }

  /** Once everything is known. */
  finish(): void {
    for (const belief of this.#beliefs) this.#check(belief);
  }

  #check(belief: Belief): void {
    const own = belief.basis.requests.map(({ session, number }) => requestKey(session, number));
    const since = own.flatMap((key) => this.#order.get(key) ?? []).at(-1);
    if (since === undefined)
      violated('holder-truth', `client ${belief.client} believes in what was not executed`);
    for (const { lock, request, atUs } of this.#acquisitions) {
      if (lock !== belief.lock || this.#order.get(request)! <= since) continue;
      // Later in the order, so from then on at the latest the belief is wrong.
      if (!belief.believesAt(Math.max(atUs, belief.fromUs))) continue;
      const when = (atUs / 1_000).toFixed(3);
      violated(
        'holder-truth',
        `client ${belief.client} believes to hold ${lock}, taken by ${request} at ${when} ms`,
      );
    }
  }
}

/** The lock that a `cas` or `renew` is about. */
function lockOf(operation: Operation): string | null {
  if (operation.space !== 'default') return null;
  const fields: readonly (Field | undefined)[] =
    operation.kind === 'cas'
      ? operation.tuple
      : operation.kind === 'renew'
        ? operation.template.map((field) => (field.kind === 'value' ? field.value : undefined))
        : [];
  const [tag, name] = fields;
  return tag === lockTag && typeof name === 'string' ? name : null;
}

const isAcquisition = (operation: Operation, result: Result | null): boolean =>
  operation.kind === 'cas' && result?.kind === 'cas' && result.inserted;
