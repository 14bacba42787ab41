/** Tells clients wrong results, wrong sessions, stale or invented reads and events that never were. */
import { sessionId } from '../../base/index.js';
import { encodeResult } from '../../codec/index.js';
import type { Outcome } from '../../codec/index.js';
import type { BehaviourFactory, ClientOutput } from './behaviour.js';

type FeedEvent = Extract<ClientOutput, { readonly kind: 'feedEvent' }>;

export const lieToClients: BehaviourFactory = ({ random }) => {
  let lastRead: Uint8Array | null = null;
  const invented = (): Uint8Array => encodeResult({ kind: 'count', count: random.below(1000) });
  const lie = (outcome: Outcome): Outcome =>
    random.chance(1, 4)
      ? { kind: 'refused', code: 'SESSION_EXPIRED' }
      : random.chance(1, 2)
        ? { kind: 'result', result: invented() }
        : random.chance(1, 8)
          ? { kind: 'waiting' }
          : outcome;
  const lieAboutEvent = (event: FeedEvent): ClientOutput => {
    const { stream, session, number, previous } = event;
    switch (random.below(5)) {
      case 0:
        return { kind: 'feedTruncated', stream, session, number, after: previous };
      case 1:
        return { ...event, previous: Math.max(0, previous - random.below(3)) };
      case 2:
        return { ...event, sequence: event.sequence + 1 + random.below(3) };
      case 3:
        return { ...event, data: invented() };
      default:
        return event;
    }
  };
  const lied = (output: ClientOutput): ClientOutput => {
    switch (output.kind) {
      case 'reply':
        return { ...output, outcomes: output.outcomes.map(lie) };
      case 'opened':
        return random.chance(1, 2) ? { ...output, session: sessionId(random.below(1000)) } : output;
      case 'feedEvent':
        return lieAboutEvent(output);
      case 'feedTruncated':
        return { ...output, after: output.after + random.below(3) };
      case 'readReply': {
        const before = lastRead;
        lastRead = output.result;
        return { ...output, result: random.chance(1, 2) ? before : invented() };
      }
    }
  };
  return { toClients: (output) => (random.chance(1, 8) ? [] : [lied(output)]) };
};
