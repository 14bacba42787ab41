/** Outcomes of ordered operations (envelope.ts) as they stand in replies and in session pages. */
import type { Outcome, SessionRefusal } from './envelope.js';
import { check, keepBytes } from './wire.js';

interface WireOutcome {
  readonly result: Uint8Array | null;
  readonly refusal: number | null;
  readonly waiting: boolean | null;
}

const refusalNumbers: Readonly<Record<SessionRefusal, number>> = {
  SESSION_EXPIRED: 1,
  REPLIES_FULL: 2,
  NUMBER_OUT_OF_WINDOW: 3,
};
const refusals: readonly (SessionRefusal | null)[] = [
  null,
  'SESSION_EXPIRED',
  'REPLIES_FULL',
  'NUMBER_OUT_OF_WINDOW',
];

export function outcomeToWire(
  outcome: Outcome,
): { result: Uint8Array } | { refusal: number } | { waiting: true } {
  switch (outcome.kind) {
    case 'result':
      return { result: outcome.result };
    case 'refused':
      return { refusal: refusalNumbers[outcome.code] };
    case 'waiting':
      return { waiting: true };
  }
}

/** For use inside `decodeWire`. */
export function outcomeFromWire(wire: WireOutcome): Outcome {
  if (wire.result !== null) return { kind: 'result', result: keepBytes(wire.result) };
  if (wire.waiting !== null) {
    check(wire.waiting);
    return { kind: 'waiting' };
  }
  check(wire.refusal !== null);
  const code = refusals[wire.refusal] ?? null;
  check(code !== null);
  return { kind: 'refused', code };
}
