/**
 * Slow checks (DESIGN section 2): verdicts that are pure functions of the bytes but cost milliseconds, so
 * that they must not run inside a turn (pitfall 37). Nothing registers one yet: then nothing is valid.
 */
export interface SlowChecks {
  /** Calls `done` once, later. A judge that fails is a bug: it goes to `failed` and gives no verdict. */
  judge(bytes: Uint8Array, done: (isValid: boolean) => void, failed: (error: unknown) => void): void;
}

/** `judge` must give the same verdict at every replica. */
export function createSlowChecks(judge?: (bytes: Uint8Array) => Promise<boolean>): SlowChecks {
  return {
    judge(bytes, done, failed) {
      if (judge === undefined) setImmediate(done, false);
      else judge(bytes).then(done, failed);
    },
  };
}
