/** Stub until the marker is in. */
export function mayContainSealed(_bytes: Uint8Array): boolean {
  return false;
}
