/** Waiting for what PostgreSQL tells nobody: asking again, seldom and seldomer, until a deadline. */
import { performance } from 'node:perf_hooks';
import { setTimeout as after } from 'node:timers/promises';
import { postgresError } from './errors.js';

const firstPauseMs = 2;
const lastPauseMs = 50;

/** The first answer that is not null; null once the time is over. */
export async function ask<T>(timeoutMs: number, question: () => Promise<T | null>): Promise<T | null> {
  const deadlineMs = performance.now() + timeoutMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, lastPauseMs)) {
    const answer = await question();
    if (answer !== null || performance.now() >= deadlineMs) return answer;
    await after(Math.min(pauseMs, Math.max(1, deadlineMs - performance.now())));
  }
}

/** Resolves once it holds. @throws TheodoraError POSTGRES_TIMEOUT. */
export async function until(
  awaited: string,
  timeoutMs: number,
  holds: () => Promise<boolean>,
): Promise<void> {
  if ((await ask(timeoutMs, async () => ((await holds()) ? true : null))) !== null) return;
  throw postgresError(
    'POSTGRES_TIMEOUT',
    `the database server did not get there within ${timeoutMs} ms: ${awaited}`,
    'See its log; if it is only slow, allow for more time',
    { fields: { awaited, timeoutMs } },
  );
}
