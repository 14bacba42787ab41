import { describe, expect, it } from 'vitest';
import { any } from '../../../src/client/index.js';
import { entry, failure, requestOf, ScriptedDriver, stateOf, wireEntry } from './scripted-driver.js';
import { settle } from './virtual-clock.js';

const kinds = ['rd', 'in'] as const;

describe.each(kinds)('%s', (kind) => {
  it('resolves with a match there is, without waiting', async () => {
    const driver = new ScriptedDriver();
    const found = driver.space[kind](['job', any]);
    expect(driver.last.operation).toMatchObject({ kind, space: 'jobs', timeout: null });
    expect(driver.last.timeoutMs).toBe(10_000);
    await driver.last.answer({ kind: 'entry', entry: wireEntry(17n) });
    expect(await found).toEqual(entry(17n));
  });

  it('resolves with the match that it waited for, or with null when its time is over', async () => {
    for (const match of [wireEntry(17n), null]) {
      const driver = new ScriptedDriver();
      const found = driver.space[kind](['job', any], { timeout: 50_000 });
      expect(driver.last.operation).toMatchObject({ timeout: 50_000 });
      expect(driver.last.timeoutMs, 'of registering').toBe(10_000);
      driver.last.waits(requestOf(2));
      expect(await stateOf(found)).toBe('pending');
      await driver.last.answer({ kind: 'entry', entry: match });
      expect(await found).toEqual(match === null ? null : entry(17n));
      expect(driver.calls).toHaveLength(1);
    }
  });

  it.each([
    ['TOO_MANY_WAITS', 16_384, { limit: 16_384 }],
    ['WAIT_TOO_LONG', 86_400_000, { waitMaxMs: 86_400_000 }],
  ] as const)('is refused %s', async (code, detail, fields) => {
    const driver = new ScriptedDriver();
    const found = failure(driver.space[kind](['job', any]));
    await driver.last.answer({ kind: 'refused', code, detail });
    expect(await found).toMatchObject({ name: 'RefusedError', code, fields: { operation: kind, ...fields } });
  });

  it('is refused by the session rules', async () => {
    const driver = new ScriptedDriver();
    const found = failure(driver.space[kind](['job', any]));
    await driver.last.end({ kind: 'refused', code: 'REPLIES_FULL' });
    expect(await found).toMatchObject({ name: 'RefusedError', code: 'REPLIES_FULL' });
  });

  it('never registered: nothing was done', async () => {
    const driver = new ScriptedDriver();
    const found = failure(driver.space[kind](['job', any]));
    await driver.last.end({ kind: 'unavailable' });
    expect(await found).toMatchObject({ name: 'UnavailableError', code: 'SERVICE_UNAVAILABLE' });
  });

  it('not known to be registered: the outcome is unknown, and if it waits after all it is cancelled', async () => {
    const driver = new ScriptedDriver();
    const found = failure(driver.space[kind](['job', any]));
    const wait = driver.last;
    await wait.end({ kind: 'unknown' });
    expect(await found).toMatchObject({ name: 'UnknownOutcomeError', code: 'OUTCOME_UNKNOWN' });
    expect(driver.calls).toHaveLength(1);
    wait.waits(requestOf(2));
    expect(driver.last.operation).toEqual({ kind: 'cancel', space: 'jobs', session: 7, number: 2 });
  });

  it('refuses a result that is none', async () => {
    const driver = new ScriptedDriver();
    const found = failure(driver.space[kind](['job', any]));
    await driver.last.end({ kind: 'result', result: new Uint8Array([255]) });
    expect(await found).toMatchObject({ code: 'UNEXPECTED_RESULT' });
    const other = failure(driver.space[kind](['job', any]));
    await driver.last.answer({ kind: 'count', count: 1 });
    expect(await other).toMatchObject({ code: 'UNEXPECTED_RESULT' });
  });

  it.each([0, -1, 0.5, Infinity, NaN, 2 ** 53, '5s', 5n, null])(
    'refuses the time %s to wait',
    async (timeout) => {
      const driver = new ScriptedDriver();
      const error = await failure(driver.space[kind](['job'], { timeout: timeout as never }));
      expect(error).toMatchObject({ name: 'InvalidInputError', code: 'WAIT_INVALID' });
      expect(driver.calls).toEqual([]);
    },
  );

  it('refuses options that it does not have', async () => {
    const driver = new ScriptedDriver();
    const error = await failure(driver.space[kind](['job'], { lease: 1 } as never));
    expect(error).toMatchObject({ code: 'UNKNOWN_OPTION' });
    expect(await failure(driver.space[kind](['job'], { signal: {} as never }))).toMatchObject({
      code: 'INVALID_OPTION',
    });
  });
});

