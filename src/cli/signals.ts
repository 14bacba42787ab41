/** Waiting for the user to end a command that runs until then. */

const stopSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

// npx passes a Ctrl-C on that the terminal has sent to us as well: the same key, not a second one.
const echoMs = 300;

/**
 * Calls `onFirst` at the first SIGINT, SIGTERM or SIGHUP and `onSecond` at the next one. Returns a function
 * that stops listening.
 */
export function onStopSignals(onFirst: () => void, onSecond: () => void): () => void {
  let firstAt: number | null = null;
  const listener = (): void => {
    const now = performance.now();
    if (firstAt === null) {
      firstAt = now;
      onFirst();
    } else if (now - firstAt > echoMs) {
      onSecond();
    }
  };
  for (const signal of stopSignals) process.on(signal, listener);
  return () => {
    for (const signal of stopSignals) process.off(signal, listener);
  };
}
