import { describe, expect, it } from 'vitest';
import { pino } from 'pino';
import { clientId, replicaId } from '../../../src/base/index.js';
import { Suspicions } from '../../../src/replica/suspicions.js';
import { createCounts, createDrops, createWatch } from '../../../src/replica/watch.js';

const keyOf = (index: number) => clientId(index.toString(16).padStart(64, '0'));

describe('suspicions', () => {
  it('are counted by who and why, clients by their name', () => {
    const suspicions = new Suspicions((client) => (client === keyOf(1) ? 'eve' : client));
    suspicions.add(replicaId(3), 'VOTE_CONFLICTS');
    suspicions.add(keyOf(1), 'FOREIGN_ENVELOPE', 2);
    suspicions.add(replicaId(3), 'VOTE_CONFLICTS', 4);
    suspicions.add(keyOf(2), 'FOREIGN_ENVELOPE');
    expect(suspicions.largest()).toEqual([
      { of: 'replica 3', reason: 'VOTE_CONFLICTS', count: 5 },
      { of: 'eve', reason: 'FOREIGN_ENVELOPE', count: 2 },
      { of: keyOf(2), reason: 'FOREIGN_ENVELOPE', count: 1 },
    ]);
    expect(suspicions.totals()).toEqual([
      { peer: '3', reason: 'VOTE_CONFLICTS', count: 5 },
      { peer: 'clients', reason: 'FOREIGN_ENVELOPE', count: 3 },
    ]);
  });

  it('keep the clients seen last, and the rest as a sum', () => {
    const suspicions = new Suspicions();
    for (let index = 0; index < 1_000; index++) suspicions.add(keyOf(index), 'MALFORMED_FRAME');
    suspicions.add(keyOf(999), 'MALFORMED_FRAME');
    const [first, second, ...rest] = suspicions.largest();
    expect(first).toEqual({ of: 'others', reason: 'MALFORMED_FRAME', count: 744 });
    expect(second).toMatchObject({ of: keyOf(999), count: 2 });
    expect(rest).toHaveLength(62);
    expect(suspicions.totals()).toEqual([{ peer: 'clients', reason: 'MALFORMED_FRAME', count: 1_001 }]);
  });

  it('come from evidence, from what is dropped of known senders, and from primaries that are late or slow', () => {
    const counts = createCounts();
    const watch = createWatch(counts, pino({ level: 'silent' }));
    const drops = createDrops(counts);
    watch.evidence(replicaId(1), 'VOTE_CONFLICTS');
    drops.add('MALFORMED_FRAME', 1, replicaId(2));
    drops.add('MALFORMED_FRAME');
    drops.add('READS_FULL', 1, keyOf(1));
    watch.event('view-change-started', { from: 0, to: 1, primary: 0, reason: 'throughput' });
    watch.event('view-change-started', { from: 1, to: 2, primary: 1, reason: 'joined' });
    expect(counts.suspicions.largest()).toEqual([
      { of: 'replica 0', reason: 'PRIMARY_SLOW', count: 1 },
      { of: 'replica 1', reason: 'VOTE_CONFLICTS', count: 1 },
      { of: 'replica 2', reason: 'MALFORMED_FRAME', count: 1 },
    ]);
    expect(counts.drops.totals()).toEqual({ MALFORMED_FRAME: 2, READS_FULL: 1 });
  });
});
