/**
 * Bytes that only the confidential room looks into (DESIGN section 7): what is sealed beside a fingerprint, the shares that
 * replicas add to their replies, and what a repair proves its case with. Points and scalars stay encoded; whether they are any,
 * and how many there have to be, is for who knows the cluster to judge.
 */
import { assert, concatBytes } from '../base/index.js';
import { theodora as proto } from './generated/wire.js';
import { tupleFieldsMax } from './markers.js';
import { sealedBytesMax } from './sealed.js';
import { tagPointBytes } from './tuples.js';
import { check, decodeWire, digestBytes, encodeWire, exactly, keepBytes, replicasMax } from './wire.js';

const pointBytes = 32;
const scalarBytes = 32;
const proofBytes = 2 * scalarBytes;
const shareBytes = pointBytes + proofBytes;
/** Most shares beside one reply: more than a result of 2 MiB has room for entries with an origin, however little is sealed. */
export const entrySharesMax = 1 << 16;

/** That two logarithms are equal: two scalars of 32 bytes. */
export interface EqualityProof {
  readonly challenge: Uint8Array;
  readonly response: Uint8Array;
}

/** As the dealer publishes it; n and the threshold are the lengths. */
export interface SealedDealing {
  readonly commitments: readonly Uint8Array[];
  readonly encryptedShares: readonly Uint8Array[];
  readonly proofs: readonly EqualityProof[];
}

export interface SealedTuple {
  /** Of the replicas' keys that were dealt to. */
  readonly keyGeneration: number;
  readonly dealing: SealedDealing;
  /** 32 bytes. */
  readonly keyCommitment: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** A replica's share of a dealt secret: a point of 32 bytes, and the proof that it is what was dealt. */
export interface SharePoint {
  readonly point: Uint8Array;
  readonly proof: EqualityProof;
}

/** What a replica adds to a reply for something sealed in it; `badPart`: what was dealt to it does not verify. */
export type EntryShare = ({ readonly kind: 'share' } & SharePoint) | { readonly kind: 'badPart' };

/** That the tag of a field (index from 0) should have been `tag`. */
export interface RightTag {
  readonly field: number;
  readonly tag: Uint8Array;
  readonly proof: EqualityProof;
}

/** No shares: the dealing itself is no good. */
export interface RepairProof {
  /** Ascending by index, 1 … n. */
  readonly shares: readonly (SharePoint & { readonly index: number })[];
  readonly rightTag: RightTag | null;
}

const joinProof = ({ challenge, response }: EqualityProof): Uint8Array => concatBytes([challenge, response]);

function proofOf(bytes: Uint8Array): EqualityProof {
  check(bytes.length === proofBytes);
  return {
    challenge: exactly(scalarBytes, bytes.subarray(0, scalarBytes)),
    response: exactly(scalarBytes, bytes.subarray(scalarBytes)),
  };
}

function piecesOf(length: number, bytes: Uint8Array): Uint8Array[] {
  const count = bytes.length / length;
  check(Number.isInteger(count) && count >= 1 && count <= replicasMax);
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * length, (at + 1) * length));
}

function pointsOf(bytes: Uint8Array): Uint8Array[] {
  return piecesOf(pointBytes, bytes).map((piece) => exactly(pointBytes, piece));
}

const joinShare = ({ point, proof }: SharePoint): Uint8Array =>
  concatBytes([point, proof.challenge, proof.response]);

function shareOf(bytes: Uint8Array | null): SharePoint {
  check(bytes !== null && bytes.length === shareBytes);
  return {
    point: exactly(pointBytes, bytes.subarray(0, pointBytes)),
    proof: proofOf(bytes.subarray(pointBytes)),
  };
}

export function encodeSealedTuple(sealed: SealedTuple): Uint8Array {
  const { keyGeneration, dealing, keyCommitment, ciphertext } = sealed;
  const wire = {
    keyGeneration,
    commitments: concatBytes(dealing.commitments),
    encryptedShares: concatBytes(dealing.encryptedShares),
    proofs: concatBytes(dealing.proofs.map(joinProof)),
    keyCommitment,
    ciphertext,
  };
  return encodeWire(proto.SealedTuple, wire, ciphertext.length + 8 * shareBytes);
}

/** Null unless the bytes are the one encoding of something sealed to 1 … 64 replicas. */
export function decodeSealedTuple(bytes: Uint8Array): SealedTuple | null {
  if (bytes.length > sealedBytesMax) return null;
  return decodeWire(proto.SealedTuple, bytes, 8, (wire) => {
    const encryptedShares = pointsOf(wire.encryptedShares);
    const proofs = piecesOf(proofBytes, wire.proofs).map(proofOf);
    check(proofs.length === encryptedShares.length);
    return {
      keyGeneration: wire.keyGeneration,
      dealing: { commitments: pointsOf(wire.commitments), encryptedShares, proofs },
      keyCommitment: exactly(digestBytes, wire.keyCommitment),
      ciphertext: keepBytes(wire.ciphertext),
    };
  });
}

export function encodeEntryShares(shares: readonly EntryShare[]): Uint8Array {
  assert(shares.length <= entrySharesMax, 'too many shares beside one reply');
  return encodeWire(
    proto.EntryShares,
    {
      shares: shares.map((share) =>
        share.kind === 'share' ? { share: joinShare(share) } : { badPart: true },
      ),
    },
    shares.length * (shareBytes + 8),
  );
}

export function decodeEntryShares(bytes: Uint8Array): readonly EntryShare[] | null {
  return decodeWire(proto.EntryShares, bytes, 2 * entrySharesMax, ({ shares }) =>
    shares.map((wire): EntryShare => {
      if (wire.share !== null) return { kind: 'share', ...shareOf(wire.share) };
      check(wire.badPart === true);
      return { kind: 'badPart' };
    }),
  );
}

export function encodeRepairProof({ shares, rightTag }: RepairProof): Uint8Array {
  const wire: proto.RepairProof.$Properties = {
    shares: shares.map((share) => ({ index: share.index, share: joinShare(share) })),
  };
  if (rightTag !== null) {
    const { field, tag, proof } = rightTag;
    wire.rightTag = { field, tag, proof: joinProof(proof) };
  }
  return encodeWire(proto.RepairProof, wire);
}

/** Null unless the bytes are the one encoding of a proof with shares of different replicas. */
export function decodeRepairProof(bytes: Uint8Array): RepairProof | null {
  return decodeWire(proto.RepairProof, bytes, 3 * replicasMax, ({ shares, rightTag }) => {
    let last = 0;
    const numbered = shares.map(({ index, share }) => {
      check(index > last && index <= replicasMax);
      last = index;
      return { index, ...shareOf(share) };
    });
    return { shares: numbered, rightTag: rightTag === null ? null : rightTagOf(rightTag) };
  });
}

function rightTagOf({ field, tag, proof }: proto.RightTag): RightTag {
  check(field < tupleFieldsMax);
  return { field, tag: exactly(tagPointBytes, tag), proof: proofOf(proof) };
}