describe('the session is lost while it waits', () => {
  it('rd begins again with the rest of its time', async () => {
    const driver = new ScriptedDriver();
    const found = driver.space.rd(['job', any], { timeout: 60_000 });
    driver.last.waits(requestOf(2));
    driver.clock.stall(45_000);
    await driver.last.end({ kind: 'unknown' });
    expect(driver.last.operation).toMatchObject({ kind: 'rd', timeout: 15_000 });
    driver.last.waits(requestOf(1, 8));
    driver.clock.stall(45_000);
    await driver.last.end({ kind: 'unknown' });
    // Its time is over, but only the replicas know whether there is a match.
    expect(driver.last.operation).toMatchObject({ kind: 'rd', timeout: 1 });
    await driver.last.answer({ kind: 'entry', entry: null });
    expect(await found).toBeNull();
    expect(driver.calls).toHaveLength(3);
  });

  it('rd without a time begins again without one', async () => {
    const driver = new ScriptedDriver();
    const found = driver.space.rd(['job', any]);
    driver.last.waits(requestOf(2));
    await driver.last.end({ kind: 'unknown' });
    expect(driver.last.operation).toMatchObject({ kind: 'rd', timeout: null });
    await driver.last.answer({ kind: 'entry', entry: wireEntry(3n) });
    expect(await found).toEqual(entry(3n));
  });

  it('rd does not go on for ever when nobody answers', async () => {
    const driver = new ScriptedDriver();
    const found = failure(driver.space.rd(['job', any]));
    driver.last.waits(requestOf(2));
    await driver.last.end({ kind: 'unknown' });
    await driver.last.end({ kind: 'unavailable' });
    expect(await found).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });

  it('in is not done again: it may have taken an entry', async () => {
    const driver = new ScriptedDriver();
    const found = failure(driver.space.in(['job', any]));
    driver.last.waits(requestOf(2));
    await driver.last.end({ kind: 'unknown' });
    const error = await found;
    expect(error).toMatchObject({ name: 'UnknownOutcomeError', code: 'OUTCOME_UNKNOWN' });
    expect(String(error)).toContain('its session was lost');
    expect(driver.calls).toHaveLength(1);
  });
});

