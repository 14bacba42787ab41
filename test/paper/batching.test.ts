/** Batching and the window of batches in flight at the primary (TOCS'02, request batching; DESIGN section 2). */
import { describe, expect, test } from 'vitest';
import { sessionId } from '../../src/base/index.js';
import { decodeBatch, decodeEnvelope } from '../../src/codec/index.js';
import type { OrderingConfig } from '../../src/ordering/index.js';
import { alice, openEnvelope, requestsEnvelope, sha256 } from '../support/lockstep.js';
import { commit, prepare } from '../support/messages.js';
import { Solo } from '../support/solo.js';

const primary = (config: Partial<OrderingConfig> = {}) => new Solo({ id: 0, config });

/** Nonces of the OPENs in each batch proposed so far. */
const proposed = (solo: Solo): (number | undefined)[][] =>
  solo.sent('prePrepare').map(({ batch }) =>
    decodeBatch(batch)!.envelopes.map((bytes) => {
      const { body } = decodeEnvelope(bytes)!;
      return body.kind === 'open' ? body.nonce[0] : undefined;
    }),
  );

function submit(solo: Solo, ...nonces: number[]): void {
  for (const nonce of nonces) solo.submit(openEnvelope(alice, nonce));
}

/** The backups agree to the proposal with this number. */
function finish(solo: Solo, number: number): void {
  const { batch } = solo.sent('prePrepare').find(({ sequenceNumber }) => sequenceNumber === number)!;
  solo.messages([1, 2, 3], prepare(0, number, sha256(batch)));
  solo.messages([1, 2, 3], commit(0, number, sha256(batch)));
}

describe('the primary', () => {
  test("TOCS'02 batching: proposes at once when nothing is in flight", () => {
    const solo = primary();
    submit(solo, 1);
    expect(proposed(solo)).toEqual([[1]]);
  });

  test("TOCS'02 batching: gathers while a batch is in flight, oldest first, and proposes when it is done", () => {
    const solo = primary();
    submit(solo, 1, 2, 3, 4);
    expect(proposed(solo)).toEqual([[1]]);
    finish(solo, 1);
    expect(proposed(solo)).toEqual([[1], [2, 3, 4]]);
  });

  test("TOCS'02 batching: closes a batch early at the operations limit", () => {
    const solo = primary({ batchOperationsMax: 2 });
    submit(solo, 1, 2, 3, 4);
    expect(proposed(solo)).toEqual([[1], [2, 3]]);
  });

  test("TOCS'02 batching: closes a batch early once it is past the bytes limit", () => {
    const { length } = openEnvelope(alice).bytes;
    const solo = primary({ batchBytesMax: 2 * length });
    submit(solo, 1, 2, 3, 4);
    expect(proposed(solo)).toEqual([[1], [2, 3, 4]]);
  });

  test('DESIGN §2: an envelope larger than the limits is a batch by itself', () => {
    const solo = primary({ batchOperationsMax: 2 });
    const operations = [1, 2, 3].map((amount) => Uint8Array.of(amount));
    submit(solo, 1);
    solo.submit(requestsEnvelope(alice, sessionId(1), 1, operations));
    submit(solo, 2);
    expect(proposed(solo)).toEqual([[1], [undefined]]);
  });

  test("TOCS'02 batching: keeps at most a window of batches in flight", () => {
    const solo = primary({ batchOperationsMax: 1, windowBatches: 3 });
    submit(solo, 1, 2, 3, 4, 5);
    expect(proposed(solo)).toEqual([[1], [2], [3]]);
    finish(solo, 2);
    expect(proposed(solo)).toHaveLength(3);
    finish(solo, 1);
    expect(proposed(solo)).toEqual([[1], [2], [3], [4], [5]]);
  });

  test("OSDI'99 §4.3: proposes nothing above the high watermark", () => {
    const solo = primary({ batchOperationsMax: 1, checkpointInterval: 2, watermarkWindow: 4 });
    submit(solo, 1, 2, 3, 4, 5);
    for (const number of [1, 2, 3, 4]) finish(solo, number);
    expect(solo.status).toMatchObject({ executed: 4, stableCheckpoint: 0, pending: 1 });
    expect(proposed(solo)).toHaveLength(4);
  });

  test('DESIGN §2: a batch carries the time of the primary', () => {
    const solo = primary();
    solo.tick(70);
    submit(solo, 1);
    expect(decodeBatch(solo.sent('prePrepare')[0]!.batch)!.time).toBe(solo.nowMs);
  });

  test("OSDI'99 §4.2: only the primary assigns sequence numbers", () => {
    const solo = new Solo({ id: 1 });
    submit(solo, 1);
    expect(solo.sent('prePrepare')).toEqual([]);
  });
});
