/**
 * Invariants. A failed assertion is a bug of ours, never a peer's or a user's: it stays on in production
 * and stops the replica rather than let it answer wrong.
 */
export class InvariantError extends Error {
  readonly code = 'INVARIANT_BROKEN';
  override readonly name = 'InvariantError';
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Marks a branch that the types rule out. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${String(value)}`);
}