describe('aborting a wait', () => {
  /** Waits as request 2 of session 7. */
  function waiting(kind: 'rd' | 'in') {
    const driver = new ScriptedDriver();
    const abort = new AbortController();
    const reason = new Error('changed my mind');
    const found = driver.space[kind](['job', any], { signal: abort.signal });
    const wait = driver.last;
    const failed = failure(found);
    failed.catch(() => undefined);
    return { driver, abort, reason, found, failed, wait };
  }

  it.each(kinds)('%s: already aborted, nothing is sent', async (kind) => {
    const driver = new ScriptedDriver();
    const reason = new Error('changed my mind');
    expect(await failure(driver.space[kind](['job'], { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(driver.calls).toEqual([]);
  });

  it.each(kinds)('%s: before it is sent, rejects with the reason', async (kind) => {
    const { driver, abort, reason, failed, wait } = waiting(kind);
    wait.isSent = false;
    abort.abort(reason);
    expect(await failed).toBe(reason);
    expect(driver.calls).toHaveLength(1);
  });

  it.each(kinds)('%s: a cancel is ordered; cancelled, it rejects with the reason', async (kind) => {
    const { driver, abort, reason, found, failed, wait } = waiting(kind);
    wait.waits(requestOf(2));
    abort.abort(reason);
    expect(driver.calls).toHaveLength(2);
    expect(driver.last.operation).toEqual({ kind: 'cancel', space: 'jobs', session: 7, number: 2 });
    await driver.last.answer({ kind: 'cancelled' });
    expect(await stateOf(found.catch(() => 'failed'))).toBe('pending');
    await wait.answer({ kind: 'cancelled' });
    expect(await failed).toBe(reason);
  });

  it.each(kinds)('%s: an entry that was found before the cancel is not dropped', async (kind) => {
    const { driver, abort, found, wait } = waiting(kind);
    wait.waits(requestOf(2));
    abort.abort();
    await driver.last.answer({ kind: 'refused', code: 'NO_SUCH_WAIT', detail: 0 });
    await wait.answer({ kind: 'entry', entry: wireEntry(5n) });
    expect(await found).toEqual(entry(5n));
  });

  it('before it is known to wait: cancelled as soon as it is', async () => {
    const { driver, abort, reason, failed, wait } = waiting('in');
    abort.abort(reason);
    expect(driver.calls).toHaveLength(1);
    wait.waits(requestOf(2));
    expect(driver.last.operation).toMatchObject({ kind: 'cancel', number: 2 });
    await wait.answer({ kind: 'cancelled' });
    expect(await failed).toBe(reason);
  });

  it('before its immediate answer: that counts', async () => {
    const { abort, found, wait } = waiting('in');
    abort.abort();
    await wait.answer({ kind: 'entry', entry: wireEntry(5n) });
    expect(await found).toEqual(entry(5n));
  });

  it('in whose cancel nobody answers: the outcome is unknown, because of the reason', async () => {
    const { driver, abort, reason, failed, wait } = waiting('in');
    wait.waits(requestOf(2));
    abort.abort(reason);
    await driver.last.end({ kind: 'unavailable' });
    expect(wait.isOver).toBe(true);
    expect(await failed).toMatchObject({ code: 'OUTCOME_UNKNOWN', cause: reason });
  });

  it('rd whose cancel nobody answers rejects with the reason: it has changed nothing', async () => {
    const { driver, abort, reason, failed, wait } = waiting('rd');
    wait.waits(requestOf(2));
    abort.abort(reason);
    await driver.last.end({ kind: 'unknown' });
    expect(await failed).toBe(reason);
    expect(driver.calls, 'it does not begin again').toHaveLength(2);
    expect(wait.isOver).toBe(true);
  });

  it('twice, or after the end, orders nothing more', async () => {
    const { driver, abort, found, wait } = waiting('in');
    wait.waits(requestOf(2));
    await wait.answer({ kind: 'entry', entry: wireEntry(5n) });
    await found;
    abort.abort();
    await settle();
    expect(driver.calls).toHaveLength(1);
  });
});

describe('closing the client', () => {
  it('has waits cancelled in one turn; one that took an entry resolves with it', async () => {
    const driver = new ScriptedDriver();
    const [taken, cancelled] = [driver.space.in(['a']), failure(driver.space.rd(['b']))];
    const [first, second] = driver.calls;
    first!.waits(requestOf(2));
    second!.waits(requestOf(3));
    const closed = driver.client.close();
    expect(driver.calls.slice(2).map(({ operation }) => operation)).toMatchObject([
      { kind: 'cancel', number: 2 },
      { kind: 'cancel', number: 3 },
    ]);
    await first!.answer({ kind: 'entry', entry: wireEntry(5n) });
    expect(driver.isClosed).toBe(false);
    await second!.answer({ kind: 'cancelled' });
    await closed;
    expect(driver.isClosed).toBe(true);
    expect(await taken).toEqual(entry(5n));
    expect(await cancelled).toMatchObject({ name: 'UnavailableError', code: 'CLIENT_CLOSED' });
    expect(driver.clock.timerCount).toBe(0);
  });

  it('waits a second at most; then rd and in end as if nobody answered', async () => {
    const driver = new ScriptedDriver();
    const [inFailed, rdFailed] = [failure(driver.space.in(['a'])), failure(driver.space.rd(['b']))];
    driver.calls[0]!.waits(requestOf(2));
    driver.calls[1]!.waits(requestOf(3));
    const closed = driver.client.close();
    await driver.clock.advance(999);
    expect(driver.isClosed).toBe(false);
    await driver.clock.advance(1);
    await closed;
    expect(await inFailed).toMatchObject({ name: 'UnknownOutcomeError' });
    expect(await rdFailed).toMatchObject({ code: 'CLIENT_CLOSED' });
    expect(driver.calls).toHaveLength(4);
  });

  it('takes nothing new from its beginning on, and is the same close for everyone', async () => {
    const driver = new ScriptedDriver();
    const open = failure(driver.space.in(['a']));
    const closed = driver.client.close();
    expect(driver.client.close()).toBe(closed);
    for (const kind of kinds)
      expect(await failure(driver.space[kind](['a']))).toMatchObject({ code: 'CLIENT_CLOSED' });
    expect(() => driver.space.subscribe(['a'])).toThrow(expect.objectContaining({ code: 'CLIENT_CLOSED' }));
    await driver.clock.advance(1_000);
    await closed;
    expect(await open).toMatchObject({ name: 'UnknownOutcomeError' });
    expect(driver.calls).toHaveLength(1);
  });

  it('is at once without waits', async () => {
    const driver = new ScriptedDriver();
    await driver.client.close();
    expect(driver.isClosed).toBe(true);
    expect(driver.clock.timerCount).toBe(0);
  });
});
