/** STATUS and what it makes others resend: every message may be lost (Castro's thesis, message retransmission; DESIGN section 2). */
import { describe, expect, test } from 'vitest';
import { sequenceNumber } from '../../src/base/index.js';
import type { PeerMessage, StateNodeAt, Status } from '../../src/codec/index.js';
import { addEnvelope, alice, Lockstep, openEnvelope } from '../support/lockstep.js';
import {
  batchOf,
  certificate,
  checkpoint,
  commit,
  newView,
  nullDigest,
  prepare,
  prePrepare,
  status,
  viewChange,
} from '../support/messages.js';
import { Solo } from '../support/solo.js';

const config = { checkpointInterval: 4, watermarkWindow: 8 };

/** What replica 2 is sent after it has said twice that it stands here. */
function helpFor(solo: Solo, where: Partial<Status>): PeerMessage[] {
  solo.tick(100);
  solo.message(2, status(where));
  solo.tick(100);
  solo.clear();
  solo.message(2, status(where));
  return solo.of('send').flatMap(({ to, message }) => (to === 2 ? [message] : []));
}

describe('STATUS', () => {
  test('DESIGN §2: tells view, activity, last executed batch and stable checkpoint', () => {
    const solo = new Solo({ config });
    solo.fill(1, 5);
    for (const replica of [2, 3])
      solo.message(replica, checkpoint(replica, 4, solo.sent('checkpoint')[0]!.stateDigest));
    solo.tick(1000);
    expect(solo.sent('status').at(-1)).toEqual(status({ lastExecuted: 5, stableCheckpoint: 4 }));
  });

  test('DESIGN §2: goes out every 100 ms while something is outstanding, every second otherwise', () => {
    const idle = new Solo();
    idle.tick(2000);
    expect(idle.sent('status').length).toBeLessThanOrEqual(2);
    const waiting = new Solo();
    waiting.submit(openEnvelope(alice));
    waiting.tick(500);
    expect(waiting.sent('status').length).toBeGreaterThanOrEqual(4);
  });
});

describe('whoever is ahead resends', () => {
  test('DESIGN §2: its PREPARE and COMMIT', () => {
    const solo = new Solo();
    const batch = batchOf(solo.nowMs, openEnvelope(alice));
    solo.order(1, batch);
    const help = helpFor(solo, {});
    expect(help).toContainEqual(prepare(0, 1, batch.digest));
    expect(help).toContainEqual(commit(0, 1, batch.digest));
    expect(help.map(({ kind }) => kind)).not.toContain('prePrepare');
  });

  test('DESIGN §2: that the batch is committed; f + 1 such words suffice, and the body is fetched', () => {
    const solo = new Solo();
    const batch = batchOf(solo.nowMs, openEnvelope(alice));
    solo.order(1, batch);
    const help = helpFor(solo, {}).find(({ kind }) => kind === 'committed')!;
    expect(help).toMatchObject({ sequenceNumber: 1, digest: batch.digest });
    const lagging = new Solo();
    lagging.message(2, help);
    lagging.message(2, { ...help, digest: nullDigest } as PeerMessage);
    expect(lagging.sent('fetchBatch')).toEqual([]);
    lagging.message(3, help);
    lagging.message(3, { kind: 'batchBody', batch: batch.bytes });
    expect(lagging.of('deliver')).toMatchObject([{ sequenceNumber: 1, digest: batch.digest }]);
  });

  test('DESIGN §2: as primary its proposals', () => {
    const solo = new Solo({ id: 0 });
    solo.submit(openEnvelope(alice));
    const [proposal] = solo.sent('prePrepare');
    expect(helpFor(solo, {})).toContainEqual(proposal);
  });

  test('DESIGN §2: the certificate of its stable checkpoint', () => {
    const solo = new Solo({ config });
    solo.fill(1, 4);
    for (const replica of [2, 3]) solo.message(replica, checkpoint(replica, 4, solo.stateDigest()));
    const proof = certificate(4, solo.stateDigest(), [1, 2, 3]);
    expect(helpFor(solo, {})[0]).toEqual({ kind: 'stableCheckpoint', certificate: proof });
  });

  test('DESIGN §2: what was committed below its cut, to a peer whose window reaches there, and the bodies', () => {
    const solo = new Solo({ config });
    const { digest } = batchOf(solo.nowMs);
    solo.fill(1, 4);
    for (const replica of [2, 3]) solo.message(replica, checkpoint(replica, 4, solo.stateDigest()));
    const words = helpFor(solo, { lastExecuted: 2 as never }).filter(({ kind }) => kind === 'committed');
    expect(words).toEqual([3, 4].map((number) => ({ kind: 'committed', sequenceNumber: number, digest })));
    solo.clear();
    solo.message(2, { kind: 'fetchBatch', digest });
    expect(solo.sent('batchBody')).toHaveLength(1);
  });

  test('DESIGN §2: its CHECKPOINT that is not stable yet', () => {
    const solo = new Solo({ config });
    solo.fill(1, 4);
    expect(helpFor(solo, { lastExecuted: 4 as never })).toEqual([checkpoint(1, 4, solo.stateDigest())]);
  });

  test('DESIGN §2: its VIEW-CHANGE, to those who have not come as far', () => {
    const changing = () => {
      const solo = new Solo({ id: 3 });
      for (const replica of [0, 1])
        solo.message(replica, viewChange(replica, 2, { checkpoint: solo.genesis }));
      return solo;
    };
    const [own] = changing().sent('viewChange');
    expect(helpFor(changing(), {})).toEqual([own]);
    expect(helpFor(changing(), { view: 2 as never, isActive: false })).toEqual([own]);
    expect(helpFor(changing(), { view: 2 as never })).toEqual([]);
  });

  test('DESIGN §2: the NEW-VIEW, whoever made it', () => {
    const solo = new Solo({ id: 3 });
    const changes = [0, 1, 2].map((id) => viewChange(id, 1, { checkpoint: solo.genesis }));
    const message = newView(1, 1, changes, []);
    solo.message(1, message);
    expect(helpFor(solo, {})).toEqual([message]);
    expect(helpFor(solo, { view: 1 as never, isActive: false })).toEqual([message]);
    expect(helpFor(solo, { view: 1 as never })).toEqual([]);
  });

  test('DESIGN §2: only to one that stands still, and not more often than every half interval', () => {
    const solo = new Solo();
    solo.order(1, batchOf(solo.nowMs, openEnvelope(alice)));
    solo.order(2, batchOf(solo.nowMs, openEnvelope(alice, 2)));
    solo.tick(100);
    solo.clear();
    const sent = () => solo.of('send').filter(({ message }) => message.kind === 'commit').length;
    solo.message(2, status({ lastExecuted: 0 }));
    solo.tick(100);
    solo.message(2, status({ lastExecuted: 1 }));
    expect(sent()).toBe(0);
    solo.tick(100);
    for (let round = 0; round < 5; round++) solo.message(2, status({ lastExecuted: 1 }));
    expect(sent()).toBe(1);
  });

  test('DESIGN §2: nothing to one that has everything', () => {
    const solo = new Solo();
    solo.order(1, batchOf(solo.nowMs, openEnvelope(alice)));
    expect(helpFor(solo, { lastExecuted: 1 as never })).toEqual([]);
  });
});

