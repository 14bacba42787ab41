/** The tuples that a coordinator holds, each with the rule of its lease. */
import type { LeaseRule } from '../client/index.js';
import type { Answer } from './protocol.js';
import type { State } from './registry.js';

export interface Holding {
  readonly entryId: bigint;
  readonly rule: LeaseRule;
  /** Of the renewal under way. */
  renewal: number | null;
}

export class Holdings {
  readonly #byState = new Map<State, Holding>();

  /** When a lease wants something; Infinity: never. */
  get nextDueMs(): number {
    let dueMs = Infinity;
    for (const { rule } of this.#byState.values()) dueMs = Math.min(dueMs, rule.nextDueMs);
    return dueMs;
  }

  get(state: State): Holding | undefined {
    return this.#byState.get(state);
  }

  all(): readonly (readonly [State, Holding])[] {
    return [...this.#byState];
  }

  hold(state: State, entryId: bigint, rule: LeaseRule): void {
    this.#byState.set(state, { entryId, rule, renewal: null });
  }

  /** Whether it was held. */
  letGo(state: State): boolean {
    return this.#byState.delete(state);
  }

  clear(): void {
    this.#byState.clear();
  }

  /** Of a renewal; of any other call nothing happens. */
  onAnswer(callId: number, answer: Answer, nowMs: number): void {
    for (const holding of this.#byState.values()) {
      if (holding.renewal !== callId) continue;
      holding.renewal = null;
      if (answer.kind !== 'entry') holding.rule.onRenewalFailed(nowMs);
      else if (answer.entry?.id === holding.entryId) holding.rule.onRenewed(nowMs);
      else holding.rule.onGone();
    }
  }
}
