/** Bytes of sealed tuples, shares and proofs of repairs: exact, bounded, one encoding each. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeEntryShares,
  decodeRepairProof,
  decodeSealedTuple,
  encodeEntryShares,
  encodeRepairProof,
  encodeSealedTuple,
  entrySharesMax,
  sealedBytesMax,
  type EntryShare,
  type EqualityProof,
  type RepairProof,
  type SealedTuple,
  type SharePoint,
} from '../../../src/codec/index.js';

fc.configureGlobal({ seed: 20275 });

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const proof = record<EqualityProof>({ challenge: bytes32, response: bytes32 });
const sharePoint = { point: bytes32, proof };
const share: fc.Arbitrary<EntryShare> = fc.oneof(
  record<SharePoint & { kind: 'share' }>({ kind: fc.constant('share'), ...sharePoint }),
  fc.constant<EntryShare>({ kind: 'badPart' }),
);
const sealedTuple: fc.Arbitrary<SealedTuple> = fc.integer({ min: 1, max: 64 }).chain((n) => {
  const exactly = { minLength: n, maxLength: n };
  return record<SealedTuple>({
    keyGeneration: fc.integer({ min: 0, max: 0xffff_ffff }),
    dealing: record({
      commitments: fc.array(bytes32, { minLength: 1, maxLength: 22 }),
      encryptedShares: fc.array(bytes32, exactly),
      proofs: fc.array(proof, exactly),
    }),
    keyCommitment: bytes32,
    ciphertext: fc.uint8Array({ maxLength: 200 }),
  });
});
const repairProof: fc.Arbitrary<RepairProof> = record<RepairProof>({
  shares: fc
    .uniqueArray(fc.integer({ min: 1, max: 64 }), { maxLength: 22 })
    .chain((indices) =>
      fc.tuple(
        ...indices
          .toSorted((a, b) => a - b)
          .map((index) => record({ index: fc.constant(index), ...sharePoint })),
      ),
    ),
  rightTag: fc.option(record({ field: fc.nat(63), tag: bytes32, proof })),
});

function checkCodec<T>(
  values: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => T | null,
): void {
  fc.assert(
    fc.property(values, fc.nat(), fc.nat(255), (value, at, change) => {
      const bytes = encode(value);
      expect(decode(bytes)).toEqual(value);
      if (bytes.length === 0) return;
      expect(decode(bytes.subarray(0, -1))).not.toEqual(value);
      const changed = Uint8Array.from(bytes);
      changed[at % bytes.length]! ^= change;
      const again = decode(changed);
      if (again !== null) expect(encode(again)).toEqual(changed);
    }),
    { numRuns: 60 },
  );
}

describe('sealed tuples, shares and proofs of repairs', () => {
  it('come back as they were, and have one encoding', () => {
    checkCodec(sealedTuple, encodeSealedTuple, decodeSealedTuple);
    checkCodec(fc.array(share, { maxLength: 6 }), encodeEntryShares, decodeEntryShares);
    checkCodec(repairProof, encodeRepairProof, decodeRepairProof);
  });

  const [point] = [new Uint8Array(32).fill(1)];
  const one: EqualityProof = { challenge: point!, response: point! };
  const least: SealedTuple = {
    keyGeneration: 1,
    dealing: { commitments: [point!], encryptedShares: [point!], proofs: [one] },
    keyCommitment: point!,
    ciphertext: new Uint8Array(0),
  };

  it('are refused with none, too many or unequal numbers of parts', () => {
    const of = (dealing: Partial<SealedTuple['dealing']>): SealedTuple | null =>
      decodeSealedTuple(encodeSealedTuple({ ...least, dealing: { ...least.dealing, ...dealing } }));
    expect(of({})).toEqual(least);
    expect(of({ commitments: [] })).toBeNull();
    expect(of({ commitments: new Array<Uint8Array>(65).fill(point!) })).toBeNull();
    expect(of({ encryptedShares: [], proofs: [] })).toBeNull();
    expect(of({ encryptedShares: [point!, point!] })).toBeNull();
    expect(of({ commitments: [point!.subarray(1)] })).toBeNull();
    expect(decodeSealedTuple(encodeSealedTuple({ ...least, keyCommitment: point!.subarray(1) }))).toBeNull();
  });

  it('are refused beyond the limit', () => {
    const filled = (length: number): Uint8Array =>
      encodeSealedTuple({ ...least, ciphertext: new Uint8Array(length).fill(1) });
    const overhead = filled(sealedBytesMax - 300).length - (sealedBytesMax - 300);
    expect(decodeSealedTuple(filled(sealedBytesMax - overhead))).not.toBeNull();
    expect(decodeSealedTuple(filled(sealedBytesMax - overhead + 1))).toBeNull();
  });

  it('do not keep the frame that they came in', () => {
    const bytes = encodeSealedTuple({ ...least, ciphertext: new Uint8Array(100).fill(7) });
    const decoded = decodeSealedTuple(bytes)!;
    bytes.fill(0);
    expect(decoded.dealing).toEqual(least.dealing);
    expect(decoded.keyCommitment).toEqual(point);
  });

  it('are refused with replicas out of order or out of range', () => {
    const at = (...indices: readonly number[]): RepairProof | null =>
      decodeRepairProof(
        encodeRepairProof({
          shares: indices.map((index) => ({ index, point: point!, proof: one })),
          rightTag: null,
        }),
      );
    expect(at(1, 2, 64)).not.toBeNull();
    for (const wrong of [[0], [65], [2, 1], [1, 1]]) expect(at(...wrong)).toBeNull();
    const rightTag = { field: 64, tag: point!, proof: one };
    expect(decodeRepairProof(encodeRepairProof({ shares: [], rightTag }))).toBeNull();
  });

  it('are as many as the entries of the largest result, all of which may be bad', () => {
    const shares = new Array<EntryShare>(entrySharesMax).fill({ kind: 'badPart' });
    expect(decodeEntryShares(encodeEntryShares(shares))).toHaveLength(entrySharesMax);
    expect(encodeEntryShares(shares).length).toBeLessThan(1 << 19);
  });

  it('say of a part only that it is bad', () => {
    expect(decodeEntryShares(Uint8Array.of(10, 2, 16, 0))).toBeNull();
    expect(decodeEntryShares(Uint8Array.of(10, 2, 16, 1))).toEqual([{ kind: 'badPart' }]);
    expect(decodeEntryShares(Uint8Array.of(10, 0))).toBeNull();
  });
});
