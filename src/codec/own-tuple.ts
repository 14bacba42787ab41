/**
 * What an insertion answers leaves out the tuple: its client knows it, and every replica would send and keep it once
 * more. The client's side puts it back, in a confidential space in the place of the fingerprint.
 */
import type { Operation, Result } from './operations.js';
import type { PlainTuple } from './tuples.js';

type Insertion = Extract<Operation, { readonly kind: 'out' | 'cas' }>;

/** In the place of a tuple that is not told. */
export const noTuple: PlainTuple = [];

function withTuple(result: Result, tuple: Insertion['tuple']): Result {
  if (result.kind === 'entry' && result.entry !== null)
    return { kind: 'entry', entry: { ...result.entry, tuple } };
  if (result.kind === 'cas' && result.inserted && result.entry !== null)
    return { ...result, entry: { ...result.entry, tuple } };
  return result;
}

const isInsertion = (operation: Operation): operation is Insertion =>
  operation.kind === 'out' || operation.kind === 'cas';

export const withoutOwnTuple = (operation: Operation, result: Result): Result =>
  isInsertion(operation) ? withTuple(result, noTuple) : result;

export const withOwnTuple = (operation: Operation, result: Result): Result =>
  isInsertion(operation) ? withTuple(result, operation.tuple) : result;
