/**
 * One value, one encoding: each way in which protobuf lets the same message be written differently is
 * refused, field by field. The bytes are written by hand so that they do not depend on the encoder.
 */
import protobuf from 'protobufjs/minimal.js';
import { describe, expect, test } from 'vitest';
import { concatBytes, digest, fromHex, sequenceNumber, toHex, viewNumber } from '../../../src/base/index.js';
import {
  decodeBatch,
  decodeClientMessage,
  decodeEntry,
  decodeEnvelope,
  decodeLogRecord,
  decodeOperation,
  decodePeerFrame,
  decodePeerMessage,
  decodeResult,
  decodeServerMessage,
  encodeLogRecord,
  encodePeerMessage,
  frameBytesMax,
  logRecordBytesMax,
} from '../../../src/codec/index.js';

const zeros = (length: number) => new Uint8Array(length);
const write = (fill: (writer: protobuf.Writer) => void): Uint8Array => {
  const writer = new protobuf.Writer();
  fill(writer);
  return writer.finish();
};
const nested = (field: number, content: Uint8Array) => write((w) => w.uint32(field * 8 + 2).bytes(content));
const bytesField = nested;
const intField = (field: number, value: number) => write((w) => w.uint32(field * 8).uint64(value));
const message = (...parts: Uint8Array[]) => concatBytes(parts);
const hex = (text: string) => fromHex(text.replaceAll(' ', ''))!;

const view = intField(1, 3);
const number = intField(2, 5);
const voted = bytesField(3, zeros(32));
const prepare = (...parts: Uint8Array[]) => nested(2, message(...parts));

describe('a PREPARE', () => {
  test('is accepted in its one form', () => {
    expect(decodePeerMessage(prepare(view, number, voted))).toStrictEqual({
      kind: 'prepare',
      view: 3,
      sequenceNumber: 5,
      digest: '0'.repeat(64),
    });
  });

  test('without a view is one of view 0', () => {
    const bytes = prepare(number, voted);
    const decoded = decodePeerMessage(bytes);
    expect(decoded).toMatchObject({ view: 0, sequenceNumber: 5 });
    expect(encodePeerMessage(decoded!)).toStrictEqual(bytes);
  });

  test.each([
    ['fields in another order', prepare(number, view, voted)],
    ['a field twice', prepare(view, view, number, voted)],
    ['a field twice, the last one different', prepare(intField(1, 2), view, number, voted)],
    ['a written default', prepare(intField(1, 0), number, voted)],
    ['a default written over a value', prepare(view, intField(1, 0), number, voted)],
    ['an unknown field', prepare(view, number, voted, intField(9, 1))],
    ['an unknown field outside', message(prepare(view, number, voted), intField(99, 1))],
    ['a group', prepare(view, number, voted, hex('4b 4c'))],
    ['a stretched integer', prepare(hex('08 83 00'), number, voted)],
    ['an integer beyond 64 bits', prepare(hex('08 83 80 80 80 80 80 80 80 80 7f'), number, voted)],
    ['a stretched tag', prepare(hex('88 00 03'), number, voted)],
    ['a stretched length', message(hex('12 a6 00'), view, number, voted)],
    ['a wrong wire type', prepare(hex('0d 03 00 00 00'), number, voted)],
    ['a digest of 31 bytes', prepare(view, number, bytesField(3, zeros(31)))],
    ['a digest of 33 bytes', prepare(view, number, bytesField(3, zeros(33)))],
    ['no digest', prepare(view, number)],
    ['bytes behind it', message(prepare(view, number, voted), zeros(1))],
    ['one byte less', prepare(view, number, voted).subarray(0, -1)],
    ['a length that promises more', message(hex('12 7f'), view, number, voted)],
    ['two alternatives', message(prepare(view, number, voted), nested(3, message(view, number, voted)))],
    ['the alternative twice', message(prepare(view, number, voted), prepare(view, number, voted))],
    ['the alternative in two parts', message(prepare(view), prepare(number, voted))],
    ['no alternative', zeros(0)],
  ])('with %s is refused', (_, bytes) => {
    expect(decodePeerMessage(bytes)).toBeNull();
  });

  test('is refused with a number beyond 2^53 − 1, and accepted with that', () => {
    const largest = hex('10 ff ff ff ff ff ff ff 0f');
    expect(decodePeerMessage(prepare(view, largest, voted))).toMatchObject({ sequenceNumber: 2 ** 53 - 1 });
    expect(decodePeerMessage(prepare(view, hex('10 80 80 80 80 80 80 80 10'), voted))).toBeNull();
    expect(decodePeerMessage(prepare(view, hex('10 ff ff ff ff ff ff ff ff ff 01'), voted))).toBeNull();
  });
});

