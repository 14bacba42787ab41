/** Waiting for a condition on something that reports its changes, with a time-out and an AbortSignal. */
export class Changes {
  readonly #watchers = new Set<() => void>();

  /** Something that a condition may rest on has changed. */
  notify(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  /**
   * True as soon as the condition holds, false after `timeoutMs`. Rejects with the signal's reason.
   * Leaves no timer and no listener behind.
   */
  async until(isSo: () => boolean, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted();
    if (isSo()) return true;
    let timer: NodeJS.Timeout | undefined;
    let watcher: (() => void) | undefined;
    let onAbort: (() => void) | undefined;
    try {
      return await new Promise<boolean>((resolve, reject) => {
        timer = setTimeout(() => resolve(false), timeoutMs);
        watcher = () => {
          if (isSo()) resolve(true);
        };
        this.#watchers.add(watcher);
        onAbort = () => reject(signal?.reason as Error);
        signal?.addEventListener('abort', onAbort);
      });
    } finally {
      clearTimeout(timer);
      if (watcher !== undefined) this.#watchers.delete(watcher);
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    }
  }
}
