/** A replica that is told what the others have ordered, an envelope after another, each batch under the next number. */
import type { SessionId } from '../../src/base/index.js';
import type { Envelope, Outcome } from '../../src/codec/index.js';
import { alice, openEnvelope } from './lockstep.js';
import { batchOf } from './messages.js';
import { Solo, type SoloOptions } from './solo.js';

export class Ordering {
  readonly solo: Solo;
  #number = 0;

  constructor(options: SoloOptions = {}) {
    this.solo = new Solo(options);
  }

  /** All in one batch. */
  order(...envelopes: Envelope[]): void {
    this.solo.order(++this.#number, batchOf(this.solo.nowMs, ...envelopes));
  }

  open(nonce = 1, client = alice): SessionId {
    this.order(openEnvelope(client, nonce));
    return this.solo.of('opened').at(-1)!.session;
  }

  /** The outcomes of the last reply, plain. */
  get last(): (number | string)[] {
    return this.solo.of('reply').at(-1)!.outcomes.map(plain);
  }

  /** Every reply since the outputs were cleared: its first number, and the outcomes, plain. */
  get replies(): (readonly [firstNumber: number, ...outcomes: (number | string)[]])[] {
    return this.solo
      .of('reply')
      .map(({ firstNumber, outcomes }) => [firstNumber, ...outcomes.map(plain)] as const);
  }

  get executed(): number[] {
    return this.solo.counter.executed.map(({ number }) => number);
  }
}

/** A result as its first byte, `empty` if it has none; a refusal as its code; else `waiting`. */
export function plain(outcome: Outcome): number | string {
  switch (outcome.kind) {
    case 'result':
      return outcome.result[0] ?? 'empty';
    case 'refused':
      return outcome.code;
    case 'waiting':
      return 'waiting';
  }
}