test('a bool that is neither 0 nor 1 is refused', () => {
  const status = (flag: string) => nested(7, message(view, hex(`10 ${flag}`), intField(4, 1)));
  expect(decodePeerMessage(status('01'))).toMatchObject({ kind: 'status', isActive: true });
  expect(decodePeerMessage(status('02'))).toBeNull();
  expect(decodePeerMessage(status('81 00'))).toBeNull();
});

test('a 32-bit integer with bits above is refused', () => {
  const signedBy = (replica: string) =>
    nested(
      4,
      message(intField(1, 1), bytesField(2, zeros(32)), hex(`18 ${replica}`), bytesField(4, zeros(64))),
    );
  expect(decodePeerMessage(signedBy('3f'))).toMatchObject({ replica: 63 });
  expect(decodePeerMessage(signedBy('bf 80 80 80 10'))).toBeNull();
  expect(decodePeerMessage(signedBy('bf 80 80 80 80 80 80 80 80 01'))).toBeNull();
});

describe('a record of the vote log', () => {
  const slot = message(intField(1, 5), bytesField(2, zeros(32)));
  const executed = { kind: 'executed', sequenceNumber: 5, digest: '0'.repeat(64), failedChecks: [] };

  test('tells an absent batch from the null batch, whose encoding is empty', () => {
    expect(decodeLogRecord(nested(3, slot))).toStrictEqual({ ...executed, batch: null });
    const withNullBatch = nested(3, message(slot, hex('1a 00')));
    expect(decodeLogRecord(withNullBatch)).toStrictEqual({ ...executed, batch: zeros(0) });
  });

  test('takes a batch of a whole frame, and has a bound', () => {
    const sized = (length: number) =>
      encodeLogRecord({
        kind: 'prePrepared',
        view: viewNumber(3),
        sequenceNumber: sequenceNumber(5),
        digest: digest('0'.repeat(64)),
        batch: zeros(length),
      });
    expect(decodeLogRecord(sized(frameBytesMax))?.kind).toBe('prePrepared');
    expect(decodeLogRecord(sized(logRecordBytesMax))).toBeNull();
  });

  test.each([
    ['no kind', zeros(0)],
    ['two kinds', message(nested(2, message(view, number, voted)), hex('30 01'))],
    ['an unknown kind', hex('50 01')],
    ['started as nothing', hex('28 00')],
    ['started as something unknown', hex('28 03')],
    ['voting that is false', hex('30 00')],
    ['voting that is written as 2', hex('30 02')],
    ['a digest of 31 bytes', nested(2, message(view, number, bytesField(3, zeros(31))))],
    [
      'a NEW-VIEW whose body does not decode',
      nested(8, message(bytesField(1, hex('ff')), bytesField(2, zeros(64)))),
    ],
    ['a NEW-VIEW without its signature', nested(8, bytesField(1, zeros(0)))],
    ['bytes behind it', hex('30 01 00')],
  ])('with %s is refused', (_, bytes) => {
    expect(decodeLogRecord(bytes)).toBeNull();
  });
});

test('an entry id may use all 64 bits', () => {
  const entry = (id: string) => message(hex(id), bytesField(2, zeros(1)), bytesField(3, zeros(32)));
  expect(decodeEntry(entry('08 ff ff ff ff ff ff ff ff ff 01'))?.id).toBe(2n ** 64n - 1n);
  expect(decodeEntry(entry('08 80 80 80 80 80 80 80 80 80 01'))?.id).toBe(2n ** 63n);
  expect(decodeEntry(entry('08 01'))?.id).toBe(1n);
  expect(decodeEntry(entry(''))).toBeNull();
});

describe('text', () => {
  const notice = (text: Uint8Array) => decodeServerMessage(bytesField(3, text));
  test.each([
    ['a stray continuation', '80'],
    ['an overlong form', 'c0 80'],
    ['a surrogate', 'ed a0 80'],
    ['a point beyond U+10FFFF', 'f4 90 80 80'],
    ['a cut sequence', 'e2 82'],
  ])('with %s is refused', (_, bytes) => {
    expect(notice(hex(bytes))).toBeNull();
    expect(decodeOperation(message(bytesField(1, hex(bytes)), nested(7, nested(1, zeros(1)))))).toBeNull();
  });

  test('in UTF-8 is accepted, the replacement character included', () => {
    expect(notice(hex('ef bf bd e2 82 ac'))).toStrictEqual({ kind: 'notice', code: '\ufffd€' });
  });
});

