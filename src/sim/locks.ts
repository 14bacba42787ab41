/**
 * Lease holders: clients that take locks with `cas`, renew them, give them back or forget them, and believe of a
 * lock what the client library's own rule says (DESIGN section 3), by their own drifting clock. What they believe
 * goes to the checker; whether it is true is not theirs to know.
 */
import { assert } from '../base/index.js';
import { LeaseRule } from '../client/index.js';
import { any, decodeResult } from '../codec/index.js';
import type { PlainField, PlainTuple, Result, Template, TemplateField } from '../codec/index.js';
import { lockTag } from './checkers/holder-truth.js';
import type { Belief } from './checkers/holder-truth.js';
import type { ClientHost } from './client-host.js';
import type { HistoryEntry } from './history.js';

export interface LockWorld {
  readonly simulator: { readonly nowUs: number };
  /** What holders reckon with as clockSkewMax. */
  readonly holderSkewMs: number;
  onBelief(belief: Belief): void;
}

interface Held {
  readonly lock: string;
  readonly tuple: PlainTuple;
  readonly rule: LeaseRule;
  /** When it was given up. */
  endedUs: number;
}

const space = 'default';

/** One lock at a time for one client. */
export class LockHolder {
  readonly #client: ClientHost;
  readonly #world: LockWorld;
  #held: Held | null = null;
  /** Part of each tuple, so that a late take or renewal of an earlier attempt finds nothing. */
  #attempts = 0;

  constructor(client: ClientHost, world: LockWorld) {
    this.#client = client;
    this.#world = world;
  }

  /** Whether it believes to hold a lock now. */
  get isHolding(): boolean {
    return this.#held !== null && this.#held.rule.endAt(this.#client.clock.nowMs()) === null;
  }

  acquire(lock: string, leaseMs: number, timeoutMs: number, onDone: () => void): void {
    const tuple: PlainTuple = [lockTag, lock, this.#client.node, ++this.#attempts];
    const template: Template = [value(lockTag), value(lock), any, any];
    const rule = new LeaseRule(leaseMs, this.#world.holderSkewMs, this.#client.clock.nowMs());
    const operation = { kind: 'cas', space, template, tuple, lease: leaseMs } as const;
    this.#client.call(operation, false, timeoutMs, (entry) => {
      const result = resultOf(entry);
      if (result?.kind === 'cas' && result.inserted) {
        this.#held = { lock, tuple, rule, endedUs: Infinity };
        this.#believe(this.#held, entry);
      }
      onDone();
    });
  }

  /** Must hold a lock, or have held one. */
  renew(onDone: () => void): void {
    const held = this.#held;
    assert(held !== null, 'nothing to renew');
    const { rule, tuple } = held;
    const timeoutMs = rule.onRenewalSent(this.#client.clock.nowMs());
    const operation = { kind: 'renew', space, template: tuple.map(value), lease: rule.leaseMs } as const;
    this.#client.call(operation, false, timeoutMs, (entry) => {
      const result = resultOf(entry);
      const nowMs = this.#client.clock.nowMs();
      if (result === null) rule.onRenewalFailed(nowMs);
      else if (result.kind === 'entry' && result.entry !== null) rule.onRenewed(nowMs);
      else rule.onGone();
      if (result !== null) this.#believe(held, entry);
      onDone();
    });
  }

  /** Gives the lock back; not held from now on, whatever becomes of it. */
  release(timeoutMs: number, onDone: () => void): void {
    const held = this.#held;
    assert(held !== null, 'nothing to release');
    this.forget();
    const operation = { kind: 'inp', space, template: held.tuple.map(value) } as const;
    this.#client.call(operation, false, timeoutMs, onDone);
  }

  /** Gives up believing, and leaves the lock to its lease. */
  forget(): void {
    if (this.#held === null) return;
    this.#held.rule.release(this.#client.clock.nowMs());
    this.#held.endedUs = this.#world.simulator.nowUs;
    this.#held = null;
  }

  /** From now on, if the rule says so, until the moment that it names. */
  #believe(held: Held, basis: HistoryEntry): void {
    const { clock, node } = this.#client;
    const nowMs = clock.nowMs();
    const untilMs = nowMs + held.rule.remainingMs(nowMs);
    const fromUs = this.#world.simulator.nowUs;
    const believesAt = (us: number): boolean =>
      us >= fromUs && us < held.endedUs && clock.readingMs(us) < untilMs;
    if (untilMs > nowMs) this.#world.onBelief({ lock: held.lock, client: node, basis, fromUs, believesAt });
  }
}

const value = (field: PlainField): TemplateField => ({ kind: 'value', value: field });

function resultOf({ outcome }: HistoryEntry): Result | null {
  return outcome?.kind === 'result' ? decodeResult(outcome.result) : null;
}
