/** Waiting that ends early: parts of an agent must not hold up what comes after them. */
import type { LeaseClock } from '../../client/index.js';

/** Resolves after that time, or once the signal is aborted. */
export function pause(clock: LeaseClock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(delayMs, end);
    signal.addEventListener('abort', end, { once: true });
  });
}

/** What is asked may go on unheard: only for questions, not for what changes anything. @throws the signal's reason. */
export async function unlessAborted<T>(question: Promise<T>, signal: AbortSignal): Promise<T> {
  // Its failure is nobody's then.
  question.catch(() => undefined);
  signal.throwIfAborted();
  let end = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    end = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', end, { once: true });
  });
  try {
    return await Promise.race([question, aborted]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
