/** Replicas without their vote log: observers, REJOIN, incarnations (DESIGN section 2, amnesia; pitfall 11). */
import { describe, expect, test } from 'vitest';
import { replicaId } from '../../src/base/index.js';
import { decodeBatch, decodeEnvelope } from '../../src/codec/index.js';
import { addEnvelope, alice, Lockstep, openEnvelope } from '../support/lockstep.js';
import {
  batchOf,
  checkpoint,
  chosen,
  commit,
  entry,
  newView,
  prepare,
  prePrepare,
  rejoinEnvelope,
  rejoinNonce,
  status,
  viewChange,
} from '../support/messages.js';
import { Solo, type SoloOptions } from '../support/solo.js';

const config = { checkpointInterval: 4, watermarkWindow: 8 };
const startedAt = 999_000;

const observer = (options: SoloOptions = {}) =>
  new Solo({ id: 3, config, start: { kind: 'observer', startedAt, nonce: rejoinNonce }, ...options });

const rejoins = (solo: Solo) =>
  solo.sent('forward').flatMap(({ envelope }) => {
    const { body } = decodeEnvelope(envelope)!;
    return body.kind === 'rejoin' ? [body] : [];
  });

/** Replica 3's REJOIN is ordered at `number`; by default that of the life which `observer` starts. */
function rejoin(solo: Solo, number: number, at = startedAt, nonce?: Uint8Array): void {
  solo.order(number, batchOf(solo.nowMs, rejoinEnvelope(3, at, nonce)));
}

/** Nonces of lives before. */
const earlierNonce = new Uint8Array(16).fill(0xe1);
const earliestNonce = new Uint8Array(16).fill(0xe0);

function makeStable(solo: Solo, number: number): void {
  for (const replica of [0, 1, 2]) solo.message(replica, checkpoint(replica, number, solo.stateDigest()));
}

