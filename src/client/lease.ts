/**
 * A lease in the hand of its holder: renews itself, and says truly whether it is held. The rule is in
 * lease-rule.ts; here are its clock and its timers. Timers only make the news prompt: every answer looks at
 * the clock first, so a process that was stopped, or whose event loop stood still, learns that the lease is
 * lost before it does anything through the handle (pitfall 21).
 *
 * A lease belongs to an entry and to the identity that inserted it, not to a session: it outlives sessions,
 * and a renewal opens a new one where the old has ended. Hence no keep-alive for the session's sake.
 */
import { TheodoraError, UnavailableError, UnknownOutcomeError } from '../base/index.js';
import type { LeaseClock } from './clock.js';
import type { LeaseEnd, LeaseRule } from './lease-rule.js';
import { callOptions, checkOptions, checkTimeout, type CallOptions } from './options.js';

const endTexts: Readonly<Record<LeaseEnd, string>> = {
  expired: 'it was not renewed in time, so another may hold it',
  gone: 'its entry is gone, or another entry with an equal tuple was renewed in its place',
  released: 'it was released',
};

/** The lease is not held: what depends on it must not be done. */
export class LeaseLostError extends TheodoraError {}

function leaseLost(end: LeaseEnd, fencingToken: bigint, cause: unknown): LeaseLostError {
  const fields = { fencingToken, reason: end };
  return new LeaseLostError('LEASE_LOST', `the lease is not held: ${endTexts[end]}.`, fields, cause);
}

/** What a lease does at the service; each answers with the id of the entry it found, or null. */
export interface LeaseEntry {
  readonly id: bigint;
  /** How long a release waits for its answer unless told otherwise, ms. */
  readonly timeoutMs: number;
  renew(leaseMs: number, options: CallOptions): Promise<bigint | null>;
  take(options: CallOptions): Promise<bigint | null>;
}

export class Lease implements AsyncDisposable {
  /** The entry's id: greater than that of every earlier holder. */
  readonly fencingToken: bigint;
  readonly #entry: LeaseEntry;
  readonly #rule: LeaseRule;
  readonly #clock: LeaseClock;
  readonly #lost = new AbortController();
  #error: LeaseLostError | null = null;
  /** Ends the renewal under way. */
  #renewal: AbortController | null = null;
  /** Why the last renewal failed. */
  #failure: unknown;
  #cancelTimer = (): void => undefined;

  /** Made by `out` and `cas` with `hold`. */
  constructor(entry: LeaseEntry, rule: LeaseRule, clock: LeaseClock) {
    this.fencingToken = entry.id;
    this.#entry = entry;
    this.#rule = rule;
    this.#clock = clock;
    this.#turn();
  }

  /** Whether it is certainly held now, by the clock at this moment. */
  isHeld(): boolean {
    return this.#look() === null;
  }

  /** @throws LeaseLostError LEASE_LOST if it is not held now. */
  check(): void {
    const error = this.#look();
    if (error !== null) throw error;
  }

  /**
   * Aborted with a LeaseLostError once the lease is lost; a release does not abort it. A stalled process
   * hears of it late: `check` right before what depends on the lease.
   */
  get lost(): AbortSignal {
    this.#look();
    return this.#lost.signal;
  }

  /**
   * Takes the entry and ends the lease; not held from the call on. True: the entry was there. False: it was
   * not, or the lease was not held (then nothing is sent, since the tuple may be another holder's).
   * @throws TheodoraError ANOTHER_ENTRY_TAKEN if another entry with an equal tuple was found and taken instead
   * (field `entry`: its id); and as `inp`. An entry that may not have been taken expires.
   */
  async release(options?: CallOptions): Promise<boolean> {
    checkOptions(options, callOptions, 'release');
    const askedMs = checkTimeout(options?.timeout ?? this.#entry.timeoutMs, 'timeout');
    const nowMs = this.#clock.nowMs();
    const remainingMs = this.#rule.remainingMs(nowMs);
    const wasHeld = this.#rule.release(nowMs);
    this.#turn();
    if (!wasHeld) return false;
    // Sent later than the lease is certain, it could take the entry of the next holder.
    const taken = await this.#entry.take({ ...options, timeout: Math.min(askedMs, remainingMs) });
    if (taken === null || taken === this.fencingToken) return taken !== null;
    const text = 'release: another entry with an equal tuple was taken; give each lease a tuple of its own.';
    throw new TheodoraError('ANOTHER_ENTRY_TAKEN', text, { entry: taken, fencingToken: this.fencingToken });
  }

  /** Releases; without an answer from the service the entry expires by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.release();
    } catch (error) {
      // Nothing more can be done, and nothing needs to be: without renewals the entry ends by itself.
      if (!(error instanceof UnavailableError || error instanceof UnknownOutcomeError)) throw error;
    }
  }

  /** Null while it is held. Whoever looks first makes the loss known. */
  #look(): LeaseLostError | null {
    const end = this.#rule.endAt(this.#clock.nowMs());
    if (end === null || this.#error !== null) return this.#error;
    this.#error = leaseLost(end, this.fencingToken, this.#failure);
    this.#cancelTimer();
    this.#renewal?.abort(this.#error);
    if (end !== 'released') this.#lost.abort(this.#error);
    return this.#error;
  }

  /** Does what is due and sets the timer for what comes next. */
  #turn(): void {
    this.#cancelTimer();
    if (this.#look() !== null) return;
    const nowMs = this.#clock.nowMs();
    if (this.#rule.isRenewalDue(nowMs)) void this.#renew(nowMs);
    const delayMs = Math.max(0, Math.ceil(this.#rule.nextDueMs - nowMs));
    this.#cancelTimer = this.#clock.after(delayMs, () => this.#turn());
  }

  /** Never rejects: a renewal that fails leaves the local deadline where it is. */
  async #renew(sentAtMs: number): Promise<void> {
    const timeout = this.#rule.onRenewalSent(sentAtMs);
    const abort = new AbortController();
    this.#renewal = abort;
    try {
      const renewed = await this.#entry.renew(this.#rule.leaseMs, { timeout, signal: abort.signal });
      if (renewed === this.fencingToken) this.#rule.onRenewed(this.#clock.nowMs());
      else this.#rule.onGone();
      this.#failure = undefined;
    } catch (error) {
      // The error of a lease that is over is only that its renewal was ended.
      if (!abort.signal.aborted) this.#failure = error;
      if (error instanceof TheodoraError && error.code === 'CLIENT_CLOSED') this.#rule.stopRenewing();
      else this.#rule.onRenewalFailed(this.#clock.nowMs());
    }
    this.#renewal = null;
    this.#turn();
  }
}
