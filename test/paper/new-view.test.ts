/** Entering a view: the new primary's NEW-VIEW and what its backups check (OSDI'99 section 4.4; TOCS'02 section 4.5). */
import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../src/base/index.js';
import type { ChosenBatch, NewView, ViewChange } from '../../src/codec/index.js';
import { alice, bob, openEnvelope, signAs } from '../support/lockstep.js';
import {
  batchOf,
  certificate,
  checkpoint,
  chosen,
  commit,
  digestOf,
  entry,
  newView,
  nullDigest,
  prepare,
  prePrepare,
  viewChange,
  type ViewChangeContent,
} from '../support/messages.js';
import { Solo } from '../support/solo.js';
import { carryState } from '../support/transfer.js';

const someBatch = (nonce = 1) => batchOf(1_000_000, openEnvelope(alice, nonce));
const one = someBatch(1);
const { genesis } = new Solo();
const change = (replica: number, content: ViewChangeContent = {}, view = 1) =>
  viewChange(replica, view, { checkpoint: genesis, ...content });
const preparedOne = { prepared: [entry(1, 0, one.digest)], prePrepared: [entry(1, 0, one.digest)] };
const acceptedOne = { prePrepared: [entry(1, 0, one.digest)] };

describe('the new primary', () => {
  test("OSDI'99 §4.4: with a quorum of VIEW-CHANGEs, its own among them, it sends NEW-VIEW, signed", () => {
    const solo = new Solo({ id: 1 });
    solo.message(0, change(0));
    expect(solo.sent('newView')).toEqual([]);
    solo.message(2, change(2));
    const [message] = solo.sent('newView');
    expect(message).toMatchObject({ view: 1, replica: 1, chosen: [] });
    expect(message?.viewChanges.map(({ replica }) => replica)).toEqual([0, 1, 2]);
    expect(equalBytes(message!.signature, signAs(1, 'new-view', message!.body))).toBe(true);
    expect(solo.status).toMatchObject({ view: 1, isActive: true });
  });

  test("OSDI'99 §4.4: others of that view send none", () => {
    const solo = new Solo({ id: 2 });
    for (const replica of [0, 1, 3]) solo.message(replica, change(replica));
    expect(solo.sent('newView')).toEqual([]);
  });

  test("TOCS'02 §4.5: decides again at each arrival until S decides", () => {
    const solo = new Solo({ id: 1 });
    solo.message(0, prePrepare(0, 1, one));
    const liar = change(3, { prepared: [entry(1, 0, digestOf('lie'))] });
    solo.message(3, liar);
    solo.message(0, change(0, preparedOne));
    expect(solo.status).toMatchObject({ view: 1, isActive: false });
    expect(solo.sent('newView')).toEqual([]);
    solo.message(2, change(2));
    expect(solo.sent('newView')).toMatchObject([{ chosen: [chosen(1, one.digest)] }]);
    expect(solo.sent('newView')[0]?.viewChanges).toHaveLength(4);
  });

  test("TOCS'02 §4.5, A3: fetches the bodies that it lacks first", () => {
    const solo = new Solo({ id: 1 });
    solo.message(0, change(0, preparedOne));
    solo.message(2, change(2, acceptedOne));
    expect(solo.sent('newView')).toEqual([]);
    expect(solo.sent('fetchBatch')).toEqual([{ kind: 'fetchBatch', digest: one.digest }]);
    solo.message(2, { kind: 'batchBody', batch: one.bytes });
    expect(solo.sent('newView')).toMatchObject([{ chosen: [chosen(1, one.digest)] }]);
    expect(solo.sent('prepare')).toEqual([prepare(1, 1, one.digest)]);
  });

  test("TOCS'02 §4.6: asks the next replica when a body does not come", () => {
    const solo = new Solo({ id: 1 });
    solo.message(0, change(0, preparedOne));
    solo.message(2, change(2, acceptedOne));
    solo.tick(150);
    const asked = solo.of('send').filter(({ message }) => message.kind === 'fetchBatch');
    expect(asked.map(({ to }) => to)).toEqual([2, 3, 0, 2]);
  });

  test("TOCS'02 §4.5: fetches the state of the start first", () => {
    const donor = new Solo({ id: 0, config: { checkpointInterval: 4, watermarkWindow: 8 } });
    donor.fill(1, 4);
    const proof = certificate(4, donor.stateDigest(), [0, 2, 3]);
    for (const replica of [2, 3]) donor.message(replica, checkpoint(replica, 4, donor.stateDigest()));
    const solo = new Solo({ id: 1, config: { checkpointInterval: 4, watermarkWindow: 8 } });
    for (const replica of [0, 2]) solo.message(replica, change(replica, { checkpoint: proof }));
    expect(solo.sent('newView')).toEqual([]);
    carryState(solo, new Map([[0, donor]]));
    expect(solo.sent('newView')).toMatchObject([{ chosen: [] }]);
    expect(solo.status).toMatchObject({ view: 1, isActive: true, executed: 4, stableCheckpoint: 4 });
  });

  test("OSDI'99 §4.4: numbers on behind what was chosen and proposes what still waits", () => {
    const solo = new Solo({ id: 1 });
    solo.message(0, prePrepare(0, 1, one));
    solo.submit(openEnvelope(alice, 1));
    solo.submit(openEnvelope(bob, 2));
    solo.message(0, change(0, preparedOne));
    solo.message(2, change(2, acceptedOne));
    expect(solo.sent('prePrepare')).toEqual([]);
    solo.messages([0, 2, 3], prepare(1, 1, one.digest));
    solo.messages([0, 2, 3], commit(1, 1, one.digest));
    const next = batchOf(solo.nowMs, openEnvelope(bob, 2));
    expect(solo.sent('prePrepare')).toEqual([prePrepare(1, 2, next)]);
  });
});