describe('envelopes', () => {
  const seal = (body: Uint8Array, signature = zeros(64)) =>
    message(body.length === 0 ? zeros(0) : bytesField(1, body), bytesField(2, signature));
  const open = (client: number, nonce: number) =>
    nested(1, message(bytesField(1, zeros(client)), bytesField(2, zeros(nonce))));
  const requests = (...parts: Uint8Array[]) => nested(2, message(bytesField(1, zeros(32)), ...parts));
  const operation = bytesField(5, zeros(3));

  test('are accepted in their one form', () => {
    expect(decodeEnvelope(seal(open(32, 16)))?.body.kind).toBe('open');
    const body = requests(intField(2, 1), intField(3, 9), intField(4, 9), operation);
    expect(decodeEnvelope(seal(body))?.body).toMatchObject({ firstNumber: 9, lowestUnanswered: 9 });
  });

  const maced = (body: Uint8Array, bytes: number): Uint8Array =>
    message(bytesField(1, body), bytesField(3, zeros(bytes)));
  const rejoin = nested(3, message(intField(2, 1), bytesField(3, zeros(16))));

  test('carry MACs in place of the signature, of one to 64 replicas', () => {
    expect(decodeEnvelope(maced(open(32, 16), 16))).toMatchObject({ signature: null, macs: zeros(16) });
    expect(decodeEnvelope(maced(open(32, 16), 64 * 16))?.macs).toHaveLength(64 * 16);
    expect(decodeEnvelope(seal(open(32, 16)))).toMatchObject({ signature: zeros(64), macs: null });
    expect(decodeEnvelope(seal(rejoin))?.body.kind).toBe('rejoin');
  });

  test.each([
    ['a cut MAC', maced(open(32, 16), 63)],
    ['MACs of 65 replicas', maced(open(32, 16), 65 * 16)],
    ['MACs that are written but none', message(bytesField(1, open(32, 16)), hex('1a 00'))],
    ['a signature and MACs', message(seal(open(32, 16)), bytesField(3, zeros(64)))],
    ['MACs before the body', message(bytesField(3, zeros(64)), bytesField(1, open(32, 16)))],
    ['MACs twice', message(maced(open(32, 16), 64), bytesField(3, zeros(64)))],
    ['MACs on a REJOIN', maced(rejoin, 64)],
    ['a short client key', seal(open(31, 16))],
    ['a long nonce', seal(open(32, 17))],
    ['a short signature', seal(open(32, 16), zeros(63))],
    ['no signature', bytesField(1, open(32, 16))],
    ['no body', seal(zeros(0))],
    ['an unknown kind', seal(nested(4, zeros(0)))],
    ['two kinds', seal(message(open(32, 16), nested(3, zeros(0))))],
    ['no operation', seal(requests(intField(2, 1), intField(3, 9)))],
    ['first number 0', seal(requests(intField(2, 1), operation))],
    ['lowest unanswered above the first', seal(requests(intField(3, 8), intField(4, 9), operation))],
    ['numbers that run out', seal(requests(intField(3, 2 ** 53 - 1), operation))],
    ['a replica beyond the largest cluster', seal(nested(3, intField(1, 64)))],
    ['a stretched integer in the body', seal(requests(hex('18 89 00'), operation))],
  ])('with %s are refused', (_, bytes) => {
    expect(decodeEnvelope(bytes)).toBeNull();
  });
});

describe('batches', () => {
  test('the null batch is the empty byte string and nothing else', () => {
    expect(decodeBatch(zeros(0))).toStrictEqual({ time: null, envelopes: [] });
    expect(decodeBatch(bytesField(2, zeros(3)))).toBeNull();
  });

  test('a batch of time 0 is another one', () => {
    expect(decodeBatch(hex('08 00'))).toStrictEqual({ time: 0, envelopes: [] });
  });

  test('envelopes before the time are refused', () => {
    expect(decodeBatch(message(bytesField(2, zeros(3)), intField(1, 7)))).toBeNull();
    expect(decodeBatch(message(intField(1, 7), bytesField(2, zeros(3))))?.envelopes).toHaveLength(1);
  });
});

