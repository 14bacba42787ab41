/**
 * What survives a restart. In this version the vote log is memory only, so a replica comes back as an
 * observer (DESIGN section 2, Amnesia). The one exception is the very first start: `init` leaves a marker
 * file, and it must be gone for good before the replica acts, or a restart would repeat the genesis and
 * forget votes it has cast.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { rejoinNonceBytes } from '../../codec/index.js';

export const genesisMarkerName = 'genesis';

/** Removes the marker of a first start, durably; false if there is none. Throws the file system's errors. */
export function takeGenesisMarker(dataDir: string): boolean {
  const path = join(dataDir, genesisMarkerName);
  if (!existsSync(path)) return false;
  unlinkSync(path);
  const directory = openSync(dataDir, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
  return true;
}

export type ReplicaStart =
  | { readonly kind: 'genesis' }
  | {
      readonly kind: 'observer';
      readonly startedAt: number;
      /** 16 random bytes that tell this start from all others, whatever the clock says. */
      readonly nonce: Uint8Array;
    };

export function decideStart(dataDir: string, nowMs: number): ReplicaStart {
  return takeGenesisMarker(dataDir)
    ? { kind: 'genesis' }
    : { kind: 'observer', startedAt: nowMs, nonce: new Uint8Array(randomBytes(rejoinNonceBytes)) };
}
