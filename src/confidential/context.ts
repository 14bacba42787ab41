/**
 * What a dealing is bound to (DESIGN section 7): the request that inserts it and everything that goes with it. A copy of it in
 * another request, space or cluster, by another client or beside another fingerprint does not verify, so no replica
 * gives a share of it there. n, the threshold, the replicas' keys and the dealing's own values are added by the dealing's
 * digest (crypto/pvss).
 */
import { assert, concatBytes, encodeUtf8, fromHex } from '../base/index.js';
import { encodeTuple } from '../codec/index.js';
import type { Origin, SealedTuple, Tuple } from '../codec/index.js';
import { sha256 } from '../crypto/index.js';
import type { ConfidentialCluster } from './cluster.js';

/** What is sealed: a tuple with its fingerprint, or the secret to a space's tags with their key g^k. */
export type Subject =
  | { readonly kind: 'tuple'; readonly fingerprint: Tuple }
  | { readonly kind: 'spaceKey'; readonly tagKey: Uint8Array };

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

function hexBytes(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  assert(bytes !== null, 'ids are lower-case hexadecimal');
  return bytes;
}

function textBytes(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  assert(bytes !== null, 'names are well-formed');
  return bytes;
}

/** Each part led by its length (8 bytes), so that no two lists of parts give the same bytes. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(parts.flatMap((part) => [uint64(part.length), part]));
}

/** What is known before sealing; the ciphertext is authenticated together with it. */
export function associatedBytes(
  { clusterId, keyGeneration }: Pick<ConfidentialCluster, 'clusterId' | 'keyGeneration'>,
  { space, inserter, session, number }: Origin,
  subject: Subject,
): Uint8Array {
  return joined([
    textBytes('theodora/v1 sealed'),
    hexBytes(clusterId),
    uint64(keyGeneration),
    textBytes(space),
    hexBytes(inserter),
    uint64(session),
    uint64(number),
    textBytes(subject.kind),
    subject.kind === 'tuple' ? encodeTuple(subject.fingerprint) : subject.tagKey,
  ]);
}

/** The context of the dealing's challenges. */
export function contextBytes(
  associated: Uint8Array,
  { keyCommitment, ciphertext }: Pick<SealedTuple, 'keyCommitment' | 'ciphertext'>,
): Uint8Array {
  return joined([associated, keyCommitment, hexBytes(sha256(ciphertext))]);
}
