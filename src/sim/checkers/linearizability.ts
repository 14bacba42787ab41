/**
 * Is a history linearizable? The search of Wing & Gong (1993) with the memory of Lowe (2017): a set of
 * linearized operations and the state it led to are never tried twice. Exponential at worst, so for small
 * histories only; it knows nothing of the committed order and so checks the other history checkers.
 */
import { assert } from '../../base/index.js';
import { violated } from './violation.js';

export interface SequentialModel<State, Call, Result> {
  readonly initial: State;
  /** What may come of the call in this state: mostly one thing, none if it cannot happen there. */
  apply(state: State, call: Call): readonly (readonly [State, Result])[];
  /** Equal exactly for equal states. */
  keyOf(state: State): string;
  isSameResult(a: Result, b: Result): boolean;
}

export interface Interval<Call, Result> {
  readonly call: Call;
  readonly invokedAt: number;
  /** Null: never answered; it may take effect at any time after its invocation, or never. */
  readonly answer: { readonly at: number; readonly result: Result } | null;
}

const operationsMax = 256;

export function isLinearizable<State, Call, Result>(
  model: SequentialModel<State, Call, Result>,
  history: readonly Interval<Call, Result>[],
): boolean {
  assert(history.length <= operationsMax, 'history too long for an exhaustive search');
  const operations = [...history].sort((a, b) => a.invokedAt - b.invokedAt);
  const failed = new Set<string>();

  function search(done: bigint, state: State): boolean {
    const open = operations.flatMap((_, index) => ((done >> BigInt(index)) & 1n ? [] : [index]));
    if (open.every((index) => operations[index]!.answer === null)) return true;
    const key = `${done.toString(36)}/${model.keyOf(state)}`;
    if (failed.has(key)) return false;
    const earliestAnswer = Math.min(...open.map((index) => operations[index]!.answer?.at ?? Infinity));
    for (const index of open) {
      const { call, invokedAt, answer } = operations[index]!;
      // Whatever was invoked after another open operation's answer cannot come before that one.
      if (invokedAt > earliestAnswer) break;
      for (const [next, result] of model.apply(state, call)) {
        if (answer !== null && !model.isSameResult(answer.result, result)) continue;
        if (search(done | (1n << BigInt(index)), next)) return true;
      }
    }
    failed.add(key);
    return false;
  }

  return search(0n, model.initial);
}

export function checkLinearizable<State, Call, Result>(
  model: SequentialModel<State, Call, Result>,
  history: readonly Interval<Call, Result>[],
): void {
  if (!isLinearizable(model, history))
    violated('linearizability', 'no sequential order explains the answers');
}
