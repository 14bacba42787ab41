/**
 * Who may see an entry and who may take it (DESIGN section 4), in one place: an entry may narrow either to a list of
 * names. Must not know what a space allows as a whole: whoever gets here may read, or take, in the space.
 */
import type { ClientName } from '../base/index.js';
import type { Access } from '../codec/index.js';

/** Null: nobody in particular, who sees what everybody sees. */
export type Viewer = ClientName | null;

function isListed(names: readonly ClientName[] | undefined, viewer: Viewer): boolean {
  return names === undefined || (viewer !== null && names.includes(viewer));
}

export function mayRead(entry: Access, viewer: Viewer): boolean {
  return isListed(entry.readers, viewer);
}

export function mayTake(entry: Access, viewer: Viewer): boolean {
  return isListed(entry.takers, viewer);
}