describe('on request', () => {
  test("TOCS'02 §4.6: a replica serves the bodies that it holds, the null batch among them", () => {
    const solo = new Solo();
    const batch = batchOf(solo.nowMs, openEnvelope(alice));
    solo.message(0, prePrepare(0, 1, batch));
    solo.clear();
    solo.message(2, { kind: 'fetchBatch', digest: batch.digest });
    solo.message(2, { kind: 'fetchBatch', digest: nullDigest });
    solo.message(2, { kind: 'fetchBatch', digest: batchOf(0).digest });
    expect(solo.sent('batchBody').map((message) => message.batch)).toEqual([batch.bytes, new Uint8Array(0)]);
  });

  test('DESIGN §2: a replica serves the state of a snapshot that it has; of an older one, a newer certificate', () => {
    const solo = new Solo({ config });
    solo.fill(1, 4);
    for (const replica of [2, 3]) solo.message(replica, checkpoint(replica, 4, solo.stateDigest()));
    solo.clear();
    const roots = { level: 'roots', section: 0, number: 0, offset: 0 } as const;
    const ask = (number: number, node: StateNodeAt) =>
      solo.message(2, { kind: 'fetchState', sequenceNumber: sequenceNumber(number), nodes: [node] });
    ask(4, roots);
    ask(4, { ...roots, offset: 64 });
    ask(0, roots);
    ask(8, roots);
    expect(solo.of('send').map(({ message }) => message.kind)).toEqual(['stateNodes', 'stateGone']);
  });
});

describe('every kind of message may be lost', () => {
  const kinds = [
    'prePrepare',
    'prepare',
    'commit',
    'checkpoint',
    'forward',
    'status',
    'batchBody',
    'fetchBatch',
  ];

  test.each(kinds)('DESIGN §2: every second %s', (kind) => {
    const cluster = new Lockstep(4, config);
    let count = 0;
    cluster.filter = ({ message }) => (message.kind === kind && count++ % 2 === 0 ? null : message);
    cluster.submit(openEnvelope(alice));
    cluster.tick(1000);
    const { session } = cluster.outputs(1, 'opened')[0]!;
    for (let number = 1; number <= 6; number++) {
      cluster.submit(addEnvelope(alice, session, number, [1], 1));
      cluster.tick(300);
    }
    cluster.tick(3000);
    expect(cluster.values()).toEqual([6, 6, 6, 6]);
  });

  test.each(['viewChange', 'newView'])('DESIGN §2: every second %s, the primary having stopped', (kind) => {
    const cluster = new Lockstep(4, config);
    const session = cluster.open(alice);
    let count = 0;
    cluster.filter = ({ message }) => (message.kind === kind && count++ % 2 === 0 ? null : message);
    cluster.node(0).isDown = true;
    cluster.submit(addEnvelope(alice, session, 1, [1]));
    cluster.tick(5000);
    expect(cluster.values()).toEqual([0, 1, 1, 1]);
  });

  test.each(['stableCheckpoint', 'fetchState', 'stateNodes'])(
    'DESIGN §2: every second %s, a replica being far behind',
    (kind) => {
      const cluster = new Lockstep(4, config);
      const session = cluster.open(alice);
      let count = 0;
      cluster.filter = ({ message }) => (message.kind === kind && count++ % 2 === 0 ? null : message);
      cluster.node(3).isDown = true;
      for (let number = 1; number <= 9; number++)
        cluster.submit(addEnvelope(alice, session, number, [1]), [0]);
      cluster.node(3).isDown = false;
      cluster.tick(6000);
      expect(cluster.values()).toEqual([9, 9, 9, 9]);
    },
  );
});
