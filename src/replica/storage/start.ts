/**
 * The marker of the very first start, which `init` leaves: only there may a replica begin to vote without a vote log. It
 * must be gone for good before the replica acts, or a restart would repeat the genesis and forget votes it has cast.
 */
import { closeSync, existsSync, fsyncSync, openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

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
