/** A counter as replicated state machine: the smallest application the ordering layer can serve. */
import { digest, PageTree, type HashFunction, type PageSnapshot } from '../../src/base/index.js';
import type { OrderedOperation, StateMachine } from '../../src/ordering/index.js';

export class Counter implements StateMachine {
  readonly version = 1;
  value = 0;
  readonly executed: OrderedOperation[] = [];
  /** Ordered time as told before each batch. */
  readonly times: number[] = [];
  /** Something that is due then and not part of the state; tests set it at every replica. */
  deadline: number | null = null;
  readonly #tree: PageTree;

  constructor(hash: HashFunction) {
    this.#tree = new PageTree(hash);
  }

  advanceTime(time: number): void {
    this.times.push(time);
    if (this.deadline !== null && this.deadline <= time) this.deadline = null;
  }

  execute(operation: OrderedOperation): Uint8Array {
    this.executed.push(operation);
    this.value += operation.operation[0] ?? 0;
    return Uint8Array.of(this.value & 0xff);
  }

  query(): Uint8Array {
    return Uint8Array.of(this.value & 0xff);
  }

  slowCheck(operation: Uint8Array): Uint8Array | null {
    return operation[0] === 255 ? operation : null;
  }

  nextDeadline(): number | null {
    return this.deadline;
  }

  checkpoint(): PageSnapshot {
    const page = new Uint8Array(8);
    new DataView(page.buffer).setFloat64(0, this.value);
    this.#tree.put(0, page);
    return this.#tree.snapshot();
  }

  restore(pages: ReadonlyMap<number, Uint8Array>): void {
    const page = pages.get(0)!;
    this.value = new DataView(page.buffer, page.byteOffset).getFloat64(0);
    this.#tree.reset(pages);
  }
}

export const noDigest = digest('00'.repeat(32));
