/**
 * When a session is renewed for its own sake (DESIGN section 2: at a third of its lease, only while something goes on
 * in it): an envelope of one empty operation. It also reports late outcomes that have arrived, if so many have piled up
 * that they should not be kept at the replicas until something else is sent.
 */
import type { Alarm } from './alarm.js';
import type { Session } from './session.js';

/** Late outcomes that have arrived go with whatever is sent next; so many do not wait for that. */
const finishedHeldMax = 256;
/** Until one that could not be sent is tried again. */
const retryMs = 100;

export class KeepAlives {
  readonly #alarm: Alarm;
  readonly #intervalMs: number;

  constructor(alarm: Alarm, sessionLeaseMs: number) {
    this.#alarm = alarm;
    this.#intervalMs = Math.floor(sessionLeaseMs / 3);
  }

  #dueMs(session: Session): number {
    return session.renewedAtMs + this.#intervalMs;
  }

  /** Something goes on in the session. */
  onHeld(session: Session): void {
    this.#alarm.at(this.#dueMs(session));
  }

  /** A number was answered, or its late outcome has come. */
  onProgress(session: Session, nowMs: number): void {
    if (session.isHolding) this.#alarm.at(this.#dueMs(session));
    if (session.finishedCount >= finishedHeldMax) this.#alarm.at(nowMs);
  }

  /** Whether to send one now; envelopes in flight renew the session as well. Sets the alarm for the next time. */
  isDue(session: Session, nowMs: number, canSend: boolean): boolean {
    const dueMs = this.#dueMs(session);
    const isDue = (session.isHolding && nowMs >= dueMs) || session.finishedCount >= finishedHeldMax;
    if (isDue && canSend && session.envelopes.size === 0) return true;
    if (session.isHolding) this.#alarm.at(Math.max(dueMs, nowMs + retryMs));
    return false;
  }
}
