/**
 * Waits and events (DESIGN section 4; pitfalls 19 and 22) against a model that is nothing but lists: whoever waits is woken
 * in order of arrival, by the step that inserts what it waits for, or by its time, its cancel or the end of its session,
 * and by nothing else; and every step's events are those of a space in which exactly that happened. Follows the
 * committed order; shares no code with src/space.
 */
import { equalBytes } from '../../base/index.js';
import type { SessionId } from '../../base/index.js';
import { decodeOperation, decodeResult, encodeResult } from '../../codec/index.js';
import type { Entry, EventKind, Operation, Result, Template } from '../../codec/index.js';
import { requestKey } from './committed-order.js';
import type { CommittedStep, Effect, Execution, RequestKey } from './committed-order.js';
import { advanceSpace, applyToSpace, emptySpace, isMatch } from './tuple-space-model.js';
import type { LeaseLimits, SpaceState } from './tuple-space-model.js';
import { violated } from './violation.js';

export interface ModelEvent {
  readonly sequence: number;
  readonly kind: EventKind;
  readonly entry: Entry;
}

interface ModelWaiter {
  readonly key: RequestKey;
  readonly session: SessionId;
  readonly client: string;
  readonly isTaking: boolean;
  readonly template: Template;
  readonly deadline: number | null;
}

/** Follows the steps; returns the events of the space. */
export function checkWaiting(steps: readonly CommittedStep[], limits: LeaseLimits): readonly ModelEvent[] {
  const model = new WaitingModel(limits);
  for (const step of steps) model.follow(step);
  return model.events;
}

class WaitingModel {
  readonly events: ModelEvent[] = [];
  readonly #limits: LeaseLimits;
  #space: SpaceState = emptySpace;
  /** In order of arrival. */
  #waiters: ModelWaiter[] = [];
  /** What the step at hand did to others, as far as it is not explained yet. */
  #effects: readonly Effect[] = [];

  constructor(limits: LeaseLimits) {
    this.#limits = limits;
  }

  follow({ time, execution, ended, effects }: CommittedStep): void {
    this.#effects = effects;
    if (execution === null) this.#pass(time, ended);
    else this.#execute(execution, time);
    const [unexplained] = this.#effects;
    if (unexplained !== undefined)
      violated('waiting', `${requestKey(unexplained.session, unexplained.number)} ended without a reason`);
  }

  #pass(time: number, ended: readonly SessionId[]): void {
    this.#waiters = this.#waiters.filter(({ session }) => !ended.includes(session));
    const due = this.#space.entries.filter(({ deadline }) => deadline !== null && deadline <= time);
    due.sort((a, b) => a.deadline! - b.deadline! || (a.id < b.id ? -1 : 1));
    this.#space = advanceSpace(this.#space, time);
    for (const entry of due) this.#note('expired', entry);
    const late = this.#waiters.filter(({ deadline }) => deadline !== null && deadline <= time);
    late.sort((a, b) => a.deadline! - b.deadline!);
    for (const waiter of late) this.#end(waiter, { kind: 'entry', entry: null });
  }

  #execute(
    { operation: { client, session, number, operation: bytes, time }, result }: Execution,
    now: number,
  ): void {
    const operation = decodeOperation(bytes);
    const answer = result === null ? null : decodeResult(result);
    if (operation === null || answer?.kind === 'refused') return;
    if (operation.kind === 'cancel') return this.#cancel(operation, client);
    if (operation.kind === 'subscribe') return this.#checkSubscribed(answer, operation.from);
    const isWait = operation.kind === 'rd' || operation.kind === 'in';
    const isThere = isWait && this.#space.entries.some(({ tuple }) => isMatch(operation.template, tuple));
    if (isWait && !isThere) {
      if (answer !== null) violated('waiting', `${operation.kind} did not wait although nothing matches`);
      const deadline = operation.timeout === null ? null : now + operation.timeout;
      const isTaking = operation.kind === 'in';
      const key = requestKey(session, number);
      this.#waiters.push({ key, session, client, isTaking, template: operation.template, deadline });
      return;
    }
    const before = this.#space;
    const [after] = applyToSpace(before, { client, operation, time }, this.#limits);
    this.#space = after;
    this.#noteChanges(operation, before, after);
  }

  /** What is gone, then what is new, and whom that wakes. */
  #noteChanges({ kind }: Operation, before: SpaceState, after: SpaceState): void {
    const isIn = (state: SpaceState, id: bigint): boolean => state.entries.some((entry) => entry.id === id);
    for (const entry of before.entries)
      if (!isIn(after, entry.id)) this.#note(kind === 'replace' ? 'replaced' : 'taken', entry);
    for (const entry of after.entries) if (!isIn(before, entry.id)) this.#inserted(entry);
  }

  #inserted(entry: Entry): void {
    this.#note('inserted', entry);
    for (const waiter of this.#waiters.filter(({ template }) => isMatch(template, entry.tuple))) {
      const isGiven = this.#end(waiter, { kind: 'entry', entry });
      if (!waiter.isTaking || !isGiven) continue;
      this.#space = { ...this.#space, entries: this.#space.entries.filter(({ id }) => id !== entry.id) };
      this.#note('taken', entry);
      return;
    }
  }

  #cancel({ session, number }: Operation & { readonly kind: 'cancel' }, client: string): void {
    const key = requestKey(session, number);
    const waiter = this.#waiters.find((one) => one.key === key && one.client === client);
    if (waiter !== undefined) this.#end(waiter, { kind: 'cancelled' });
  }

  #checkSubscribed(answer: Result | null, from: number | null): void {
    const expected = from ?? this.events.length + 1;
    if (answer?.kind !== 'subscribed' || answer.from !== expected)
      violated('waiting', `a subscription begins elsewhere than at ${expected}`);
  }

  /** The next effect of the step must be this one; tells whether the result was given. */
  #end(waiter: ModelWaiter, result: Result): boolean {
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    const [next, ...rest] = this.#effects;
    this.#effects = rest;
    if (next === undefined) violated('waiting', `${waiter.key} should have been woken`);
    const key = requestKey(next.session, next.number);
    if (key !== waiter.key) violated('waiting', `${key} was woken, ${waiter.key} came first`);
    if (!equalBytes(next.result, encodeResult(result)))
      violated('waiting', `${key} ended with another result`);
    return next.isGiven;
  }

  #note(kind: EventKind, entry: Entry): void {
    this.events.push({ sequence: this.events.length + 1, kind, entry });
  }
}