describe('an observer (pitfall 11)', () => {
  test('DESIGN §2: follows and executes but sends no PREPARE, COMMIT or CHECKPOINT', () => {
    const solo = observer();
    for (let number = 1; number <= 4; number++)
      solo.order(number, batchOf(solo.nowMs, openEnvelope(alice, number)));
    expect(solo.status).toMatchObject({ isObserver: true, executed: 4 });
    expect([...solo.sent('prepare'), ...solo.sent('commit'), ...solo.sent('checkpoint')]).toEqual([]);
    makeStable(solo, 4);
    expect(solo.status.stableCheckpoint).toBe(4);
  });

  test('DESIGN §2: sends no VIEW-CHANGE, neither on a timeout nor to join, but follows a NEW-VIEW', () => {
    const solo = observer();
    solo.submit(openEnvelope(alice));
    const changes = [0, 1, 2].map((id) => viewChange(id, 1, { checkpoint: solo.genesis }));
    for (const message of changes) solo.message(message.replica, message);
    solo.tick(3000);
    expect(solo.sent('viewChange')).toEqual([]);
    solo.message(1, newView(1, 1, changes, []));
    expect(solo.status).toMatchObject({ view: 1, isActive: true, isObserver: true });
  });

  test('DESIGN §2: leads no view', () => {
    const solo = observer({ id: 1 });
    for (const id of [0, 2, 3]) solo.message(id, viewChange(id, 1, { checkpoint: solo.genesis }));
    solo.submit(openEnvelope(alice));
    solo.tick(100);
    expect([...solo.sent('newView'), ...solo.sent('prePrepare')]).toEqual([]);
  });

  test('DESIGN §8: answers no fast read', () => {
    const solo = observer();
    solo.give({ kind: 'read', client: alice, readId: 1, operation: new Uint8Array(0) });
    expect(solo.of('readReply').filter(({ result }) => result !== null)).toEqual([]);
  });

  test('DESIGN §2: asks all for its REJOIN until it is ordered', () => {
    const solo = observer();
    solo.tick(400);
    expect(rejoins(solo).length).toBeGreaterThanOrEqual(2);
    expect(rejoins(solo)[0]).toEqual({ kind: 'rejoin', replica: 3, startedAt, nonce: rejoinNonce });
    rejoin(solo, 1);
    solo.clear();
    solo.tick(1000);
    expect(rejoins(solo)).toEqual([]);
  });

  test('DESIGN §2: asks with a later start than the last one ordered, if its clock was set back', () => {
    const solo = observer();
    rejoin(solo, 1, startedAt + 5000, earlierNonce);
    solo.tick(400);
    expect(rejoins(solo).at(-1)).toMatchObject({ startedAt: startedAt + 5001 });
    expect(solo.status.isObserver).toBe(true);
  });

  test('DESIGN §2: does not take the REJOIN of its previous life for its own, its clock set back both times', () => {
    const solo = observer();
    const last = startedAt + 5000;
    rejoin(solo, 1, last, earliestNonce);
    solo.fill(2, 8);
    makeStable(solo, 8);
    solo.tick(400);
    expect(rejoins(solo).at(-1)).toMatchObject({ startedAt: last + 1 });
    // What the previous life sent, with the same start, is executed only now; it has voted above that since.
    rejoin(solo, 9, last + 1, earlierNonce);
    for (let end = 12; end <= 20; end += 4) {
      solo.fill(end === 12 ? 10 : end - 3, end);
      makeStable(solo, end);
    }
    expect(solo.status).toMatchObject({ stableCheckpoint: 20, isObserver: true });
    solo.tick(400);
    const own = rejoins(solo).at(-1)!;
    expect(own).toMatchObject({ startedAt: last + 2 });
    rejoin(solo, 21, own.startedAt, own.nonce);
    for (let end = 24; end <= 32; end += 4) {
      expect(solo.status.isObserver).toBe(true);
      solo.fill(end === 24 ? 22 : end - 3, end);
      makeStable(solo, end);
    }
    expect(solo.status).toMatchObject({ stableCheckpoint: 32, isObserver: false });
    expect([...solo.sent('prepare'), ...solo.sent('commit')]).toEqual([]);
  });

  test('DESIGN §2: with r the number of its REJOIN it votes from a stable checkpoint at r + 256 or above, above it', () => {
    const solo = observer();
    rejoin(solo, 2 - 1);
    solo.fill(2, 8);
    makeStable(solo, 8);
    expect(solo.status).toMatchObject({ stableCheckpoint: 8, isObserver: true });
    solo.fill(9, 11);
    const late = batchOf(solo.nowMs, openEnvelope(alice, 13));
    solo.message(0, prePrepare(0, 13, late));
    expect(solo.sent('prepare')).toEqual([]);
    solo.fill(12, 12);
    makeStable(solo, 12);
    expect(solo.status.isObserver).toBe(false);
    expect(solo.sent('prepare')).toEqual([prepare(0, 13, late.digest)]);
  });

  test('DESIGN §2: that leads the view in which it may vote again proposes nothing in it and asks for the next', () => {
    const solo = observer({ id: 0 });
    const commitAll = (number: number, batch: ReturnType<typeof batchOf>) => {
      solo.messages([1, 2, 3], commit(0, number, batch.digest));
      solo.message(1, { kind: 'batchBody', batch: batch.bytes });
    };
    commitAll(1, batchOf(solo.nowMs, rejoinEnvelope(0, startedAt)));
    for (let number = 2; number <= 12; number++) {
      commitAll(number, batchOf(solo.nowMs + number));
      if (number % 4 !== 0) continue;
      if (number === 12) solo.submit(openEnvelope(alice));
      for (const id of [1, 2, 3]) solo.message(id, checkpoint(id, number, solo.stateDigest()));
    }
    expect(solo.status).toMatchObject({ isObserver: false, pending: 1, view: 0, primary: 0 });
    solo.tick(10);
    expect(solo.sent('prePrepare')).toEqual([]);
    expect(solo.sent('viewChange')).toMatchObject([{ view: 1, incarnation: 1 }]);
  });

  test('DESIGN §2: observers that are too many halt after a time without progress', () => {
    const solo = observer();
    solo.tick(0);
    solo.message(2, status({ isObserver: true }));
    solo.jump(14_900);
    expect(solo.of('halt')).toEqual([]);
    solo.jump(100);
    expect(solo.of('halt')).toEqual([{ kind: 'halt', reason: 'TOO_MANY_REPLICAS_LOST_THEIR_LOG' }]);
  });

  test('DESIGN §2: f observers wait as long as it takes', () => {
    const solo = observer();
    solo.message(2, status({ isObserver: true }));
    solo.message(2, status({ isObserver: false }));
    solo.jump(1_000_000);
    expect(solo.of('halt')).toEqual([]);
  });
});

