/** Loads an implementation of the group on demand: programs that share no secrets do not wait for it. */
import type { Group } from './group.js';

/** `sodium` (fast; compiles WebAssembly) is what replicas and clients use; `noble` is the reference. */
export async function loadGroup(name: Group['name'] = 'sodium'): Promise<Group> {
  if (name === 'noble') return (await import('./noble-group.js')).nobleGroup();
  return (await import('./sodium-group.js')).loadSodiumGroup();
}
