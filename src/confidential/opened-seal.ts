/** What readers, replicas and judges alike find out about sealed bytes, without any share. */
import { decodeSealedTuple } from '../codec/index.js';
import type { Sealed, SealedTuple } from '../codec/index.js';
import { openDealing } from '../crypto/index.js';
import type { OpenedDealing } from '../crypto/index.js';
import type { ConfidentialCluster } from './cluster.js';
import { associatedBytes, contextBytes } from './context.js';
import type { Subject } from './context.js';

export interface OpenedSeal {
  readonly sealed: SealedTuple;
  readonly associated: Uint8Array;
  /** In a form that can be verified: what it was dealt for is in it. */
  readonly dealing: OpenedDealing;
}

/**
 * `bad`: not of the form that every correct client gives it. `expired`: for an earlier generation of keys, with which
 * nothing can be shown any more.
 */
export type SealReading =
  | { readonly kind: 'opened'; readonly seal: OpenedSeal }
  | { readonly kind: 'bad' }
  | { readonly kind: 'expired' };

export function readSeal(cluster: ConfidentialCluster, origin: Sealed, subject: Subject): SealReading {
  const sealed = decodeSealedTuple(origin.bytes);
  if (sealed === null || sealed.keyGeneration < 1 || sealed.keyGeneration > cluster.keyGeneration)
    return { kind: 'bad' };
  if (sealed.keyGeneration < cluster.keyGeneration) return { kind: 'expired' };
  const associated = associatedBytes(cluster, origin, subject);
  const context = contextBytes(associated, sealed);
  const dealing = openDealing(cluster.group, cluster.shareholders, sealed.dealing, context);
  return dealing === null ? { kind: 'bad' } : { kind: 'opened', seal: { sealed, associated, dealing } };
}
