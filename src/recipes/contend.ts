/** Drawing a ticket and waiting until it is first, with a time-out; what Lock and Election have in common. */
import type { Field, Lease } from '../client/index.js';
import { giveBack, type TicketQueue } from './ticket-queue.js';

export interface ContendOptions {
  /** Longest time to wait, ms; default: until it is one's turn. */
  readonly timeout?: number | undefined;
  /** Gives up with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Null: the time is over. Whoever gives up leaves nothing behind. */
export async function contend(
  queue: TicketQueue,
  value: Field,
  leaseMs: number,
  { timeout, signal }: ContendOptions,
): Promise<Lease | null> {
  const timedOut = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
  const signals = [signal, timedOut].filter((each) => each !== undefined);
  const ended = signals.length === 0 ? undefined : AbortSignal.any(signals);
  const ticket = await queue.draw(value, leaseMs, signal);
  try {
    await queue.untilFirst(ticket, ended);
    return ticket.lease;
  } catch (error) {
    await giveBack(ticket);
    if (timedOut?.aborted === true && error === timedOut.reason) return null;
    throw error;
  }
}
