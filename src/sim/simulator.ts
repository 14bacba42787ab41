/**
 * Virtual time: a queue of events ordered by time, then by the order they were scheduled in. Nothing in a
 * simulation may look at a real clock or draw real entropy; equal schedules give equal runs.
 * Times are integer microseconds since the start of the simulation.
 */
import { assert } from '../base/index.js';

interface ScheduledEvent {
  readonly atUs: number;
  /** Ties are broken by it, so that no order depends on the heap's shape. */
  readonly order: number;
  readonly action: () => void;
}

const isBefore = (a: ScheduledEvent, b: ScheduledEvent): boolean =>
  a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);

export class Simulator {
  /** Binary heap. Invariant: no element is before its parent. */
  readonly #heap: ScheduledEvent[] = [];
  #nowUs = 0;
  #scheduled = 0;
  #executed = 0;

  get nowUs(): number {
    return this.#nowUs;
  }

  get nowMs(): number {
    return Math.floor(this.#nowUs / 1000);
  }

  get eventsExecuted(): number {
    return this.#executed;
  }

  /** Runs `action` after `delayUs` microseconds (0 or more) of virtual time. */
  schedule(delayUs: number, action: () => void): void {
    assert(Number.isSafeInteger(delayUs) && delayUs >= 0, `bad delay ${delayUs}`);
    this.#push({ atUs: this.#nowUs + delayUs, order: this.#scheduled++, action });
  }

  /** Executes the next event if it is due by `untilUs`; tells whether there was one. */
  stepUntil(untilUs: number): boolean {
    const next = this.#heap[0];
    if (next === undefined || next.atUs > untilUs) return false;
    this.#pop();
    this.#nowUs = next.atUs;
    this.#executed++;
    next.action();
    return true;
  }

  /** Executes everything due within the next `durationUs` and advances the time by exactly that. */
  run(durationUs: number): void {
    const untilUs = this.#nowUs + durationUs;
    while (this.stepUntil(untilUs));
    this.#nowUs = untilUs;
  }

  /** As `run`, but ends as soon as `condition` holds, looked at every `pollUs`; tells whether it did. */
  runUntil(condition: () => boolean, durationUs: number, pollUs: number): boolean {
    const untilUs = this.#nowUs + durationUs;
    while (!condition()) {
      if (this.#nowUs >= untilUs) return false;
      this.run(Math.min(pollUs, untilUs - this.#nowUs));
    }
    return true;
  }

  #push(event: ScheduledEvent): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}
