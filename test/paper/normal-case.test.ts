/** Normal-case operation: PRE-PREPARE, PREPARE, COMMIT, execution and replies (OSDI'99 sections 4.1 and 4.2). */
import { describe, expect, test } from 'vitest';
import { sessionId } from '../../src/base/index.js';
import { quorumSize } from '../../src/ordering/index.js';
import { addEnvelope, alice, bob, openEnvelope, requestsEnvelope } from '../support/lockstep.js';
import {
  batchOf,
  commit,
  digestOf,
  newView,
  nullDigest,
  prepare,
  prePrepare,
  viewChange,
} from '../support/messages.js';
import { Solo } from '../support/solo.js';

const sizes = [4, 5, 6, 7, 8, 9, 10];
const someBatch = (solo: Solo, nonce = 1) => batchOf(solo.nowMs, openEnvelope(alice, nonce));

describe('a backup accepts a PRE-PREPARE', () => {
  test("OSDI'99 §4.2: from the primary of its view, and multicasts PREPARE with view, number and digest", () => {
    const solo = new Solo();
    const batch = someBatch(solo);
    solo.message(0, prePrepare(0, 1, batch));
    expect(solo.of('broadcast').map(({ message }) => message)).toEqual([prepare(0, 1, batch.digest)]);
  });

  test("OSDI'99 §4.2: only in its own view", () => {
    const solo = new Solo();
    solo.message(1, prePrepare(1, 1, someBatch(solo)));
    solo.message(0, prePrepare(4, 1, someBatch(solo)));
    expect(solo.sent('prepare')).toEqual([]);
  });

  test("OSDI'99 §4.2: only from the primary", () => {
    const solo = new Solo();
    solo.message(2, prePrepare(0, 1, someBatch(solo)));
    expect(solo.sent('prepare')).toEqual([]);
    expect(solo.evidence()).toEqual(['PRE_PREPARE_NOT_FROM_PRIMARY']);
  });

  test("OSDI'99 §4.2: only between the watermarks (pitfall 6)", () => {
    const solo = new Solo();
    for (const number of [0, 1, 256, 257]) solo.message(0, prePrepare(0, number, someBatch(solo)));
    expect(solo.sent('prepare').map(({ sequenceNumber }) => sequenceNumber)).toEqual([1, 256]);
  });

  test("OSDI'99 §4.2: only the first digest for a view and sequence number", () => {
    const solo = new Solo();
    const batch = someBatch(solo);
    solo.message(0, prePrepare(0, 1, batch));
    solo.message(0, prePrepare(0, 1, batch));
    solo.message(0, prePrepare(0, 1, someBatch(solo, 2)));
    expect(solo.sent('prepare').map(({ digest }) => digest)).toEqual([batch.digest]);
    expect(solo.evidence()).toEqual(['PRE_PREPARE_CONFLICTS']);
  });

  test("OSDI'99 §4.2: only if the requests in it are authentic", () => {
    const solo = new Solo();
    const forged = { ...openEnvelope(alice), bytes: openEnvelope(bob).bytes.slice() };
    forged.bytes[forged.bytes.length - 1]! ^= 1;
    solo.message(0, prePrepare(0, 1, batchOf(solo.nowMs, forged)));
    expect(solo.sent('prepare')).toEqual([]);
    expect(solo.evidence()).toEqual(['BATCH_NOT_AUTHENTIC']);
  });

  test("OSDI'99 §4.2: only if it is well-formed; the null batch is never a fresh proposal", () => {
    const solo = new Solo();
    for (const bytes of [Uint8Array.of(1, 2, 3), new Uint8Array(0)])
      solo.message(0, prePrepare(0, 1, { bytes, digest: digestOf('garbage') }));
    expect(solo.sent('prepare')).toEqual([]);
    expect(solo.evidence()).toEqual(['MALFORMED_BATCH', 'MALFORMED_BATCH']);
  });

  test('DESIGN §2: only if it holds no more than a correct primary puts into a batch', () => {
    const solo = new Solo({ config: { batchOperationsMax: 4 } });
    const session = solo.open(alice, 1);
    const [three, two] = [addEnvelope(alice, session, 1, [1, 1, 1]), addEnvelope(alice, session, 4, [1, 1])];
    solo.clear();
    solo.message(0, prePrepare(0, 2, batchOf(solo.nowMs, three, two)));
    solo.message(0, prePrepare(0, 3, batchOf(solo.nowMs, addEnvelope(alice, session, 1, [1, 1, 1, 1, 1]))));
    expect(solo.sent('prepare').map(({ sequenceNumber }) => sequenceNumber)).toEqual([3]);
  });

  test('DESIGN §3: not an empty batch that nothing asked for', () => {
    const solo = new Solo();
    solo.message(0, prePrepare(0, 1, batchOf(solo.nowMs)));
    expect(solo.sent('prepare')).toEqual([]);
  });

  test("OSDI'99 §4.4: not while it is changing views", () => {
    const solo = new Solo({ id: 3 });
    for (const replica of [1, 2]) solo.message(replica, viewChange(replica, 1, { checkpoint: solo.genesis }));
    expect(solo.status).toMatchObject({ view: 1, isActive: false });
    solo.message(0, prePrepare(0, 1, someBatch(solo)));
    solo.message(1, prePrepare(1, 1, someBatch(solo)));
    expect(solo.sent('prepare')).toEqual([]);
  });
});

