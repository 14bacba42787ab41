/**
 * Time as the library takes it: monotonic, with timers, passed in by whoever runs it in another time than the
 * process's. Streams (link.ts) keep to the process's own timers.
 */

/** Monotonic time and timers that keep no process alive. */
export interface LeaseClock {
  nowMs(): number;
  /** Calls back not much later than `delayMs` from now; returns how to cancel that. */
  after(delayMs: number, callback: () => void): () => void;
}

export interface TurnClock extends LeaseClock {
  /** Calls back once whatever is ready now has run; returns how to cancel that. */
  atTurnEnd(callback: () => void): () => void;
}

/** Longest delay that a Node timer keeps. */
const timerMsMax = 2 ** 31 - 1;

export const processClock: TurnClock = {
  nowMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(delayMs, timerMsMax)).unref();
    return () => clearTimeout(timer);
  },
  atTurnEnd: (callback) => {
    const turn = setImmediate(callback);
    return () => clearImmediate(turn);
  },
};
