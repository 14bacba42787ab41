/** What a measurement started goes away with it, however it ends. */
import { onStopSignals } from '../signals.js';

/** As shells report a program that Ctrl-C ended. */
const interruptedStatus = 130;

/** Calls `remove` after `use`, or at a signal, which then ends this process. */
export async function removedAfter<T>(remove: () => Promise<void>, use: () => Promise<T>): Promise<T> {
  const leave = (): void => process.exit(interruptedStatus);
  const release = onStopSignals(() => void remove().then(leave, leave), leave);
  try {
    return await use();
  } finally {
    release();
    await remove();
  }
}
