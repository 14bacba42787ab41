/** A replica that starts with its vote log and saved state (DESIGN sections 2 and 6; pitfall 11; TOCS'02 section 5). */
import { describe, expect, test } from 'vitest';
import { sequenceNumber } from '../../src/base/index.js';
import type { LogRecord } from '../../src/codec/index.js';
import type { Output, SavedState } from '../../src/ordering/index.js';
import { addEnvelope, alice, openEnvelope, requestsEnvelope } from '../support/lockstep.js';
import {
  batchOf,
  chosen,
  commit,
  checkpoint,
  entry,
  newView,
  prepare,
  prePrepare,
  rejoinNonce,
  status,
  viewChange,
} from '../support/messages.js';
import { Solo, type SoloOptions } from '../support/solo.js';

const config = { checkpointInterval: 4, watermarkWindow: 8, requestTimeoutMs: 1_000 };
const genesis: LogRecord = { kind: 'started', as: 'genesis' };

/** What lay on the disk when the replica died. */
interface Disk {
  readonly records: readonly LogRecord[];
  readonly state: SavedState | null;
}

const fresh = (options: SoloOptions = {}): Solo => new Solo({ id: 1, config, ...options });

function recordsOf(outputs: readonly Output[]): LogRecord[] {
  return outputs.flatMap((output) => (output.kind === 'persist' ? [output.record] : []));
}

/** Everything written so far; states only as far as the test has them saved. */
function diskOf(solo: Solo, state: SavedState | null = null): Disk {
  return { records: [genesis, ...recordsOf(solo.outputs)], state };
}

function lastSaved(solo: Solo): SavedState {
  const { certificate, ordering, application } = solo.of('saveState').at(-1)!.state;
  return { certificate, ordering: ordering.pages, application: application.pages };
}

function restarted({ records, state }: Disk, options: SoloOptions = {}, startedAt = 1_000_000): Solo {
  const life = { startedAt, nonce: rejoinNonce };
  return fresh({ ...options, start: { kind: 'recovered', records, state, ...life }, keepsFirst: true });
}

const batch = (number: number, nonce = number) => batchOf(1_000_000 + number, openEnvelope(alice, nonce));

function makeStable(solo: Solo, number: number): void {
  for (const replica of [0, 2, 3]) solo.message(replica, checkpoint(replica, number, solo.stateDigest()));
}

/** Has executed up to `last`, with stable checkpoints on the way. */
function worked(last: number): Solo {
  const solo = fresh();
  for (let number = 1; number <= last; number++) {
    solo.order(number, batch(number));
    if (number % 4 === 0) makeStable(solo, number);
  }
  return solo;
}

describe('the time that it takes', () => {
  test.each([600, 9_000])(
    'OSDI’99 4.5.2: reading its log for %i ms is no waiting for the primary',
    (readingMs) => {
      const before = fresh();
      before.message(0, prePrepare(0, 1, batch(1)));
      const solo = restarted(diskOf(before), {}, 1_000_000 - readingMs);
      solo.tick(900);
      expect(solo.sent('viewChange')).toEqual([]);
      solo.tick(200);
      expect(solo.sent('viewChange')).toMatchObject([{ view: 1 }]);
    },
  );
});

describe('what it executed', () => {
  test('DESIGN section 2: it asks again for the verdict that two batches need', () => {
    const before = fresh();
    const id = before.open(alice, 1);
    const checked = Uint8Array.of(255);
    for (const number of [1, 2]) {
      const envelope = requestsEnvelope(alice, id, number, [checked]);
      before.order(number + 1, batchOf(1_000_000 + number, envelope));
      const { check } = before.of('verify').at(-1)!;
      before.give({ kind: 'verified', check, isValid: true });
    }
    expect(before.status.executed).toBe(3);
    const solo = restarted(diskOf(before));
    expect(solo.status.executed).toBe(2);
    const [verify] = solo.of('verify');
    solo.give({ kind: 'verified', check: verify!.check, isValid: true });
    expect(solo.status.executed).toBe(3);
  });
});

