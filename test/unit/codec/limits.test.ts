/**
 * Pitfall 15, unbounded length prefixes: every count and size has a bound, checked before memory is taken,
 * and the largest allowed value still decodes.
 */
import { describe, expect, test } from 'vitest';
import {
  clientId,
  concatBytes,
  digest,
  replicaId,
  sequenceNumber,
  sessionId,
  viewNumber,
  type Digest,
} from '../../../src/base/index.js';
import * as codec from '../../../src/codec/index.js';

const client = clientId('00'.repeat(32));
const signature = new Uint8Array(64);
const stateDigest = digest('11'.repeat(32));
const numbered = (i: number): Digest => digest(i.toString(16).padStart(64, '0'));
const range = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const genesis = { sequenceNumber: sequenceNumber(0), stateDigest, signatures: [] };

function requestsOf(
  operations: readonly Uint8Array[],
  finished: readonly number[] = [],
  firstNumber = 1,
): Uint8Array {
  const numbers = { session: sessionId(1), firstNumber, lowestUnanswered: 0 };
  const body = { kind: 'requests' as const, client, ...numbers, operations, finished };
  return codec.sealEnvelope(body, codec.encodeEnvelopeBody(body), signature).bytes;
}

type Entries = readonly codec.ViewEntry[];
const viewEntry = (number: number, each: Digest, view = 0): codec.ViewEntry => ({
  sequenceNumber: sequenceNumber(number),
  view: viewNumber(view),
  digest: each,
});

function viewChangeOf(
  prepared: Entries,
  prePrepared: Entries,
  checkpoint: codec.CheckpointCertificate = genesis,
) {
  const body = {
    view: viewNumber(1),
    replica: replicaId(2),
    incarnation: 0,
    checkpoint,
    prepared,
    prePrepared,
  };
  return { kind: 'viewChange' as const, ...body, body: codec.encodeViewChangeBody(body), signature };
}

function newViewOf(
  viewChanges: readonly codec.ViewChange[],
  chosen: readonly codec.ChosenBatch[],
): Uint8Array {
  const body = { view: viewNumber(1), replica: replicaId(1), viewChanges, chosen };
  return codec.encodePeerMessage({
    kind: 'newView',
    ...body,
    body: codec.encodeNewViewBody(body),
    signature,
  });
}

const isAccepted = (bytes: Uint8Array): boolean => codec.decodePeerMessage(bytes) !== null;
const isViewChangeAccepted = (...parts: Parameters<typeof viewChangeOf>): boolean =>
  isAccepted(codec.encodePeerMessage(viewChangeOf(...parts)));

describe('pitfall 15: frames', () => {
  const frames = [
    [codec.encodePeerFrame, codec.decodePeerFrame],
    [codec.encodeClientFrame, codec.decodeClientFrame],
    [codec.encodeServerFrame, codec.decodeServerFrame],
  ] as const;

  test('at most 4096 messages', () => {
    for (const [encode, decode] of frames) {
      expect(decode(encode(range(4096, () => new Uint8Array(1))))).toHaveLength(4096);
      expect(decode(encode(range(4097, () => new Uint8Array(1))))).toBeNull();
    }
  });

  test('at most 4 MiB', () => {
    for (const [encode, decode] of frames) {
      const full = encode([new Uint8Array(codec.frameBytesMax - 5)]);
      expect(full).toHaveLength(codec.frameBytesMax);
      expect(decode(full)).toHaveLength(1);
      expect(decode(encode([new Uint8Array(codec.frameBytesMax - 4)]))).toBeNull();
    }
  });

  test('4 MiB of empty messages are refused after 4096 of them', () => {
    const bytes = new Uint8Array(codec.frameBytesMax);
    for (let i = 0; i < bytes.length; i += 2) bytes[i] = 10;
    for (const [, decode] of frames) expect(decode(bytes)).toBeNull();
    const viewChange = concatBytes([Uint8Array.of(42), Uint8Array.of(0xfc, 0xff, 0xff, 0x01), bytes]);
    expect(codec.decodePeerMessage(viewChange.subarray(0, codec.frameBytesMax))).toBeNull();
  });

  test('a length of 2 GiB with nothing behind it', () => {
    expect(codec.decodePeerFrame(Uint8Array.of(10, 0xff, 0xff, 0xff, 0xff, 7))).toBeNull();
    expect(codec.decodeBatch(Uint8Array.of(8, 1, 18, 0xff, 0xff, 0xff, 0xff, 7))).toBeNull();
    expect(codec.decodeTuple(Uint8Array.of(1, 5, 0xff, 0xff, 3))).toBeNull();
  });
});

