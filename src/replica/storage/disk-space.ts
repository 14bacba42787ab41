/**
 * How much room the data directory has left, looked at now and then. A replica whose disk really fills up has to stop in
 * the middle of what it does; so before that it takes no more from clients, and goes back to work by itself.
 */
import { statfs } from 'node:fs/promises';

export interface DiskSpaceOptions {
  /** Room that is left, in bytes. */
  readonly freeBytes: () => Promise<number>;
  /** What has to be left for the next states and votes. */
  readonly neededBytes: () => number;
  /** `isFull` has changed. */
  readonly changed: (isFull: boolean, freeBytes: number, neededBytes: number) => void;
}

export const defaultDiskFreeBytesMin = 256 << 20;
const intervalMs = 1_000;

/** Of the file system that holds the directory, as far as this user may use it. */
export async function freeBytesAt(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

export class DiskSpace {
  readonly #options: DiskSpaceOptions;
  #timer: NodeJS.Timeout | null = null;
  #isChecking = false;
  #isFull = false;
  #freeBytes: number | null = null;

  constructor(options: DiskSpaceOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** As of the last look; null before the first. */
  get freeBytes(): number | null {
    return this.#freeBytes;
  }

  start(): void {
    void this.check();
    this.#timer = setInterval(() => void this.check(), intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Never rejects: a file system that does not say how full it is leaves things as they are. */
  async check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    const { freeBytes, neededBytes, changed } = this.#options;
    try {
      const [free, needed] = [await freeBytes(), neededBytes()];
      this.#freeBytes = free;
      // A quarter more, so that it does not go to and fro.
      const isFull = free < (this.#isFull ? 1.25 * needed : needed);
      if (isFull === this.#isFull) return;
      this.#isFull = isFull;
      changed(isFull, free, needed);
    } catch {
      // The write that does not fit will tell.
    } finally {
      this.#isChecking = false;
    }
  }
}
