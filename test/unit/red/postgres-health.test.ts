import { describe, expect, it } from 'vitest';
import { untilSilent } from '../../../src/red/postgres/health.js';

/** Time goes on whenever somebody waits. */
const clock = {
  nowMs: () => 0,
  after: (_delayMs: number, action: () => void) => {
    queueMicrotask(action);
    return () => undefined;
  },
};

/** Answers as listed; the end of the list is the end of the server. */
function scripted(answers: readonly boolean[]): { asked: number; verdict: Promise<boolean> } {
  const ended = new AbortController();
  const state = { asked: 0 };
  const verdict = untilSilent(
    async () => {
      const answer = answers[state.asked++];
      if (state.asked === answers.length) ended.abort();
      return answer ?? false;
    },
    ended.signal,
    clock,
  );
  return Object.assign(state, { verdict });
}

describe('the health of a server', () => {
  it('is bad once two questions in a row have no answer', async () => {
    const run = scripted([true, true, false, false, true, true]);
    expect(await run.verdict).toBe(true);
    expect(run.asked).toBe(4);
  });

  it('is not bad for one question without: the agent itself may have been suspended meanwhile', async () => {
    const run = scripted([true, false, true, false, true, false, true]);
    expect(await run.verdict).toBe(false);
    expect(run.asked).toBe(7);
  });

  it('is nobody’s concern once the server has ended', async () => {
    expect(await scripted([true, false, false]).verdict).toBe(false);
  });
});
