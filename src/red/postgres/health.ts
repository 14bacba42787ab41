/**
 * Whether a running server still answers. One that is frozen, or whose disk is, is as good as dead but ends by no means by itself,
 * and its replica would go on being what it is. An error is an answer too. The time between two questions does not count: a
 * process that was itself suspended knows nothing of it.
 */
import { processClock, type LeaseClock } from '../../client/index.js';
import { pause } from './pauses.js';
import { Session, type Place } from './sql.js';

export const probeTimeoutMs = 1_500;
export const probeIntervalMs = 500;
const unansweredMax = 2;

/** Resolves with whether it was answered, within the time. */
export type Probe = (timeoutMs: number) => Promise<boolean>;

/** Resolves with true once the server has left questions unanswered; with false once the signal is aborted. */
export async function untilSilent(
  probe: Probe,
  signal: AbortSignal,
  clock: LeaseClock = processClock,
): Promise<boolean> {
  let unanswered = 0;
  while (!signal.aborted) {
    const isAnswered = await probe(probeTimeoutMs);
    unanswered = isAnswered ? 0 : unanswered + 1;
    if (unanswered >= unansweredMax) return !signal.aborted;
    if (isAnswered) await pause(clock, probeIntervalMs, signal);
  }
  return false;
}

/** Asks in one session of its own, which is opened anew once it has failed. */
export function sessionProbe(place: Place): { readonly probe: Probe; close(): void } {
  let session: Session | null = null;
  const close = (): void => {
    session?.close();
    session = null;
  };
  const probe: Probe = async (timeoutMs) => {
    try {
      session ??= await Session.open(place, timeoutMs);
      await session.query('SELECT', [], timeoutMs);
      return true;
    } catch (error) {
      close();
      return isAnswer(error);
    }
  };
  return { probe, close };
}

/** What has an SQLSTATE was said by the server. */
const isAnswer = (error: unknown): boolean => {
  const { fields } = error as { readonly fields?: Readonly<Record<string, unknown>> };
  return typeof fields?.['sqlState'] === 'string';
};
