/** Each deliberate bug is noticed by a checker that is there for it (pitfall 41). */
import { describe, expect, it } from 'vitest';
import { canaries } from '../../src/sim/index.js';

describe('canaries (pitfall 41)', () => {
  for (const canary of canaries) {
    it(`${canary.name}: ${canary.bug}`, async () => {
      const { ok, failure } = await canary.run();
      expect(ok).toBe(false);
      expect(canary.checkers, failure?.message).toContain(failure?.checker);
    });
  }

  for (const { name, control } of canaries) {
    if (control === undefined) continue;
    it(`${name}: nothing is noticed without the bug`, async () => {
      expect((await control()).failure).toBeUndefined();
    });
  }

  it('cover every checker that a simulation has', () => {
    const covered = new Set(canaries.flatMap(({ checkers }) => checkers));
    const all = [
      'agreement',
      'blacklists',
      'bounded-memory',
      'convergence',
      'event-streams',
      'exactly-once',
      'fast-read-deadlines',
      'fast-reads',
      'guards',
      'holder-truth',
      'idle-expiry',
      'lease-truth',
      'linearizability',
      'opened-tuples',
      'ordered-time',
      'probe',
      'real-time',
      'red-copiers',
      'red-fencing',
      'red-liveness',
      'red-nothing-lost',
      'red-one-writer',
      'replay',
      'secrecy',
      'sessions',
      'state-digests',
      'waiting',
    ];
    expect(all.filter((checker) => !covered.has(checker))).toEqual([]);
  });
});
