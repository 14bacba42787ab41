/** Keeps peers busy with well-formed messages: envelopes passed on again, STATUS, requests for bodies and states. */
import { digest, sequenceNumber, type Digest } from '../../base/index.js';
import type { PeerMessage } from '../../codec/index.js';
import { forgetBeyond, type BehaviourFactory, type Word } from './behaviour.js';
import { envelopeOf } from './held-envelopes.js';

const intervalMs = 20;
const eachTime = 6;
const remembered = 64;
const unheardOf = digest('d0'.repeat(32));

export const flood: BehaviourFactory = ({ random, peers, inside, hash }) => {
  const envelopes = new Set<Uint8Array>();
  const bodies = new Set<Digest>([unheardOf]);
  let saidMs = 0;

  function draw(): PeerMessage {
    const { view, executed, stableCheckpoint } = inside.status();
    const draws = random.below(envelopes.size === 0 ? 3 : 4);
    switch (draws) {
      case 0: {
        const lastExecuted = sequenceNumber(random.below(executed + 1));
        return {
          kind: 'status',
          view,
          isActive: true,
          isObserver: false,
          findsPrimarySlow: true,
          lastExecuted,
          stableCheckpoint,
        };
      }
      case 1:
        return { kind: 'fetchBatch', digest: random.pick([...bodies]) };
      case 2: {
        const level = random.pick(['roots', 'groups'] as const);
        const section = level === 'roots' ? 0 : random.pick([0, 1] as const);
        const nodes = [{ level, section, number: 0, offset: 0 }];
        return { kind: 'fetchState', sequenceNumber: stableCheckpoint, nodes };
      }
      default:
        return { kind: 'forward', envelope: random.pick([...envelopes]) };
    }
  }

  return {
    fromOutside: (input) => {
      const envelope = envelopeOf(input);
      if (envelope !== null) envelopes.add(envelope.bytes);
      forgetBeyond(envelopes, remembered);
      if (input.kind === 'message' && input.message.kind === 'prePrepare')
        bodies.add(hash(input.message.batch));
      forgetBeyond(bodies, remembered);
      return [input];
    },
    besides: (nowMs) => {
      if (nowMs - saidMs < intervalMs) return [];
      saidMs = nowMs;
      return peers.flatMap((to) =>
        Array.from({ length: eachTime }, (): Word => ({ kind: 'send', to, message: draw() })),
      );
    },
  };
};