describe('what it voted for', () => {
  test('OSDI’99 4.2: it prepares no other batch at the number in the same view', () => {
    const before = fresh();
    before.message(0, prePrepare(0, 1, batch(1)));
    const solo = restarted(diskOf(before));
    solo.message(0, prePrepare(0, 1, batch(1, 99)));
    expect(solo.sent('prepare')).toEqual([]);
    expect(solo.of('evidence')).toMatchObject([{ from: 0, code: 'PRE_PREPARE_CONFLICTS' }]);
  });

  test('OSDI’99 5.2: it says again what it said, to whoever stands still', () => {
    const before = fresh();
    before.message(0, prePrepare(0, 1, batch(1)));
    before.messages([0, 2], prepare(0, 1, batch(1).digest));
    const solo = restarted(diskOf(before));
    solo.message(2, status({}));
    solo.tick(200);
    solo.message(2, status({}));
    expect(solo.sent('prepare')).toContainEqual(prepare(0, 1, batch(1).digest));
    expect(solo.sent('commit')).toContainEqual(commit(0, 1, batch(1).digest));
    solo.messages([0, 2], commit(0, 1, batch(1).digest));
    expect(solo.status.executed).toBe(1);
  });

  test('TOCS’02 4.5.1: its next VIEW-CHANGE has P and Q of its earlier life', () => {
    const before = fresh();
    before.message(0, prePrepare(0, 1, batch(1)));
    before.messages([0, 2], prepare(0, 1, batch(1).digest));
    before.message(0, prePrepare(0, 2, batch(2)));
    const solo = restarted(diskOf(before));
    for (const replica of [2, 3]) solo.message(replica, viewChange(replica, 1, { checkpoint: solo.genesis }));
    const [own] = solo.sent('viewChange');
    expect(own).toMatchObject({
      view: 1,
      prepared: [entry(1, 0, batch(1).digest)],
      prePrepared: [entry(1, 0, batch(1).digest), entry(2, 0, batch(2).digest)],
    });
  });

  test('OSDI’99 4.4: a VIEW-CHANGE that it had sent is sent again, with the same votes', () => {
    const before = fresh({ id: 3 });
    before.message(0, prePrepare(0, 1, batch(1)));
    for (const replica of [1, 2])
      before.message(replica, viewChange(replica, 1, { checkpoint: before.genesis }));
    const [said] = before.sent('viewChange');
    const solo = restarted(diskOf(before), { id: 3 });
    expect(solo.status).toMatchObject({ view: 1, isActive: false });
    expect(solo.sent('viewChange')).toEqual([said]);
    solo.message(0, prePrepare(0, 2, batch(2)));
    expect(solo.sent('prepare')).toEqual([]);
  });

  test('DESIGN §2: it goes on in the view that it had entered, with what its NEW-VIEW chose', () => {
    const before = fresh({ id: 2 });
    const changes = [0, 1, 3].map((replica) =>
      viewChange(replica, 1, {
        checkpoint: before.genesis,
        prepared: [entry(1, 0, batch(1).digest)],
        prePrepared: [entry(1, 0, batch(1).digest)],
      }),
    );
    before.message(1, newView(1, 1, changes, [chosen(1, batch(1).digest)]));
    expect(before.status).toMatchObject({ view: 1, isActive: true });
    const solo = restarted(diskOf(before), { id: 2 });
    expect(solo.status).toMatchObject({ view: 1, isActive: true });
    solo.message(1, { kind: 'batchBody', batch: batch(1).bytes });
    expect(solo.sent('prepare')).toEqual([prepare(1, 1, batch(1).digest)]);
  });

  test('DESIGN §2: a primary never proposes in a view that it led before: it asks for the next', () => {
    const before = fresh({ id: 0 });
    const solo = restarted(diskOf(before), { id: 0 });
    solo.submit(openEnvelope(alice));
    expect(solo.sent('prePrepare')).toEqual([]);
    solo.tick(20);
    expect(solo.sent('viewChange')).toMatchObject([{ view: 1 }]);
  });

  test('DESIGN §8: a fast read waits for what was prepared in an earlier life', () => {
    const before = fresh();
    before.message(0, prePrepare(0, 1, batch(1)));
    before.messages([0, 2], prepare(0, 1, batch(1).digest));
    const solo = restarted(diskOf(before));
    solo.give({ kind: 'read', client: alice, readId: 1, operation: Uint8Array.of(1) });
    expect(solo.of('readReply')).toEqual([]);
    solo.messages([0, 2], commit(0, 1, batch(1).digest));
    expect(solo.of('readReply')).toHaveLength(1);
  });
});

