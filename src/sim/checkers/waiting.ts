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
import type { OrderedOperation } from '../../ordering/index.js';
import { advanceSpace, applyToSpace, emptySpace, isMatch } from './tuple-space-model.js';
import type { LeaseLimits, SpaceState } from './tuple-space-model.js';
import { violated } from './violation.js';

export interface ModelEvent {
  readonly sequence: number;
  readonly kind: EventKind;
  readonly entry: Entry;
}

/** What a service was set to, as far as waits and histories go. */
export interface WaitLimits extends LeaseLimits {
  readonly waitsPerClientMax: number;
  readonly eventsPerSpaceMax: number;
}

const eventsPerPage = 64;

/** Of `count` events the oldest that is held: whenever a page is full, whole pages go until the others are within the limit. */
export function oldestHeld(count: number, { eventsPerSpaceMax }: WaitLimits): number {
  const pages = Math.floor(count / eventsPerPage);
  const surplus = Math.ceil((pages * eventsPerPage - eventsPerSpaceMax) / eventsPerPage);
  return 1 + eventsPerPage * Math.max(0, Math.min(surplus, pages - 1));
}

interface ModelSubscription {
  readonly key: RequestKey;
  readonly session: SessionId;
  readonly client: string;
}

type Wait = Extract<Operation, { readonly kind: 'rd' | 'in' }>;

interface ModelWaiter {
  readonly key: RequestKey;
  readonly session: SessionId;
  readonly client: string;
  readonly isTaking: boolean;
  readonly template: Template;
  readonly deadline: number | null;
}

/** Follows the steps; returns the events of the space. */
export function checkWaiting(steps: readonly CommittedStep[], limits: WaitLimits): readonly ModelEvent[] {
  const model = new WaitingModel(limits);
  for (const step of steps) model.follow(step);
  return model.events;
}

class WaitingModel {
  readonly events: ModelEvent[] = [];
  readonly #limits: WaitLimits;
  #space: SpaceState = emptySpace;
  /** In order of arrival. */
  #waiters: ModelWaiter[] = [];
  #subscriptions: ModelSubscription[] = [];
  /** What the step at hand did to others, as far as it is not explained yet. */
  #effects: readonly Effect[] = [];

  constructor(limits: WaitLimits) {
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
    this.#subscriptions = this.#subscriptions.filter(({ session }) => !ended.includes(session));
    const due = this.#space.entries.filter(({ deadline }) => deadline !== null && deadline <= time);
    due.sort((a, b) => a.deadline! - b.deadline! || (a.id < b.id ? -1 : 1));
    this.#space = advanceSpace(this.#space, time);
    for (const entry of due) this.#note('expired', entry);
    const late = this.#waiters.filter(({ deadline }) => deadline !== null && deadline <= time);
    late.sort((a, b) => a.deadline! - b.deadline!);
    for (const waiter of late) this.#end(waiter, { kind: 'entry', entry: null });
  }

  #execute({ operation: ordered, result }: Execution, now: number): void {
    const { client, time } = ordered;
    const operation = decodeOperation(ordered.operation);
    const answer = result === null ? null : decodeResult(result);
    if (operation === null) return;
    if (operation.kind === 'cancel') return this.#cancel(operation, client, answer);
    if (operation.kind === 'subscribe') return this.#subscribe(operation.from, ordered, answer);
    const isWait = operation.kind === 'rd' || operation.kind === 'in';
    if (isWait && !this.#space.entries.some(({ tuple }) => isMatch(operation.template, tuple)))
      return this.#wait(operation, ordered, now, answer);
    if (answer?.kind === 'refused') {
      if (isWait) violated('waiting', `${operation.kind} was refused although there is a match`);
      return;
    }
    const before = this.#space;
    const [after] = applyToSpace(before, { client, operation, time }, this.#limits);
    this.#space = after;
    this.#noteChanges(operation, before, after);
  }

  /** Nothing matches: it waits, unless the client or its session has too many waits. */
  #wait(operation: Wait, ordered: OrderedOperation, now: number, answer: Result | null): void {
    const { client, session, number, mayWait } = ordered;
    const { kind, template, timeout } = operation;
    const own = this.#waiters.filter((waiter) => waiter.client === client).length;
    const isFull = !mayWait || own >= this.#limits.waitsPerClientMax;
    const isRefused = answer?.kind === 'refused' && answer.code === 'TOO_MANY_WAITS';
    if (isFull !== isRefused || (answer !== null && !isRefused))
      violated('waiting', `${kind} without a match, with ${own} waits: ${answer?.kind ?? 'waits'}`);
    if (isRefused) return;
    const deadline = timeout === null ? null : now + timeout;
    const key = requestKey(session, number);
    this.#waiters.push({ key, session, client, isTaking: kind === 'in', template, deadline });
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

  /** Only what its own client waits for, or is told, can be cancelled; a cancel that comes too late says so. */
  #cancel(operation: Operation & { readonly kind: 'cancel' }, client: string, answer: Result | null): void {
    const key = requestKey(operation.session, operation.number);
    const isNamed = (one: ModelSubscription): boolean => one.key === key && one.client === client;
    const waiter = this.#waiters.find(isNamed);
    const isThere = waiter !== undefined || this.#subscriptions.some(isNamed);
    const isRefused = answer?.kind === 'refused' && answer.code === 'NO_SUCH_WAIT';
    if (isThere ? answer?.kind !== 'cancelled' : !isRefused)
      violated('waiting', `a cancel of ${key}, which is ${isThere ? '' : 'not '}there: ${answer?.kind}`);
    if (waiter !== undefined) this.#end(waiter, { kind: 'cancelled' });
    this.#subscriptions = this.#subscriptions.filter((one) => !isNamed(one));
  }

  #subscribe(from: number | null, ordered: OrderedOperation, answer: Result | null): void {
    const { client, session, number } = ordered;
    const first = from ?? this.events.length + 1;
    const oldest = oldestHeld(this.events.length, this.#limits);
    const isRefused = answer?.kind === 'refused' && answer.code === 'HISTORY_TRUNCATED';
    if (isRefused !== first < oldest || (isRefused && answer.detail !== oldest))
      violated(
        'waiting',
        `events from ${first} on: ${answer?.kind}, though those from ${oldest} on are held`,
      );
    if (answer?.kind === 'refused') return;
    if (answer?.kind !== 'subscribed' || answer.from !== first)
      violated('waiting', `a subscription begins elsewhere than at ${first}`);
    this.#subscriptions.push({ key: requestKey(session, number), session, client });
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
