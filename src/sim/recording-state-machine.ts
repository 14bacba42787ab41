/**
 * The state machine of a simulated replica, with everything that execution does noted for the checkers, batch by
 * batch. Changes nothing: what it notes is exactly what the ordering layer asked for and was told.
 */
import type { ClientId, PageSnapshot, SessionId } from '../base/index.js';
import type {
  Effects,
  FeedLimits,
  FeedName,
  FeedPart,
  FeedPosition,
  OrderedOperation,
  StateMachine,
} from '../ordering/index.js';
import type { Effect, ExecutedBatch, Execution } from './checkers/committed-order.js';

interface Recorded extends ExecutedBatch {
  readonly ended: SessionId[];
  readonly effects: Effect[];
  readonly executions: Execution[];
}

const emptyBatch = (): Recorded => ({ ended: [], effects: [], executions: [] });

export class RecordingStateMachine implements StateMachine {
  readonly version: number;
  readonly #inner: StateMachine;
  /** Batches not yet claimed, the oldest first. */
  readonly #batches: Recorded[] = [];
  /** Sessions that end in the batch about to begin, or by the operation that is being executed. */
  #ended: SessionId[] = [];
  #restores = 0;

  constructor(inner: StateMachine) {
    this.#inner = inner;
    this.version = inner.version;
  }

  get restores(): number {
    return this.#restores;
  }

  /** A state of its own that a replica starts with was not transferred. */
  forgetRestores(): void {
    this.#restores = 0;
  }

  /** The oldest batch that was executed and not taken. */
  take(): ExecutedBatch {
    return this.#batches.shift() ?? emptyBatch();
  }

  get unclaimed(): number {
    return this.#batches.length;
  }

  isClient(client: ClientId): boolean {
    return this.#inner.isClient?.(client) ?? true;
  }

  endSession(session: SessionId): void {
    this.#ended.push(session);
    this.#inner.endSession?.(session);
  }

  advanceTime(time: number, effects: Effects): void {
    const batch = { ...emptyBatch(), ended: this.#ended };
    this.#ended = [];
    this.#batches.push(batch);
    this.#inner.advanceTime(time, noting(effects, batch.effects));
  }

  execute(operation: OrderedOperation, effects: Effects): Uint8Array | null {
    const noted: Effect[] = [];
    // Those that made room for a new session belong to what comes next.
    const before = this.#ended;
    this.#ended = [];
    const result = this.#inner.execute(operation, noting(effects, noted));
    this.#batches.at(-1)!.executions.push({ operation, result, effects: noted, ended: this.#ended });
    this.#ended = before;
    return result;
  }

  readFeed(feed: FeedName, position: FeedPosition, limits: FeedLimits): FeedPart | null {
    return this.#inner.readFeed?.(feed, position, limits) ?? null;
  }

  query(client: ClientId, operation: Uint8Array, nowMs: number): Uint8Array | null {
    return this.#inner.query(client, operation, nowMs);
  }

  slowCheck(operation: Uint8Array): Uint8Array | null {
    return this.#inner.slowCheck(operation);
  }

  nextDeadline(): number | null {
    return this.#inner.nextDeadline();
  }

  checkpoint(): PageSnapshot {
    return this.#inner.checkpoint();
  }

  restore(pages: ReadonlyMap<number, Uint8Array>): void {
    this.#restores++;
    this.#inner.restore(pages);
  }
}

function noting(effects: Effects, noted: Effect[]): Effects {
  return {
    resolve: (session, number, result) => {
      const isGiven = effects.resolve(session, number, result);
      noted.push({ session, number, result, isGiven });
      return isGiven;
    },
    notify: (session, number) => effects.notify(session, number),
    endClient: (client) => effects.endClient(client),
  };
}
