/** Checkpoints, garbage collection, watermarks and state transfer (OSDI'99 section 4.3). */
import { describe, expect, test } from 'vitest';
import { replicaId } from '../../src/base/index.js';
import { encodeCheckpointBody, type CheckpointCertificate } from '../../src/codec/index.js';
import { quorumSize } from '../../src/ordering/index.js';
import { addEnvelope, alice, Lockstep, openEnvelope, signAs } from '../support/lockstep.js';
import { batchOf, certificate, checkpoint, digestOf, prePrepare } from '../support/messages.js';
import { Solo } from '../support/solo.js';

const config = { checkpointInterval: 4, watermarkWindow: 8 };

/** A replica that has executed up to its first checkpoint. */
function atCheckpoint(n = 4): Solo {
  const solo = new Solo({ n, config });
  solo.fill(1, 4);
  return solo;
}

const stable = (solo: Solo) => solo.status.stableCheckpoint;

describe('checkpoints', () => {
  test("OSDI'99 §4.3: are taken every so many batches and signed: number, digest of the state, replica", () => {
    const solo = new Solo({ config });
    solo.fill(1, 9);
    expect(solo.sent('checkpoint').map(({ sequenceNumber }) => sequenceNumber)).toEqual([4, 8]);
    const at4 = atCheckpoint();
    expect(at4.sent('checkpoint')).toEqual([checkpoint(1, 4, at4.stateDigest())]);
  });

  test.each([4, 7, 10])("OSDI'99 §4.3: become stable with a quorum of equal CHECKPOINTs (n = %i)", (n) => {
    const solo = atCheckpoint(n);
    const others = solo.others().slice(0, quorumSize(n) - 1);
    for (const replica of others.slice(1)) solo.message(replica, checkpoint(replica, 4, solo.stateDigest()));
    expect(stable(solo)).toBe(0);
    solo.message(others[0]!, checkpoint(others[0]!, 4, solo.stateDigest()));
    expect(stable(solo)).toBe(4);
  });

  test("OSDI'99 §4.3: once stable, everything at or below is discarded and the watermarks move", () => {
    const solo = atCheckpoint();
    solo.message(0, prePrepare(0, 9, batchOf(solo.nowMs, openEnvelope(alice))));
    for (const replica of [2, 3]) solo.message(replica, checkpoint(replica, 4, solo.stateDigest()));
    expect(solo.status.sizes).toMatchObject({ slots: 0, bodies: 0, snapshots: 1 });
    solo.clear();
    for (const number of [4, 5, 12, 13])
      solo.message(0, prePrepare(0, number, batchOf(solo.nowMs, openEnvelope(alice, number))));
    expect(solo.sent('prepare').map(({ sequenceNumber }) => sequenceNumber)).toEqual([5, 12]);
  });

  test("OSDI'99 §4.3: the certificate is kept, also on disk", () => {
    const solo = atCheckpoint();
    for (const replica of [2, 3]) solo.message(replica, checkpoint(replica, 4, solo.stateDigest()));
    const record = { kind: 'stableCheckpoint', certificate: certificate(4, solo.stateDigest(), [1, 2, 3]) };
    expect(solo.of('persist').at(-1)?.record).toEqual(record);
  });

  test("OSDI'99 §4.3: CHECKPOINTs with different digests do not add up; each replica is heard once", () => {
    const solo = atCheckpoint();
    solo.message(2, checkpoint(2, 4, digestOf('other')));
    solo.message(2, checkpoint(2, 4, solo.stateDigest()));
    expect(stable(solo)).toBe(0);
  });

  test("OSDI'99 §4.3: a CHECKPOINT counts only if signed, for its sender, at a checkpoint's number", () => {
    const solo = atCheckpoint();
    const good = checkpoint(2, 4, solo.stateDigest());
    solo.message(2, { ...good, signature: new Uint8Array(64) });
    solo.message(3, good);
    solo.message(2, checkpoint(2, 5, solo.stateDigest()));
    expect(solo.evidence()).toEqual(['BAD_SIGNATURE', 'MALFORMED_CHECKPOINT', 'MALFORMED_CHECKPOINT']);
    solo.message(3, checkpoint(3, 4, solo.stateDigest()));
    expect(stable(solo)).toBe(0);
  });

  test('DESIGN §6: a replica whose state differs from a certified one answers nobody and fetches that state (pitfall 8)', () => {
    const solo = atCheckpoint();
    for (const replica of [0, 2, 3]) solo.message(replica, checkpoint(replica, 4, digestOf('other')));
    expect(solo.of('event')).toContainEqual(expect.objectContaining({ event: 'state-diverged' }));
    expect(solo.sent('fetchState').length).toBeGreaterThan(0);
    expect(stable(solo)).toBe(0);
    solo.clear();
    solo.give({ kind: 'read', client: alice, readId: 7, operation: Uint8Array.of(1) });
    expect(solo.of('readReply')).toMatchObject([{ readId: 7, result: null }]);
    solo.order(5, batchOf(solo.nowMs, openEnvelope(alice)));
    expect(solo.sent('prepare')).toHaveLength(1);
    expect([...solo.of('opened'), ...solo.of('deliver')]).toEqual([]);
  });
});