describe('pitfall 15: envelopes and batches', () => {
  test('an envelope holds at most 1024 operations', () => {
    expect(codec.decodeEnvelope(requestsOf(range(1024, () => new Uint8Array(1))))?.body.kind).toBe(
      'requests',
    );
    expect(codec.decodeEnvelope(requestsOf(range(1025, () => new Uint8Array(1))))).toBeNull();
  });

  test('an envelope reports at most 1024 numbers finished, ascending, below its first one', () => {
    const operations = range(1024, () => new Uint8Array(1));
    const isTaken = (finished: readonly number[]): boolean =>
      codec.decodeEnvelope(requestsOf(operations, finished, 2000)) !== null;
    expect(isTaken(range(1024, (i) => i + 1))).toBe(true);
    expect(isTaken(range(1025, (i) => i + 1))).toBe(false);
    expect(isTaken([1, 1999])).toBe(true);
    for (const wrong of [[0], [2000], [5, 5], [6, 5]]) expect(isTaken(wrong)).toBe(false);
  });

  test('an envelope is at most 2 MiB, wherever it travels', () => {
    const overhead = requestsOf([new Uint8Array(2_000_000)]).length - 2_000_000;
    const largest = requestsOf([new Uint8Array(codec.envelopeBytesMax - overhead)]);
    const tooLarge = requestsOf([new Uint8Array(codec.envelopeBytesMax - overhead + 1)]);
    expect(largest).toHaveLength(codec.envelopeBytesMax);
    for (const [envelope, isAllowed] of [
      [largest, true],
      [tooLarge, false],
    ] as const) {
      expect(codec.decodeEnvelope(envelope) !== null).toBe(isAllowed);
      expect(isAccepted(codec.encodePeerMessage({ kind: 'forward', envelope }))).toBe(isAllowed);
      const submit = codec.encodeClientMessage({ kind: 'submit', envelope });
      expect(codec.decodeClientMessage(submit) !== null).toBe(isAllowed);
      const batch = codec.encodeBatch({ time: 1, envelopes: [envelope] });
      expect(codec.decodeBatch(batch) !== null).toBe(isAllowed);
    }
  });

  test('a batch holds at most 4096 envelopes and 4 MiB', () => {
    const batchOf = (envelopes: Uint8Array[]) => codec.decodeBatch(codec.encodeBatch({ time: 1, envelopes }));
    expect(batchOf(range(4096, () => new Uint8Array(1)))?.envelopes).toHaveLength(4096);
    expect(batchOf(range(4097, () => new Uint8Array(1)))).toBeNull();
    expect(batchOf(range(3, () => new Uint8Array(1_400_000)))).toBeNull();
  });

  test('a null batch with envelopes is a bug of ours', () => {
    expect(() => codec.encodeBatch({ time: null, envelopes: [new Uint8Array(1)] })).toThrow('null batch');
  });
});