describe('what it executed', () => {
  test('is executed again, without anybody’s help and without telling anybody', () => {
    const before = worked(7);
    const solo = restarted(diskOf(before));
    expect(solo.status).toMatchObject({ executed: 7, stableCheckpoint: 4, isObserver: false });
    expect(solo.stateDigest()).toBe(before.stateDigest());
    expect(solo.of('deliver').map(({ sequenceNumber: number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect([...solo.of('reply'), ...solo.of('opened')]).toEqual([]);
    expect(recordsOf(solo.outputs)).toEqual([]);
  });

  test('goes on from the saved state', () => {
    const before = worked(7);
    const solo = restarted(diskOf(before, lastSaved(before)));
    expect(solo.status).toMatchObject({ executed: 7, stableCheckpoint: 4 });
    expect(solo.of('deliver').map(({ sequenceNumber: number }) => number)).toEqual([5, 6, 7]);
    expect(solo.stateDigest()).toBe(before.stateDigest());
    expect(solo.of('saveState')).toEqual([]);
  });

  test('is signed again at a checkpoint that was not stable, but never in two ways', () => {
    const before = fresh();
    for (let number = 1; number <= 4; number++) before.order(number, batch(number));
    const disk = diskOf(before);
    expect(restarted(disk).sent('checkpoint')).toEqual(before.sent('checkpoint'));
    const altered = disk.records.map((record) =>
      record.kind === 'checkpoint' ? { ...record, stateDigest: batch(9).digest } : record,
    );
    const solo = restarted({ ...disk, records: altered });
    expect(solo.sent('checkpoint')).toEqual([]);
    expect(solo.of('event')).toContainEqual(expect.objectContaining({ event: 'replay-diverged' }));
  });

  test('counts for exactly once: a repeated request is answered from the replies', () => {
    const before = fresh();
    const session = before.open(alice, 1);
    const request = addEnvelope(alice, session, 1, [5]);
    before.order(2, batchOf(before.nowMs, request));
    const solo = restarted(diskOf(before));
    expect(solo.counter.value).toBe(5);
    solo.order(3, batchOf(solo.nowMs, request));
    expect(solo.counter.value).toBe(5);
    expect(solo.of('reply')).toHaveLength(1);
  });
});

describe('the saved state', () => {
  test('is that of each stable checkpoint, one at a time; only then the log forgets', () => {
    const solo = worked(8);
    expect(solo.of('saveState').map(({ state }) => state.certificate.sequenceNumber)).toEqual([4]);
    expect(solo.of('truncate')).toEqual([]);
    solo.give({ kind: 'stateSaved', sequenceNumber: sequenceNumber(4) });
    expect(solo.of('truncate')).toEqual([{ kind: 'truncate', sequenceNumber: 4 }]);
    expect(solo.of('saveState').map(({ state }) => state.certificate.sequenceNumber)).toEqual([4, 8]);
  });

  test('DESIGN §2: without it, and without what led to it, its votes wait until the peers have brought it back', () => {
    const before = worked(6);
    before.message(0, prePrepare(0, 7, batch(7)));
    const records = [
      genesis,
      ...recordsOf(before.outputs).filter(
        (record) => !('sequenceNumber' in record) || record.sequenceNumber > 4,
      ),
    ];
    const solo = restarted({ records, state: null });
    expect(solo.status).toMatchObject({ executed: 0, isObserver: true });
    // An observer that has its votes asks for no REJOIN and is silent in view changes.
    solo.tick(3_000);
    expect(solo.sent('forward')).toEqual([]);
    expect(solo.sent('viewChange')).toEqual([]);
    for (let number = 1; number <= 4; number++)
      for (const replica of [0, 2]) {
        solo.message(replica, {
          kind: 'committed',
          sequenceNumber: sequenceNumber(number),
          digest: batch(number).digest,
        });
        solo.message(replica, { kind: 'batchBody', batch: batch(number).bytes });
      }
    solo.message(0, { kind: 'stableCheckpoint', certificate: lastSaved(before).certificate });
    expect(solo.status).toMatchObject({ isObserver: false, executed: 6, stableCheckpoint: 4 });
    solo.message(0, prePrepare(0, 7, batch(7, 99)));
    expect(solo.sent('prepare')).toEqual([]);
    expect(solo.of('event')).toContainEqual(expect.objectContaining({ event: 'state-recovered' }));
  });

  test('that is not the certified one is not used', () => {
    const before = worked(4);
    const state = lastSaved(before);
    const application = new Map(state.application);
    const [page, bytes] = [...application][0]!;
    application.set(page, Uint8Array.of(...bytes, 0));
    const records = [genesis, ...recordsOf(before.outputs).filter(({ kind }) => kind === 'stableCheckpoint')];
    const solo = restarted({ records, state: { ...state, application } });
    expect(solo.status).toMatchObject({ executed: 0, isObserver: true });
    expect(solo.of('event')).toContainEqual(expect.objectContaining({ event: 'saved-state-damaged' }));
  });
});

describe('a life without votes', () => {
  test('DESIGN §2: that ended before its REJOIN’s window had passed is followed by another one', () => {
    const records: LogRecord[] = [{ kind: 'started', as: 'observer' }];
    const solo = restarted({ records, state: null });
    expect(solo.status.isObserver).toBe(true);
    solo.tick(200);
    expect(solo.sent('forward').length).toBeGreaterThan(0);
  });

  test('DESIGN §2: is over when the log says so', () => {
    const records: LogRecord[] = [{ kind: 'started', as: 'observer' }, { kind: 'voting' }];
    expect(restarted({ records, state: null }).status.isObserver).toBe(false);
  });
});