describe('a checkpoint certificate', () => {
  /** Whether a replica that has executed up to 4 takes it as proof. */
  function isBelieved(make: (state: ReturnType<Solo['stateDigest']>) => CheckpointCertificate): boolean {
    const solo = atCheckpoint();
    const message = { kind: 'stableCheckpoint', certificate: make(solo.stateDigest()) } as const;
    solo.give({ kind: 'message', from: replicaId(3), message });
    return stable(solo) === 4;
  }

  test("OSDI'99 §4.3: is a quorum of signatures under one state", () => {
    expect(isBelieved((state) => certificate(4, state, [0, 2, 3]))).toBe(true);
    expect(isBelieved((state) => certificate(4, state, [0, 2]))).toBe(false);
  });

  test("OSDI'99 §4.3: counts a signer once", () => {
    expect(isBelieved((state) => certificate(4, state, [0, 2, 2]))).toBe(false);
  });

  test("OSDI'99 §4.3: has no place for non-members", () => {
    expect(isBelieved((state) => certificate(4, state, [0, 2, 4]))).toBe(false);
    expect(isBelieved((state) => certificate(4, state, [0, 2, 3, 4]))).toBe(false);
  });

  test("OSDI'99 §4.3: holds for the number and digest that were signed", () => {
    expect(isBelieved((state) => ({ ...certificate(8, state, [0, 2, 3]), sequenceNumber: 4 as never }))).toBe(
      false,
    );
    expect(isBelieved((state) => ({ ...certificate(4, digestOf('x'), [0, 2, 3]), stateDigest: state }))).toBe(
      false,
    );
  });

  test("OSDI'99 §4.3: holds only with signatures of CHECKPOINTs", () => {
    const make = (state: ReturnType<Solo['stateDigest']>): CheckpointCertificate => {
      const good = certificate(4, state, [0, 2, 3]);
      const signature = signAs(3, 'view-change', encodeCheckpointBody(good));
      return { ...good, signatures: [...good.signatures.slice(0, 2), { replica: replicaId(3), signature }] };
    };
    expect(isBelieved(make)).toBe(false);
  });
});

describe('state transfer', () => {
  /** Replica 3 sleeps while the others take two checkpoints. */
  function withLaggard(): Lockstep {
    // Without histories at the peers: the missed batches themselves are gone.
    const cluster = new Lockstep(4, { ...config, historyBatchesMax: 0 });
    const session = cluster.open(alice);
    cluster.node(3).isDown = true;
    for (let number = 1; number <= 9; number++) cluster.submit(addEnvelope(alice, session, number, [1]), [0]);
    cluster.node(3).isDown = false;
    return cluster;
  }

  test("OSDI'99 §4.3: a replica behind the low watermark of the others gets the state of the checkpoint", () => {
    const cluster = withLaggard();
    cluster.tick(2500);
    expect(cluster.values()).toEqual([9, 9, 9, 9]);
    expect(cluster.node(3).replica.stateDigest()).toBe(cluster.node(0).replica.stateDigest());
    expect(cluster.node(3).counter.executed.length).toBeLessThan(9);
  });

  test('DESIGN §2: a state that is not the certified one is refused and its donor asked no more (pitfall 4)', () => {
    const cluster = withLaggard();
    let liar: number | null = null;
    cluster.filter = ({ from, message }) => {
      if (message.kind !== 'stateNodes') return message;
      liar ??= from;
      const parts = message.parts.map((part) => ({ ...part, data: part.data.map((byte) => byte ^ 1) }));
      return from === liar ? { ...message, parts } : message;
    };
    cluster.tick(3500);
    expect(cluster.outputs(3, 'evidence')).toMatchObject([{ from: liar, code: 'WRONG_STATE' }]);
    expect(cluster.values()).toEqual([9, 9, 9, 9]);
  });

  test('DESIGN §2: the state is had from the others where a donor does not answer', () => {
    const cluster = withLaggard();
    let silent: number | null = null;
    cluster.filter = ({ from, message }) => {
      if (message.kind !== 'stateNodes') return message;
      silent ??= from;
      return from === silent ? null : message;
    };
    cluster.tick(3500);
    expect(cluster.values()).toEqual([9, 9, 9, 9]);
  });

  test('DESIGN §2: the reply cache comes with the state (pitfall 13)', () => {
    const cluster = withLaggard();
    cluster.tick(2500);
    const [opened] = cluster.outputs(0, 'opened');
    cluster.node(3).outputs = [];
    cluster.submit(addEnvelope(alice, opened!.session, 9, [1], 1), [3]);
    expect(cluster.outputs(3, 'reply')).toMatchObject([
      { outcomes: [{ kind: 'result', result: Uint8Array.of(9) }] },
    ]);
    expect(cluster.values()).toEqual([9, 9, 9, 9]);
  });

  test('DESIGN §2: of another state-machine version: halt', () => {
    const cluster = withLaggard();
    Object.assign(cluster.node(3).counter, { version: 2 });
    cluster.tick(2500);
    expect(cluster.outputs(3, 'halt')).toEqual([{ kind: 'halt', reason: 'VERSION_MISMATCH' }]);
  });
});
