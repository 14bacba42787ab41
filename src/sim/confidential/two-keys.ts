/**
 * A dealer who, with a replica for an accomplice, wants two readers to get two tuples (Dodis et al., CRYPTO 2018): the ciphertext
 * opens as one tuple under the key that was dealt, and as another under the key that a wrong share of the accomplice leads to. Of
 * two key streams those are chosen whose first bytes differ as the heads of the two tuples do. What stands in the way
 * is the commitment to the key.
 */
import { assert, equalBytes } from '../../base/index.js';
import { decodeSealedTuple, decodeTuple, encodeSealedTuple, hidden } from '../../codec/index.js';
import type { EntryShare, Origin, PlainTuple, Sealed } from '../../codec/index.js';
import { associatedBytes, contextBytes, prepareSealing } from '../../confidential/index.js';
import { commitToKey, deriveSealKey, finishDealing, invertScalar, mod } from '../../crypto/index.js';
import { seal, unseal, type Group, type RandomBytes } from '../../crypto/index.js';
import type { ShareSeat } from '../sharing.js';
import type { Drafted, LyingKit } from './lies.js';
import { closeUnderTwoKeys } from './two-key-ciphertext.js';

/** A dealt secret by its factor, and what comes of it. */
interface Secret {
  readonly factor: bigint;
  readonly key: Uint8Array;
  readonly stream: Uint8Array;
}

const plaintextBytes = 80;
/** Within the content of a field of either tuple. */
const freeBlock = 3;
const intByte = 2;
const bytesByte = 5;
/** Heads of four fields of no bytes, then of one that goes on to the end. */
const lastHeads = (restBytes: number): number[] => [
  ...[0, 1, 2, 3].flatMap(() => [bytesByte, 0]),
  ...[bytesByte, restBytes],
];

/** By place, what has to stand there (codec/tuple-codec.ts); anything else is content of some field. */
type Frame = ReadonlyMap<number, number>;
function frameOf(head: readonly number[], headsAt: number): Frame {
  const heads = lastHeads(plaintextBytes - headsAt - 10);
  return new Map([...head.entries(), ...heads.map((byte, at) => [headsAt + at, byte] as const)]);
}
/** Six fields: an integer, or one of 29 bytes, and five of bytes. */
const oneFrame = frameOf([6, intByte], 10);
const otherFrame = frameOf([6, bytesByte, 29], 32);

let found: readonly [one: Secret, other: Secret] | null = null;

/** Small factors of the group's second generator: the dealer keeps nothing secret. The same in every run. */
function secretsOf(group: Group): readonly [one: Secret, other: Secret] {
  if (found !== null) return found;
  const known = new Map<number, Secret>();
  let point = group.secondGenerator;
  for (let factor = 1n; ; factor++) {
    const key = deriveSealKey(group.encode(point));
    const stream = seal(key, new Uint8Array(plaintextBytes), new Uint8Array(0)).subarray(0, plaintextBytes);
    const other = { factor, key, stream };
    const one = known.get((stream[0]! << 8) | (stream[1]! ^ intByte ^ bytesByte));
    if (one !== undefined) return (found = [one, other]);
    known.set((stream[0]! << 8) | stream[1]!, other);
    point = group.add(point, group.secondGenerator);
  }
}

function twoFaced([one, other]: readonly [one: Secret, other: Secret]): Uint8Array {
  const byteAt = (frame: Frame, { stream }: Secret, at: number): number | null => {
    const byte = frame.get(at);
    return byte === undefined ? null : byte ^ stream[at]!;
  };
  return Uint8Array.from({ length: plaintextBytes }, (_, at) => {
    const first = byteAt(oneFrame, one, at);
    const second = byteAt(otherFrame, other, at);
    assert(first === null || second === null || first === second, 'the heads of both tuples fit');
    return first ?? second ?? 0;
  });
}

/** The first that is drawn is the dealt secret's factor. */
function dealing({ factor }: Secret, random: RandomBytes): RandomBytes {
  let isFirst = true;
  return (length) => {
    if (!isFirst) return random(length);
    isFirst = false;
    const bytes = new Uint8Array(length);
    new DataView(bytes.buffer).setBigUint64(0, factor, true);
    return bytes;
  };
}

export interface TwoFaced extends Drafted {
  /** As it opens under the dealt key, and under the accomplice's. */
  readonly tuples: readonly [PlainTuple, PlainTuple];
}

/** `isDealt`: whether the dealt key is committed to, which makes it an entry like others, or the accomplice's. */
export function draftTwoKeys(
  { cluster, random }: Pick<LyingKit, 'cluster' | 'random'>,
  origin: Origin,
  isDealt: boolean,
): TwoFaced {
  const fingerprint = Array.from({ length: 6 }, () => hidden);
  const secrets = secretsOf(cluster.group);
  const [one, other] = secrets;
  const associated = associatedBytes(cluster, origin, { kind: 'tuple', fingerprint });
  const ciphertext = closeUnderTwoKeys([one.key, other.key], associated, twoFaced(secrets), freeBlock);
  const sealed = { keyCommitment: commitToKey(isDealt ? one.key : other.key), ciphertext };
  const prepared = prepareSealing(cluster, dealing(one, random));
  const dealt = finishDealing(prepared, () => contextBytes(associated, sealed)).dealing;
  const opened = ({ key }: Secret): PlainTuple => {
    const plaintext = unseal(key, ciphertext, associated);
    const tuple = plaintext === null ? null : decodeTuple(plaintext);
    assert(tuple !== null, 'it opens under both keys');
    return tuple as PlainTuple;
  };
  const { keyGeneration } = cluster;
  const bytes = encodeSealedTuple({ keyGeneration, dealing: dealt, ...sealed });
  return { fingerprint, bytes, tuples: [opened(one), opened(other)] };
}

/** The accomplice's share: with those of `partners` (indices) it gives the other secret. The same share if it is of another dealing. */
export function secondShare(
  share: EntryShare,
  { bytes }: Sealed,
  { replica, cluster: { group } }: Pick<ShareSeat, 'replica' | 'cluster'>,
  partners: readonly number[],
): EntryShare {
  const [one, other] = secretsOf(group);
  const commitment = decodeSealedTuple(bytes)?.dealing.commitments[0];
  const known = group.encode(group.multiply(group.generator, one.factor));
  if (share.kind !== 'share' || commitment === undefined || !equalBytes(commitment, known)) return share;
  const own = group.decode(share.point);
  if (own === null) return share;
  let [above, below] = [1n, 1n];
  for (const partner of partners) {
    above = mod(above * BigInt(partner));
    below = mod(below * BigInt(partner - replica - 1));
  }
  const factor = mod((other.factor - one.factor) * below * invertScalar(above));
  const point = group.add(own, group.multiply(group.secondGenerator, factor));
  return { ...share, point: group.encode(point) };
}
