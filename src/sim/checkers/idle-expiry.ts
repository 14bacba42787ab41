/**
 * Time does not stand still without traffic (DESIGN section 3; pitfall 18): once nothing is faulty any more,
 * no replica's state holds anything that is overdue by more than what the primary, or the backups that
 * replace it, need to move ordered time.
 */
import type { OrderingConfig } from '../../ordering/index.js';
import { Violation } from './violation.js';

export interface IdleCircumstances {
  /** Of correct replicas' clocks against true time, ms. */
  readonly clockErrorMaxMs: number;
  /** Primaries in a row that may be faulty. */
  readonly faultyPrimaries: number;
}

/** Batches through sync and network, ticks, the pause between two empty batches, STATUS to those behind. */
const deliveryMs = 3_000;

/**
 * A correct primary's clock reaches a deadline at most its error late. A faulty one is suspected clockSkewMax
 * and a request timeout past it; the next in a row only has the view change before it, with timeouts that
 * may have grown up to their limit.
 */
export function idleExpiryBoundMs(
  config: Pick<OrderingConfig, 'clockSkewMaxMs' | 'requestTimeoutMs' | 'viewChangeTimeoutMaxMs'>,
  { clockErrorMaxMs, faultyPrimaries }: IdleCircumstances,
): number {
  const { clockSkewMaxMs, requestTimeoutMs, viewChangeTimeoutMaxMs } = config;
  if (faultyPrimaries === 0) return clockErrorMaxMs + deliveryMs;
  const perPrimary = Math.max(requestTimeoutMs, viewChangeTimeoutMaxMs) + viewChangeTimeoutMaxMs;
  return clockErrorMaxMs + clockSkewMaxMs + faultyPrimaries * perPrimary + deliveryMs;
}

export class IdleExpiry {
  readonly #boundMs: number;

  constructor(boundMs: number) {
    this.#boundMs = boundMs;
  }

  get boundMs(): number {
    return this.#boundMs;
  }

  /** `deadline` is the earliest of the replica's state, or null. */
  observe(replica: number, deadline: number | null, trueMs: number): void {
    if (deadline === null || trueMs <= deadline + this.#boundMs) return;
    const overdue = trueMs - deadline;
    throw new Violation(
      'liveness',
      'idle-expiry',
      `replica ${replica} holds what is overdue by ${overdue} ms, ${this.#boundMs} are allowed`,
    );
  }
}