describe('prepared', () => {
  test.each(sizes)("OSDI'99 §4.2: needs a quorum of PREPAREs, the own one among them (n = %i)", (n) => {
    const solo = new Solo({ n });
    const batch = someBatch(solo);
    solo.message(0, prePrepare(0, 1, batch));
    solo.messages(solo.others().slice(0, quorumSize(n) - 2), prepare(0, 1, batch.digest));
    expect(solo.sent('commit')).toEqual([]);
    solo.message(solo.others()[quorumSize(n) - 2]!, prepare(0, 1, batch.digest));
    expect(solo.sent('commit')).toEqual([commit(0, 1, batch.digest)]);
  });

  test("DESIGN §2: the primary's PRE-PREPARE is no PREPARE; it sends one of its own like everyone", () => {
    const solo = new Solo({ id: 0 });
    solo.submit(openEnvelope(alice));
    const [prepared] = solo.sent('prepare');
    expect(solo.sent('prePrepare')).toHaveLength(1);
    expect(prepared).toMatchObject({ view: 0, sequenceNumber: 1 });
    solo.message(1, prepare(0, 1, prepared!.digest));
    expect(solo.sent('commit')).toEqual([]);
    solo.message(2, prepare(0, 1, prepared!.digest));
    expect(solo.sent('commit')).toHaveLength(1);
  });

  test("OSDI'99 §4.2: a PREPARE counts only for its view, number and digest (pitfall 3)", () => {
    const solo = new Solo();
    const batch = someBatch(solo);
    solo.message(0, prePrepare(0, 1, batch));
    solo.message(0, prepare(0, 1, batch.digest));
    solo.message(2, prepare(1, 1, batch.digest));
    solo.message(3, prepare(0, 2, batch.digest));
    solo.message(3, prepare(0, 1, digestOf('other')));
    expect(solo.sent('commit')).toEqual([]);
  });

  test("OSDI'99 §4.2: a replica counts once, and its first word in a view stands (pitfall 3)", () => {
    const solo = new Solo();
    const batch = someBatch(solo);
    solo.message(0, prePrepare(0, 1, batch));
    solo.messages([2, 2, 2], prepare(0, 1, batch.digest));
    solo.message(3, prepare(0, 1, digestOf('other')));
    solo.message(3, prepare(0, 1, batch.digest));
    expect(solo.sent('commit')).toEqual([]);
    expect(solo.evidence()).toEqual(['VOTE_CONFLICTS']);
  });

  test("OSDI'99 §4.4: a vote of an earlier view does not replace a later one", () => {
    const solo = new Solo({ id: 3 });
    const batch = someBatch(solo);
    solo.messages([0, 2], prepare(1, 1, batch.digest));
    solo.messages([0, 2], prepare(0, 1, batch.digest));
    const changes = [0, 1, 2].map((id) => viewChange(id, 1, { checkpoint: solo.genesis }));
    solo.message(1, newView(1, 1, changes, []));
    solo.message(1, prePrepare(1, 1, batch));
    expect(solo.sent('commit')).toEqual([commit(1, 1, batch.digest)]);
  });

  test("OSDI'99 §4.2: PREPAREs that come before the PRE-PREPARE count, but do not replace it", () => {
    const solo = new Solo();
    const batch = someBatch(solo);
    solo.messages([0, 2, 3], prepare(0, 1, batch.digest));
    expect(solo.sent('commit')).toEqual([]);
    solo.message(0, prePrepare(0, 1, batch));
    expect(solo.sent('commit')).toEqual([commit(0, 1, batch.digest)]);
  });

  test("OSDI'99 §4.2: votes of a non-member or outside the watermarks are not kept (pitfall 3)", () => {
    const solo = new Solo();
    solo.give({ kind: 'message', from: 4 as never, message: prepare(0, 1, nullDigest) });
    solo.message(2, prepare(0, 257, nullDigest));
    expect(solo.evidence()).toEqual(['NOT_A_MEMBER']);
    expect(solo.status.sizes).toMatchObject({ slots: 0 });
  });
});

