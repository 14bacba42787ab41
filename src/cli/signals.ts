/** Waiting for the user to end a command that runs until then. */
import { exitStatus } from './errors.js';

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

/** Calls `stop` when asked to: by a signal or, under a supervisor, by it or when it is gone. */
export function onStopRequest(isSupervised: boolean, stop: () => void, onSecond: () => void): () => void {
  if (!isSupervised) return onStopSignals(stop, onSecond);
  // Ctrl-C reaches the whole group of processes, and the supervisor decides what it means.
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  process.on('SIGTERM', stop);
  process.on('disconnect', stop);
  if (!process.connected) stop();
  return () => {
    process.off('SIGINT', ignore);
    process.off('SIGTERM', stop);
    process.off('disconnect', stop);
  };
}

/** The user has had enough. */
const stopped = Symbol('stopped');

/** Runs until it ends or a signal stops it; `whenStopped` is what the latter comes to. */
export async function untilStopped<T>(act: (signal: AbortSignal) => Promise<T>, whenStopped: T): Promise<T> {
  const controller = new AbortController();
  const ignoreSignals = onStopSignals(
    () => controller.abort(stopped),
    () => process.exit(exitStatus.unavailable),
  );
  try {
    return await act(controller.signal);
  } catch (error) {
    if (error === stopped) return whenStopped;
    throw error;
  } finally {
    ignoreSignals();
  }
}
