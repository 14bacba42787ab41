/** How many bytes a tuple takes once it is sealed: the same for every tuple of its length, and known ahead. */
import { encodeSealedTuple, type EqualityProof } from '../codec/index.js';
import { keyCommitmentBytes, pointBytes, scalarBytes, sealOverheadBytes } from '../crypto/index.js';
import type { ConfidentialCluster } from './cluster.js';

const zeros = (length: number): Uint8Array => new Uint8Array(length);

/** `plainBytes`: of the encoded tuple. */
export function sealedSizeOf(
  { keyGeneration, shareholders }: Pick<ConfidentialCluster, 'keyGeneration' | 'shareholders'>,
  plainBytes: number,
): number {
  const { threshold, encodedKeys } = shareholders;
  const proof: EqualityProof = { challenge: zeros(scalarBytes), response: zeros(scalarBytes) };
  const dealing = {
    commitments: Array.from({ length: threshold }, () => zeros(pointBytes)),
    encryptedShares: encodedKeys.map(() => zeros(pointBytes)),
    proofs: encodedKeys.map(() => proof),
  };
  const ciphertext = zeros(plainBytes + sealOverheadBytes);
  return encodeSealedTuple({ keyGeneration, dealing, keyCommitment: zeros(keyCommitmentBytes), ciphertext })
    .length;
}
