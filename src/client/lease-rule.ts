/**
 * What the holder of a lease may believe (DESIGN section 3), as arithmetic and a state machine; the moments
 * come from the caller's monotonic clock. Never asks the network and never trusts a timer to have fired:
 * every question is answered by comparing clocks at the moment at which it is asked (pitfall 21).
 *
 * An operation sent at S is executed at an ordered time ≥ S − skew − ε: its batch was fresh for a correct
 * replica after S. Ordered time never runs ahead of true time by more than skew + ε, so the entry is still
 * there at S + lease − 2·(skew + ε). The holder's clock may run slow, hence the division. S has to be the
 * moment of sending: when the answer comes, the lease has been running for an unknown time.
 *
 * The lease granted is min(asked for, cap), with the cap known here. It cannot be told from
 * `entry.deadline`, which is a moment on the cluster's clock: the ordered time that it counts from is not in
 * the answer, and the holder's own clock in its place may be wrong by any amount.
 */

/** The service shortens longer leases to this; part of the replicated behaviour, equal at every replica. */
export const leaseMaxMs = 24 * 3_600_000;

/** Clock error of correct replicas beside the skew that they accept (ε of DESIGN section 3). */
const clockErrorMs = 50;
const driftDivisor = 1.01;

/**
 * For how long after its sending an operation that got executed has left its lease certainly unended. May be
 * negative.
 */
export function certainMs(leaseMs: number, clockSkewMaxMs: number): number {
  return Math.floor((leaseMs - 2 * (clockSkewMaxMs + clockErrorMs)) / driftDivisor);
}

/** The service refuses shorter leases: nobody could rely on them. */
export const leaseMinMs = (clockSkewMaxMs: number): number => 4 * (clockSkewMaxMs + clockErrorMs);

/** Why a lease is not held: not renewed in time, found taken or expired, or given back by its holder. */
export type LeaseEnd = 'expired' | 'gone' | 'released';

/** A renewal that got no answer is sent again after this part of the lease, but at most that long. */
const retryParts = 12;
const retryMsMax = 5_000;

export class LeaseRule {
  /** What the service grants, and what renewals ask for. */
  readonly leaseMs: number;
  readonly #certainMs: number;
  /** From this moment on the lease may have ended. */
  #lostAtMs: number;
  /** When to send the next renewal; Infinity while one is under way or none shall be sent. */
  #renewAtMs: number;
  /** Sending of the renewal under way. */
  #sentAtMs: number;
  /** Invariant: once set, it stays. */
  #end: LeaseEnd | null = null;

  /** `sentAtMs`: when the operation was sent that inserted the entry. */
  constructor(requestedMs: number, clockSkewMaxMs: number, sentAtMs: number) {
    this.leaseMs = Math.min(requestedMs, leaseMaxMs);
    this.#certainMs = certainMs(this.leaseMs, clockSkewMaxMs);
    this.#sentAtMs = sentAtMs;
    this.#lostAtMs = sentAtMs + this.#certainMs;
    this.#renewAtMs = sentAtMs + Math.floor(this.leaseMs / 3);
  }

  /** Null while it is held. */
  endAt(nowMs: number): LeaseEnd | null {
    if (this.#end === null && nowMs >= this.#lostAtMs) this.#end = 'expired';
    return this.#end;
  }

  /** How long it is held without another renewal; 0 if it is not. */
  remainingMs(nowMs: number): number {
    return this.endAt(nowMs) === null ? this.#lostAtMs - nowMs : 0;
  }

  /** When `isRenewalDue` or `endAt` next answers something else; Infinity: never. */
  get nextDueMs(): number {
    return this.#end === null ? Math.min(this.#lostAtMs, this.#renewAtMs) : Infinity;
  }

  isRenewalDue(nowMs: number): boolean {
    return this.endAt(nowMs) === null && nowMs >= this.#renewAtMs;
  }

  /**
   * A renewal is being sent; returns how long to wait for its answer, ms. Not beyond the local deadline: later
   * nothing of it may be sent any more. Not beyond a third of the lease: a later one counts from a later S.
   */
  onRenewalSent(nowMs: number): number {
    this.#sentAtMs = nowMs;
    this.#renewAtMs = Infinity;
    return Math.max(1, Math.min(this.remainingMs(nowMs), Math.floor(this.leaseMs / 3)));
  }

  /** The entry was renewed. Does not bring back a lease that anybody may have seen lost. */
  onRenewed(nowMs: number): void {
    // Only a look tells anybody that it is lost: one that went unseen has been extended in time.
    this.#lostAtMs = Math.max(this.#lostAtMs, this.#sentAtMs + this.#certainMs);
    this.#renewAtMs = this.#sentAtMs + Math.floor(this.leaseMs / 3);
    this.endAt(nowMs);
  }

  /** Nothing was renewed, or another entry: this one is not there any more, or not renewed any more. */
  onGone(): void {
    this.#end ??= 'gone';
  }

  /** No answer, so whether it was renewed is unknown and the local deadline stays. */
  onRenewalFailed(nowMs: number): void {
    this.#renewAtMs = nowMs + Math.min(retryMsMax, Math.ceil(this.leaseMs / retryParts));
  }

  /** No renewal can succeed any more; the lease runs out. */
  stopRenewing(): void {
    this.#renewAtMs = Infinity;
  }

  /** Gives it up; false if it was not held. */
  release(nowMs: number): boolean {
    const isHeld = this.endAt(nowMs) === null;
    this.#end ??= 'released';
    return isHeld;
  }
}
