/**
 * The step budget of one evaluation. Steps are counted, never timed: a limit on time would be reached at one
 * replica and not at another.
 */

/** A fault of the policy: the operation is denied. `code` is deterministic, the message is for people. */
export class PolicyFault extends Error {
  readonly code: 'POLICY_ERROR' | 'POLICY_BUDGET';

  constructor(code: 'POLICY_ERROR' | 'POLICY_BUDGET', message: string) {
    super(message);
    this.code = code;
  }
}

export function fault(message: string): never {
  throw new PolicyFault('POLICY_ERROR', message);
}

export class Meter {
  #left = 0;
  #budget = 0;

  start(budget: number): void {
    this.#budget = budget;
    this.#left = budget;
  }

  get used(): number {
    return this.#budget - this.#left;
  }

  charge(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new PolicyFault('POLICY_BUDGET', `more than ${this.#budget} steps`);
  }
}
