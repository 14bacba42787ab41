/** Nothing that binds a replica leaves before it is durable (DESIGN section 2; pitfall 11; TOCS'02 section 5). */
import { describe, expect, test } from 'vitest';
import type { PeerMessage } from '../../src/codec/index.js';
import { addEnvelope, alice, Lockstep, openEnvelope } from '../support/lockstep.js';
import { batchOf, checkpoint, commit, prepare, prePrepare, viewChange } from '../support/messages.js';
import { Solo } from '../support/solo.js';

/** Those that something waits for. */
const recordKinds = (solo: Solo) =>
  solo.of('persist').flatMap(({ record, isLazy }) => (isLazy ? [] : [record.kind]));

/** A kind of message is not sent before `store()` and is sent after. */
function expectHeld(solo: Solo, kind: PeerMessage['kind']): void {
  expect(solo.sent(kind)).toEqual([]);
  solo.store();
  expect(solo.sent(kind)).toHaveLength(1);
}

function withheld(options: ConstructorParameters<typeof Solo>[0] = {}): Solo {
  const solo = new Solo(options);
  solo.holdsStorage = true;
  return solo;
}

describe('leaves only when its record is durable:', () => {
  test('DESIGN §2: PREPARE, with the batch', () => {
    const solo = withheld();
    const batch = batchOf(solo.nowMs, openEnvelope(alice));
    solo.message(0, prePrepare(0, 1, batch));
    const record = {
      kind: 'prePrepared',
      view: 0,
      sequenceNumber: 1,
      digest: batch.digest,
      batch: batch.bytes,
    };
    expect(solo.of('persist')).toEqual([{ kind: 'persist', recordNumber: 1, record, isLazy: false }]);
    expectHeld(solo, 'prepare');
  });

  test('DESIGN §2: COMMIT, with what was prepared', () => {
    const solo = withheld();
    const batch = batchOf(solo.nowMs, openEnvelope(alice));
    solo.message(0, prePrepare(0, 1, batch));
    solo.messages([0, 2, 3], prepare(0, 1, batch.digest));
    expect(recordKinds(solo)).toEqual(['prePrepared', 'prepared']);
    expectHeld(solo, 'commit');
  });

  test('DESIGN §2: CHECKPOINT', () => {
    const solo = withheld({ config: { checkpointInterval: 4, watermarkWindow: 8 } });
    solo.fill(1, 4);
    expect(recordKinds(solo)).toEqual(['checkpoint']);
    expectHeld(solo, 'checkpoint');
  });

  test('DESIGN §2: VIEW-CHANGE', () => {
    const solo = withheld({ id: 3 });
    for (const replica of [1, 2]) solo.message(replica, viewChange(replica, 1, { checkpoint: solo.genesis }));
    expect(solo.of('persist').map(({ record }) => record)).toEqual([{ kind: 'viewChange', view: 1 }]);
    expectHeld(solo, 'viewChange');
  });

  test('DESIGN §2: NEW-VIEW', () => {
    const solo = withheld({ id: 1 });
    for (const replica of [0, 2, 3])
      solo.message(replica, viewChange(replica, 1, { checkpoint: solo.genesis }));
    expect(solo.of('persist').at(-1)?.record).toMatchObject({ kind: 'newView', newView: { view: 1 } });
    expect(solo.status.isActive).toBe(false);
    expectHeld(solo, 'newView');
    expect(solo.status.isActive).toBe(true);
  });
});

describe('what is not durable', () => {
  test('DESIGN §2: a PRE-PREPARE may leave before; the PREPARE of the primary may not', () => {
    const solo = withheld({ id: 0 });
    solo.submit(openEnvelope(alice));
    expect(solo.sent('prePrepare')).toHaveLength(1);
    expectHeld(solo, 'prepare');
  });

  test('DESIGN §2: does not count for the replica itself', () => {
    const solo = withheld();
    const batch = batchOf(solo.nowMs, openEnvelope(alice));
    solo.message(0, prePrepare(0, 1, batch));
    solo.messages([0, 2], prepare(0, 1, batch.digest));
    expect(recordKinds(solo)).toEqual(['prePrepared']);
    solo.messages([0, 2], commit(0, 1, batch.digest));
    solo.store();
    expect(recordKinds(solo)).toEqual(['prePrepared', 'prepared']);
    expect(solo.of('deliver')).toEqual([]);
    solo.store();
    expect(solo.of('deliver')).toHaveLength(1);
  });

  test('DESIGN §2: does not make a checkpoint stable', () => {
    const solo = withheld({ config: { checkpointInterval: 4, watermarkWindow: 8 } });
    solo.fill(1, 4);
    for (const replica of [0, 2]) solo.message(replica, checkpoint(replica, 4, solo.stateDigest()));
    expect(solo.status.stableCheckpoint).toBe(0);
    solo.store();
    expect(solo.status.stableCheckpoint).toBe(4);
  });

  test('DESIGN §2: is not resent to a peer that asks for it', () => {
    const solo = withheld();
    solo.message(0, prePrepare(0, 1, batchOf(solo.nowMs, openEnvelope(alice))));
    const status = { kind: 'status', view: 0, isActive: true, isObserver: false } as never as PeerMessage;
    for (let round = 0; round < 3; round++) {
      solo.message(2, { ...status, lastExecuted: 0, stableCheckpoint: 0 } as never);
      solo.tick(100);
    }
    expect(solo.sent('prepare')).toEqual([]);
  });
});

describe('records', () => {
  test('DESIGN §6: are numbered 1, 2, 3, …; a message waits for its own record and those before it only', () => {
    const solo = withheld();
    for (const number of [1, 2]) {
      solo.message(0, prePrepare(0, number, batchOf(solo.nowMs, openEnvelope(alice, number))));
    }
    expect(solo.of('persist').map(({ recordNumber }) => recordNumber)).toEqual([1, 2]);
    solo.give({ kind: 'stored', recordNumber: 1 });
    expect(solo.sent('prepare').map(({ sequenceNumber }) => sequenceNumber)).toEqual([1]);
    solo.give({ kind: 'stored', recordNumber: 2 });
    expect(solo.sent('prepare').map(({ sequenceNumber }) => sequenceNumber)).toEqual([1, 2]);
  });

  test('DESIGN §2: no reply before the commitment is durable at a quorum', () => {
    const cluster = new Lockstep();
    const session = cluster.open(alice);
    cluster.holdsStorage = true;
    cluster.submit(addEnvelope(alice, session, 1, [1]));
    const replies = () => cluster.nodes.map(({ id }) => cluster.outputs(id, 'reply').length);
    for (const id of [0, 1, 2, 3]) cluster.store(id);
    cluster.settle();
    for (const id of [0, 1]) cluster.store(id);
    cluster.settle();
    expect(replies()).toEqual([0, 0, 0, 0]);
    cluster.store(2);
    cluster.settle();
    expect(replies()).toEqual([1, 1, 1, 1]);
  });
});