describe('pitfall 15: view changes', () => {
  test('P and Q hold at most 4096 entries', () => {
    const prepared = (count: number) => range(count, (i) => viewEntry(i + 1, stateDigest));
    const prePrepared = (count: number) =>
      range(count, (i) => viewEntry(Math.floor(i / 16) + 1, numbered(i)));
    expect(isViewChangeAccepted(prepared(4096), prePrepared(4096))).toBe(true);
    expect(isViewChangeAccepted(prepared(4097), [])).toBe(false);
    expect(isViewChangeAccepted([], prePrepared(4097))).toBe(false);
  });

  test('P holds one entry a sequence number, ascending', () => {
    const [first, second] = [viewEntry(1, numbered(1)), viewEntry(2, numbered(1))];
    expect(isViewChangeAccepted([first, second], [])).toBe(true);
    expect(isViewChangeAccepted([second, first], [])).toBe(false);
    expect(isViewChangeAccepted([first, viewEntry(1, numbered(2))], [])).toBe(false);
  });

  test('Q holds at most 16 digests a sequence number, ascending and distinct', () => {
    const digests = (count: number) => range(count, (i) => viewEntry(7, numbered(i)));
    expect(isViewChangeAccepted([], [...digests(16), viewEntry(8, numbered(0))])).toBe(true);
    expect(isViewChangeAccepted([], digests(17))).toBe(false);
    expect(isViewChangeAccepted([], digests(2).reverse())).toBe(false);
    expect(isViewChangeAccepted([], [viewEntry(7, numbered(1)), viewEntry(7, numbered(1), 3)])).toBe(false);
    expect(isViewChangeAccepted([], [viewEntry(8, numbered(0)), viewEntry(7, numbered(1))])).toBe(false);
  });

  test('a certificate has at most 64 signers, ascending and distinct', () => {
    const signedBy = (replicas: number[]) =>
      isViewChangeAccepted([], [], {
        sequenceNumber: sequenceNumber(128),
        stateDigest,
        signatures: replicas.map((replica) => ({ replica: replicaId(replica), signature })),
      });
    expect(signedBy(range(64, (i) => i))).toBe(true);
    expect(signedBy(range(65, (i) => i))).toBe(false);
    expect(signedBy([0, 64])).toBe(false);
    expect(signedBy([1, 0])).toBe(false);
    expect(signedBy([1, 1])).toBe(false);
  });

  test('a NEW-VIEW carries at most 64 VIEW-CHANGEs, each decoded in full', () => {
    const change = viewChangeOf([viewEntry(3, numbered(3))], [viewEntry(3, numbered(3))]);
    const decoded = codec.decodePeerMessage(
      newViewOf(
        range(64, () => change),
        [],
      ),
    );
    expect(decoded).toMatchObject({ kind: 'newView', viewChanges: range(64, () => change) });
    expect(
      isAccepted(
        newViewOf(
          range(65, () => change),
          [],
        ),
      ),
    ).toBe(false);
    const broken = { ...change, body: change.body.subarray(1) };
    expect(isAccepted(newViewOf([change, broken], []))).toBe(false);
  });

  test('a choice ascends without gaps, at most 4096', () => {
    const chosen = (numbers: number[]) =>
      newViewOf(
        [],
        numbers.map((each) => ({ sequenceNumber: sequenceNumber(each), digest: stateDigest })),
      );
    expect(isAccepted(chosen([5, 6, 7]))).toBe(true);
    expect(isAccepted(chosen([5, 7]))).toBe(false);
    expect(isAccepted(chosen([6, 5]))).toBe(false);
    expect(isAccepted(chosen([5, 5]))).toBe(false);
    expect(isAccepted(chosen(range(4096, (i) => i + 1)))).toBe(true);
    expect(isAccepted(chosen(range(4097, (i) => i + 1)))).toBe(false);
  });

  test('a part of a state lies inside its node and is not empty', () => {
    const part = (
      offset: number,
      totalBytes: number,
      length: number,
      more: Partial<codec.StateNodePart> = {},
    ) =>
      codec.encodePeerMessage({
        kind: 'stateNodes',
        sequenceNumber: sequenceNumber(128),
        parts: [
          { level: 'page', section: 0, number: 5, offset, totalBytes, data: new Uint8Array(length), ...more },
        ],
      });
    expect(isAccepted(part(2, 4, 2))).toBe(true);
    expect(isAccepted(part(0, 0, 0))).toBe(true);
    expect(isAccepted(part(3, 4, 2))).toBe(false);
    expect(isAccepted(part(1, 0, 0))).toBe(false);
    expect(isAccepted(part(0, 4, 0))).toBe(false);
    expect(isAccepted(part(0, 4, 4, { level: 'groups' }))).toBe(false);
    expect(isAccepted(part(0, 4, 4, { level: 'roots', number: 0 }))).toBe(true);
    expect(isAccepted(part(0, 4, 4, { level: 'roots', number: 0, section: 1 }))).toBe(false);
    expect(isAccepted(part(0, 4, 4, { section: 2 as 1 }))).toBe(false);
  });

  test('a state is asked for and sent by at most 256 parts a message', () => {
    const node = { level: 'page', section: 0, number: 5, offset: 0 } as const;
    const asking = (count: number) => ({ kind: 'fetchState' as const, nodes: range(count, () => node) });
    const giving = (count: number) => ({
      kind: 'stateNodes' as const,
      parts: range(count, () => ({ ...node, totalBytes: 1, data: Uint8Array.of(1) })),
    });
    const isTaken = (message: ReturnType<typeof asking> | ReturnType<typeof giving>) =>
      isAccepted(codec.encodePeerMessage({ ...message, sequenceNumber: sequenceNumber(128) }));
    expect([0, 1, 256, 257].map((count) => isTaken(asking(count)))).toEqual([false, true, true, false]);
    expect([0, 1, 256, 257].map((count) => isTaken(giving(count)))).toEqual([false, true, true, false]);
  });
});

