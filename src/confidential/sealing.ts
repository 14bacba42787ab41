/**
 * The inserter's side: what goes beside a fingerprint. The dealing's exponentiations are done ahead (`prepareSealing`); what
 * is left when the request's number is known takes microseconds.
 */
import { assert, emptyBytes, equalBytes } from '../base/index.js';
import { encodeSealedTuple, encodeTuple } from '../codec/index.js';
import type { Origin, PlainTuple, SealedTuple, Tuple } from '../codec/index.js';
import { commitToKey, deriveSealKey, finishDealing, generateTagSecret } from '../crypto/index.js';
import { prepareDealing, seal } from '../crypto/index.js';
import type { Group, PreparedDealing, RandomBytes } from '../crypto/index.js';
import type { ConfidentialCluster } from './cluster.js';
import { associatedBytes, contextBytes } from './context.js';
import type { Subject } from './context.js';
import { createTagger } from './fingerprint.js';

/** Milliseconds; in any thread (crypto/pvss says how to send it). Good for one sealing, for this generation of keys. */
export function prepareSealing(
  { group, shareholders }: Pick<ConfidentialCluster, 'group' | 'shareholders'>,
  random: RandomBytes,
): PreparedDealing {
  return prepareDealing(group, shareholders, random);
}

function sealBytes(
  cluster: ConfidentialCluster,
  prepared: PreparedDealing,
  origin: Origin,
  subject: Subject,
  plaintext: Uint8Array,
): Uint8Array {
  const { encodedKeys, threshold } = cluster.shareholders;
  assert(
    prepared.threshold === threshold &&
      prepared.shareholderKeys.length === encodedKeys.length &&
      encodedKeys.every((key, at) => equalBytes(key, prepared.shareholderKeys[at]!)),
    'a dealing is prepared for the replicas that it goes to',
  );
  const associated = associatedBytes(cluster, origin, subject);
  let sealed: Pick<SealedTuple, 'keyCommitment' | 'ciphertext'> = {
    keyCommitment: emptyBytes,
    ciphertext: emptyBytes,
  };
  const { dealing } = finishDealing(prepared, (secret) => {
    const key = deriveSealKey(secret);
    sealed = { keyCommitment: commitToKey(key), ciphertext: seal(key, plaintext, associated) };
    key.fill(0);
    return contextBytes(associated, sealed);
  });
  return encodeSealedTuple({ keyGeneration: cluster.keyGeneration, dealing, ...sealed });
}

/** What `out`, `cas` and `replace` carry as `sealed`, for exactly this request. `prepared` is used up. */
export function sealTuple(
  cluster: ConfidentialCluster,
  prepared: PreparedDealing,
  origin: Origin,
  tuple: PlainTuple,
  fingerprint: Tuple,
): Uint8Array {
  const plaintext = encodeTuple(tuple);
  const sealed = sealBytes(cluster, prepared, origin, { kind: 'tuple', fingerprint }, plaintext);
  plaintext.fill(0);
  return sealed;
}

/** The secret to a new space's tags and its public part g^k, 32 bytes each; wipe the secret once it is sealed. */
export function generateSpaceKey(
  group: Group,
  random: RandomBytes,
): { tagKey: Uint8Array; secret: Uint8Array } {
  const secret = generateTagSecret(random);
  const tagger = createTagger(group, secret);
  assert(tagger !== null, 'a generated secret is one');
  return { tagKey: tagger.tagKey, secret };
}

/** A new space's `sealedKey`, for the request that creates it. `prepared` is used up. */
export function sealSpaceKey(
  cluster: ConfidentialCluster,
  prepared: PreparedDealing,
  origin: Origin,
  { tagKey, secret }: { readonly tagKey: Uint8Array; readonly secret: Uint8Array },
): Uint8Array {
  return sealBytes(cluster, prepared, origin, { kind: 'spaceKey', tagKey }, secret);
}
