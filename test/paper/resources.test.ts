/** Checks before resources, and what one peer or client can make a replica do (Aardvark, NSDI'09, section 4.2). */
import { describe, expect, test } from 'vitest';
import type { Envelope } from '../../src/codec/index.js';
import { alice, bob, openEnvelope } from '../support/lockstep.js';
import { batchOf, prepare, prePrepare } from '../support/messages.js';
import { Solo } from '../support/solo.js';

/** With a signature of somebody else. */
function forged(client: typeof alice, nonce: number): Envelope {
  const { signature } = openEnvelope(client === alice ? bob : alice, nonce);
  const envelope = openEnvelope(client, nonce);
  const bytes = envelope.bytes.slice();
  bytes.set(signature!, bytes.length - signature!.length);
  return { ...envelope, bytes, signature };
}

describe('an envelope', () => {
  test('takes no room before its signature is found good, and nobody else goes for a forged one', () => {
    const solo = new Solo({ id: 1, config: { pendingEnvelopesMax: 2, pendingEnvelopesPerClientMax: 2 } });
    solo.submit(openEnvelope(alice, 1));
    solo.submit(openEnvelope(alice, 2));
    solo.submit(forged(bob, 1));
    expect(solo.evidence()).toEqual(['ENVELOPE_NOT_AUTHENTIC']);
    expect(solo.status.pending).toBe(2);
    solo.submit(openEnvelope(bob, 2));
    expect(solo.status.pending).toBe(2);
    // Alice, who had most, gave way.
    expect(solo.sent('forward')).toHaveLength(3);
  });

  test('that is forged costs its sender more and more looks at others: a flood is not verified', () => {
    const solo = new Solo({ id: 1 });
    for (let nonce = 1; nonce <= 200; nonce++) solo.submit(forged(alice, nonce));
    expect(solo.evidence()).toHaveLength(8);
    solo.submit(openEnvelope(bob, 1));
    expect(solo.status.pending).toBe(1);
    solo.submit(openEnvelope(alice, 250));
    expect(solo.status.pending).toBe(1);
    solo.tick(3_000);
    solo.submit(openEnvelope(alice, 251));
    expect(solo.sent('forward').length).toBeGreaterThan(1);
  });

  test('that a peer forged or passed on forged is held against the peer, and good ones of its client still count', () => {
    const solo = new Solo({ id: 0 });
    for (let nonce = 1; nonce <= 200; nonce++)
      solo.message(3, { kind: 'forward', envelope: forged(alice, nonce).bytes });
    expect(solo.of('evidence')).toHaveLength(8);
    expect(new Set(solo.of('evidence').map(({ from }) => from))).toEqual(new Set([3]));
    solo.submit(openEnvelope(alice, 1));
    solo.message(2, { kind: 'forward', envelope: openEnvelope(bob, 1).bytes });
    expect(solo.status.pending).toBe(2);
  });
});

test("DESIGN §8: one client's fast reads do not use up the room for all", () => {
  const solo = new Solo({ config: { pendingReadsMax: 8, pendingReadsPerClientMax: 4 } });
  const batch = batchOf(solo.nowMs, openEnvelope(alice));
  solo.message(0, prePrepare(0, 1, batch));
  solo.messages([0, 2, 3], prepare(0, 1, batch.digest));
  const read = (client: typeof alice, readId: number) =>
    solo.give({ kind: 'read', client, readId, operation: new Uint8Array(0) });
  for (let readId = 1; readId <= 6; readId++) read(alice, readId);
  expect(solo.of('readReply').map(({ readId, result }) => [readId, result])).toEqual([
    [5, null],
    [6, null],
  ]);
  read(bob, 7);
  expect(solo.of('readReply')).toHaveLength(2);
  expect(solo.status.sizes['reads']).toBe(5);
});

test("TOCS'02 §4.6.2: bodies are given within an allowance for each peer", () => {
  const solo = new Solo({ id: 1 });
  const batch = batchOf(solo.nowMs, openEnvelope(alice));
  solo.order(1, batch);
  for (let times = 0; times < 100_000; times++) solo.message(3, { kind: 'fetchBatch', digest: batch.digest });
  const given = solo.sent('batchBody').length;
  expect(given).toBeGreaterThan(10_000);
  expect(given).toBeLessThan(32_768);
  solo.message(2, { kind: 'fetchBatch', digest: batch.digest });
  expect(solo.sent('batchBody')).toHaveLength(given + 1);
  solo.tick(1_000);
  solo.message(3, { kind: 'fetchBatch', digest: batch.digest });
  expect(solo.sent('batchBody')).toHaveLength(given + 2);
});