describe('a backup takes a NEW-VIEW', () => {
  const changes = [change(0, preparedOne), change(1), change(3, acceptedOne)];
  const choice = [chosen(1, one.digest)];

  /** Whether a backup that has seen nothing else enters the view. */
  function isTaken(message: NewView, from: number = message.replica): boolean {
    const solo = new Solo({ id: 2 });
    solo.message(from, message);
    const { view, isActive } = solo.status;
    const isIn = view === message.view && isActive;
    expect(solo.evidence()).toEqual(isIn ? [] : ['INVALID_NEW_VIEW']);
    return isIn;
  }
  const withChoice = (...batches: ChosenBatch[]) => newView(1, 1, changes, batches);
  const withChanges = (...viewChanges: ViewChange[]) => newView(1, 1, viewChanges, choice);

  test("OSDI'99 §4.4: that chose as its VIEW-CHANGEs say; then it sends PREPARE for each, and adopts the view", () => {
    const solo = new Solo({ id: 2 });
    solo.message(0, prePrepare(0, 1, one));
    solo.clear();
    solo.message(1, withChoice(...choice));
    expect(solo.status).toMatchObject({ view: 1, primary: 1, isActive: true });
    expect(solo.sent('prepare')).toEqual([prepare(1, 1, one.digest)]);
    const batch = someBatch(2);
    solo.message(1, prePrepare(1, 2, batch));
    expect(solo.sent('prepare')).toHaveLength(2);
  });

  test("OSDI'99 §4.4: whoever passes it on", () => {
    expect(isTaken(withChoice(...choice), 3)).toBe(true);
  });

  test("OSDI'99 §4.4: signed by the primary of that view", () => {
    const good = withChoice(...choice);
    expect(isTaken({ ...good, signature: signAs(3, 'new-view', good.body) })).toBe(false);
    expect(isTaken(newView(3, 1, changes, choice))).toBe(false);
  });

  test.each<[string, ChosenBatch[]]>([
    ['another digest', [chosen(1, digestOf('other'))]],
    ['the null batch instead', [chosen(1, nullDigest)]],
    ['nothing', []],
    ['one more', [...choice, chosen(2, nullDigest)]],
    ['the right digest elsewhere', [chosen(2, one.digest)]],
  ])("TOCS'02 §4.5: not with a wrong choice: %s", (_, batches) => {
    expect(isTaken(withChoice(...batches))).toBe(false);
  });

  test("TOCS'02 §4.5: not with a batch where the null batch is due", () => {
    const idle = [change(0), change(1), change(3, { prepared: [entry(2, 0, one.digest)], ...acceptedOne })];
    const supported = change(2, { prePrepared: [entry(2, 0, one.digest)] });
    const good = [chosen(1, nullDigest), chosen(2, nullDigest)];
    expect(isTaken(newView(1, 1, [idle[0]!, idle[1]!, supported, idle[2]!], good))).toBe(true);
    expect(isTaken(newView(1, 1, [...idle, supported], [chosen(1, nullDigest), chosen(2, one.digest)]))).toBe(
      false,
    );
  });

  test("TOCS'02 §4.5: not if S is too small to decide, or does not decide", () => {
    expect(isTaken(withChanges(changes[0]!, changes[2]!))).toBe(false);
    expect(isTaken(withChanges(changes[0]!, change(1), change(3)))).toBe(false);
  });

  test("OSDI'99 §4.4: not with a VIEW-CHANGE twice, invalid, forged or for another view (pitfall 2)", () => {
    expect(isTaken(withChanges(changes[0]!, changes[2]!, changes[2]!))).toBe(false);
    expect(
      isTaken(withChanges(changes[0]!, changes[2]!, change(3, { prePrepared: [entry(1, 1, one.digest)] }))),
    ).toBe(false);
    expect(
      isTaken(withChanges(changes[0]!, { ...change(1), signature: new Uint8Array(64) }, changes[2]!)),
    ).toBe(false);
    expect(isTaken(withChanges(changes[0]!, change(1, {}, 2), changes[2]!))).toBe(false);
    expect(isTaken(withChanges(changes[0]!, changes[2]!, change(4)))).toBe(false);
  });

  test("OSDI'99 §4.4: not for a view that it has left behind or is in", () => {
    const solo = new Solo({ id: 2 });
    for (const replica of [0, 3]) solo.message(replica, change(replica, {}, 3));
    solo.message(1, withChoice(...choice));
    expect(solo.status).toMatchObject({ view: 3, isActive: false });
    const active = new Solo({ id: 2 });
    active.message(1, withChoice(...choice));
    active.clear();
    active.message(1, newView(1, 1, [change(0), change(1), change(3)], []));
    expect(active.outputs).toEqual([]);
  });

  test("TOCS'02 §4.6: a body that it lacks it fetches before it sends PREPARE", () => {
    const solo = new Solo({ id: 2 });
    solo.message(1, withChoice(...choice));
    expect(solo.sent('prepare')).toEqual([]);
    expect(solo.sent('fetchBatch')).toEqual([{ kind: 'fetchBatch', digest: one.digest }]);
    solo.message(3, { kind: 'batchBody', batch: one.bytes });
    expect(solo.sent('prepare')).toEqual([prepare(1, 1, one.digest)]);
  });

  test("OSDI'99 §4.4: null batches go through the protocol like others and do nothing", () => {
    const solo = new Solo({ id: 2 });
    const far = { prepared: [entry(2, 0, one.digest)], prePrepared: [entry(2, 0, one.digest)] };
    const all = [change(0, far), change(1), change(3, far)];
    solo.message(1, newView(1, 1, all, [chosen(1, nullDigest), chosen(2, one.digest)]));
    expect(solo.sent('prepare')).toEqual([prepare(1, 1, nullDigest)]);
    solo.messages([0, 1, 3], prepare(1, 1, nullDigest));
    solo.messages([0, 1, 3], commit(1, 1, nullDigest));
    expect(solo.of('deliver')).toMatchObject([{ sequenceNumber: 1, digest: nullDigest, operationCount: 0 }]);
  });

  test("OSDI'99 §4.4: what it had executed before it prepares again but does not execute again", () => {
    const solo = new Solo({ id: 2 });
    solo.order(1, one);
    solo.message(1, withChoice(...choice));
    solo.messages([0, 1, 3], prepare(1, 1, one.digest));
    solo.messages([0, 1, 3], commit(1, 1, one.digest));
    expect(solo.sent('commit').map(({ view }) => view)).toEqual([0, 1]);
    expect(solo.of('deliver')).toHaveLength(1);
  });

  test("OSDI'99 §4.4: a start ahead of it makes it fetch the state", () => {
    const solo = new Solo({ id: 2 });
    const proof = certificate(256, digestOf('state'), [0, 1, 3]);
    solo.message(
      1,
      newView(
        1,
        1,
        [0, 1, 3].map((id) => change(id, { checkpoint: proof })),
        [],
      ),
    );
    solo.tick(300);
    expect(solo.status).toMatchObject({ view: 1, isActive: true });
    expect(solo.sent('fetchState')[0]).toMatchObject({ sequenceNumber: 256, nodes: [{ level: 'roots' }] });
  });
});
