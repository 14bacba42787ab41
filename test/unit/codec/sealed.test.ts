/** What is sealed in results and events, and the marks by which bytes tell at a glance what they may hold. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clientId, clientName, concatBytes, sessionId } from '../../../src/base/index.js';
import * as codec from '../../../src/codec/index.js';
import * as arbitrary from './arbitraries.js';

fc.configureGlobal({ seed: 20266 });

const sealed: codec.Sealed = {
  bytes: Uint8Array.of(1, 2, 3),
  space: 'vault',
  inserter: clientId('c1'.repeat(32)),
  session: sessionId(7),
  number: 3,
};
const plain: codec.Entry = { id: 17n, tuple: ['job', 1], owner: clientName('alice'), deadline: null };
const confidential: codec.Entry = { ...plain, tuple: ['job', codec.hidden], sealed };
const item = { id: 17n, fingerprint: ['job', codec.hidden], sealed };
const tagKey = new Uint8Array(32).fill(9);

describe('the mark of what is sealed', () => {
  test('is on every result and event that holds something sealed', () => {
    fc.assert(
      fc.property(arbitrary.result, arbitrary.spaceEvent, (result, event) => {
        if (codec.sealedOfResult(result).length > 0)
          expect(codec.mayContainSealed(codec.encodeResult(result))).toBe(true);
        if (codec.sealedOfEvent(event).length > 0)
          expect(codec.mayContainSealed(codec.encodeEvent(event))).toBe(true);
      }),
    );
  });

  test.each<[codec.Result, readonly unknown[]]>([
    [{ kind: 'entry', entry: confidential }, [item]],
    [{ kind: 'entry', entry: plain }, []],
    [{ kind: 'entry', entry: null }, []],
    [{ kind: 'cas', inserted: false, entry: confidential }, [item]],
    [{ kind: 'cas', inserted: true, entry: plain }, []],
    [{ kind: 'entries', entries: [confidential, plain, confidential] }, [item, item]],
    [{ kind: 'entries', entries: [plain] }, []],
    [{ kind: 'spaceKey', tagKey, sealed }, [{ id: 0n, fingerprint: [], sealed }]],
    [{ kind: 'repaired', id: 17n, owner: clientName('alice') }, []],
  ])('is on nothing else: result %#', (result, items) => {
    expect(codec.sealedOfResult(result)).toEqual(items);
    expect(codec.mayContainSealed(codec.encodeResult(result))).toBe(items.length > 0);
  });

  test('is on events of what is sealed', () => {
    for (const kind of ['inserted', 'taken', 'expired', 'replaced', 'repaired'] as const) {
      expect(codec.mayContainSealed(codec.encodeEvent({ kind, entry: confidential }))).toBe(true);
      expect(codec.sealedOfEvent({ kind, entry: confidential })).toEqual([item]);
      expect(codec.mayContainSealed(codec.encodeEvent({ kind, entry: plain }))).toBe(false);
    }
    expect(codec.sealedOfEvent({ kind: 'ended', code: 'SPACE_DELETED' })).toEqual([]);
  });

  test('is neither left out nor put where nothing is sealed', () => {
    const mark = Uint8Array.of(0x78, 0x01);
    const [result, event] = [codec.encodeResult, codec.encodeEvent];
    const marked = result({ kind: 'entry', entry: confidential });
    expect(codec.decodeResult(marked.subarray(0, -2))).toBeNull();
    expect(codec.decodeResult(concatBytes([result({ kind: 'entry', entry: plain }), mark]))).toBeNull();
    const told = event({ kind: 'taken', entry: confidential });
    expect(codec.decodeEvent(told.subarray(0, -2))).toBeNull();
    expect(codec.decodeEvent(concatBytes([event({ kind: 'taken', entry: plain }), mark]))).toBeNull();
    expect(
      codec.decodeEvent(concatBytes([event({ kind: 'ended', code: 'SPACE_DELETED' }), mark])),
    ).toBeNull();
  });
});

test('the bytes of every repair may be those of a repair, whatever its space is called', () => {
  for (const length of [0, 1, 127, 128, 129, 255, 256]) {
    const repair = { kind: 'repair', space: 'x'.repeat(length), evidence: Uint8Array.of(1) } as const;
    const bytes = codec.encodeOperation(repair);
    expect(codec.decodeOperation(bytes)).toEqual(repair);
    expect(codec.mayBeRepair(bytes)).toBe(true);
  }
  fc.assert(
    fc.property(arbitrary.operation, (operation) => {
      expect(codec.mayBeRepair(codec.encodeOperation(operation))).toBe(operation.kind === 'repair');
    }),
  );
  for (const bytes of [[], [0x0a], [0x0a, 0x80], [0x82]])
    expect(codec.mayBeRepair(Uint8Array.from(bytes))).toBe(false);
});

describe('tags and hidden', () => {
  test('are no values of users', () => {
    for (const field of [new codec.Tag('int', tagKey), codec.hidden]) {
      expect(() => codec.normalizeTuple([field])).toThrow('field 0');
      expect(() => codec.normalizeTemplate([{ kind: 'value', value: field }])).toThrow('field 0');
    }
  });

  test('have one encoding: the type of the value and the point; nothing', () => {
    const bytes = codec.encodeTuple([new codec.Tag('int', tagKey), codec.hidden]);
    expect([...bytes]).toEqual([2, 34, ...tagKey, 48]);
    const decoded = codec.decodeTuple(bytes)!;
    expect(decoded[1]).toBe(codec.hidden);
    bytes.fill(0);
    expect(decoded[0]).toEqual(new codec.Tag('int', tagKey));
  });

  test('hidden is in no template', () => {
    expect(codec.decodeTemplate(Uint8Array.of(1, 48))).toBeNull();
    expect(codec.decodeTuple(Uint8Array.of(1, 48))).toEqual([codec.hidden]);
  });
});

test('what is sealed is bounded', () => {
  const out = { kind: 'out', space: 'vault', tuple: ['job'], lease: null } as const;
  const largest = { ...out, sealed: new Uint8Array(codec.sealedBytesMax) };
  expect(codec.decodeOperation(codec.encodeOperation(largest))).toEqual(largest);
  const larger = { ...out, sealed: new Uint8Array(codec.sealedBytesMax + 1) };
  expect(codec.decodeOperation(codec.encodeOperation(larger))).toBeNull();
});

test('subjects of repairs are compared by their bytes', () => {
  const subject: codec.RepairSubject = { id: 17n, fingerprint: ['job', codec.hidden], sealed, tagKey };
  const bytes = codec.encodeRepairSubject(subject);
  const changes: readonly Partial<codec.RepairSubject>[] = [
    { id: 18n },
    { fingerprint: ['job', 1] },
    { tagKey: new Uint8Array(32) },
    ...[{ bytes: new Uint8Array(3) }, { space: 'other' }, { session: sessionId(8) }, { number: 4 }].map(
      (change) => ({ sealed: { ...sealed, ...change } }),
    ),
  ];
  for (const change of changes)
    expect(codec.encodeRepairSubject({ ...subject, ...change })).not.toEqual(bytes);
  expect(codec.encodeRepairSubject({ ...subject, sealed: { ...sealed } })).toEqual(bytes);
});