describe('code tables', () => {
  test('unknown refusals are refused', () => {
    expect(decodeResult(nested(5, intField(1, 7)))).toMatchObject({ kind: 'refused', code: 'SPACE_FULL' });
    expect(decodeResult(nested(5, intField(1, 8)))).toMatchObject({ code: 'LEASE_TOO_SHORT' });
    expect(decodeResult(nested(5, intField(1, 13)))).toMatchObject({ code: 'HISTORY_TRUNCATED' });
    expect(decodeResult(nested(5, intField(1, 31)))).toMatchObject({ code: 'ADMIN_STAYS' });
    expect(decodeResult(nested(5, intField(1, 37)))).toMatchObject({ code: 'CLIENT_BLACKLISTED' });
    expect(decodeResult(nested(5, intField(1, 38)))).toBeNull();
    expect(decodeResult(nested(5, zeros(0)))).toBeNull();
    const reply = (refusal: number) =>
      nested(
        5,
        nested(
          4,
          write((w) => w.uint32(16).uint32(refusal)),
        ),
      );
    expect(decodeServerMessage(reply(3))).toMatchObject({ outcomes: [{ code: 'NUMBER_OUT_OF_WINDOW' }] });
    expect(decodeServerMessage(reply(4))).toBeNull();
    expect(decodeServerMessage(reply(0))).toBeNull();
    expect(decodeServerMessage(nested(5, nested(4, zeros(0))))).toBeNull();
  });
});

test('a read reply tells an empty result from none', () => {
  expect(decodeServerMessage(nested(6, intField(1, 4)))).toMatchObject({ readId: 4, result: null });
  const empty = message(intField(1, 4), bytesField(2, zeros(0)));
  expect(decodeServerMessage(nested(6, empty))).toMatchObject({ readId: 4, result: zeros(0) });
});

test('nothing decodes from no bytes where an alternative is needed', () => {
  for (const decode of [
    decodeClientMessage,
    decodeServerMessage,
    decodeOperation,
    decodeResult,
    decodeEnvelope,
  ]) {
    expect(decode(zeros(0))).toBeNull();
  }
});

describe('operations that wait, and feeds', () => {
  const noFields = bytesField(1, zeros(1));

  test.each([
    ['rd', 11, 'timeout'],
    ['in', 12, 'timeout'],
    ['subscribe', 14, 'from'],
  ])('%s has its number, at least 1, or none', (kind, field, name) => {
    const withNumber = (...parts: Uint8Array[]) =>
      decodeOperation(nested(field, message(noFields, ...parts)));
    expect(withNumber()).toMatchObject({ kind, [name]: null });
    expect(withNumber(intField(2, 1))).toMatchObject({ kind, [name]: 1 });
    expect(withNumber(intField(2, 0))).toBeNull();
    expect(withNumber(hex('10 87 00'))).toBeNull();
  });

  test('an outcome waits, or has no such field', () => {
    const reply = (waiting: number) => decodeServerMessage(nested(5, nested(4, intField(3, waiting))));
    expect(reply(1)).toMatchObject({ outcomes: [{ kind: 'waiting' }] });
    expect(reply(0)).toBeNull();
    expect(reply(2)).toBeNull();
  });

  test('an event of a feed comes after the one before it', () => {
    const feedEvent = (previous: number, sequence: number) =>
      decodeServerMessage(
        nested(
          8,
          message(
            intField(1, 1),
            intField(2, 2),
            ...(previous === 0 ? [] : [intField(3, previous)]),
            ...(sequence === 0 ? [] : [intField(4, sequence)]),
            bytesField(5, zeros(1)),
          ),
        ),
      );
    expect(feedEvent(0, 1)).toMatchObject({ kind: 'feedEvent', previous: 0, sequence: 1 });
    expect(feedEvent(7, 9)).toMatchObject({ previous: 7, sequence: 9 });
    expect(feedEvent(0, 0)).toBeNull();
    expect(feedEvent(9, 9)).toBeNull();
    expect(feedEvent(9, 7)).toBeNull();
  });

  test('finished numbers stand in one list', () => {
    const list = (...numbers: number[]) =>
      write((w) => {
        w.uint32(50).fork();
        for (const each of numbers) w.uint64(each);
        w.ldelim();
      });
    const decoded = (...finished: Uint8Array[]) => {
      const numbers = [intField(2, 1), intField(3, 900), bytesField(5, zeros(3))];
      const body = nested(2, message(bytesField(1, zeros(32)), ...numbers, ...finished));
      return decodeEnvelope(message(bytesField(1, body), bytesField(2, zeros(64))))?.body;
    };
    expect(decoded()).toMatchObject({ finished: [] });
    expect(decoded(list(1, 300))).toMatchObject({ finished: [1, 300] });
    expect(decoded(list(1), list(300))).toBeUndefined();
    expect(decoded(intField(6, 1))).toBeUndefined();
    expect(decoded(list())).toBeUndefined();
    expect(decoded(hex('32 02 81 00'))).toBeUndefined();
  });
});