describe('pitfall 15: clients and tuples', () => {
  test('a reply has at most 1024 outcomes', () => {
    const outcome = { kind: 'result' as const, result: new Uint8Array(1) };
    const reply = (count: number) =>
      codec.decodeServerMessage(
        codec.encodeServerMessage({
          kind: 'reply',
          view: viewNumber(0),
          session: sessionId(1),
          firstNumber: 1,
          outcomes: range(count, () => outcome),
        }),
      );
    expect(reply(1024)?.kind).toBe('reply');
    expect(reply(1025)).toBeNull();
  });

  test('text has at most 256 bytes', () => {
    const notice = (code: string) =>
      codec.decodeServerMessage(codec.encodeServerMessage({ kind: 'notice', code }));
    expect(notice('x'.repeat(256))?.kind).toBe('notice');
    expect(notice('x'.repeat(257))).toBeNull();
    const count = (space: string) =>
      codec.decodeOperation(codec.encodeOperation({ kind: 'count', space, template: [] }));
    expect(count('x'.repeat(256))?.kind).toBe('count');
    expect(count('x'.repeat(257))).toBeNull();
  });

  test('a tuple has at most 64 fields', () => {
    const bytes = (count: number) =>
      concatBytes([Uint8Array.of(count), ...range(count, () => Uint8Array.of(4, 1))]);
    expect(codec.decodeTuple(bytes(64))).toHaveLength(64);
    expect(codec.decodeTuple(bytes(65))).toBeNull();
    expect(codec.decodeTemplate(bytes(64))).toHaveLength(64);
    expect(codec.decodeTemplate(bytes(65))).toBeNull();
  });

  test('a field has at most 64 KiB, a tuple 1 MiB', () => {
    const sized = (length: number) => codec.encodeTuple([new Uint8Array(length)]);
    expect(codec.decodeTuple(sized(codec.fieldBytesMax))).toHaveLength(1);
    expect(codec.decodeTuple(sized(codec.fieldBytesMax + 1))).toBeNull();
    const filled = (last: number) =>
      codec.encodeTuple([...range(15, () => new Uint8Array(codec.fieldBytesMax)), new Uint8Array(last)]);
    const rest = codec.tupleBytesMax - filled(0).length;
    expect(filled(rest - 2)).toHaveLength(codec.tupleBytesMax);
    expect(codec.decodeTuple(filled(rest - 2))).toHaveLength(16);
    expect(codec.decodeTuple(filled(rest - 1))).toBeNull();
  });
});
