/**
 * Runs the client's state machine on a clock and on streams: gives it ticks, messages and calls, carries
 * its outputs out, and ends each turn of the event loop with one flush, so that calls made in the same turn
 * share an envelope and messages to the same replica a frame.
 */
import type { ReplicaId } from '../base/index.js';
import { processClock, type TurnClock } from './clock.js';
import type { ClientCore } from './core.js';
import type { Links } from './links.js';
import type {
  CallOperation,
  CallOutcome,
  ClientInput,
  ClientOutput,
  FeedEnd,
  RequestName,
  Shares,
} from './protocol.js';

/** A call under way. */
export interface PendingCall {
  readonly outcome: Promise<CallOutcome>;
  /** What the replicas know it as, once there is a result. */
  readonly request: () => RequestName | null;
  /** Ends the call now, or only if no replica was sent it; its outcome says whether one was. */
  cancel(onlyUnsent?: boolean): void;
}

export interface CallKind {
  readonly isFastRead?: boolean;
  /** For operations that may wait: hears under which request it does, even after the call was given up. */
  readonly onWaiting?: (request: RequestName) => void;
}

export interface FeedListener {
  event(sequence: number, data: Uint8Array, shares?: Shares): void;
  /** Once, unless it is unfollowed before. */
  ended(after: number, cause: FeedEnd): void;
}

export interface FollowedFeed {
  /** More may come in the place of what was used up to here. */
  consumed(sequence: number): void;
  unfollow(): void;
}

/** Calls given up of which it is not known whether they wait. */
const orphansMax = 1_024;

/** What the library needs of whoever runs the protocol for it. */
export interface CallDriver {
  /** Never throws; the outcome comes later than this returns. */
  call(operation: CallOperation, kind: CallKind, timeoutMs: number): PendingCall;
  /** Follows the feed that `request` opened, from after `after` on. */
  follow(request: RequestName, after: number, listener: FeedListener): FollowedFeed;
  /** The replica has been caught lying: reads ask others before it. */
  distrust(replica: ReplicaId): void;
  /** Ends every open call and takes no more; resolves when those who wait for a call have heard of that. */
  close(): Promise<void>;
}

const closedCall: PendingCall = {
  outcome: Promise.resolve({ kind: 'unavailable' }),
  request: () => null,
  cancel: () => undefined,
};

export class Driver implements CallDriver {
  readonly #core: ClientCore;
  readonly #links: Pick<Links, 'send' | 'flush'>;
  readonly #open = new Map<number, (outcome: CallOutcome, request: RequestName | null) => void>();
  /** Of open calls that may wait, and of given up ones that might. */
  readonly #onWaiting = new Map<number, (request: RequestName) => void>();
  readonly #feeds = new Map<number, FeedListener>();
  /** Of calls and feeds. */
  #lastId = 0;
  readonly #clock: TurnClock;
  /** Cancels the end of this turn; null if nothing has happened in it. */
  #cancelTurnEnd: (() => void) | null = null;
  #cancelTimer = (): void => undefined;
  /** When the timer fires; never later than the core has something to do. */
  #timerAtMs = Infinity;
  #isClosed = false;

  constructor(core: ClientCore, links: Pick<Links, 'send' | 'flush'>, clock: TurnClock = processClock) {
    this.#clock = clock;
    this.#core = core;
    this.#links = links;
  }

  call(operation: CallOperation, { isFastRead, onWaiting }: CallKind, timeoutMs: number): PendingCall {
    if (this.#isClosed) return closedCall;
    const callId = ++this.#lastId;
    let known: RequestName | null = null;
    const outcome = new Promise<CallOutcome>((resolve) =>
      this.#open.set(callId, (result, request) => {
        known = request;
        resolve(result);
      }),
    );
    if (onWaiting !== undefined) this.#onWaiting.set(callId, onWaiting);
    this.feed({
      kind: 'call',
      callId,
      operation,
      isFastRead: isFastRead === true,
      mayWait: onWaiting !== undefined,
      deadlineMs: this.#clock.nowMs() + timeoutMs,
    });
    const cancel = (onlyUnsent = false): void => this.feed({ kind: 'cancel', callId, onlyUnsent });
    return { outcome, request: () => known, cancel };
  }

  follow(request: RequestName, after: number, listener: FeedListener): FollowedFeed {
    const feedId = ++this.#lastId;
    this.#feeds.set(feedId, listener);
    this.feed({ kind: 'follow', feedId, request, after });
    return {
      consumed: (sequence) => this.feed({ kind: 'consumed', feedId, sequence }),
      unfollow: () => {
        this.#feeds.delete(feedId);
        this.feed({ kind: 'unfollow', feedId });
      },
    };
  }

  distrust(replica: ReplicaId): void {
    this.feed({ kind: 'distrust', replica });
  }

  feed(input: ClientInput): void {
    if (this.#isClosed) return;
    this.#tick();
    this.#step(input);
    this.#cancelTurnEnd ??= this.#clock.atTurnEnd(() => this.#endTurn());
  }

  #tick(): void {
    this.#step({ kind: 'tick', nowMs: this.#clock.nowMs() });
  }

  #step(input: ClientInput): void {
    for (const output of this.#core.step(input)) this.#carryOut(output);
  }

  #carryOut(output: ClientOutput): void {
    switch (output.kind) {
      case 'send':
        this.#links.send(output.to, output.message);
        break;
      case 'done':
        this.#done(output);
        break;
      case 'waiting':
        this.#onWaiting.get(output.callId)?.(output.request);
        this.#onWaiting.delete(output.callId);
        break;
      case 'feedEvent':
        this.#feeds.get(output.feedId)?.event(output.sequence, output.data, output.shares);
        break;
      case 'feedEnded': {
        const listener = this.#feeds.get(output.feedId);
        this.#feeds.delete(output.feedId);
        listener?.ended(output.after, output.cause);
      }
    }
  }

  #done({ callId, outcome, request }: ClientOutput & { kind: 'done' }): void {
    const resolve = this.#open.get(callId);
    this.#open.delete(callId);
    if (outcome.kind !== 'unknown') this.#onWaiting.delete(callId);
    else if (this.#onWaiting.size - this.#open.size > orphansMax) this.#forgetOldestOrphan();
    resolve?.(outcome, request);
  }

  #forgetOldestOrphan(): void {
    for (const callId of this.#onWaiting.keys()) {
      if (this.#open.has(callId)) continue;
      this.#onWaiting.delete(callId);
      return;
    }
  }

  #endTurn(): void {
    this.#cancelTurnEnd = null;
    this.#tick();
    this.#step({ kind: 'flush' });
    this.#links.flush();
    this.#setTimer();
  }

  /** A timer that fires too early costs a tick; setting one for every turn would cost more. */
  #setTimer(): void {
    const dueMs = this.#core.nextDueMs;
    if (dueMs === null || this.#timerAtMs <= dueMs || this.#isClosed) return;
    this.#cancelTimer();
    this.#timerAtMs = dueMs;
    const delayMs = Math.max(0, Math.ceil(dueMs - this.#clock.nowMs()));
    this.#cancelTimer = this.#clock.after(delayMs, () => {
      this.#timerAtMs = Infinity;
      this.#tick();
      this.#endTurn();
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    for (const callId of [...this.#open.keys()]) this.#step({ kind: 'cancel', callId });
    this.#isClosed = true;
    this.#cancelTurnEnd?.();
    this.#cancelTimer();
    await new Promise<void>((resolve) => this.#clock.atTurnEnd(resolve));
  }
}
