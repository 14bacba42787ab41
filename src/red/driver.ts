/** Drives a state machine on a clock: what is due comes before what has come meanwhile, since after a pause a lease may be over. */
import type { LeaseClock } from '../client/index.js';

export interface Machine<Input, Output> {
  /** When the next tick has something to do; Infinity: never. */
  readonly nextDueMs: number;
  step(input: Input | Tick): readonly Output[];
}

interface Tick {
  readonly kind: 'tick';
  readonly nowMs: number;
}

export class Driver<Input, Output> {
  readonly #machine: Machine<Input, Output>;
  readonly #clock: LeaseClock;
  readonly #carryOut: (output: Output) => void;
  #cancelAlarm = (): void => undefined;

  constructor(machine: Machine<Input, Output>, clock: LeaseClock, carryOut: (output: Output) => void) {
    this.#machine = machine;
    this.#clock = clock;
    this.#carryOut = carryOut;
  }

  /** Without an input: only what is due. */
  give(input?: Input): void {
    this.#step({ kind: 'tick', nowMs: this.#clock.nowMs() });
    if (input !== undefined) this.#step(input);
    this.stop();
    const { nextDueMs } = this.#machine;
    if (nextDueMs === Infinity) return;
    const delayMs = Math.max(0, Math.ceil(nextDueMs - this.#clock.nowMs()));
    this.#cancelAlarm = this.#clock.after(delayMs, () => this.give());
  }

  /** Nothing is done any more unless an input comes. */
  stop(): void {
    this.#cancelAlarm();
  }

  #step(input: Input | Tick): void {
    for (const output of this.#machine.step(input)) this.#carryOut(output);
  }
}
