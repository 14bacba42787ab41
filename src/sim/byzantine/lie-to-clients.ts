/** Tells clients wrong results, wrong sessions and stale or invented reads. */
import { sessionId } from '../../base/index.js';
import { encodeResult } from '../../codec/index.js';
import type { Outcome } from '../../codec/index.js';
import type { BehaviourFactory } from './behaviour.js';

export const lieToClients: BehaviourFactory = ({ random }) => {
  let lastRead: Uint8Array | null = null;
  const invented = (): Uint8Array => encodeResult({ kind: 'count', count: random.below(1000) });
  const lie = (outcome: Outcome): Outcome =>
    random.chance(1, 4)
      ? { kind: 'refused', code: 'SESSION_EXPIRED' }
      : random.chance(1, 2)
        ? { kind: 'result', result: invented() }
        : outcome;
  return {
    toClients: (output) => {
      if (random.chance(1, 8)) return null;
      switch (output.kind) {
        case 'reply':
          return { ...output, outcomes: output.outcomes.map(lie) };
        case 'opened':
          return random.chance(1, 2) ? { ...output, session: sessionId(random.below(1000)) } : output;
        case 'readReply': {
          const before = lastRead;
          lastRead = output.result;
          return { ...output, result: random.chance(1, 2) ? before : invented() };
        }
      }
    },
  };
};
