import { describe, expect, it } from 'vitest';
import { TheodoraError, UnavailableError, UnknownOutcomeError } from '../../../src/base/index.js';
import { Lease, LeaseLostError } from '../../../src/client/lease.js';
import type { LeaseEntry } from '../../../src/client/lease.js';
import { certainMs, LeaseRule } from '../../../src/client/lease-rule.js';
import type { CallOptions } from '../../../src/client/index.js';
import { settle, VirtualClock } from './virtual-clock.js';

const leaseMs = 9_000;
const certain9s = certainMs(leaseMs, 500);

type Answer = bigint | null | Error | 'never';

/** The entry at the service, answering as told: with the next of `answers`, then with the last one. */
class FakeEntry implements LeaseEntry {
  readonly id = 17n;
  readonly timeoutMs = 10_000;
  readonly renewals: { atMs: number; leaseMs: number; options: CallOptions }[] = [];
  readonly takes: CallOptions[] = [];
  answers: Answer[] = [17n];
  taken: bigint | null | Error = 17n;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  renew(asked: number, options: CallOptions): Promise<bigint | null> {
    this.renewals.push({ atMs: this.#clock.nowMs(), leaseMs: asked, options });
    const answer = this.answers.length > 1 ? this.answers.shift()! : this.answers[0]!;
    if (answer === 'never') return new Promise(() => undefined);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  }

  take(options: CallOptions): Promise<bigint | null> {
    this.takes.push(options);
    return this.taken instanceof Error ? Promise.reject(this.taken) : Promise.resolve(this.taken);
  }
}

/** A lease that was asked for at 1,000 and answered at once. */
function held(): { clock: VirtualClock; entry: FakeEntry; lease: Lease } {
  const clock = new VirtualClock(1_000);
  const entry = new FakeEntry(clock);
  const lease = new Lease(entry, new LeaseRule(leaseMs, 500, 1_000), clock);
  return { clock, entry, lease };
}

const unknown = new UnknownOutcomeError('OUTCOME_UNKNOWN', 'no answer');

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error,
  );

describe('a lease', () => {
  it('renews itself at a third of its time, for as long as it is renewed', async () => {
    const { clock, entry, lease } = held();
    await clock.advance(60_000);
    expect(lease.isHeld()).toBe(true);
    expect(lease.lost.aborted).toBe(false);
    expect(lease.fencingToken).toBe(17n);
    expect(entry.renewals.map(({ atMs }) => atMs)).toEqual(
      Array.from({ length: 20 }, (_, i) => 1_000 + (i + 1) * 3_000),
    );
    expect(new Set(entry.renewals.map((renewal) => renewal.leaseMs))).toEqual(new Set([leaseMs]));
    expect(clock.timerCount).toBe(1);
  });

  it('whose renewals get no answer is lost by the clock, and says so at once', async () => {
    const { clock, entry, lease } = held();
    entry.answers = ['never'];
    const reasons: unknown[] = [];
    const { lost } = lease;
    lost.addEventListener('abort', () => reasons.push(lost.reason));
    await clock.advance(certain9s - 1);
    expect([lease.isHeld(), reasons]).toEqual([true, []]);
    await clock.advance(1);
    expect(reasons).toEqual([
      expect.objectContaining({ code: 'LEASE_LOST', fields: { fencingToken: 17n, reason: 'expired' } }),
    ]);
    expect(lease.isHeld()).toBe(false);
    expect(() => lease.check()).toThrow(LeaseLostError);
    expect(entry.renewals[0]!.options.signal!.aborted).toBe(true);
    expect(clock.timerCount).toBe(0);
  });

  it('tries again when a renewal fails, and survives', async () => {
    const { clock, entry, lease } = held();
    entry.answers = [unknown, new UnavailableError('SERVICE_UNAVAILABLE', 'none'), 17n];
    await clock.advance(20_000);
    expect(lease.isHeld()).toBe(true);
    expect(entry.renewals.slice(0, 3).map(({ atMs }) => atMs)).toEqual([4_000, 4_750, 5_500]);
  });

  it('names the failed renewal as the cause when it is lost', async () => {
    const { clock, entry, lease } = held();
    entry.answers = [unknown];
    await clock.advance(certain9s);
    expect(lease.lost.reason).toMatchObject({ code: 'LEASE_LOST', cause: unknown });
  });

  it.each([
    ['nothing to renew', null],
    ['another entry with an equal tuple', 16n],
  ])('is lost at once when the service finds %s', async (_what, answer) => {
    const { clock, entry, lease } = held();
    entry.answers = [answer];
    await clock.advance(3_000);
    expect(lease.isHeld()).toBe(false);
    expect(lease.lost.reason).toMatchObject({ code: 'LEASE_LOST', fields: { reason: 'gone' } });
    await clock.advance(30_000);
    expect(entry.renewals).toHaveLength(1);
  });

  it('does not extend the wait for a renewal beyond what is certain', async () => {
    const { clock, entry } = held();
    entry.answers = [unknown];
    await clock.advance(certain9s);
    for (const { atMs, options } of entry.renewals) {
      expect(atMs + options.timeout!).toBeLessThanOrEqual(1_000 + certain9s);
    }
  });

  it('of a closed client is not renewed any more and runs out', async () => {
    const { clock, entry, lease } = held();
    entry.answers = [new UnavailableError('CLIENT_CLOSED', 'closed')];
    await clock.advance(certain9s - 1);
    expect([lease.isHeld(), entry.renewals.length]).toEqual([true, 1]);
    await clock.advance(1);
    expect(lease.lost.aborted).toBe(true);
  });
});

describe('a stalled process (pitfall 21)', () => {
  it('learns from the first question, before any timer has run', () => {
    const asked: ((lease: Lease) => boolean)[] = [
      (lease) => lease.isHeld(),
      (lease) => !lease.lost.aborted,
      (lease) => {
        try {
          lease.check();
          return true;
        } catch {
          return false;
        }
      },
    ];
    for (const believes of asked) {
      const { clock, lease } = held();
      clock.stall(certain9s - 1);
      expect(believes(lease)).toBe(true);
      clock.stall(1);
      expect(believes(lease)).toBe(false);
    }
  });

  it('releases nothing that it has lost', async () => {
    const { clock, entry, lease } = held();
    clock.stall(certain9s);
    expect(await lease.release()).toBe(false);
    expect(entry.takes).toEqual([]);
    expect(lease.lost.reason).toMatchObject({ code: 'LEASE_LOST' });
  });

  it('sends no renewal of a lost lease', async () => {
    const { clock, entry, lease } = held();
    clock.stall(certain9s);
    await clock.advance(0);
    expect(entry.renewals).toEqual([]);
    expect(lease.lost.aborted).toBe(true);
  });

  it('goes on holding what a renewal from before the stall has extended', async () => {
    const { clock, entry, lease } = held();
    let answer: (id: bigint) => void = () => undefined;
    entry.renew = () => new Promise((resolve) => (answer = resolve));
    await clock.advance(3_000);
    clock.stall(certain9s - 1_000);
    answer(17n);
    await settle();
    expect(lease.isHeld()).toBe(true);
  });

  it('is told that a lease asked for long ago is lost already', () => {
    const clock = new VirtualClock(1_000 + certain9s);
    const lease = new Lease(new FakeEntry(clock), new LeaseRule(leaseMs, 500, 1_000), clock);
    expect(lease.isHeld()).toBe(false);
    expect(lease.lost.aborted).toBe(true);
    expect(clock.timerCount).toBe(0);
  });
});

describe('release', () => {
  it('takes the entry; not held from the call on', async () => {
    const { clock, entry, lease } = held();
    const released = lease.release();
    expect(lease.isHeld()).toBe(false);
    expect(await released).toBe(true);
    expect(() => lease.check()).toThrow(
      expect.objectContaining({ fields: { fencingToken: 17n, reason: 'released' } }),
    );
    expect(lease.lost.aborted).toBe(false);
    expect(clock.timerCount).toBe(0);
    expect(await lease.release()).toBe(false);
    expect(entry.takes).toHaveLength(1);
  });

  it('ends a renewal under way, whatever that has to say', async () => {
    const { clock, entry, lease } = held();
    entry.answers = ['never'];
    await clock.advance(3_000);
    await lease.release();
    expect(entry.renewals[0]!.options.signal!.aborted).toBe(true);
    await clock.advance(60_000);
    expect([entry.renewals.length, clock.timerCount]).toEqual([1, 0]);
  });

  it('tells when the entry was gone', async () => {
    const { entry, lease } = held();
    entry.taken = null;
    expect(await lease.release()).toBe(false);
  });

  it('tells when it hit another entry with an equal tuple', async () => {
    const { entry, lease } = held();
    entry.taken = 5n;
    expect(await failure(lease.release())).toMatchObject({
      code: 'ANOTHER_ENTRY_TAKEN',
      fields: { entry: 5n },
    });
  });

  it('waits as long as told, but sends nothing once the lease is not certain', async () => {
    const first = held();
    await first.lease.release({ timeout: 250 });
    expect(first.entry.takes).toEqual([{ timeout: 250 }]);
    const second = held();
    await second.lease.release();
    expect(second.entry.takes).toEqual([{ timeout: certain9s }]);
  });

  it('refuses wrong options and holds on', async () => {
    const { lease } = held();
    expect(await failure(lease.release({ timeout: -1 }))).toMatchObject({ code: 'INVALID_OPTION' });
    expect(await failure(lease.release({ tiemout: 1 } as never))).toMatchObject({ code: 'UNKNOWN_OPTION' });
    expect(lease.isHeld()).toBe(true);
    await lease.release();
  });

  it('is what `await using` does; an entry that cannot be reached ends by itself', async () => {
    for (const error of [unknown, new UnavailableError('CLIENT_CLOSED', 'closed')]) {
      const { entry, lease } = held();
      entry.taken = error;
      await lease[Symbol.asyncDispose]();
      expect([entry.takes.length, lease.isHeld()]).toEqual([1, false]);
    }
    const { entry, lease } = held();
    entry.taken = new TheodoraError('UNEXPECTED_RESULT', 'what');
    expect(await failure(lease[Symbol.asyncDispose]())).toBe(entry.taken);
  });
});
