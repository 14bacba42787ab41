/**
 * Proofs that two discrete logarithms are equal: knowledge of x with P = x·A and Q = x·B (Chaum & Pedersen, CRYPTO '92),
 * made non-interactive over a transcript to which the caller has given everything the statement depends on. The
 * points are added here, so that no caller can forget one (weak Fiat–Shamir: Bernhard et al., ASIACRYPT 2012).
 */
import { hash } from 'node:crypto';
import { concatBytes } from '../../base/index.js';
import type { Group, Point } from './group.js';
import { decodeScalar, encodeScalar, mod, reduceWide } from './scalar.js';
import type { RandomBytes } from './scalar.js';
import type { Transcript } from './transcript.js';

/** Challenge and response, canonical scalars of 32 bytes each. */
export interface DleqProof {
  readonly challenge: Uint8Array;
  readonly response: Uint8Array;
}

/** That log of `first.image` to the base `first.base` is that of `second.image` to `second.base`. */
export interface DleqStatement {
  readonly first: { readonly base: Point; readonly image: Point };
  readonly second: { readonly base: Point; readonly image: Point };
}

/** Bytes of the secret and of fresh randomness go into the nonce, so that a weak generator alone gives nothing away. */
function drawNonce(secret: bigint, statement: Uint8Array, random: RandomBytes): bigint {
  const secretBytes = encodeScalar(secret);
  const fresh = random(32);
  const seed = concatBytes([secretBytes, fresh, statement]);
  const wide = hash('sha512', seed, 'buffer');
  const nonce = reduceWide(wide);
  for (const bytes of [secretBytes, fresh, seed, wide]) bytes.fill(0);
  return nonce;
}

function addStatement(group: Group, transcript: Transcript, { first, second }: DleqStatement): Uint8Array {
  const points = [first.base, first.image, second.base, second.image].map((point) => group.encode(point));
  transcript.list('statement', points);
  return concatBytes(points);
}

function addNonces(group: Group, transcript: Transcript, nonces: readonly Point[]): bigint {
  return transcript
    .list(
      'nonces',
      nonces.map((point) => group.encode(point)),
    )
    .challenge();
}

/** `transcript` is used up. */
export function proveDleq(
  group: Group,
  transcript: Transcript,
  statement: DleqStatement,
  secret: bigint,
  random: RandomBytes,
): DleqProof {
  const nonce = drawNonce(secret, addStatement(group, transcript, statement), random);
  const { first, second } = statement;
  const nonces = [group.multiply(first.base, nonce), group.multiply(second.base, nonce)];
  const challenge = addNonces(group, transcript, nonces);
  return {
    challenge: encodeScalar(challenge),
    response: encodeScalar(mod(nonce - challenge * secret)),
  };
}

/** The nonce points that a proof stands for, or null if its scalars are not canonical. */
export function impliedNonces(
  group: Group,
  { first, second }: DleqStatement,
  proof: DleqProof,
): { challenge: bigint; nonces: readonly [Point, Point] } | null {
  const challenge = decodeScalar(proof.challenge);
  const response = decodeScalar(proof.response);
  if (challenge === null || response === null) return null;
  const implied = ({ base, image }: { base: Point; image: Point }): Point =>
    group.sum([
      [base, response],
      [image, challenge],
    ]);
  return { challenge, nonces: [implied(first), implied(second)] };
}

/** `transcript` is used up. */
export function verifyDleq(
  group: Group,
  transcript: Transcript,
  statement: DleqStatement,
  proof: DleqProof,
): boolean {
  const implied = impliedNonces(group, statement, proof);
  if (implied === null) return false;
  addStatement(group, transcript, statement);
  return addNonces(group, transcript, implied.nonces) === implied.challenge;
}
