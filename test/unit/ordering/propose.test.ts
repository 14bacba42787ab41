/** Which number a primary proposes next, after others went on without it and it caught up. */
import { describe, expect, it } from 'vitest';
import { alice, openEnvelope } from '../../support/lockstep.js';
import { checkpoint } from '../../support/messages.js';
import { Solo } from '../../support/solo.js';

describe('a primary that caught up with what others committed', () => {
  const proposed = (solo: Solo): number[] =>
    solo.sent('prePrepare').map(({ sequenceNumber }) => sequenceNumber);

  it('proposes above what it executed', () => {
    const solo = new Solo({ id: 0 });
    solo.fill(1, 3);
    expect(solo.status.executed).toBe(3);
    solo.submit(openEnvelope(alice));
    expect(proposed(solo)).toEqual([4]);
  });

  it('proposes above its low watermark, once a checkpoint has passed it by', () => {
    const solo = new Solo({ id: 0, config: { checkpointInterval: 4, watermarkWindow: 8 } });
    solo.fill(1, 4);
    const digest = solo.stateDigest();
    for (const replica of [1, 2, 3]) solo.message(replica, checkpoint(replica, 4, digest));
    expect(solo.status.stableCheckpoint).toBe(4);
    solo.submit(openEnvelope(alice));
    expect(proposed(solo)).toEqual([5]);
  });
});