describe('a REJOIN', () => {
  /** Incarnation that a replica knows of replica 3: the lowest that it believes in a VIEW-CHANGE. */
  function incarnation(solo: Solo): number {
    for (let known = 0; ; known++) {
      const before = solo.evidence().length;
      solo.message(3, viewChange(3, 1 + known, { checkpoint: solo.genesis, incarnation: known }));
      if (solo.evidence().length === before) return known;
    }
  }

  test('DESIGN §2: gives the next incarnation; VIEW-CHANGEs of older ones are void from then on', () => {
    const solo = new Solo({ config });
    expect(incarnation(solo)).toBe(0);
    rejoin(solo, 1);
    expect(incarnation(solo)).toBe(1);
  });

  test('DESIGN §2: counts again only when the window of the last one has passed', () => {
    const solo = new Solo({ config });
    rejoin(solo, 1);
    solo.fill(2, 7);
    rejoin(solo, 8, startedAt + 1);
    expect(incarnation(solo)).toBe(1);
    const later = new Solo({ config });
    rejoin(later, 1);
    later.fill(2, 8);
    makeStable(later, 8);
    rejoin(later, 9, startedAt + 1);
    expect(incarnation(later)).toBe(2);
  });

  test('DESIGN §2: replayed, is void; only a later start counts', () => {
    const solo = new Solo({ config });
    rejoin(solo, 1);
    rejoin(solo, 2);
    rejoin(solo, 3, startedAt - 1);
    expect(incarnation(solo)).toBe(1);
    solo.message(2, { kind: 'forward', envelope: rejoinEnvelope(3, startedAt).bytes });
    expect(solo.status.pending).toBe(0);
  });

  test('DESIGN §2: must be signed by its replica', () => {
    const solo = new Solo({ config });
    const forged = {
      ...rejoinEnvelope(3, startedAt),
      body: { ...rejoinEnvelope(3, 1).body, replica: replicaId(2) },
    };
    solo.give({ kind: 'envelope', envelope: forged as never });
    expect(solo.evidence()).toEqual(['ENVELOPE_NOT_AUTHENTIC']);
    expect(solo.status.pending).toBe(0);
  });

  test('DESIGN §2: drops a VIEW-CHANGE of an older incarnation that had arrived before', () => {
    const solo = new Solo({ id: 1, config });
    solo.message(3, viewChange(3, 1, { checkpoint: solo.genesis }));
    rejoin(solo, 1);
    expect(solo.status.sizes).toMatchObject({ viewChanges: 0 });
  });

  test('DESIGN §2: a NEW-VIEW with a VIEW-CHANGE of an older incarnation is refused', () => {
    const solo = new Solo({ id: 2, config });
    rejoin(solo, 1);
    const of = (id: number, incarnation = 0) => viewChange(id, 1, { checkpoint: solo.genesis, incarnation });
    solo.message(1, newView(1, 1, [of(0), of(1), of(3)], []));
    expect(solo.evidence()).toEqual(['INVALID_NEW_VIEW']);
    expect(solo.status.view).toBe(0);
  });

  test('DESIGN §2: a view that rests on a VIEW-CHANGE which it makes void is left, and not for one its sender leads', () => {
    const solo = new Solo({ id: 1, config });
    const batch = batchOf(solo.nowMs, rejoinEnvelope(3, startedAt));
    const known = { checkpoint: solo.genesis, prePrepared: [entry(1, 0, batch.digest)] };
    const changes = [
      viewChange(0, 2, { ...known, prepared: [entry(1, 0, batch.digest)] }),
      viewChange(2, 2, known),
      viewChange(3, 2, { checkpoint: solo.genesis }),
    ];
    solo.message(2, newView(2, 2, changes, [chosen(1, batch.digest)]));
    solo.message(2, { kind: 'batchBody', batch: batch.bytes });
    expect(solo.status).toMatchObject({ view: 2, isActive: true });
    solo.messages([0, 2, 3], commit(2, 1, batch.digest));
    solo.tick(10);
    expect(solo.status).toMatchObject({ executed: 1, view: 4, isActive: false });
    expect(solo.sent('viewChange')).toMatchObject([{ view: 4 }]);
  });

  test('DESIGN §2: the view is kept if it does not rest on the replica', () => {
    const solo = new Solo({ id: 1, config });
    const changes = [0, 1, 2].map((id) => viewChange(id, 2, { checkpoint: solo.genesis }));
    solo.message(2, newView(2, 2, changes, []));
    solo.order(1, batchOf(solo.nowMs, rejoinEnvelope(3, startedAt)), 2);
    expect(solo.status).toMatchObject({ executed: 1, view: 2, isActive: true });
  });
});

