/**
 * What a confidential space holds beside fingerprints (DESIGN section 7): bytes that only the confidential room looks
 * into, and the request that they came with. Plain data; encoding is in entry-codec.ts.
 */
import type { ClientId, SessionId } from '../base/index.js';
import { tupleBytesMax } from './markers.js';

/** Beside the content of the largest tuple, more than a dealing to the most replicas takes. */
export const sealedBytesMax = tupleBytesMax + (16 << 10);

/** The request that dealt a secret: what the dealing's proofs are bound to, so that nobody else can use a copy of it. */
export interface Origin {
  readonly space: string;
  readonly inserter: ClientId;
  readonly session: SessionId;
  readonly number: number;
}

/** Opaque to the service. */
export interface Sealed extends Origin {
  readonly bytes: Uint8Array;
}
