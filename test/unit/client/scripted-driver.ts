/** A client whose calls and feeds go exactly as the test says. */
import { clientId, clientName, sessionId, type ReplicaId } from '../../../src/base/index.js';
import { Client } from '../../../src/client/index.js';
import type { CallDriver, CallKind, CallOutcome } from '../../../src/client/index.js';
import type { FeedListener, RequestName, Space } from '../../../src/client/index.js';
import {
  decodeOperation,
  encodeEvent,
  encodeResult,
  type EventKind,
  type Operation,
  type Result,
} from '../../../src/codec/index.js';
import { settle, VirtualClock } from './virtual-clock.js';

export const alice = clientId('a'.repeat(64));

export const requestOf = (number: number, session = 7): RequestName => ({
  session: sessionId(session),
  number,
});

/** A call that the client has made. */
export class ScriptedCall {
  readonly operation: Operation;
  readonly isFastRead: boolean;
  readonly timeoutMs: number;
  readonly outcome: Promise<CallOutcome>;
  isSent = true;
  isOver = false;
  #request: RequestName | null = null;
  #end: (outcome: CallOutcome) => void = () => undefined;
  readonly #onWaiting: ((request: RequestName) => void) | undefined;

  constructor(bytes: Uint8Array, { isFastRead = false, onWaiting }: CallKind, timeoutMs: number) {
    this.isFastRead = isFastRead;
    this.operation = decodeOperation(bytes)!;
    this.timeoutMs = timeoutMs;
    this.#onWaiting = onWaiting;
    this.outcome = new Promise((resolve) => (this.#end = resolve));
  }

  request(): RequestName | null {
    return this.#request;
  }

  /** As the core does: `unavailable` if nothing was sent. */
  cancel(onlyUnsent = false): void {
    if (this.isSent && onlyUnsent) return;
    void this.end({ kind: this.isSent ? 'unknown' : 'unavailable' });
  }

  waits(request: RequestName): void {
    this.#onWaiting?.(request);
  }

  async end(outcome: CallOutcome): Promise<void> {
    this.isOver = true;
    this.#end(outcome);
    await settle();
  }

  async answer(result: Result, request: RequestName = requestOf(1)): Promise<void> {
    this.#request = request;
    await this.end({ kind: 'result', result: encodeResult(result) });
  }
}

/** A feed that the client follows. */
export interface ScriptedFeed {
  readonly request: RequestName;
  readonly after: number;
  readonly listener: FeedListener;
  readonly consumed: number[];
  isFollowed: boolean;
}

export class ScriptedDriver implements CallDriver {
  readonly calls: ScriptedCall[] = [];
  readonly feeds: ScriptedFeed[] = [];
  readonly clock = new VirtualClock();
  readonly client: Client;
  readonly distrusted: ReplicaId[] = [];
  isClosed = false;

  constructor() {
    const cluster = {
      version: 1 as const,
      clusterId: '0'.repeat(32),
      replicas: [],
      certificateAuthority: '',
      clients: [{ name: 'alice', publicKey: alice }],
      settings: {},
    };
    const links = { problems: () => [], status: () => Promise.resolve([]), close: () => undefined };
    const identity = { name: 'alice', publicKey: alice, cluster };
    this.client = new Client({ identity, driver: this, links, timeoutMs: 10_000, clock: this.clock });
  }

  distrust(replica: ReplicaId): void {
    this.distrusted.push(replica);
  }

  get space(): Space {
    return this.client.space('jobs');
  }

  /** The call made last. */
  get last(): ScriptedCall {
    return this.calls.at(-1)!;
  }

  get lastFeed(): ScriptedFeed {
    return this.feeds.at(-1)!;
  }

  call(operation: Uint8Array, kind: CallKind, timeoutMs: number): ScriptedCall {
    const call = new ScriptedCall(operation, kind, timeoutMs);
    this.calls.push(call);
    return call;
  }

  follow(request: RequestName, after: number, listener: FeedListener) {
    const feed: ScriptedFeed = { request, after, listener, consumed: [], isFollowed: true };
    this.feeds.push(feed);
    return {
      consumed: (sequence: number): void => void feed.consumed.push(sequence),
      unfollow: (): void => void (feed.isFollowed = false),
    };
  }

  close(): Promise<void> {
    this.isClosed = true;
    for (const call of this.calls) call.cancel();
    return settle();
  }
}

export const wireEntry = (id: bigint) =>
  ({ id, tuple: ['job', Number(id)], owner: clientName('alice'), deadline: null }) as const;
export const entry = (id: bigint) => ({ id, tuple: ['job', Number(id)], owner: 'alice' });
export const eventOf = (kind: EventKind, id: bigint): Uint8Array =>
  encodeEvent({ kind, entry: wireEntry(id) });

/** What a promise has come to by now. */
export async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  await settle();
  const pending = Symbol('pending');
  const value = await Promise.race([promise, Promise.resolve(pending)]);
  return value === pending ? 'pending' : value;
}

export const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error,
  );
