import { describe, expect, it } from 'vitest';
import { encodeEvent } from '../../../src/codec/index.js';
import { any } from '../../../src/client/index.js';
import type { Entry, SpaceEvent, Subscription } from '../../../src/client/index.js';
import { entry, eventOf, failure, requestOf, ScriptedDriver, stateOf } from './scripted-driver.js';
import { settle } from './virtual-clock.js';

/** A subscription that begins with event 9, as request 1 of session 7. */
async function subscribed(options?: { readonly signal: AbortSignal }): Promise<{
  driver: ScriptedDriver;
  subscription: Subscription<Entry>;
  iterator: AsyncIterator<SpaceEvent<Entry>, undefined>;
}> {
  const driver = new ScriptedDriver();
  const subscription = driver.space.subscribe(['job', any], options);
  await driver.last.answer({ kind: 'subscribed', from: 9 });
  return { driver, subscription, iterator: subscription[Symbol.asyncIterator]() };
}

const tell = (driver: ScriptedDriver, ...sequences: number[]): void => {
  for (const sequence of sequences)
    driver.lastFeed.listener.event(sequence, eventOf('inserted', BigInt(sequence)));
};

describe('a subscription', () => {
  it('is ordered at once and follows the feed that it opened', async () => {
    const driver = new ScriptedDriver();
    const { started } = driver.space.subscribe(['job', any]);
    expect(driver.last.operation).toMatchObject({ kind: 'subscribe', space: 'jobs', from: null });
    await driver.last.answer({ kind: 'subscribed', from: 9 }, requestOf(4));
    expect(await started).toBe(9);
    expect(driver.lastFeed).toMatchObject({ request: { session: 7, number: 4 }, after: 8 });
  });

  it.each([
    [5, 5],
    [5n, 5],
    [2 ** 53 - 1, 2 ** 53 - 1],
  ])('begins with event %s', async (from, sent) => {
    const driver = new ScriptedDriver();
    driver.space.subscribe(['job'], { from });
    expect(driver.last.operation).toMatchObject({ from: sent });
    await driver.client.close();
  });

  it.each([0, -1, 0.5, NaN, 2 ** 53, 0n, 2n ** 53n, '5', null])('refuses to begin with %s', (from) => {
    const driver = new ScriptedDriver();
    expect(() => driver.space.subscribe(['job'], { from: from as never })).toThrow(
      expect.objectContaining({ name: 'InvalidInputError', code: 'INVALID_OPTION' }),
    );
    expect(driver.calls).toEqual([]);
  });

  it('gives out what it is told, in order, as it is told', async () => {
    const { driver, iterator } = await subscribed();
    tell(driver, 9, 12);
    expect(await iterator.next()).toEqual({
      done: false,
      value: { kind: 'inserted', sequence: 9, entry: entry(9n) },
    });
    expect(await iterator.next()).toMatchObject({ value: { sequence: 12 } });
    const [first, second] = [iterator.next(), iterator.next()];
    expect(await stateOf(first)).toBe('pending');
    driver.lastFeed.listener.event(13, eventOf('replaced', 1n));
    driver.lastFeed.listener.event(14, eventOf('inserted', 2n));
    expect(await first).toMatchObject({ value: { kind: 'replaced', sequence: 13 } });
    expect(await second).toMatchObject({ value: { kind: 'inserted', sequence: 14 } });
  });

  it('says what is used only when it is given out', async () => {
    const { driver, iterator } = await subscribed();
    tell(driver, 9, 10, 11);
    await settle();
    expect(driver.lastFeed.consumed).toEqual([]);
    await iterator.next();
    await iterator.next();
    expect(driver.lastFeed.consumed).toEqual([9, 10]);
  });

  it.each([
    ['HISTORY_TRUNCATED', 40, { from: 40 }],
    ['TOO_MANY_SUBSCRIPTIONS', 1_024, { limit: 1_024 }],
  ] as const)('is refused %s', async (code, detail, fields) => {
    const driver = new ScriptedDriver();
    const subscription = driver.space.subscribe(['job'], { from: 3 });
    await driver.last.answer({ kind: 'refused', code, detail });
    const refusal = { name: 'RefusedError', code, fields: { operation: 'subscribe', ...fields } };
    expect(await failure(subscription.started)).toMatchObject(refusal);
    const iterator = subscription[Symbol.asyncIterator]();
    expect(await failure(iterator.next())).toMatchObject(refusal);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('of an event that is none ends, and its feed is cancelled', async () => {
    const { driver, iterator } = await subscribed();
    tell(driver, 9);
    driver.lastFeed.listener.event(10, new Uint8Array([255]));
    expect(driver.lastFeed.isFollowed).toBe(false);
    expect(driver.last.operation).toMatchObject({ kind: 'cancel' });
    expect(await iterator.next()).toMatchObject({ value: { sequence: 9 } });
    expect(await failure(iterator.next())).toMatchObject({ code: 'UNEXPECTED_RESULT' });
  });
});

describe('a subscription that the service ends', () => {
  it.each([
    ['SPACE_DELETED', {}, {}],
    ['POLICY_DENIED', { subject: 'subscribe' }, { rule: 'subscribe' }],
    ['ACL_DENIED', { subject: 'readers' }, { list: 'readers' }],
  ] as const)('with %s gives out what came before, then throws that once', async (code, subject, fields) => {
    const { driver, subscription, iterator } = await subscribed();
    tell(driver, 9, 10);
    driver.lastFeed.listener.event(11, encodeEvent({ kind: 'ended', code, ...subject }));
    expect(driver.lastFeed.isFollowed).toBe(false);
    expect(await iterator.next()).toMatchObject({ value: { sequence: 9 } });
    expect(await iterator.next()).toMatchObject({ value: { sequence: 10 } });
    expect(await failure(iterator.next())).toMatchObject({
      name: 'RefusedError',
      code,
      fields: { operation: 'subscribe', ...fields },
    });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await subscription.close();
  });

  it('lets the replicas forget it, and whoever waits for an event hears of it', async () => {
    const { driver, iterator } = await subscribed();
    const error = failure(iterator.next());
    driver.lastFeed.listener.event(9, encodeEvent({ kind: 'ended', code: 'SPACE_DELETED' }));
    expect(await error).toMatchObject({ code: 'SPACE_DELETED' });
    expect(driver.last.operation).toEqual({ kind: 'cancel', space: 'jobs', session: 7, number: 1 });
    await driver.last.answer({ kind: 'cancelled' });
    expect(driver.calls).toHaveLength(2);
  });
});

describe('leaving', () => {
  it('the loop has it cancelled', async () => {
    const { driver, subscription } = await subscribed();
    tell(driver, 9, 10);
    const seen: number[] = [];
    const loop = (async () => {
      for await (const { sequence } of subscription) {
        seen.push(sequence);
        break;
      }
    })();
    await settle();
    expect(driver.lastFeed.isFollowed).toBe(false);
    expect(driver.last.operation).toEqual({ kind: 'cancel', space: 'jobs', session: 7, number: 1 });
    await driver.last.answer({ kind: 'cancelled' });
    await loop;
    expect(seen).toEqual([9]);
    expect(await subscription[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
    await subscription.close();
    expect(driver.calls).toHaveLength(2);
  });

  it('while someone waits for an event ends that too', async () => {
    const { driver, subscription, iterator } = await subscribed();
    const next = iterator.next();
    const left = iterator.return!();
    expect(await next).toEqual({ done: true, value: undefined });
    await driver.last.end({ kind: 'unknown' });
    expect(await left).toEqual({ done: true, value: undefined });
    await subscription[Symbol.asyncDispose]();
  });

  it('before it has begun cancels it as soon as it has', async () => {
    const driver = new ScriptedDriver();
    const subscription = driver.space.subscribe(['job']);
    await subscription.close();
    expect(driver.calls).toHaveLength(1);
    await driver.last.answer({ kind: 'subscribed', from: 9 }, requestOf(3));
    expect(driver.feeds).toEqual([]);
    expect(driver.last.operation).toMatchObject({ kind: 'cancel', number: 3 });
    await driver.last.answer({ kind: 'cancelled' });
    expect(await subscription.started).toBe(9);
  });

  it('by a signal throws its reason and drops what was told', async () => {
    const abort = new AbortController();
    const { driver, iterator } = await subscribed({ signal: abort.signal });
    tell(driver, 9, 10);
    const reason = new Error('enough');
    abort.abort(reason);
    expect(await failure(iterator.next())).toBe(reason);
    expect(driver.last.operation).toMatchObject({ kind: 'cancel' });
    expect(driver.lastFeed.isFollowed).toBe(false);
  });

  it('by a signal whose reason is null throws that', async () => {
    const abort = new AbortController();
    const { iterator } = await subscribed({ signal: abort.signal });
    const next = iterator.next();
    abort.abort(null);
    expect(await failure(next)).toBeNull();
  });

  it('by a signal that was aborted before sends nothing', () => {
    const driver = new ScriptedDriver();
    const reason = new Error('enough');
    expect(() => driver.space.subscribe(['job'], { signal: AbortSignal.abort(reason) })).toThrow(reason);
    expect(driver.calls).toEqual([]);
  });

  it('by closing the client ends the iteration', async () => {
    const { driver, iterator } = await subscribed();
    const next = iterator.next();
    const closed = driver.client.close();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(driver.last.operation).toMatchObject({ kind: 'cancel' });
    await driver.last.answer({ kind: 'cancelled' });
    await closed;
    expect(driver.isClosed).toBe(true);
  });

  it('leaves nothing for the close of the client', async () => {
    const { driver, subscription } = await subscribed();
    const left = subscription.close();
    await driver.last.answer({ kind: 'cancelled' });
    await left;
    const refused = driver.space.subscribe(['job']);
    await driver.last.answer({ kind: 'refused', code: 'TOO_MANY_SUBSCRIPTIONS', detail: 1 });
    expect(await failure(refused.started)).toMatchObject({ code: 'TOO_MANY_SUBSCRIPTIONS' });
    await driver.client.close();
    expect(driver.clock.timerCount).toBe(0);
    expect(driver.calls).toHaveLength(3);
  });
});

describe('the session is lost', () => {
  it('it goes on in the next one, behind the last event that it was told (pitfall 22)', async () => {
    const { driver, iterator } = await subscribed();
    tell(driver, 9, 12);
    await iterator.next();
    await iterator.next();
    driver.lastFeed.listener.ended(12, 'session');
    expect(driver.last.operation).toMatchObject({ kind: 'subscribe', from: 13 });
    await driver.last.answer({ kind: 'subscribed', from: 13 }, requestOf(2, 8));
    expect(driver.lastFeed).toMatchObject({ request: { session: 8, number: 2 }, after: 12 });
    tell(driver, 20);
    expect(await iterator.next()).toMatchObject({ value: { sequence: 20 } });
    expect(driver.calls.filter(({ operation }) => operation.kind === 'cancel')).toEqual([]);
  });

  it('it goes on only when all that it was told is given out: the buffer does not grow', async () => {
    const { driver, iterator } = await subscribed();
    tell(driver, 9, 10);
    driver.lastFeed.listener.ended(10, 'session');
    await settle();
    expect(driver.calls).toHaveLength(1);
    await iterator.next();
    expect(driver.calls).toHaveLength(1);
    await iterator.next();
    expect(driver.last.operation).toMatchObject({ kind: 'subscribe', from: 11 });
  });

  it('and the service is gone: whoever iterates hears of it after what was told', async () => {
    const { driver, iterator } = await subscribed();
    driver.lastFeed.listener.ended(8, 'session');
    const next = failure(iterator.next());
    await driver.last.end({ kind: 'unavailable' });
    expect(await next).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('before it is followed: it goes on as well', async () => {
    const driver = new ScriptedDriver();
    const follow = driver.follow.bind(driver);
    let isFirst = true;
    driver.follow = (request, after, listener) => {
      const feed = follow(request, after, listener);
      if (isFirst) {
        isFirst = false;
        listener.ended(after, 'session');
      }
      return feed;
    };
    const subscription = driver.space.subscribe(['job']);
    await driver.last.answer({ kind: 'subscribed', from: 9 });
    expect(driver.last.operation).toMatchObject({ kind: 'subscribe', from: 9 });
    await driver.last.answer({ kind: 'subscribed', from: 9 }, requestOf(1, 8));
    tell(driver, 9);
    expect(await subscription[Symbol.asyncIterator]().next()).toMatchObject({ value: { sequence: 9 } });
    expect(driver.lastFeed.consumed).toEqual([9]);
  });
});

describe('a history that is not held any more (pitfall 22)', () => {
  it('is told with what is still held, and the old subscription is cancelled', async () => {
    const { driver, iterator } = await subscribed();
    tell(driver, 9);
    await iterator.next();
    driver.lastFeed.listener.ended(9, 'truncated');
    expect(driver.calls.slice(1).map(({ operation }) => operation)).toMatchObject([
      { kind: 'cancel', session: 7, number: 1 },
      { kind: 'subscribe', from: 10 },
    ]);
    const next = failure(iterator.next());
    await driver.last.answer({ kind: 'refused', code: 'HISTORY_TRUNCATED', detail: 500 });
    expect(await next).toMatchObject({ code: 'HISTORY_TRUNCATED', fields: { from: 500 } });
  });
});
