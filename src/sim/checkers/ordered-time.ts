/**
 * Ordered time never runs backwards (DESIGN section 2, "what a backup checks"), and no primary can push it
 * ahead of what correct clocks allow.
 */
import type { SequenceNumber } from '../../base/index.js';
import { violated } from './violation.js';

export class OrderedTime {
  /** Last delivered sequence number and its time, by replica; forgotten at a restart. */
  readonly #last = new Map<number, { readonly sequenceNumber: SequenceNumber; readonly time: number }>();
  readonly #aheadMaxMs: number;

  /** `aheadMaxMs`: how far ordered time may be ahead of true time. */
  constructor(aheadMaxMs: number) {
    this.#aheadMaxMs = aheadMaxMs;
  }

  restart(replica: number): void {
    this.#last.delete(replica);
  }

  deliver(replica: number, sequenceNumber: SequenceNumber, time: number, trueMs: number): void {
    const last = this.#last.get(replica);
    if (last !== undefined) {
      if (sequenceNumber <= last.sequenceNumber)
        violated(
          'ordered-time',
          `replica ${replica} delivered ${sequenceNumber} after ${last.sequenceNumber}`,
        );
      if (time < last.time)
        violated(
          'ordered-time',
          `replica ${replica}: time ran back by ${last.time - time} ms at ${sequenceNumber}`,
        );
    }
    if (time > trueMs + this.#aheadMaxMs)
      violated('ordered-time', `ordered time is ${time - trueMs} ms ahead at ${sequenceNumber}`);
    this.#last.set(replica, { sequenceNumber, time });
  }
}
