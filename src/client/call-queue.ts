/** Calls that wait for a request number, oldest first, and how many of them one envelope takes. */
import type { Call } from './session.js';

/** Field tags and lengths around an operation, and around all of them with the signature or the MACs of 64 replicas. */
const operationOverhead = 8;
const envelopeOverhead = 1_280;

export class CallQueue {
  readonly #calls = new Map<number, Call>();

  get size(): number {
    return this.#calls.size;
  }

  add(call: Call): void {
    this.#calls.set(call.callId, call);
  }

  remove(call: Call): void {
    this.#calls.delete(call.callId);
  }

  /** The oldest calls that together stay within both limits; a single one may exceed the bytes. */
  take(countMax: number, bytesMax: number): Call[] {
    const taken: Call[] = [];
    let bytes = envelopeOverhead;
    for (const call of this.#calls.values()) {
      bytes += call.operation.length + operationOverhead;
      if (taken.length >= countMax || (taken.length > 0 && bytes > bytesMax)) break;
      taken.push(call);
    }
    for (const call of taken) this.remove(call);
    return taken;
  }

  takeAll(): Call[] {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    return calls;
  }
}
