import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientId, replicaId, sessionId, viewNumber, type ReplicaId } from '../../../src/base/index.js';
import { ClientCore, Driver, type RequestName } from '../../../src/client/index.js';
import { explain } from '../../../src/client/dial.js';
import type {
  ClientMessage,
  EnvelopeBody,
  Outcome,
  Requests,
  ServerMessage,
} from '../../../src/codec/index.js';

/** A driver over streams that record what leaves, turn by turn. */
class World {
  readonly driver: Driver;
  readonly turns: [ReplicaId, ClientMessage][][] = [];
  readonly sealed: EnvelopeBody[] = [];
  #turn: [ReplicaId, ClientMessage][] = [];

  constructor() {
    const core = new ClientCore({
      n: 4,
      client: clientId('c'.repeat(64)),
      nonce: () => new Uint8Array(16),
      seal: (body) => {
        this.sealed.push(body);
        const bytes = new Uint8Array(1);
        return { body, signedBytes: bytes, signature: bytes, macs: null, bytes };
      },
    });
    this.driver = new Driver(core, {
      send: (to, message) => this.#turn.push([to, message]),
      flush: () => {
        if (this.#turn.length > 0) this.turns.push(this.#turn);
        this.#turn = [];
      },
    });
    for (let id = 0; id < 4; id++) {
      this.driver.feed({ kind: 'connected', replica: replicaId(id), view: viewNumber(0) });
    }
  }

  get requests(): Requests[] {
    return this.sealed.filter((body): body is Requests => body.kind === 'requests');
  }

  /** f+1 replicas say so. */
  receive(message: ServerMessage): void {
    for (const from of [0, 1]) this.driver.feed({ kind: 'message', from: replicaId(from), message });
  }

  /** A session to begin with. */
  async open(): Promise<void> {
    const view = viewNumber(0);
    const call = this.driver.call(new Uint8Array([1]), {}, 1_000);
    await vi.advanceTimersByTimeAsync(0);
    this.receive({ kind: 'opened', view, nonce: new Uint8Array(16), session: sessionId(7) });
    await vi.advanceTimersByTimeAsync(0);
    this.reply(1, 1);
    await call.outcome;
    await vi.advanceTimersByTimeAsync(0);
    this.turns.length = 0;
    this.sealed.length = 0;
  }

  reply(firstNumber: number, count: number): void {
    const outcomes = Array.from(
      { length: count },
      () => ({ kind: 'result', result: new Uint8Array([5]) }) as const,
    );
    this.receive({ kind: 'reply', view: viewNumber(0), session: sessionId(7), firstNumber, outcomes });
  }
}

let world: World;
beforeEach(async () => {
  vi.useFakeTimers();
  world = new World();
  await world.open();
});
afterEach(async () => {
  void world.driver.close();
  await vi.advanceTimersByTimeAsync(0);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const call = (value: number, timeoutMs = 1_000) => world.driver.call(new Uint8Array([value]), {}, timeoutMs);

describe('the driver', () => {
  it('puts the calls of a turn into one envelope, and what leaves into one flush', async () => {
    const calls = [call(1), call(2), call(3)];
    expect(world.turns).toEqual([]);
    await vi.advanceTimersByTimeAsync(0);
    expect(world.turns).toHaveLength(1);
    expect(world.requests.map(({ operations }) => operations.length)).toEqual([3]);
    world.reply(2, 3);
    const outcomes = await Promise.all(calls.map(({ outcome }) => outcome));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['result', 'result', 'result']);
  });

  it('gathers the calls that follow from the answers of one turn', async () => {
    const first = [call(1), call(2)];
    await vi.advanceTimersByTimeAsync(0);
    const followed = first.map(async ({ outcome }) => {
      await outcome;
      return call(3).outcome;
    });
    world.reply(2, 2);
    await vi.advanceTimersByTimeAsync(0);
    expect(world.requests.map(({ operations }) => operations.length)).toEqual([2, 2]);
    world.reply(4, 2);
    expect(await Promise.all(followed)).toHaveLength(2);
  });

  it('wakes up for what is due: repetitions, then the deadline', async () => {
    const { outcome } = call(1, 1_000);
    await vi.advanceTimersByTimeAsync(299);
    expect(world.turns).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2);
    expect(world.turns).toHaveLength(2);
    expect(world.turns[1]!.map(([to]) => to)).toEqual([0, 1, 2, 3]);
    await vi.advanceTimersByTimeAsync(700);
    expect(await outcome).toEqual({ kind: 'unknown' });
  });

  it('cancels a call before it is sent: nothing leaves', async () => {
    const { outcome, cancel } = call(1);
    cancel();
    expect(await outcome).toEqual({ kind: 'unavailable' });
    await vi.advanceTimersByTimeAsync(0);
    expect(world.turns).toEqual([]);
  });

  it('keeps no timer longer than Node can', async () => {
    const { outcome } = call(1, 2 ** 40);
    await vi.advanceTimersByTimeAsync(0);
    world.reply(2, 1);
    expect(await outcome).toMatchObject({ kind: 'result' });
  });

  it('ends what is open when it is closed, and does nothing afterwards', async () => {
    const sent = call(1);
    await vi.advanceTimersByTimeAsync(0);
    const unsent = call(2);
    void world.driver.close();
    void world.driver.close();
    expect(await sent.outcome).toEqual({ kind: 'unknown' });
    expect(await unsent.outcome).toEqual({ kind: 'unavailable' });
    world.reply(2, 1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(world.turns).toHaveLength(1);
    expect(await call(3).outcome).toEqual({ kind: 'unavailable' });
  });

  it('has closed when those who wait for a call have heard of it', async () => {
    const heard: string[] = [];
    const { outcome } = call(1);
    const told = outcome.then(async () => {
      for (let hop = 0; hop < 10; hop++) await Promise.resolve();
      heard.push('call');
    });
    const closed = world.driver.close().then(() => heard.push('closed'));
    await vi.advanceTimersByTimeAsync(0);
    await Promise.all([told, closed]);
    expect(heard).toEqual(['call', 'closed']);
  });
});

describe('operations that wait', () => {
  const waiting = { kind: 'waiting' } as const;
  const answer = (outcome: Outcome): void =>
    world.receive({
      kind: 'reply',
      view: viewNumber(0),
      session: sessionId(7),
      firstNumber: 2,
      outcomes: [outcome],
    });

  it('hear under which request they wait, and their outcome past the time-out', async () => {
    const waits: RequestName[] = [];
    const onWaiting = (request: RequestName): void => void waits.push(request);
    const { outcome, request } = world.driver.call(new Uint8Array([1]), { onWaiting }, 1_000);
    await vi.advanceTimersByTimeAsync(0);
    answer(waiting);
    expect(waits).toEqual([{ session: 7, number: 2 }]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(request()).toBeNull();
    answer({ kind: 'result', result: new Uint8Array([5]) });
    expect(await outcome).toEqual({ kind: 'result', result: new Uint8Array([5]) });
    expect(request()).toEqual({ session: 7, number: 2 });
  });

  it('hear it even after they were given up', async () => {
    const waits: RequestName[] = [];
    const onWaiting = (request: RequestName): void => void waits.push(request);
    const { outcome, cancel } = world.driver.call(new Uint8Array([1]), { onWaiting }, 1_000);
    await vi.advanceTimersByTimeAsync(0);
    cancel();
    expect(await outcome).toEqual({ kind: 'unknown' });
    answer(waiting);
    expect(waits).toEqual([{ session: 7, number: 2 }]);
  });

  it('are cancelled only unsent if so asked', async () => {
    const { outcome, cancel } = world.driver.call(new Uint8Array([1]), { onWaiting: () => undefined }, 1_000);
    await vi.advanceTimersByTimeAsync(0);
    cancel(true);
    answer({ kind: 'result', result: new Uint8Array([5]) });
    expect(await outcome).toMatchObject({ kind: 'result' });
    const unsent = world.driver.call(new Uint8Array([2]), { onWaiting: () => undefined }, 1_000);
    unsent.cancel(true);
    expect(await unsent.outcome).toEqual({ kind: 'unavailable' });
  });
});

describe('feeds', () => {
  it('reach their listener until they are unfollowed', async () => {
    const told: unknown[] = [];
    const request = { session: sessionId(7), number: 1 };
    const feed = world.driver.follow(request, 4, {
      event: (sequence, data) => told.push([sequence, [...data]]),
      ended: (after, cause) => told.push([after, cause]),
    });
    const event = (previous: number, sequence: number): void =>
      world.receive({ kind: 'feedEvent', ...request, previous, sequence, data: new Uint8Array([sequence]) });
    event(4, 6);
    feed.consumed(6);
    expect(told).toEqual([[6, [6]]]);
    feed.unfollow();
    event(6, 7);
    expect(told).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(0);
    expect(world.turns.flat().map(([, message]) => message)).toContainEqual({
      kind: 'follow',
      ...request,
      after: 4,
    });
  });

  it('end once', () => {
    const told: unknown[] = [];
    const request = { session: sessionId(7), number: 1 };
    world.driver.follow(request, 4, {
      event: () => undefined,
      ended: (after, cause) => told.push([after, cause]),
    });
    for (let i = 0; i < 2; i++) world.receive({ kind: 'feedTruncated', ...request, after: 4 });
    expect(told).toEqual([[4, 'truncated']]);
  });
});

it.each([
  [
    '14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1',
    'connection refused',
  ],
  ['Name resolution failed for target dns:nowhere', 'its host name is unknown'],
  ['Last error: Error: connect EHOSTUNREACH 10.0.0.1:1', 'its host is unreachable'],
  ['Last error: Error: connect ETIMEDOUT 10.0.0.1:1', 'connecting timed out'],
  [
    'Last error: Error: SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca',
    "it refused this client's certificate",
  ],
  [
    'Last error: Error: certificate has expired. Resolution note: x',
    'certificate refused: certificate has expired',
  ],
  [
    'Last error: Error: its certificate is not the one pinned in the cluster file',
    'certificate refused: its certificate is not the one pinned in the cluster file',
  ],
  ['read ECONNRESET', 'connection lost'],
  ['', 'it ended the stream'],
  ['something else', 'something else'],
])('of "%s" users read "%s"', (details, reason) => {
  expect(explain(details)).toBe(reason);
});
