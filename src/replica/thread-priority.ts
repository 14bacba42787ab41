/**
 * Lets this thread step back behind the others of the machine when there are too few processors: what it does may come
 * late, the ordering must not. Linux alone has priorities of threads; elsewhere nothing changes.
 */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

const steppedBack = 19;

export function stepBack(): void {
  if (process.platform !== 'linux') return;
  try {
    // "PID/task/TID" of whoever reads it.
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (Number.isSafeInteger(thread) && thread > 0) setPriority(thread, steppedBack);
  } catch {
    // A container may hide /proc or forbid it: then the threads share the processors evenly.
  }
}