describe('leases', () => {
  const noFields = bytesField(1, zeros(1));
  const both = message(noFields, bytesField(2, zeros(1)));
  const lease = (field: number, ms: number): Uint8Array => intField(field, ms);

  test.each([
    ['out', 2, noFields, 2],
    ['cas', 8, both, 3],
    ['replace', 9, both, 3],
    ['renew', 10, noFields, 2],
  ])('of %s last at least 1 ms, in their one form', (kind, field, rest, leaseField) => {
    const withLease = (bytes: Uint8Array) => decodeOperation(nested(field, message(rest, bytes)));
    expect(withLease(lease(leaseField, 1))).toMatchObject({ kind, lease: 1 });
    expect(withLease(lease(leaseField, 2 ** 53 - 1))).toMatchObject({ lease: 2 ** 53 - 1 });
    expect(withLease(lease(leaseField, 0))).toBeNull();
    expect(withLease(lease(leaseField, 2 ** 53))).toBeNull();
    expect(withLease(message(lease(leaseField, 7), lease(leaseField, 7)))).toBeNull();
    expect(withLease(hex(leaseField === 2 ? '10 87 00' : '18 87 00'))).toBeNull();
  });

  test('may be left out, except of renew', () => {
    expect(decodeOperation(nested(2, noFields))).toStrictEqual({
      kind: 'out',
      space: '',
      tuple: [],
      lease: null,
    });
    expect(decodeOperation(nested(8, both))).toMatchObject({ kind: 'cas', lease: null });
    expect(decodeOperation(nested(9, both))).toMatchObject({ kind: 'replace', lease: null });
    expect(decodeOperation(nested(10, noFields))).toBeNull();
  });

  test('an entry without a deadline is not one with deadline 0', () => {
    const untimed = message(intField(1, 1), bytesField(2, zeros(1)), bytesField(3, zeros(32)));
    expect(decodeEntry(untimed)).toMatchObject({ deadline: null });
    expect(decodeEntry(message(untimed, intField(4, 0)))).toMatchObject({ deadline: 0 });
    expect(decodeEntry(message(untimed, intField(4, 2 ** 53 - 1)))).toMatchObject({
      deadline: 2 ** 53 - 1,
    });
    expect(decodeEntry(message(untimed, intField(4, 2 ** 53)))).toBeNull();
    expect(decodeEntry(message(intField(4, 9), untimed))).toBeNull();
  });
});

describe('what is kept', () => {
  test('survives the reuse of the frame it came in, where it is small', () => {
    const checkpoint = message(intField(1, 128), bytesField(2, zeros(32)), bytesField(4, zeros(64).fill(7)));
    const frame = bytesField(1, nested(4, checkpoint));
    const decoded = decodePeerMessage(decodePeerFrame(frame)![0]!);
    frame.fill(0xff);
    expect(decoded).toMatchObject({ signature: zeros(64).fill(7), stateDigest: toHex(zeros(32)) });
  });

  test('does not hold a large frame alive', () => {
    const proposal = encodePeerMessage({
      kind: 'prePrepare',
      view: viewNumber(0),
      sequenceNumber: sequenceNumber(1),
      batch: zeros(100),
    });
    const frame = message(bytesField(1, proposal), bytesField(1, zeros(1 << 20)));
    const decoded = decodePeerMessage(decodePeerFrame(frame)![0]!);
    expect(decoded?.kind).toBe('prePrepare');
    if (decoded?.kind === 'prePrepare') expect(decoded.batch.buffer.byteLength).toBeLessThanOrEqual(8192);
  });

  test('a digest is lower-case hexadecimal', () => {
    const bytes = encodePeerMessage({ kind: 'fetchBatch', digest: digest('ab'.repeat(32)) });
    expect(decodePeerMessage(bytes)).toStrictEqual({ kind: 'fetchBatch', digest: 'ab'.repeat(32) });
    expect(() => encodePeerMessage({ kind: 'fetchBatch', digest: digest('AB'.repeat(32)) })).toThrow(
      'hexadecimal',
    );
  });
});