describe('committed and executed', () => {
  test.each(sizes)("OSDI'99 §4.2: committed-local needs a quorum of COMMITs of one view (n = %i)", (n) => {
    const solo = new Solo({ n });
    const batch = someBatch(solo);
    solo.message(0, prePrepare(0, 1, batch));
    solo.messages(solo.others().slice(0, quorumSize(n) - 1), commit(0, 1, batch.digest));
    solo.message(solo.others()[quorumSize(n) - 1]!, commit(1, 1, batch.digest));
    expect(solo.of('deliver')).toEqual([]);
    solo.messages(solo.others(), commit(1, 1, batch.digest));
    expect(solo.of('deliver')).toMatchObject([{ sequenceNumber: 1, digest: batch.digest, view: 1 }]);
  });

  test("OSDI'99 §4.2: the own COMMIT counts", () => {
    const solo = new Solo();
    const batch = someBatch(solo);
    solo.message(0, prePrepare(0, 1, batch));
    solo.messages([0, 2], commit(0, 1, batch.digest));
    expect(solo.of('deliver')).toEqual([]);
    solo.messages([0, 2], prepare(0, 1, batch.digest));
    expect(solo.of('deliver')).toHaveLength(1);
  });

  test("TOCS'02 §4.6: committed without its PRE-PREPARE, a batch is fetched by digest and then executed", () => {
    const solo = new Solo();
    const batch = someBatch(solo);
    solo.messages([0, 2, 3], commit(0, 1, batch.digest));
    expect(solo.sent('fetchBatch')).toEqual([{ kind: 'fetchBatch', digest: batch.digest }]);
    solo.message(2, { kind: 'batchBody', batch: someBatch(solo, 9).bytes });
    expect(solo.of('deliver')).toEqual([]);
    solo.message(2, { kind: 'batchBody', batch: batch.bytes });
    expect(solo.of('deliver')).toHaveLength(1);
  });

  test("OSDI'99 §4.2: batches are executed in order of their numbers", () => {
    const solo = new Solo();
    solo.order(2, someBatch(solo, 2));
    solo.order(3, someBatch(solo, 3));
    expect(solo.of('deliver')).toEqual([]);
    solo.order(1, someBatch(solo, 1));
    expect(solo.of('deliver').map(({ sequenceNumber }) => sequenceNumber)).toEqual([1, 2, 3]);
    expect(solo.of('opened').map(({ nonce }) => nonce[0])).toEqual([1, 2, 3]);
  });

  test("OSDI'99 §4.2: the result goes to the client", () => {
    const solo = new Solo();
    const session = solo.open(alice, 1);
    solo.order(2, batchOf(solo.nowMs, addEnvelope(alice, session, 1, [5, 6])));
    const outcomes = [5, 11].map((sum) => ({ kind: 'result', result: Uint8Array.of(sum) }));
    const reply = { kind: 'reply', client: alice, session, firstNumber: 1, outcomes, lowestUnanswered: 1 };
    expect(solo.of('reply')).toEqual([reply]);
  });

  test("OSDI'99 §4.1: a repeated request is answered from the cache and not executed again", () => {
    const solo = new Solo();
    const session = solo.open(alice, 1);
    const envelope = addEnvelope(alice, session, 1, [5]);
    solo.order(2, batchOf(solo.nowMs, envelope));
    const { lowestUnanswered, ...reply } = solo.of('reply')[0]!;
    expect(lowestUnanswered).toBe(1);
    solo.clear();
    solo.submit(envelope);
    expect(solo.outputs).toEqual([reply]);
    solo.order(3, batchOf(solo.nowMs, envelope));
    expect(solo.of('reply')).toEqual([reply, reply]);
    expect(solo.counter.executed).toHaveLength(1);
  });
});

