/**
 * A subscription as an async iterable of events. Every event was told alike by f+1 replicas, in order, none left out and
 * none twice; when the session ends it goes on in the next one, behind the last event it gave out. Whoever is slow is
 * told no more than a window ahead, and HISTORY_TRUNCATED once what comes next is not held any more. If the service ends
 * it, since the space or the permission is gone, that is thrown behind the events that came before.
 */
import { decodeEvent, type EntryEvent as WireEvent, type EventKind, type Result } from '../codec/index.js';
import type { FeedListener, FollowedFeed } from './driver.js';
import { refusedByService, unexpectedResult } from './failures.js';
import type { FeedEnd, RequestName, Shares } from './protocol.js';

/** What happened to an entry. */
export interface SpaceEvent<Entry> {
  /** `replaced`: a `replace` took it; what that put in its place is the next event, `inserted`. */
  readonly kind: EventKind;
  /** 1, 2, 3, … within the space; with gaps, since other entries have their events too. */
  readonly sequence: number;
  readonly entry: Entry;
}

/** Null: an event that is not told. */
export type ToldEvent<E> = SpaceEvent<E> | Promise<SpaceEvent<E> | null>;

/** What a subscription needs of the client. */
export interface Subscribing<Entry> {
  /** Has the operation ordered; rejects as any call. */
  subscribe(from: number | null): Promise<{ readonly result: Result; readonly request: RequestName }>;
  follow(request: RequestName, after: number, listener: FeedListener): FollowedFeed;
  /** Has a cancel of the subscription ordered; never rejects. */
  unsubscribe(request: RequestName): Promise<void>;
  toEvent(sequence: number, event: WireEvent, shares: Shares | undefined): ToldEvent<Entry>;
  /** It has ended, for whatever reason. */
  onEnd(): void;
}

export class Subscription<Entry> implements AsyncIterable<SpaceEvent<Entry>>, AsyncDisposable {
  /** Sequence number of the first event that can come. Rejects if the subscription is refused. */
  readonly started: Promise<number>;
  readonly #subscribing: Subscribing<Entry>;
  readonly #signal: AbortSignal | undefined;
  /** Told and not given out. Invariant: at most a window of one feed. */
  readonly #events: { readonly sequence: number; readonly told: ToldEvent<Entry> }[] = [];
  #feed: FollowedFeed | null = null;
  #request: RequestName | null = null;
  /** The feed has ended; it goes on from here once all that it told has been given out. */
  #resumeFrom: number | null = null;
  /** To be thrown once, when all events have been given out. */
  #failure: { readonly error: unknown } | null = null;
  #isOver = false;
  /** Whoever waits for an event. */
  readonly #wakes: (() => void)[] = [];

  /** Made by `space.subscribe`. */
  constructor(subscribing: Subscribing<Entry>, from: number | null, signal: AbortSignal | undefined) {
    this.#subscribing = subscribing;
    this.#signal = signal;
    this.started = this.#begin(from);
    // Whoever iterates hears of it.
    this.started.catch(() => undefined);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The events. Leaving the loop closes the subscription; two iterators share the events. */
  [Symbol.asyncIterator](): AsyncIterator<SpaceEvent<Entry>, undefined, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  /** Ends it; what was told and not given out is dropped. */
  async close(): Promise<void> {
    this.#events.length = 0;
    await this.#end(null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #next(): Promise<IteratorResult<SpaceEvent<Entry>, undefined>> {
    for (;;) {
      const next = this.#events.shift();
      if (next !== undefined) {
        this.#feed?.consumed(next.sequence);
        this.#resume();
        const event = next.told instanceof Promise ? await this.#opened(next.told) : next.told;
        if (event === null) continue;
        return { done: false, value: event };
      }
      const failure = this.#failure;
      this.#failure = null;
      if (failure !== null) throw failure.error;
      if (this.#isOver) return { done: true, value: undefined };
      await new Promise<void>((resolve) => this.#wakes.push(resolve));
    }
  }

  /** What cannot be opened ends it. */
  async #opened(told: Promise<SpaceEvent<Entry> | null>): Promise<SpaceEvent<Entry> | null> {
    try {
      return await told;
    } catch (error) {
      await this.#end(null);
      throw error;
    }
  }

  readonly #onAbort = (): void => {
    this.#events.length = 0;
    void this.#end({ error: this.#signal?.reason });
  };

  async #begin(from: number | null): Promise<number> {
    try {
      const { result, request } = await this.#subscribing.subscribe(from);
      if (result.kind !== 'subscribed') throw unexpectedResult('subscribe');
      if (this.#isOver) await this.#subscribing.unsubscribe(request);
      else this.#follow(request, result.from - 1);
      return result.from;
    } catch (error) {
      await this.#end({ error });
      throw error;
    }
  }

  #follow(request: RequestName, after: number): void {
    this.#request = request;
    let isEnded = false;
    const feed = this.#subscribing.follow(request, after, {
      event: (sequence, data, shares) => this.#onEvent(sequence, data, shares),
      ended: (last, cause) => {
        isEnded = true;
        this.#onFeedEnded(request, last, cause);
      },
    });
    if (!isEnded) this.#feed = feed;
  }

  #onEvent(sequence: number, data: Uint8Array, shares: Shares | undefined): void {
    const event = decodeEvent(data);
    if (event === null) void this.#end({ error: unexpectedResult('subscribe') });
    else if (event.kind === 'ended')
      void this.#end({ error: refusedByService({ detail: 0, ...event }, 'subscribe') });
    else this.#onTold(sequence, this.#subscribing.toEvent(sequence, event, shares));
    this.#wake();
  }

  #onTold(sequence: number, told: ToldEvent<Entry>): void {
    // Whoever takes it hears of it.
    if (told instanceof Promise) told.catch(() => undefined);
    this.#events.push({ sequence, told });
  }

  /** The session is over, or the history: a new subscription goes on from there, or says what is not held. */
  #onFeedEnded(request: RequestName, after: number, cause: FeedEnd): void {
    this.#feed = null;
    this.#request = null;
    // The other cause took the subscription along.
    if (cause === 'truncated') void this.#subscribing.unsubscribe(request);
    this.#resumeFrom = after + 1;
    this.#resume();
  }

  #resume(): void {
    const from = this.#resumeFrom;
    if (from === null || this.#isOver || this.#events.length > 0) return;
    this.#resumeFrom = null;
    // What goes wrong is told to whoever iterates.
    this.#begin(from).catch(() => undefined);
  }

  async #end(failure: { readonly error: unknown } | null): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#subscribing.onEnd();
    this.#feed?.unfollow();
    this.#feed = null;
    this.#wake();
    const request = this.#request;
    this.#request = null;
    if (request !== null) await this.#subscribing.unsubscribe(request);
  }

  #wake(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }
}