describe('empty batches past a REJOIN', () => {
  test('DESIGN §2: the primary proposes them up to the checkpoint that is needed, after what waits', () => {
    const solo = new Solo({ id: 0, config });
    solo.message(3, { kind: 'forward', envelope: rejoinEnvelope(3, startedAt).bytes });
    for (let number = 1; number <= solo.sent('prePrepare').length; number++) {
      const { batch } = solo.sent('prePrepare')[number - 1]!;
      const digest = batchOf(
        solo.nowMs,
        ...decodeBatch(batch)!.envelopes.map((bytes) => decodeEnvelope(bytes)!),
      ).digest;
      solo.messages([1, 2], prepare(0, number, digest));
      solo.messages([1, 2], commit(0, number, digest));
      if (number % 4 === 0)
        for (const id of [1, 2]) solo.message(id, checkpoint(id, number, solo.stateDigest()));
    }
    const sizes = solo.sent('prePrepare').map(({ batch }) => decodeBatch(batch)!.envelopes.length);
    expect(sizes).toEqual([1, ...new Array<number>(11).fill(0)]);
    expect(solo.status.stableCheckpoint).toBe(12);
  });

  test('DESIGN §2: backups accept them up to there and not beyond', () => {
    const solo = new Solo({ config });
    rejoin(solo, 1);
    solo.fill(2, 4);
    makeStable(solo, 4);
    solo.clear();
    for (const number of [5, 12]) solo.message(0, prePrepare(0, number, batchOf(solo.nowMs)));
    solo.fill(5, 8);
    makeStable(solo, 8);
    solo.message(0, prePrepare(0, 13, batchOf(solo.nowMs)));
    expect(solo.sent('prepare').map(({ sequenceNumber }) => sequenceNumber)).toEqual([5, 12]);
  });

  test('DESIGN §2: backups suspect a primary that does not propose them', () => {
    const solo = new Solo({ config });
    rejoin(solo, 1);
    solo.tick(690);
    expect(solo.sent('viewChange')).toEqual([]);
    solo.tick(10);
    expect(solo.sent('viewChange')).toMatchObject([{ view: 1 }]);
  });
});

describe('in a cluster', () => {
  test('DESIGN §2: a restarted primary proposes nothing in the view it led but asks for the next', () => {
    const cluster = new Lockstep(4, config);
    const session = cluster.open(alice);
    cluster.restart(0);
    cluster.tick(4000);
    expect(cluster.sent(0, 'prePrepare').filter(({ view }) => view === 0)).toEqual([]);
    cluster.submit(addEnvelope(alice, session, 1, [1]));
    cluster.tick(100);
    expect(cluster.values()).toEqual([1, 1, 1, 1]);
    for (const { replica } of cluster.nodes) {
      expect(replica.status()).toMatchObject({ isObserver: false, isActive: true });
      expect(replica.status().view).toBeGreaterThan(0);
    }
  });

  test('DESIGN §2: every replica restarts once, one after the other, and nothing is lost', () => {
    const cluster = new Lockstep(4, config);
    const session = cluster.open(alice);
    for (let id = 0; id < 4; id++) {
      cluster.submit(addEnvelope(alice, session, id + 1, [1]));
      cluster.restart(id);
      cluster.tick(5000);
      expect(cluster.node(id).replica.status().isObserver).toBe(false);
    }
    expect(cluster.values()).toEqual([4, 4, 4, 4]);
  });

  test('DESIGN §2: a replica that restarts again while it rejoins comes back too', () => {
    const cluster = new Lockstep(4, config);
    const session = cluster.open(alice);
    for (const ms of [30, 60, 150, 400]) {
      cluster.restart(2);
      cluster.tick(ms);
    }
    cluster.tick(5000);
    cluster.submit(addEnvelope(alice, session, 1, [1]));
    expect(cluster.node(2).replica.status()).toMatchObject({ isObserver: false, isActive: true });
    expect(cluster.values()).toEqual([1, 1, 1, 1]);
  });

  test('DESIGN §2: one that rejoins without end costs the others at most a view change a window', () => {
    const cluster = new Lockstep(4, config);
    const session = cluster.open(alice);
    cluster.node(0).isDown = true;
    cluster.submit(addEnvelope(alice, session, 1, [1]));
    cluster.tick(1500);
    cluster.node(0).isDown = false;
    for (let round = 0; round < 100; round++) {
      const envelope = rejoinEnvelope(3, cluster.nowMs).bytes;
      for (const id of [0, 1, 2]) cluster.post(3, id, { kind: 'forward', envelope });
      cluster.tick(50);
    }
    cluster.submit(addEnvelope(alice, session, 2, [1]));
    cluster.tick(1000);
    const { executed, view } = cluster.node(1).replica.status();
    expect(cluster.values()).toEqual([2, 2, 2, 2]);
    expect(view).toBeLessThanOrEqual(1 + 2 * Math.ceil(executed / config.watermarkWindow));
  });
});