describe('requests', () => {
  test("OSDI'99 §4.1: a backup relays a client's request to the primary, again when it is not executed", () => {
    const solo = new Solo();
    const envelope = openEnvelope(alice);
    const forwards = () => solo.of('send').filter(({ message }) => message.kind === 'forward');
    solo.submit(envelope);
    expect(forwards()).toMatchObject([{ to: 0, message: { envelope: envelope.bytes } }]);
    solo.submit(envelope);
    expect(forwards()).toHaveLength(1);
    solo.tick(260);
    expect(forwards()).toHaveLength(2);
  });

  test("OSDI'99 §4.1: the primary takes a relayed request as if the client had sent it", () => {
    const solo = new Solo({ id: 0 });
    solo.message(2, { kind: 'forward', envelope: openEnvelope(alice).bytes });
    expect(solo.sent('prePrepare')).toHaveLength(1);
    expect(solo.sent('forward')).toEqual([]);
  });

  test("OSDI'99 §4.2: a request that its client did not sign is dropped", () => {
    const solo = new Solo({ id: 0 });
    const envelope = openEnvelope(alice);
    solo.submit({ ...envelope, signature: new Uint8Array(64) });
    solo.message(2, { kind: 'forward', envelope: Uint8Array.of(9) });
    expect(solo.evidence()).toEqual(['ENVELOPE_NOT_AUTHENTIC', 'MALFORMED_ENVELOPE']);
    expect(solo.sent('prePrepare')).toEqual([]);
  });

  test('DESIGN §2: what waits is bounded, as a whole and for each client, in number and in bytes', () => {
    const config = {
      pendingEnvelopesMax: 4,
      pendingEnvelopesPerClientMax: 3,
      pendingBytesPerClientMax: 10_000,
    };
    const solo = new Solo({ config });
    for (let nonce = 1; nonce <= 5; nonce++) solo.submit(openEnvelope(alice, nonce));
    expect(solo.status.pending).toBe(3);
    for (let nonce = 1; nonce <= 5; nonce++) solo.submit(openEnvelope(bob, nonce));
    expect(solo.status.pending).toBe(4);
    const large = new Solo({ config });
    const operations = [new Uint8Array(9_990)];
    for (const firstNumber of [1, 2, 3])
      large.submit(requestsEnvelope(alice, sessionId(1), firstNumber, operations));
    expect(large.status.pending).toBe(1);
  });
});
