/**
 * A policy and a space to try it on, one operation after the other, with a count of what each rule answered: for
 * plain unit tests.
 */
import { ruleNames, type RuleName } from '../authoring.js';
import type { Policy } from '../policy.js';
import { advance, attempt, emptyState } from './naive-space.js';
import type { TestEntry, TestOperation, TestOutcome, TestState } from './naive-space.js';

/** How often a rule answered what. A rule that never denied, or never allowed, is not tested yet. */
export interface RuleCoverage {
  readonly rule: RuleName;
  readonly allowed: number;
  readonly denied: number;
}

export class Trial {
  readonly #policy: Policy;
  readonly #allowed = new Map<RuleName, number>();
  readonly #denied = new Map<RuleName, number>();
  #state: TestState = emptyState;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  get entries(): readonly TestEntry[] {
    return this.#state.entries;
  }

  /** One operation of a client. */
  attempt(client: string, operation: TestOperation): TestOutcome {
    const outcome = attempt(this.#policy, this.#state, client, operation);
    const counts = outcome.verdict.kind === 'allowed' ? this.#allowed : this.#denied;
    counts.set(operation.operation, (counts.get(operation.operation) ?? 0) + 1);
    this.#state = outcome.state;
    return outcome;
  }

  /** Whether the policy allows it. Done if so. */
  allows(client: string, operation: TestOperation): boolean {
    return this.attempt(client, operation).verdict.kind === 'allowed';
  }

  /** Time goes on; what has expired is gone. */
  advance(ms: number): void {
    this.#state = advance(this.#state, ms);
  }

  /** Of the policy's own rules, in the order of `ruleNames`. */
  coverage(): readonly RuleCoverage[] {
    const own = ruleNames.filter((rule) => this.#policy.rules.includes(rule));
    return own.map((rule) => ({
      rule,
      allowed: this.#allowed.get(rule) ?? 0,
      denied: this.#denied.get(rule) ?? 0,
    }));
  }
}
