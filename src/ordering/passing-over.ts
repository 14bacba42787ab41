/**
 * Nobody is passed over: a primary must not serve others again and again while an envelope that every replica has heard
 * of waits (Clement et al., Aardvark, NSDI'09, section 4.4). Aardvark counts requests of one other client; here a correct
 * primary closes a batch that is not full only when the pipeline is idle, and then takes all that waits (propose.ts). So
 * each batch with much room left, whose proposal came after an envelope did, should have held it: one or two may have crossed it on
 * the way, many may not. Full batches take it back, since whose turn comes then is not known here.
 *
 * The envelope watched is the oldest. What it is worth that one was passed over, expectation.ts says.
 */
import type { PendingEnvelope } from './pool.js';

export interface Watch {
  /** Null: none waits. */
  oldest: PendingEnvelope | null;
  /** Batches with room that left it out, less full ones. */
  passes: number;
  /** What the batch being executed does, so far. */
  operations: number;
  bytes: number;
}

export interface BatchRoom {
  readonly operationsMax: number;
  readonly bytesMax: number;
}

/** So many full rounds of ordering an envelope may take to the primary: one is usual. */
const passesMax = 8;

export const createWatch = (): Watch => ({ oldest: null, passes: 0, operations: 0, bytes: 0 });

/** Something new was done for somebody in this batch. */
export function noteServed(watch: Watch, operations: number, bytes: number): void {
  watch.operations += operations;
  watch.bytes += bytes;
}

/**
 * A batch was executed whose proposal arrived at `proposedMs` (null: it came another way); `oldest` is what waits
 * longest now. Nothing from before `fromMs` counts. True: this batch passed it over once too often.
 */
export function closeBatch(
  watch: Watch,
  oldest: PendingEnvelope | undefined,
  proposedMs: number | null,
  fromMs: number,
  { operationsMax, bytesMax }: BatchRoom,
): boolean {
  const { operations, bytes } = watch;
  watch.operations = 0;
  watch.bytes = 0;
  if (watch.oldest !== oldest) {
    watch.oldest = oldest ?? null;
    watch.passes = 0;
  }
  if (oldest === undefined || operations === 0) return false;
  if (proposedMs === null || proposedMs <= oldest.arrivedAtMs || proposedMs <= fromMs) return false;
  // An envelope that no longer fitted may have ended a batch: then this one, or the next, is more than half full.
  const hasRoom = 2 * operations <= operationsMax && 2 * bytes <= bytesMax;
  watch.passes = hasRoom ? watch.passes + 1 : Math.max(0, watch.passes - 1);
  return hasRoom && watch.passes > passesMax;
}
