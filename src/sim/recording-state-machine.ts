/**
 * The state machine of a simulated replica, with every execution noted for the checkers. Changes nothing:
 * what it notes is exactly what the ordering layer asked for and was told.
 */
import type { ClientId, PageSnapshot } from '../base/index.js';
import type { OrderedOperation, StateMachine } from '../ordering/index.js';
import type { Execution } from './checkers/committed-order.js';

export class RecordingStateMachine implements StateMachine {
  readonly version: number;
  readonly #inner: StateMachine;
  /** Executions not yet claimed by a delivered batch. */
  readonly #executions: Execution[] = [];
  #restores = 0;

  constructor(inner: StateMachine) {
    this.#inner = inner;
    this.version = inner.version;
  }

  get restores(): number {
    return this.#restores;
  }

  /** Executions since the last call that belong to this sequence number. */
  take(sequenceNumber: number): Execution[] {
    let count = 0;
    while (this.#executions[count]?.operation.sequenceNumber === sequenceNumber) count++;
    return this.#executions.splice(0, count);
  }

  get unclaimed(): number {
    return this.#executions.length;
  }

  advanceTime(time: number): void {
    this.#inner.advanceTime(time);
  }

  execute(operation: OrderedOperation): Uint8Array {
    const result = this.#inner.execute(operation);
    this.#executions.push({ operation, result });
    return result;
  }

  query(client: ClientId, operation: Uint8Array, nowMs: number): Uint8Array | null {
    return this.#inner.query(client, operation, nowMs);
  }

  slowCheck(operation: Uint8Array): Uint8Array | null {
    return this.#inner.slowCheck(operation);
  }

  nextDeadline(): number | null {
    return this.#inner.nextDeadline();
  }

  checkpoint(): PageSnapshot {
    return this.#inner.checkpoint();
  }

  restore(pages: ReadonlyMap<number, Uint8Array>): void {
    this.#restores++;
    this.#inner.restore(pages);
  }
}
